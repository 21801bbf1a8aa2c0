"""The programs that kernels are tested with."""

import pytest


@pytest.fixture(scope="session")
def program_of(tmp_path_factory):
    """A function: target -> its program, built once."""
    programs = {}

    def build(target):
        if target not in programs:
            programs[target] = target.build(tmp_path_factory.mktemp(target.name))
        return programs[target]

    return build

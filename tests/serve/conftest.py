"""Servers for the tests."""

import pytest
from api_client import GatedSource, gpt_source, running


@pytest.fixture(scope="session")
def server():
    """A server with a pretrained model."""
    with running(gpt_source()) as started:
        yield started


@pytest.fixture(scope="session")
def alone():
    """The same model, for answers that are given alone."""
    return gpt_source()


@pytest.fixture
def gated():
    """A source whose tokens the test lets pass."""
    return GatedSource()

"""The Jinja2 templates of deployment/platforms; an undefined name is an error."""

import functools

import jinja2

from textzoo.common.paths import PLATFORM_SOURCES


@functools.cache
def environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(PLATFORM_SOURCES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def template(name: str) -> jinja2.Template:
    return environment().get_template(name)

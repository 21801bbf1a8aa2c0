"""Sphinx's settings for the site: `make site`. The pages are the Markdown files that stand in the repository.

The sources begin at the project's top, so that a relative link means the same file on the site and on GitHub.
"""

import re

project = "TextZoo"
author = "The TextZoo authors"
copyright = "The TextZoo authors, Apache-2.0"
extensions = ["myst_parser", "sphinx_copybutton"]

root_doc = "docs/index"
include_patterns = [
    "*.md",
    "docs/**.md",
    "datasets/README.md",
    "deployment/application/README.md",
    "deployment/graph/README.md",
    "deployment/runtime/README.md",
    "pretrained_models/README.md",
]
exclude_patterns = [".*", "build", "experiments_outputs", "mlruns", "multirun", "src", "tests"]

myst_heading_anchors = 4
highlight_language = "text"
nitpicky = True

html_theme = "furo"
html_title = "TextZoo"
html_copy_source = False
html_static_path = ["theme/static"]
html_css_files = ["wide.css"]
html_show_sphinx = False
html_additional_pages = {"index": "forward.html"}
templates_path = ["theme"]
copybutton_exclude = ".linenos, .gp"

INDEX_PART = re.compile(r"^## (?P<title>.+)$", re.MULTILINE)
INDEX_ENTRY = re.compile(r"^\* \[(?P<title>[^\]]+)\]\((?P<page>[^)#:]+)\.md\)", re.MULTILINE)


def navigation(index: str) -> str:
    """One hidden table of contents for each part of the index: the entries of its list, in their order."""
    _, *parts = INDEX_PART.split(index)
    return "\n".join(
        "\n".join(["```{toctree}", ":hidden:", f":caption: {title}", "", *entries(text), "```"])
        for title, text in zip(parts[::2], parts[1::2], strict=True)
    )


def entries(text: str) -> list[str]:
    return [f"{title} <{page}>" for title, page in INDEX_ENTRY.findall(text)]


def add_navigation(app, document, source):
    """Let the index, which is plain Markdown, be the site's table of contents (`source-read` of Sphinx)."""
    if document == root_doc:
        source[0] += f"\n{navigation(source[0])}\n"


def setup(app):
    app.connect("source-read", add_navigation)

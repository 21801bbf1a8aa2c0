"""docs/reference/http.md names all that the server knows."""

import json
import re
from pathlib import Path

import pytest

from textzoo.serving.http import errors
from textzoo.serving.http.schema import LABELS, NEUTRAL, ChatRequest, CompletionRequest

PROJECT = Path(__file__).resolve().parents[2]
PAGE = (PROJECT / "docs/reference/http.md").read_text(encoding="utf-8")
SOURCES = "".join(path.read_text(encoding="utf-8") for path in Path(errors.__file__).parent.glob("*.py"))
CODES = {code for line in re.findall(r"code=.*|ERROR_CODES = .*", SOURCES) for code in re.findall(r'"([a-z_]+)"', line)}


@pytest.mark.parametrize("key", sorted({*CompletionRequest.model_fields, *ChatRequest.model_fields, *LABELS}))
def test_keys_that_are_supported(key):
    assert re.search(rf"^\|.*`{key}`.*\|.*\|.*\|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("key", NEUTRAL)
def test_keys_that_are_not(key):
    values = ", ".join(f"`{json.dumps(value)}`" for value in NEUTRAL[key]) or "left out"
    assert f"| `{key}` | {values} |\n" in PAGE


@pytest.mark.parametrize("code", sorted(CODES - {"missing", "extra_forbidden"}))
def test_codes_of_errors(code):
    assert f"`{code}`" in PAGE.partition("## Errors")[2]

"""Gradio, an optional package that takes seconds to import: whether it is there, and that it tells nobody anything."""

import importlib.util
import os

from textzoo.common.errors import UserError

INSTALL = "Install it: pip install 'textzoo[web]'."
# Read by the libraries when they are imported.
QUIET = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}


def prepare_gradio() -> None:
    """Switch off what Gradio sends to others; raise UserError if it is not installed. Call it before any import."""
    if importlib.util.find_spec("gradio") is None:
        raise UserError("the web page needs the package gradio, which is not installed", remedy=INSTALL)
    os.environ.update(QUIET)

"""Where the project's own files lie."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
CONFIGURATION = PROJECT / "conf"
BOARD_FOLDER = CONFIGURATION / "board"
DEPLOYMENT = PROJECT / "deployment"
PRETRAINED_MODELS = PROJECT / "pretrained_models"

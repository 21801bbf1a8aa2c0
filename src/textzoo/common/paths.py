"""Paths of the project's own files, which are only read: in a checkout, or in an installed package."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
# setup.py copies the project's data folders there when it builds a wheel; a checkout does not have it.
RESOURCES = PACKAGE / "resources"
IS_INSTALLED = RESOURCES.is_dir()
PROJECT = RESOURCES if IS_INSTALLED else PACKAGE.parents[1]
CONFIGURATION = PROJECT / "conf"
BOARD_FOLDER = CONFIGURATION / "board"
DEPLOYMENT = PROJECT / "deployment"
APPLICATION = DEPLOYMENT / "application"
GRAPH_APPLICATION = DEPLOYMENT / "graph"
RUNTIME = DEPLOYMENT / "runtime"
PLATFORM_SOURCES = DEPLOYMENT / "platforms"
PRETRAINED_MODELS = PROJECT / "pretrained_models"
# How a user starts the program.
PROGRAM = "textzoo" if IS_INSTALLED else "python stm32ai_main.py"

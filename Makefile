# `make demo` does the main job, `make test` runs all tests; both set up what is missing first.
PYTHON := .venv/bin/python
.DEFAULT_GOAL := help

help: ## show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):[^#]*## /\1\t/' | expand -t 8

setup: .venv/ready ## make .venv with the locked packages

# What an earlier set-up left here is whole: it ended, in this folder, and its interpreter is still there.
WHOLE := $(shell test -x .venv/bin/python && test "$$(cat .venv/ready)" = "$$(pwd -P)" && echo yes)
ifneq ($(WHOLE),yes)
.PHONY: .venv/ready
endif

.venv/ready: requirements.lock pyproject.toml scripts/setup.sh scripts/uv.lock
	@bash scripts/setup.sh

tools: ## install missing compilers and emulators, where that is allowed
	@bash scripts/install_tools.sh

demo: setup tools ## train, quantize, evaluate, and talk from the emulated STM32H7, on the embedded corpus
	$(PYTHON) stm32ai_main.py operation_mode=chain_tqeb

# Tests of one file stay together, because they share what is costly to make. A worker takes up to 3 GB.
JOBS ?= 2
test: setup tools ## run all tests
	$(PYTHON) -m pytest -n $(JOBS) --dist loadfile

lint: setup ## check style
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

format: setup ## put the code into the project's style
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

docs: setup ## regenerate the parts of the README that come from the code
	$(PYTHON) scripts/generate_readme.py

lock: ## renew requirements.lock (needs uv): versions and hashes only, no addresses
	uv pip compile --universal --generate-hashes --python-version 3.11 --extra dev --extra sweep \
		--quiet --upgrade --output-file requirements.lock pyproject.toml

ui: setup ## open the MLflow UI on the local store
	MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
		.venv/bin/mlflow ui --backend-store-uri sqlite:///mlruns/mlflow.db

.PHONY: help setup tools demo test lint format docs lock ui

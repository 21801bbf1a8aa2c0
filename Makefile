# `make hello` lets a trained model talk, `make demo` does the main job, `make test` runs all tests; each sets up what is
# missing first.
# Not called PYTHON: that is the user's word for setup.sh.
IN_VENV := .venv/bin/python
.DEFAULT_GOAL := help

help: ## show this list
	@grep -E '^[a-z%-]+:.*##' Makefile | sed -E 's/^([a-z%-]+):[^#]*## /\1\t/' | expand -t 10

setup: .venv/ready ## make .venv with the locked packages

# What an earlier set-up left here is whole: it ended, in this folder, and its interpreter is still there.
WHOLE := $(shell test -x .venv/bin/python && test "$$(cat .venv/ready)" = "$$(pwd -P)" && echo yes)
ifneq ($(WHOLE),yes)
.PHONY: .venv/ready
endif

.venv/ready: requirements.lock pyproject.toml scripts/setup.sh scripts/uv.lock
	@bash scripts/setup.sh

tools: tools-all ## install missing compilers and emulators for all targets, where that is allowed

tools-%: setup ## the same for one kind of targets: host, stm32, mpu, esp32, cimv3; or for the tests: test
	@$(IN_VENV) scripts/install_tools.py $*

hello: setup tools-stm32 ## a trained model talks from the emulated STM32F4
	@$(IN_VENV) scripts/hello.py

demo: setup tools-stm32 ## train, quantize, evaluate, and talk from the emulated STM32H7, on the embedded corpus
	$(IN_VENV) stm32ai_main.py operation_mode=chain_tqeb

# Tests of one file stay together, because they share what is costly to make. A worker takes up to 3 GB.
JOBS ?= 2
test: setup tools-test ## run all tests
	$(IN_VENV) -m pytest -n $(JOBS) --dist loadfile

quick: setup tools-test ## run the tests of every part that take seconds
	$(IN_VENV) -m pytest -m "not slow" -n $(JOBS) --dist loadfile

quick-pythons: setup tools-test ## the same on the other Pythons that are installed here
	@bash scripts/quick_on_other_pythons.sh

lint: setup ## check style
	$(IN_VENV) -m ruff check .
	$(IN_VENV) -m ruff format --check .

format: setup ## put the code into the project's style
	$(IN_VENV) -m ruff check --fix .
	$(IN_VENV) -m ruff format .

docs: setup ## regenerate the parts of documents that come from the code
	$(IN_VENV) scripts/generate_docs.py

site: setup ## build the site of the documents in build/site, strictly
	$(IN_VENV) -m sphinx -b html -W --keep-going -E -q -c docs . build/site
	@echo "Open build/site/index.html"

lock: ## renew requirements.lock (needs uv): versions and hashes only, no addresses
	uv pip compile --universal --generate-hashes --python-version 3.11 --extra dev --extra sweep --extra docs \
		--quiet --upgrade --output-file requirements.lock pyproject.toml
	echo uv | uv pip compile --universal --generate-hashes --python-version 3.11 --no-header --no-annotate \
		--quiet --upgrade --output-file scripts/uv.lock -

ui: setup ## open the MLflow UI on the local store
	@echo "Open http://127.0.0.1:5000/#/experiments?workflowType=machine_learning (else MLflow shows its view for chats)"
	@MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
		.venv/bin/mlflow ui --backend-store-uri sqlite:///mlruns/mlflow.db

.PHONY: help setup tools hello demo test quick quick-pythons lint format docs site lock ui

# `make hello` runs a trained model on an emulated board, `make demo` trains and deploys one, `make test` runs all tests;
# each first sets up what is missing.
# Not named PYTHON: users set that variable for setup.sh.
IN_VENV := .venv/bin/python
.DEFAULT_GOAL := help

help: ## show this list
	@grep -E '^[a-z%-]+:.*##' Makefile | sed -E 's/^([a-z%-]+):[^#]*## /\1\t/' | expand -t 10

setup: .venv/ready ## make .venv with the locked packages

# Whether an earlier set-up is complete: it ended, in this folder, and its interpreter still exists.
COMPLETE := $(shell test -x .venv/bin/python && test "$$(cat .venv/ready)" = "$$(pwd -P)" && echo yes)
ifneq ($(COMPLETE),yes)
.PHONY: .venv/ready
endif

.venv/ready: requirements.lock pyproject.toml scripts/setup.sh scripts/uv.lock
	@bash scripts/setup.sh

tools: tools-all ## install missing compilers and emulators for all targets, where that is allowed

tools-%: setup ## the same for one kind of targets: host, stm32, rp2, nrf52, mpu, esp32, browser, cimv3; or for the tests: test
	@$(IN_VENV) scripts/install_tools.py $*

hello: setup tools-stm32 ## run a trained model on the emulated STM32F4
	@$(IN_VENV) scripts/hello.py

demo: setup tools-stm32 ## train, quantize and evaluate a model, and run it on the emulated STM32H7
	$(IN_VENV) stm32ai_main.py operation_mode=chain_tqeb

# Tests of one file stay together, because they share what is costly to make. One worker more than two cores need,
# because some tests wait; each takes up to 3 GB.
JOBS ?= 3
# Compiled test modules are kept, also where the shell's setting forbids it: compiling them takes 5 s of each start.
# A test that kills its worker fails once: a new worker would begin with the same test, and so on, a dozen times.
PYTEST := PYTHONDONTWRITEBYTECODE= $(IN_VENV) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --max-worker-restart 0
test: setup tools-test ## run all tests
	$(PYTEST)

quick: setup tools-test ## run the tests of every part that take seconds
	$(PYTEST) -m "not slow"

quick-pythons: setup tools-test ## the same on the other Pythons that are installed here
	@bash scripts/quick_on_other_pythons.sh quick

# Configuration, rooms, tokenizers, sampler and compiled models: half a minute of a processor.
SAMPLE := $(addprefix tests/,app/test_overrides.py app/test_rooms.py text/test_tokenizers.py engines/test_sampling.py \
	compiler/test_compile.py)
sample: setup tools-test ## run a few files of these tests
	$(PYTEST) -m "not slow" $(SAMPLE)

sample-pythons: setup tools-test ## the same on the other Pythons that are installed here
	@bash scripts/quick_on_other_pythons.sh sample

lint: setup ## check style
	$(IN_VENV) -m ruff check .
	$(IN_VENV) -m ruff format --check .

format: setup ## format the code
	$(IN_VENV) -m ruff check --fix .
	$(IN_VENV) -m ruff format .

docs: setup ## regenerate the generated parts of documents
	$(IN_VENV) scripts/generate_docs.py

site: setup ## build the site of the documents in build/site, strictly
	$(IN_VENV) -m sphinx -b html -W --keep-going -E -q -c docs . build/site
	@echo "Open build/site/index.html"

lock: ## update requirements.lock (needs uv): versions and hashes only, no addresses
	uv pip compile --universal --generate-hashes --python-version 3.11 --extra dev --extra sweep --extra docs --extra hub --extra web \
		--quiet --upgrade --output-file requirements.lock pyproject.toml
	echo uv | uv pip compile --universal --generate-hashes --python-version 3.11 --no-header --no-annotate \
		--quiet --upgrade --output-file scripts/uv.lock -

ui: setup ## open the MLflow UI on the local store
	@echo "Open http://127.0.0.1:5000/#/experiments?workflowType=machine_learning (else MLflow shows its view for chats)"
	@MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
		.venv/bin/mlflow ui --backend-store-uri sqlite:///mlruns/mlflow.db

.PHONY: help setup tools hello demo test quick quick-pythons sample sample-pythons lint format docs site lock ui

"""What the program imports before it answers. (How long that takes: benchmarks/startup.py.)"""

import subprocess
import sys

import pytest
from checkout import PROGRAM

import startup

# What answers that run nothing have no use for either; the table of operators needs arrays.
SLOW = {"numpy", "rich", "yaml"}
ANSWERS = [("help", {"yaml"}), ("configuration_error", {"yaml"}), ("describe", {"yaml", "numpy"})]


@pytest.fixture(scope="module")
def modules_before_text():
    return startup.imported_before_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", startup.HEAVY)
def test_a_prediction_writes_before_it_imports(name, modules_before_text):
    assert name not in startup.heavy_ones(modules_before_text)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["textzoo.pipeline.inputs", "ai_edge_litert.interpreter"])
def test_what_computes_the_text_is_imported_before_it(name, modules_before_text):
    assert name in modules_before_text


@pytest.mark.parametrize(("name", "allowed"), ANSWERS)
def test_answers_import_nothing_slow(name, allowed):
    command = [sys.executable, "-X", "importtime", *startup.COMMANDS[name]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    modules = startup.IMPORT_LINE.findall(done.stderr)
    assert "hydra" in modules
    assert not startup.heavy_ones(modules)
    assert SLOW & set(modules) <= allowed


@pytest.mark.slow
def test_a_chat_with_an_int8_model_imports_nothing_that_it_does_not_need():
    modules = startup.imported_by_chat()
    assert "prompt_toolkit" not in {name.partition(".")[0] for name in modules}  # a pipe has no editor
    assert "textzoo.serving.conversation" in modules
    assert startup.heavy_ones(modules) == []


@pytest.mark.slow
def test_the_prompt_and_the_first_token_are_found_and_timed():
    seconds = startup.chat_in_terminal()
    assert seconds["prompt_seconds"] > 0.0
    assert seconds["first_token_seconds"] > 0.0


# Services that may run without a float model.
LIGHT_SERVICES = ("prediction", "chat", "benchmarking", "deployment", "evaluation", "statistics")


@pytest.mark.slow
def test_services_import_no_float_model_before_they_need_one():
    code = f"import sys, {', '.join(f'textzoo.services.{name}' for name in LIGHT_SERVICES)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = done.stdout.split()
    assert "textzoo.services.benchmarking" in modules
    assert not {"tensorflow", "keras", "mlflow"} & set(startup.heavy_ones(modules))


@pytest.mark.slow
def test_the_first_character_is_found_and_timed():
    seconds = startup.first_character()
    assert seconds["processor_seconds"] > 0.0
    assert seconds["seconds"] > 0.0


def test_another_python_is_told_which_one_to_take():
    command = [sys.executable, "-I", "-S", str(PROGRAM)]  # without installed packages
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "make setup, then source .venv/bin/activate" in done.stderr
    assert len(done.stderr.splitlines()) == 1

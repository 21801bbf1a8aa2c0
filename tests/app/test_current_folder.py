"""The current folder may be anybody's, of a model that was downloaded say: nothing in it is run, or breaks a run."""

import pytest

# Each of them is imported by some process of a run.
MODULES = ["textzoo", "hydra", "hydra_plugins", "numpy", "hashlib", "json", "ctypes", "sitecustomize", "usercustomize"]
MODULES += ["ai_edge_litert", "mlflow", "matplotlib", "keras", "yaml"]
ARGUMENTS = ["model=tiny_lm", "pretrained=true", "prediction.max_tokens=5", "mlflow.system_metrics=false"]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["deployment", "prediction"])
def test_modules_and_settings_in_the_current_folder_are_left_alone(program, store, tmp_path, mode):
    for name in MODULES:
        (tmp_path / f"{name}.py").write_text(f"open('ran', 'a').write({name!r})\n")
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfigure.dpi: 100000\n")
    answer = program(f"operation_mode={mode}", *ARGUMENTS, "hydra.run.dir=run", f"mlflow.uri={store}")
    assert answer.returncode == 0, answer.stderr
    assert not (tmp_path / "ran").exists()

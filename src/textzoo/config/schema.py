"""The configuration as a whole: the sections of all rooms, and those about the run itself.

The table of keys in the documentation and `operation_mode=describe` are generated from here.
"""

import dataclasses
from dataclasses import dataclass, field

from textzoo.common import settings
from textzoo.common.settings import FOLDER_ONLY, setting
from textzoo.engines.settings import EvaluationConfig, PredictionConfig
from textzoo.hub.settings import PublishConfig
from textzoo.models.settings import ModelConfig
from textzoo.quantizers.settings import QuantizationConfig
from textzoo.serving.settings import ChatConfig, ServeConfig, WebConfig
from textzoo.targets.settings import BenchmarkingConfig, DeploymentConfig
from textzoo.text.settings import DatasetConfig, TokenizerConfig
from textzoo.training.settings import TrainingConfig


@dataclass(frozen=True)
class GeneralConfig:
    """The run as a whole."""

    project_name: str = setting("textzoo", "Name of the MLflow experiment.")
    seed: int = setting(1234, "Seed of weights, data order and dropout.", low=0, high=2**31 - 1)
    deterministic: bool = setting(False, "Bit-identical training on the same machine, at some cost in speed.")
    resume: str | None = setting(None, "Run folder of a chain that died: finished steps are reused.", path=FOLDER_ONLY)
    traceback: bool = setting(False, "Show the Python traceback of program errors on the console.")


@dataclass(frozen=True)
class Stm32aiConfig:
    """ST Edge AI Core, which measures with benchmarking.measured_by=stedgeai: installed here, or in ST's cloud."""

    on_cloud: bool = setting(False, "Let ST's Developer Cloud measure on its own board; needs an account of st.com.")
    version: str = setting("latest", "Version of ST Edge AI Core, e.g. 4.0.1; latest also takes what is installed.")
    optimization: str = setting(
        "balanced", "What ST Edge AI Core makes small: time, RAM, or both.", choices=("balanced", "time", "ram")
    )
    time_limit: float = setting(
        1800.0, "A command of the installed ST Edge AI Core that takes longer is ended.", unit="s", above=0.0, high=1e6
    )


@dataclass(frozen=True)
class ToolsConfig:
    """Vendors' tools."""

    stm32ai: Stm32aiConfig = field(default_factory=Stm32aiConfig)


@dataclass(frozen=True)
class MlflowConfig:
    """Tracking."""

    uri: str | None = setting(None, "Tracking store; null is mlruns/mlflow.db in the current folder.")
    system_metrics: bool = setting(True, "Log CPU and memory use along with the run.")


@dataclass(frozen=True)
class CompareConfig:
    """Runs of the tracking store side by side (operation_mode=compare)."""

    runs: str | list[str] = setting(
        "last 5", 'Names, beginnings of names or ids of runs, e.g. [a,b], or "last N"; a name may stand for several.'
    )
    order_by: str | None = setting(
        None, "Figure to sort by, best first, e.g. loss_nats/quantized; null for the newest first."
    )


@dataclass(frozen=True)
class Config:
    """All that a run depends on."""

    operation_mode: str = setting("chain_tqe", "The service or chain to run; see the table of chains.")
    pretrained: bool = setting(
        False,
        "Use the trained model of pretrained_models/ that model=... names, and its settings.",
    )
    general: GeneralConfig = field(default_factory=GeneralConfig)
    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    quantization: QuantizationConfig = field(default_factory=QuantizationConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    prediction: PredictionConfig = field(default_factory=PredictionConfig)
    chat: ChatConfig = field(default_factory=ChatConfig)
    serve: ServeConfig = field(default_factory=ServeConfig)
    web: WebConfig = field(default_factory=WebConfig)
    benchmarking: BenchmarkingConfig = field(default_factory=BenchmarkingConfig)
    deployment: DeploymentConfig = field(default_factory=DeploymentConfig)
    tools: ToolsConfig = field(default_factory=ToolsConfig)
    mlflow: MlflowConfig = field(default_factory=MlflowConfig)
    compare: CompareConfig = field(default_factory=CompareConfig)
    publish: PublishConfig = field(default_factory=PublishConfig)


def walk() -> list[tuple[str, dataclasses.Field]]:
    """Return every key of the configuration, as (dotted name, field), in order."""
    return settings.walk(Config)

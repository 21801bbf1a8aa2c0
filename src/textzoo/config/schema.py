"""The configuration: every key described once, with its type, default, range, unit and meaning.

Plain dataclasses without Hydra: any room may import the section that it works on. The table of keys in the README
and `operation_mode=describe` are generated from here, and `validation.py` checks a composed configuration against it.
"""

import copy
import dataclasses
from dataclasses import dataclass, field
from typing import Any

from textzoo.models.registry import MODELS  # names only: it imports nothing that it names

# Far above what anybody wants, and below what never ends or fits no memory.
MOST_STEPS = 10**8
MOST_TOKENS = 10**9  # a corpus has at most 1 GiB
LARGEST_SEED = 2**63 - 1


def setting(
    default: Any,
    text: str,
    *,
    unit: str = "",
    choices: tuple[str, ...] = (),
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    path: bool = False,
) -> Any:
    """A dataclass field with its description.

    Args:
        default: Default value; lists and sections are copied per instance.
        text: One sentence for the user.
        unit: Unit of the value, e.g. "tokens".
        choices: The values allowed, where they are few.
        low: Smallest value allowed; `above` excludes the bound itself.
        high: Largest value allowed; `below` excludes the bound itself.
        path: Whether the value names files that must exist before anything runs.
    """
    metadata = {
        "text": text,
        "unit": unit,
        "choices": choices,
        "low": low,
        "high": high,
        "above": above,
        "below": below,
        "path": path,
    }
    if isinstance(default, list | dict):
        return field(default_factory=lambda: copy.deepcopy(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass
class GeneralConfig:
    """The run as a whole."""

    project_name: str = setting("textzoo", "Name of the MLflow experiment.")
    seed: int = setting(1234, "Seed of weights, data order and dropout.", low=0, high=2**31 - 1)
    deterministic: bool = setting(False, "Bit-identical training on the same machine, at some cost in speed.")
    resume: str | None = setting(None, "Run folder of a chain that died: finished steps are reused.", path=True)
    traceback: bool = setting(False, "Show the Python traceback of program errors on the console.")


@dataclass
class DatasetConfig:
    """The text to learn from."""

    name: str = setting(
        "python_docs",
        "Where the text comes from; mixture draws from several (dataset.sources).",
        choices=("python_docs", "text", "tinyshakespeare", "nanogpt", "conversations", "mixture"),
    )
    training_path: str | list[str] | None = setting(
        None, "A text file, a list of files, a folder of .txt, or a nanoGPT folder (name=nanogpt).", path=True
    )
    validation_path: str | list[str] | None = setting(
        None, "Validation text in the same forms; without it a part of the training text is held out.", path=True
    )
    validation_split: float = setting(0.1, "Part of the text held out for validation.", above=0.0, below=1.0)
    split_mode: str = setting(
        "contiguous",
        "Hold out the end of the text, or whole documents (files; parts between blank lines) at random.",
        choices=("contiguous", "random"),
    )
    split_seed: int = setting(0, "Seed of the random split.", low=0, high=LARGEST_SEED)
    cache_dir: str = setting("datasets/cache", "Folder of downloaded and made corpora.")
    separator: str | None = setting(
        None, "Text after every document, e.g. an end marker for prediction.stop; null for a blank line in between."
    )
    conversations_bytes: int | None = setting(
        1_000_000, "Size of the made conversations; null to give a number instead.", unit="bytes", low=1, high=2**28
    )
    conversations_dialogues: int | None = setting(
        None, "Number of made conversations, instead of their size.", unit="dialogues", low=1, high=2**20
    )
    conversations_seed: int = setting(0, "Seed of the made conversations.", low=0, high=LARGEST_SEED)
    sources: list[dict] = setting(
        [],
        "Sources of a mixture, each with name, weight and keys of dataset; those left out are the dataset's own.",
    )
    overlap_warning: float = setting(
        0.1, "Share of repeated validation text above which a warning is shown.", low=0.0, high=1.0
    )


@dataclass
class SourceConfig(DatasetConfig):
    """One source of a mixture (dataset.sources)."""

    weight: float = setting(
        1.0, "Windows are drawn from the sources in proportion to their weights.", above=0.0, high=1e6
    )


# What a source of a mixture does not take over from the dataset.
NOT_INHERITED = ("name", "training_path", "validation_path", "sources")


def with_inherited(dataset: DatasetConfig, values: dict[str, Any]) -> SourceConfig:
    """A source of a mixture: the keys given, the others as in the dataset."""
    inherited = {key: value for key, value in dataclasses.asdict(dataset).items() if key not in NOT_INHERITED}
    return SourceConfig(**{**inherited, **values})


# Smallest and largest vocabulary of tokenizer.name=bpe, in tokens.
BPE_VOCABULARY = (256, 8192)


@dataclass
class TokenizerConfig:
    """From text to tokens."""

    name: str = setting(
        "char",
        "Kind of tokenizer: characters, words, bytes of UTF-8, or byte-level BPE (merges of frequent pairs).",
        choices=("char", "word", "byte", "bpe"),
    )
    path: str | None = setting(None, "An existing tokenizer.json to use instead of making one.", path=True)
    unknown: str = setting(
        "error",
        "What is outside the vocabulary (char, word): an error that names it, or the token <unk>.",
        choices=("error", "unk"),
    )
    vocabulary_size: int | None = setting(
        None,
        "Most tokens, <unk> included (word; null for all words), or exactly so many (bpe: 256 to 8,192).",
        unit="tokens",
        low=2,
        high=65535,
    )
    min_count: int = setting(
        1, "Words (word) or pairs (bpe) that occur less often in the training text get no token.", low=1, high=10**9
    )


@dataclass
class ModelConfig:
    """The architecture, or a trained file of it."""

    name: str = setting("pico_gpt", "Architecture.", choices=tuple(MODELS.names()))
    float_model_path: str | None = setting(None, "A trained .keras or .h5 model to start from.", path=True)
    quantized_model_path: str | None = setting(None, "A quantized decode step (.tflite) to use.", path=True)
    n_layers: int = setting(3, "Number of blocks.", low=1, high=64)
    n_heads: int = setting(2, "Attention heads per block; divides d_model.", low=1, high=64)
    d_model: int = setting(128, "Width of the residual stream.", low=8, high=4096)
    context_length: int = setting(128, "Tokens that the model can look back on.", unit="tokens", low=2, high=8192)
    dropout: float = setting(0.0, "Fraction dropped while training.", low=0.0, below=1.0)
    activation: str = setting("relu", "Activation of the feed-forward part.", choices=("relu", "gelu", "relu_squared"))
    use_bias: bool = setting(False, "Biases in the projections.")
    positions: str = setting(
        "learned",
        "gpt: a learned vector per position, or rotary position embedding (queries and keys are rotated).",
        choices=("learned", "rotary"),
    )
    weight_tying: str = setting(
        "auto",
        "gpt: whether the logits share the embedding's weights; auto ties them below 1,000,000 training tokens.",
        choices=("auto", "tied", "untied"),
    )
    qk_norm: bool = setting(False, "gpt: queries and keys are normalized, which keeps scores small.")
    constraints: str = setting(
        "none", "Hardware rules that the architecture is checked against.", choices=("none", "cimv3")
    )


@dataclass
class TrainingConfig:
    """How the weights are found."""

    steps: int | None = setting(
        2000, "Optimizer steps; null to give epochs instead.", unit="steps", low=1, high=MOST_STEPS
    )
    epochs: float | None = setting(
        None, "Passes over the training tokens, instead of steps.", unit="epochs", above=0, high=1e6
    )
    batch_size: int = setting(16, "Windows per optimizer step.", unit="windows", low=1, high=65536)
    gradient_accumulation: int = setting(1, "Parts that a batch is computed in; divides batch_size.", low=1, high=65536)
    optimizer: str = setting(
        "muon", "AdamW, or Muon for the matrices and AdamW for the rest.", choices=("adamw", "muon")
    )
    learning_rate: float = setting(3e-3, "Peak learning rate of AdamW.", above=0.0, high=1.0)
    muon_learning_rate: float = setting(4e-2, "Peak learning rate of Muon.", above=0.0, high=1.0)
    schedule: str = setting("linear", "Shape of the warm-down.", choices=("cosine", "linear", "constant"))
    warmup_steps: int = setting(100, "Steps of linear warm-up.", unit="steps", low=0, high=MOST_STEPS)
    warmdown_fraction: float = setting(1.0, "Last part of the run in which the rate falls.", above=0.0, high=1.0)
    final_learning_rate_fraction: float = setting(0.0, "Rate at the end, relative to the peak.", low=0.0, high=1.0)
    weight_decay: float = setting(0.1, "Decoupled weight decay of the matrices.", low=0.0, high=10.0)
    beta_1: float = setting(0.9, "Decay of AdamW's first moment.", low=0.0, below=1.0)
    beta_2: float = setting(0.99, "Decay of AdamW's second moment.", low=0.0, below=1.0)
    gradient_clip_norm: float = setting(1.0, "Global norm that gradients are clipped to; 0 for none.", low=0.0)
    label_smoothing: float = setting(0.0, "Probability given to the other tokens.", low=0.0, below=1.0)
    score_penalty: float = setting(
        0.0, "Weight of the mean square of the attention scores: keeps their int8 range small.", low=0.0, high=1e6
    )
    ema_decay: float = setting(
        0.0, "Decay of the averaged weights that are evaluated and kept; 0 for none.", low=0.0, below=1.0
    )
    qat: str = setting(
        "none",
        "Quantization-aware training: matrices are seen as a recipe will store them, int8 (static_wi8_*), int4 "
        "(static_wi4_*: whole numbers in [-7, 7]) or ternary (static_wi2_*: -1, 0 and 1) times a scale per output.",
        choices=("none", "int8", "int4", "ternary"),
    )
    qat_warmup_fraction: float = setting(
        0.25,
        "First part of the run, still in float, before the grid of training.qat; 0.75 is better for int4 and int8.",
        low=0.0,
        below=1.0,
    )
    qat_learning_rate_factor: float = setting(
        1.0,
        "Factor on all learning rates from then on; 0.5 is better for ternary with Muon.",
        above=0.0,
        high=10.0,
    )
    mixed_precision: bool = setting(False, "bfloat16 products on a GPU.")
    eval_interval: int = setting(
        250, "Steps between evaluations and checkpoints.", unit="steps", low=1, high=MOST_STEPS
    )
    eval_tokens: int = setting(
        50_000, "Validation tokens per evaluation while training.", unit="tokens", low=1, high=MOST_TOKENS
    )
    early_stopping_patience: int = setting(
        0, "Evaluations without improvement before stopping; 0 for never.", low=0, high=10**6
    )
    resume_from: str | None = setting(None, "A checkpoint folder (best, latest) to continue bit for bit.", path=True)
    init_from: str | None = setting(None, "A checkpoint or model file whose weights to start with.", path=True)
    init_strict: bool = setting(True, "Whether init_from must fit every weight.")


@dataclass
class QuantizationConfig:
    """From float weights to a .tflite of integers."""

    recipe: str = setting(
        "static_wi8_ai8",
        "static_wi8_ai8 = weights int8, activations int8, ranges fixed by calibration; wi4 = weights in [-7, 7], "
        "wi2 = weights -1, 0 and 1, embeddings int8.",
        choices=("static_wi8_ai8", "static_wi8_ai16", "static_wi4_ai8", "static_wi2_ai8", "dynamic_wi8_afp32"),
    )
    calibration_path: str | None = setting(None, "Text to calibrate on instead of training text.", path=True)
    calibration_windows: int = setting(
        32, "Representative windows of context_length tokens.", unit="windows", low=1, high=65536
    )
    equalize: bool = setting(True, "Balance channel ranges first; exact in float.")
    probabilities: str = setting(
        "auto",
        "Attention probabilities of static_wi8_ai8: int8 has steps of 1/256, too coarse for attention spread over a "
        "whole window; auto takes int16 for the blocks that need it.",
        choices=("auto", "int8", "int16"),
    )
    states: str = setting(
        "auto",
        "States of static_wi8_ai8 that add up small changes (a GRU's, an LSTM's cell), and the arithmetic around them: "
        "auto and int16 keep what steps of int8 would swallow.",
        choices=("auto", "int8", "int16"),
    )
    report_tokens: int = setting(
        16_384, "Validation tokens of the loss-by-position report.", unit="tokens", low=1, high=MOST_TOKENS
    )


@dataclass
class EvaluationConfig:
    """How good a model is."""

    max_tokens: int = setting(20_000, "Validation tokens per model.", unit="tokens", low=1, high=MOST_TOKENS)
    engine: str = setting(
        "litert_ref",
        "What runs quantized models: LiteRT's reference kernels, beside them its optimized ones (litert), or the "
        "compiled C that goes to the device (native: the same integers as the reference, faster).",
        choices=("litert_ref", "litert", "native"),
    )


@dataclass
class PredictionConfig:
    """Talking to a model."""

    prompt: str = setting("The ", "Text to continue.")
    max_tokens: int = setting(200, "Tokens to generate.", unit="tokens", low=1, high=10**6)
    temperature: float = setting(0.8, "0 is greedy; more is livelier.", low=0.0, high=10.0)
    top_k: int = setting(0, "Sample among the k likeliest tokens; 0 for all.", low=0, high=65535)
    num_samples: int = setting(1, "Texts to generate.", low=1, high=10**4)
    seed: int = setting(1, "Seed of the sampler.", low=0, high=2**32 - 1)
    stop: str | None = setting(None, "Text at which generation stops.")
    unknown: str = setting(
        "error", "Characters of the prompt outside the vocabulary: an error, or <unk>.", choices=("error", "unk")
    )
    engine: str = setting(
        "auto",
        "auto takes the quantized model when there is one, with the reference kernels.",
        choices=("auto", "keras", "litert_ref", "litert", "native"),
    )


@dataclass
class BenchmarkingConfig:
    """Cost on the device."""

    measured_by: str = setting(
        "emulator",
        "What runs the device's code; stedgeai is not there yet.",
        choices=("emulator", "host", "serial", "stedgeai"),
    )
    emulator: str | None = setting(None, "Machine of QEMU, of those in the board's YAML; null for its first one.")
    tokens_checked: int = setting(
        256,
        "Teacher-forced tokens whose logits are compared with LiteRT's reference kernels.",
        unit="tokens",
        low=1,
        high=10**6,
    )
    serial_port: str | None = setting(None, "Serial line of the board (measured_by=serial), e.g. /dev/ttyACM0.")
    sample: bool = setting(True, "Let the device continue prediction.prompt, and compare its text with the PC's.")


@dataclass
class HardwareSetupConfig:
    """The board; its facts come from conf/board/<board>.yaml (textzoo.targets.boards reads and checks them)."""

    board: str = setting("STM32H7", "Name of the board.")
    title: str = setting("", "The name on its box.")
    platform: str = setting("", "How its projects are made.", choices=("", "cimv3", "esp32", "mpu", "stm32"))
    family: str = setting("", "Family of the chip, e.g. stm32h7.")
    core: str = setting("", "Processor, e.g. cortex-m7.")
    variant: str = setting(
        "", "Kernels of the runtime.", choices=("", "generic", "cimv3", "dsp", "mul32", "mve", "neon")
    )
    clock_hz: int = setting(0, "Clock that the project sets up; 0 is the board's own.", unit="Hz", low=0, high=10**10)
    cycles_per_instruction: float = setting(
        0.0, "Assumption for projections of time; 0 is the board's own.", low=0.0, high=100.0
    )
    cycles_note: str = setting("", "What that assumption rests on.")
    memories: dict = setting({}, "Memory -> kind (flash, ram, external_flash), origin, bytes.")
    uart: dict = setting({}, "Serial line: instance, tx, rx, function, baud.")
    flash: dict = setting({}, "Tool -> arguments that write an image to the board.")
    boot: str = setting("", "Switches and cables, in words.")
    emulation: dict = setting({}, "Machine of QEMU -> facts; the first one is the default.")
    cores: int = setting(0, "Cores that a program can use; 0 is the board's own number.", low=0, high=2)
    power_supply: str = setting("", "How the core is supplied, where a chip must know.", choices=("", "ldo", "smps"))


@dataclass
class DeploymentConfig:
    """From the .tflite to a project for a board."""

    target: str = setting("board", "A project for the board, or for this machine.", choices=("board", "host"))
    weights: str = setting(
        "balanced",
        "Form of packed weights: fewest bits (base 3 only where it is fast), least flash, or fewest instructions.",
        choices=("balanced", "smallest", "fastest"),
    )
    weight_files: bool = setting(
        False, "Also write the matrices as files, 2 bits for a ternary weight, to the project's folder weights."
    )
    second_core: bool = setting(
        False, "Share matrix products and heads of attention between the two cores of a board (ESP32, ESP32-S3)."
    )
    without_passes: list[str] = setting([], "Passes of the compiler to leave out; the integers stay the same.")
    hardware_setup: HardwareSetupConfig = field(default_factory=HardwareSetupConfig)


@dataclass
class Stm32aiConfig:
    """ST Edge AI, which this version does not call yet."""

    on_cloud: bool = setting(False, "Not used yet: ST's cloud instead of a local installation.")
    version: str = setting("latest", "Not used yet: version of ST Edge AI.")


@dataclass
class ToolsConfig:
    """Vendors' tools."""

    stm32ai: Stm32aiConfig = field(default_factory=Stm32aiConfig)


@dataclass
class MlflowConfig:
    """Tracking."""

    uri: str | None = setting(None, "Tracking store; null is mlruns/mlflow.db in the current folder.")
    system_metrics: bool = setting(True, "Log CPU and memory use along with the run.")


@dataclass
class CompareConfig:
    """Runs of the tracking store side by side (operation_mode=compare)."""

    runs: str | list[str] = setting(
        "last 5", 'Names, beginnings of names or ids of runs, e.g. [a,b], or "last N"; a name may stand for several.'
    )
    order_by: str | None = setting(
        None, "Figure to sort by, best first, e.g. loss_nats/quantized; null for the newest first."
    )


@dataclass
class Config:
    """Everything a run is made from."""

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
    benchmarking: BenchmarkingConfig = field(default_factory=BenchmarkingConfig)
    deployment: DeploymentConfig = field(default_factory=DeploymentConfig)
    tools: ToolsConfig = field(default_factory=ToolsConfig)
    mlflow: MlflowConfig = field(default_factory=MlflowConfig)
    compare: CompareConfig = field(default_factory=CompareConfig)


def walk(section: Any = Config, prefix: str = "") -> list[tuple[str, dataclasses.Field]]:
    """Every key below a section class, as (dotted name, field), in order."""
    keys: list[tuple[str, dataclasses.Field]] = []
    for entry in dataclasses.fields(section):
        name = f"{prefix}{entry.name}"
        if dataclasses.is_dataclass(entry.type):
            keys += walk(entry.type, f"{name}.")
        else:
            keys.append((name, entry))
    return keys

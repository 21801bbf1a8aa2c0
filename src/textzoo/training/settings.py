"""The section of the configuration about training."""

from dataclasses import dataclass

from textzoo.common.settings import FILE_OR_FOLDER, setting
from textzoo.quantizers.recipes import GRID_BITS
from textzoo.text.settings import MAX_TOKENS
from textzoo.training.registry import OPTIMIZERS, SCHEDULES

# The file in a checkpoint's folder.
CHECKPOINT_FILE = "checkpoint.npz"
# Far above any sensible value, but finite.
MAX_STEPS = 10**8


@dataclass(frozen=True)
class TrainingConfig:
    """The training of a model."""

    steps: int | None = setting(
        2000, "Optimizer steps; null to set epochs instead.", unit="steps", low=1, high=MAX_STEPS
    )
    epochs: float | None = setting(
        None, "Passes over the training tokens, instead of steps.", unit="epochs", above=0, high=1e6
    )
    batch_size: int = setting(16, "Windows per optimizer step.", unit="windows", low=1, high=65536)
    gradient_accumulation: int = setting(1, "Parts that a batch is split into; divides batch_size.", low=1, high=65536)
    optimizer: str = setting(
        "muon", "AdamW, or Muon for the matrices and AdamW for the rest.", choices=tuple(OPTIMIZERS)
    )
    learning_rate: float = setting(3e-3, "Peak learning rate of AdamW.", above=0.0, high=1.0)
    muon_learning_rate: float = setting(4e-2, "Peak learning rate of Muon.", above=0.0, high=1.0)
    schedule: str = setting("linear", "Shape of the warm-down.", choices=tuple(SCHEDULES))
    warmup_steps: int = setting(100, "Steps of linear warm-up.", unit="steps", low=0, high=MAX_STEPS)
    warmdown_fraction: float = setting(1.0, "Last part of the run, in which the rate falls.", above=0.0, high=1.0)
    final_learning_rate_fraction: float = setting(0.0, "Rate at the end, relative to the peak.", low=0.0, high=1.0)
    weight_decay: float = setting(0.1, "Decoupled weight decay of the matrices.", low=0.0, high=10.0)
    beta_1: float = setting(0.9, "Decay of AdamW's first moment.", low=0.0, below=1.0)
    beta_2: float = setting(0.99, "Decay of AdamW's second moment.", low=0.0, below=1.0)
    gradient_clip_norm: float = setting(1.0, "Global norm that gradients are clipped to; 0 for none.", low=0.0)
    label_smoothing: float = setting(0.0, "Probability spread over all tokens.", low=0.0, below=1.0)
    score_penalty: float = setting(
        0.0, "Weight of the mean square of attention scores, which keeps their int8 range small.", low=0.0, high=1e6
    )
    ema_decay: float = setting(
        0.0, "Decay of the averaged weights, which are evaluated and saved; 0 for none.", low=0.0, below=1.0
    )
    qat: str = setting(
        "none",
        "Quantization-aware training: matrices are rounded as a recipe stores them, int8 (static_wi8_*), int4 "
        "(static_wi4_*: integers in [-7, 7]) or ternary (static_wi2_*: -1, 0 and 1) times a scale per output.",
        choices=("none", *GRID_BITS),
    )
    qat_warmup_fraction: float = setting(
        0.25,
        "First part of the run, in float, before rounding by training.qat; 0.75 is better for int4 and int8.",
        low=0.0,
        below=1.0,
    )
    qat_learning_rate_factor: float = setting(
        1.0,
        "Factor on all learning rates after that part; 0.5 is better for ternary with Muon.",
        above=0.0,
        high=10.0,
    )
    mixed_precision: bool = setting(False, "bfloat16 products on a GPU.")
    eval_interval: int = setting(250, "Steps between evaluations and checkpoints.", unit="steps", low=1, high=MAX_STEPS)
    eval_tokens: int = setting(
        50_000, "Validation tokens per evaluation during training.", unit="tokens", low=1, high=MAX_TOKENS
    )
    early_stopping_patience: int = setting(
        0, "Evaluations without improvement before stopping; 0 for never.", low=0, high=10**6
    )
    resume_from: str | None = setting(
        None, "A checkpoint folder (best, latest) to continue bit for bit.", path=FILE_OR_FOLDER
    )
    init_from: str | None = setting(None, "A checkpoint or model file with the initial weights.", path=FILE_OR_FOLDER)
    init_strict: bool = setting(True, "Whether init_from must match every weight.")

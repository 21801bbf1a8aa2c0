"""What each operation mode runs: services and chains as tables.

Letters of the chains: t training, q quantization, e evaluation, b benchmarking, d deployment.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """One step of a chain.

    Attributes:
        address: "module:function" of its `run(config, workspace, recorder)`.
        text: What it does, in a few words, for the plan and the help.
        sections: Configuration sections and dotted keys that its result depends on, for reuse after a resume.
        consulted: Sections and keys that it reads too, but on which its result does not depend: they decide whether it
            is refused or goes on. It can read no others.
        inputs: Roles in the workspace that it reads.
        outputs: Roles in the workspace that it writes.
        takes_graphs: Whether it can do its work with a plain graph (model.kind=graph), or without any model.
        is_repeatable: Whether the same inputs give the same result, so that an earlier one can serve again.
    """

    address: str
    text: str
    sections: tuple[str, ...] = ()
    consulted: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    takes_graphs: bool = False
    is_repeatable: bool = True


TEXT_SECTIONS = ("dataset", "tokenizer", "model")
# A tokenizer beside a model file is the model's.
MODEL_FILES = ("model.float_model_path", "model.quantized_model_path")

SERVICES: dict[str, Service] = {
    "training": Service(
        "textzoo.services.training:run",
        "train the float model on the corpus",
        sections=(*TEXT_SECTIONS, "training", "general.seed", "general.deterministic"),
        consulted=("general.resume", "operation_mode", "quantization.recipe", "deployment"),
        inputs=("corpus",),
        outputs=("float_model", "tokenizer", "chat_template", "command_grammar"),
    ),
    "quantization": Service(
        "textzoo.services.quantization:run",
        "export the decode step and quantize it to a .tflite",
        sections=(*TEXT_SECTIONS, "quantization"),
        inputs=("corpus", "float_model", "tokenizer", "chat_template", "command_grammar"),
        outputs=("quantized_model", "forward_model", "tokenizer", "chat_template", "command_grammar"),
    ),
    "evaluation": Service(
        "textzoo.services.evaluation:run",
        "measure loss and accuracy of every model available, side by side",
        sections=(*TEXT_SECTIONS, "evaluation", "prediction"),
        inputs=("corpus", "float_model", "quantized_model", "tokenizer"),
    ),
    "prediction": Service(
        "textzoo.services.prediction:run",
        "continue a prompt",
        sections=("tokenizer.path", *MODEL_FILES, "prediction"),
        inputs=("float_model", "quantized_model", "tokenizer"),
        outputs=("samples",),
    ),
    "chat": Service(
        "textzoo.services.chat:run",
        "talk with a model, on this machine or on a board",
        sections=("tokenizer.path", *MODEL_FILES, "prediction", "chat"),
        consulted=("model.name", "deployment", "benchmarking.emulator"),
        inputs=("float_model", "quantized_model", "tokenizer", "chat_template", "command_grammar"),
        outputs=("conversation",),
        is_repeatable=False,
    ),
    "serve": Service(
        "textzoo.services.serve:run",
        "let programs talk with a model over HTTP, through OpenAI's API",
        sections=("tokenizer.path", *MODEL_FILES, "prediction", "serve"),
        consulted=("model.name", "chat", "deployment", "benchmarking.emulator"),
        inputs=("float_model", "quantized_model", "tokenizer"),
        is_repeatable=False,
    ),
    "web": Service(
        "textzoo.services.web:run",
        "show a page to talk with the models on",
        sections=("tokenizer.path", *MODEL_FILES, "prediction", "web"),
        consulted=("model.name", "chat", "deployment", "benchmarking"),
        inputs=("float_model", "quantized_model", "tokenizer"),
        is_repeatable=False,
    ),
    "statistics": Service(
        "textzoo.services.statistics:run",
        "measure the corpus: sizes, vocabulary, what the held-out text repeats",
        sections=("dataset", "tokenizer", *MODEL_FILES),
        inputs=("corpus",),
        outputs=("statistics",),
    ),
    "benchmarking": Service(
        "textzoo.services.benchmarking:run",
        "measure instructions, flash and RAM on the board or on its emulator",
        sections=("tokenizer", "model", "deployment", "benchmarking", "prediction", "tools"),
        inputs=("quantized_model", "tokenizer"),
        outputs=("c_project", "benchmark"),
        takes_graphs=True,
    ),
    "compare": Service(
        "textzoo.services.compare:run",
        "show runs of the tracking store side by side: what differs, and which is best",
        sections=("compare", "mlflow", "general.project_name"),
        outputs=("comparison",),
        takes_graphs=True,
    ),
    "deployment": Service(
        "textzoo.services.deployment:run",
        "compile the .tflite to a C project for the board",
        sections=("tokenizer", "model", "deployment", "prediction"),
        inputs=("quantized_model", "tokenizer"),
        outputs=("c_project",),
        takes_graphs=True,
    ),
    "publish": Service(
        "textzoo.services.publish:run",
        "make the folder of a trained model for the Hugging Face hub, with its card, and upload it if asked",
        sections=("publish", "pretrained", *TEXT_SECTIONS, "training", "quantization", "deployment", "prediction"),
        # The report, because it is another one after every run: a card is always made anew.
        inputs=("float_model", "quantized_model", "tokenizer", "benchmark", "report"),
        outputs=("publication",),
    ),
}

CHAINS: dict[str, tuple[str, ...]] = {
    "training": ("training",),
    "evaluation": ("evaluation",),
    "quantization": ("quantization",),
    "prediction": ("prediction",),
    "chat": ("chat",),
    "serve": ("serve",),
    "web": ("web",),
    "statistics": ("statistics",),
    "benchmarking": ("benchmarking",),
    "deployment": ("deployment",),
    "compare": ("compare",),
    "publish": ("publish",),
    "chain_tqe": ("training", "quantization", "evaluation"),
    "chain_tqeb": ("training", "quantization", "evaluation", "benchmarking"),
    "chain_eqe": ("evaluation", "quantization", "evaluation"),
    "chain_eqeb": ("evaluation", "quantization", "evaluation", "benchmarking"),
    "chain_qb": ("quantization", "benchmarking"),
    "chain_qd": ("quantization", "deployment"),
}

# Modes whose text appears before the tracking store is opened: MLflow's import alone takes seconds.
TEXT_FIRST = ("prediction", "chat")
# Modes that start no run in the tracking store.
UNTRACKED = ("compare",)
# Modes that talk until they are left, each with the key that makes a run of it. Without, nothing is left of them: no
# folder, no report, no run in the tracking store.
TALKING: dict[str, str | None] = {"chat": "chat.track", "serve": None, "web": None}

# Not a service: prints the table of keys.
DESCRIBE = "describe"

"""A plain graph, from inputs to outputs, on LiteRT's reference kernels, whose integers the device reproduces."""

from pathlib import Path

from ai_edge_litert.interpreter import OpResolverType

from textzoo.common.errors import UserError, raise_all, short_reason
from textzoo.compiler.tflite.file import TensorInfo, TfliteFile, not_run, parse_tflite, read_checked_bytes
from textzoo.compiler.tflite.signatures import NEW_STATE, STEP_INPUTS
from textzoo.engines.litert_engine import Arrays, check_shapes, open_interpreter, step_of, zeros_of
from textzoo.engines.probe import probe


class GraphEngine:
    """The graph of a .tflite.

    Args:
        model: Path of a .tflite; or its bytes, which are then trusted not to crash the process.

    Attributes:
        file: What was read.

    Raises:
        UserError: The file is missing or damaged, or is no plain graph.
    """

    def __init__(self, model: Path | str | bytes) -> None:
        self._label = "the model" if isinstance(model, bytes) else str(model)
        content = model if isinstance(model, bytes) else read_checked_bytes(Path(model))
        self.file = parse_tflite(content, self._label)
        raise_all(graph_mistakes(self.file, self._label))
        if not isinstance(model, bytes):
            probe(content, self._label)
        self._interpreter = open_interpreter(content, self._label, OpResolverType.BUILTIN_REF)
        self._run = step_of(self._interpreter, self.file)
        results = self.run({name: zeros_of(tensor) for name, tensor in self.inputs.items()})
        check_shapes(results, self.file, self._label)

    @property
    def inputs(self) -> dict[str, TensorInfo]:
        """Name -> tensor."""
        return {name: self.file.tensors[index] for name, index in self.file.inputs.items()}

    @property
    def outputs(self) -> dict[str, TensorInfo]:
        """Name -> tensor."""
        return {name: self.file.tensors[index] for name, index in self.file.outputs.items()}

    def run(self, values: Arrays) -> Arrays:
        """Return the outputs for inputs: name -> array of the tensor's shape and type. Nothing is left of earlier runs.

        Raises:
            UserError: LiteRT cannot compute them, e.g. because an index is out of range.
        """
        try:
            self._interpreter.reset_all_variables()
            return self._run(values)
        except (ValueError, RuntimeError) as error:
            raise not_run(self._label, short_reason(error)) from None


def graph_mistakes(file: TfliteFile, label: str) -> list[UserError]:
    """Return the errors of a file that is no plain graph: a decode step, or one without inputs or outputs."""
    if set(file.inputs) >= STEP_INPUTS:
        return [
            UserError(
                f"{label} is the decode step of a language model",
                expected="a plain graph (model.kind=graph), from inputs to outputs",
                received=f"the inputs {', '.join(file.inputs)}",
                remedy="Leave model=graph out: language models have reports of their own.",
            )
        ]
    carried = [name for name in file.inputs if is_carried(name, file)]
    if carried:
        return [
            UserError(
                f"{label} carries states from one run to the next",
                expected="outputs that are only results",
                received=", ".join(f"{name} -> {NEW_STATE}{name}" for name in carried),
                remedy=f"Give these outputs names without '{NEW_STATE}'.",
            )
        ]
    missing = [what for what, found in (("inputs", file.inputs), ("outputs", file.outputs)) if not found]
    return [UserError(f"{label} has no {what}", expected="a graph from inputs to outputs") for what in missing]


def is_carried(name: str, file: TfliteFile) -> bool:
    """Return whether the compiler takes an input for a state: there is an output new_<name> of the same format."""
    after = file.outputs.get(NEW_STATE + name)
    return after is not None and file.tensors[after].form == file.tensors[file.inputs[name]].form

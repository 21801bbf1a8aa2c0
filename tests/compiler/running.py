"""Runs models of a few operators: with LiteRT's reference kernels, and as compiled C with sanitizers."""

import os
import subprocess
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from operator_cases import RANGES, Case, Random, Row, draw_reals, draw_values

from textzoo.common.paths import APPLICATION, RUNTIME
from textzoo.compiler.compile import CompiledModel, compile_bytes
from textzoo.compiler.operators.base import Target
from textzoo.compiler.tflite.single_operator import Tensor, build_all
from textzoo.targets.native import write_files
from textzoo.targets.toolchains import TOOLS, compile_objects, require_tool
from textzoo.testing import STRICT
from textzoo.testing.bare_metal import WASM_FLAGS, WASM_LAUNCHER, WASM_TOOLS
from textzoo.testing.building import build_c

FLAGS = (*STRICT, "-O1", "-fno-strict-aliasing")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@dataclass(frozen=True)
class Machine:
    """Another machine, whose programs run here, without sanitizers.

    Attributes:
        compiler: Key of toolchains.TOOLS.
        flags: Of the compiler.
        launcher: What runs a program, which follows.
        tools: Keys of toolchains.TOOLS: what it needs besides the compiler.
    """

    compiler: str
    flags: tuple[str, ...]
    launcher: tuple[str, ...]
    tools: tuple[str, ...]


ARM64, WASM = "aarch64", "wasm"
MACHINES = {
    ARM64: Machine(ARM64, ("-static",), (TOOLS["qemu-user"].program, "-cpu", "cortex-a35"), ("qemu-user",)),
    WASM: Machine("clang", ("-O3", *WASM_FLAGS), WASM_LAUNCHER, WASM_TOOLS),
}
MAIN = Path(__file__).with_name("run_model.c")
RANDOM_RUNS = 4
objects = tempfile.TemporaryDirectory(prefix="textzoo-objects-")

Values = list[np.ndarray]


class Model:
    """Some cases as one .tflite, and the inputs of some runs with what LiteRT makes of them.

    Attributes:
        input_names: Of all inputs but the states, in the file's order.
        output_names: The same.
        runs: For each run the values of all inputs.
        expected: For each run the outputs.
    """

    def __init__(self, cases: Sequence[Case], random: Random) -> None:
        states = {before: after for case in cases for before, after in case.states.items()}
        self.content = build_all([case.operation for case in cases], states)
        operands = dict.fromkeys(operand for case in cases for operand in case.operation.inputs if operand is not None)
        computed = {*(output for case in cases for output in case.operation.outputs), *states}
        known = computed | {operand for operand in operands if operand.is_variable}
        self.inputs = [operand for operand in operands if operand.data is None and operand not in known]
        self.limits = {operand: limits for case in cases for operand, limits in case.ranges.items()}
        self.reals = {operand: reals for case in cases for operand, reals in case.reals.items()}
        runs = [[self.regular(operand, kind) for operand in self.inputs] for kind in ("every", "lowest", "highest")]
        self.runs = runs + [[self.random(operand, random) for operand in self.inputs] for _ in range(RANDOM_RUNS)]
        for counter in {case.counter for case in cases if case.counter is not None}:
            for number, values in enumerate(self.runs):
                values[self.inputs.index(counter)] = np.full(counter.shape, number, counter.dtype)
        self.input_names, self.output_names = interface_of(self.content)
        self.expected = run_litert(self.content, self.runs)

    def regular(self, operand: Tensor, kind: str) -> np.ndarray:
        """Every value of the operand's range in turn, or one end of it everywhere."""
        if operand.dtype == "float32":
            return np.linspace(-2, 2, int(np.prod(operand.shape)), dtype=np.float32).reshape(operand.shape)
        low, high = self.limits.get(operand, RANGES[operand.dtype])
        if kind == "every":
            count = min(high - low + 1, 2**16)
            return np.resize(np.arange(count) + low, operand.shape).astype(operand.dtype)
        return np.full(operand.shape, low if kind == "lowest" else high).astype(operand.dtype)

    def random(self, operand: Tensor, random: Random) -> np.ndarray:
        if operand in self.reals:
            return draw_reals(random, operand.shape, *self.reals[operand])
        return draw_values(random, operand.shape, operand.dtype, self.limits.get(operand))


def interface_of(content: bytes) -> tuple[list[str], list[str]]:
    """The names of inputs and outputs, states left out."""
    interpreter = Interpreter(model_content=content)
    sides = interpreter.get_input_details(), interpreter.get_output_details()
    inputs, outputs = ([detail["name"] for detail in side] for side in sides)
    return [name for name in inputs if "state_" not in name], [name for name in outputs if "state_" not in name]


def run_litert(content: bytes, runs: Sequence[Values]) -> list[Values]:
    """The outputs of each run, in the order of the signature's names; states begin at their zero points."""
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    states = [detail for detail in inputs if detail["name"].startswith("state_")]
    inputs = inputs[: len(inputs) - len(states)]
    held = [np.full(state["shape"], state["quantization"][1], state["dtype"]) for state in states]
    results = []
    for values in runs:
        for detail, value in zip([*inputs, *states], [*values, *held], strict=True):
            interpreter.set_tensor(detail["index"], value)
        interpreter.invoke()
        results.append([interpreter.get_tensor(detail["index"]) for detail in outputs])
        held = [results[-1].pop() for _ in states][::-1]
    return results


def model_of(row: Row, seed: int, nodes: int = 8) -> Model:
    """Random nodes of a row in one model, of each of its types in turn."""
    random = np.random.default_rng(seed)
    return Model([row.make(random, row.dtypes[number % len(row.dtypes)]) for number in range(nodes)], random)


def differences(
    model: Model, folder: Path, without: Collection[str] = (), compiler: str = "host", variant: str = "generic"
) -> list[str]:
    """Where the compiled C differs from LiteRT.

    Args:
        model: What is run.
        folder: For the program; what lies there from before is overwritten.
        without: Passes to leave out.
        compiler: Of the C, or a key of MACHINES; where none is given, the one that the product would take.
        variant: Of the kernels, one that the compiler's machine runs.
    """
    compiled = compile_bytes(model.content, Target(variant), without=frozenset(without))
    folder.mkdir(parents=True, exist_ok=True)
    return mismatches(model, run_program(compiled, model, folder, compiler))


def mismatches(model: Model, results: Sequence[Values]) -> list[str]:
    """Where results differ from LiteRT's, bit by bit."""
    found = []
    for run, (expected, got) in enumerate(zip(model.expected, results, strict=True)):
        for number, (wanted, value) in enumerate(zip(expected, got, strict=True)):
            wrong = int((bits(wanted) != bits(value)).sum())
            if wrong:
                found.append(
                    f"run {run}, output_{number} {wanted.dtype} {wanted.shape}: {wrong} of {wanted.size} differ"
                )
    return found


def bits(values: np.ndarray) -> np.ndarray:
    return values.view(np.int32) if values.dtype == np.float32 else values


def run_program(compiled_model: CompiledModel, model: Model, folder: Path, compiler: str = "host") -> list[Values]:
    """The outputs of each run, by a program that ends at the first wrong address or undefined operation."""
    return results_of(build_program(compiled_model, folder, compiler), model, compiler)


def results_of(program: Path, model: Model, compiler: str = "host") -> list[Values]:
    """The outputs of each run of a program that a compiler has built."""
    given = b"".join(values[place].tobytes() for values in model.runs for place in in_order(model.input_names))
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    launcher = MACHINES[compiler].launcher if compiler in MACHINES else ()
    done = subprocess.run(
        [*launcher, program, str(len(model.runs))],
        input=given,
        capture_output=True,
        timeout=120,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    results, rest = [], done.stdout
    for expected in model.expected:
        got: dict[int, np.ndarray] = {}
        for place in in_order(model.output_names):
            like = expected[place]
            got[place] = np.frombuffer(rest[: like.nbytes], like.dtype).reshape(like.shape)
            rest = rest[like.nbytes :]
        results.append([got[place] for place in range(len(expected))])
    assert not rest
    return results


def in_order(names: Sequence[str]) -> list[int]:
    """Places in the order of the model's tables: by name."""
    return sorted(range(len(names)), key=lambda place: names[place])


def build_program(compiled_model: CompiledModel, folder: Path, compiler: str = "host") -> Path:
    generated = write_files(compiled_model.files, folder)
    fixed = [*(RUNTIME / source for source in compiled_model.sources), APPLICATION / "crc32.c"]
    objects = [object_of(source, compiler) for source in fixed]
    command = [*command_with_flags(compiler), f"-I{folder}"]
    return build_c(command, [MAIN, *generated, *objects], folder / "program")


@cache
def object_of(source: Path, compiler: str) -> Path:
    """A source that is the same in every program, compiled once in a process."""
    folder = Path(objects.name) / "-".join([compiler, *source.parts[1:]])
    folder.mkdir()
    (target,) = compile_objects(command_with_flags(compiler), [source], folder)
    return target


def command_of(compiler: str, here: Collection[str] = SANITIZERS) -> list[str]:
    """A compiler or that of a key of MACHINES, with its flags; `here`: those for this machine."""
    if compiler not in MACHINES:
        return [str(require_tool(compiler)), *here]
    machine = MACHINES[compiler]
    return [str(require_tool(machine.compiler)), *machine.flags]


def command_with_flags(compiler: str) -> list[str]:
    return [*command_of(compiler), *FLAGS, f"-I{RUNTIME / 'include'}", f"-I{APPLICATION}"]

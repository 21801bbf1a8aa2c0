"""The native engine: the compiled C as a shared library on this machine, with the same integers as on the device."""

import ctypes
from pathlib import Path

import numpy as np

from textzoo.common.errors import UserError, raise_all
from textzoo.compiler.compile import CompiledModel, compile_file
from textzoo.compiler.operators.base import Target
from textzoo.compiler.tflite.file import read_checked_bytes
from textzoo.engines.base import Engine, LogitsFormat
from textzoo.engines.model_check import model_mistakes
from textzoo.engines.probe import probe
from textzoo.targets.native import NativeModel


class NativeEngine(Engine):
    """The decode step of a .tflite, compiled to C for this machine.

    Args:
        model: Path of a .tflite with a decode step.

    Raises:
        UserError: The file is missing, damaged, not a quantized decode step, or has operators that the compiler does
            not support; or there is no C compiler.
    """

    name = "native"

    def __init__(self, model: Path | str) -> None:
        raise_all(model_mistakes(model, compiled=True))
        probe(read_checked_bytes(Path(model)), str(model))
        compiled = compile_file(Path(model), Target("host"))
        self._open(compiled, NativeModel.build(compiled))

    def _open(self, compiled: CompiledModel, native: NativeModel) -> None:
        if compiled.facts.context_length == 0:
            raise UserError("this model is not a decode step", expected="inputs token and position, quantized logits")
        logits = compiled.logits
        self._compiled, self._native = compiled, native
        self.vocabulary_size, self.context_length = logits.size, compiled.facts.context_length
        self.logits_format = LogitsFormat(logits.dtype, logits.scale, logits.zero_point)
        self._step = native.library.model_step
        self._step.argtypes, self._step.restype = (ctypes.c_int32, ctypes.c_int32), ctypes.c_void_p
        self._logits = np.frombuffer(native.outputs["logits"], logits.dtype)
        self.reset()

    def reset(self) -> None:
        self.position = 0
        self._native.reset()

    def step_raw(self, token: int) -> np.ndarray:
        self.check_step(token)
        self._step(token, self.position)
        self.position += 1
        return self._logits.copy()

    def clone(self) -> "NativeEngine":
        clone = object.__new__(type(self))
        clone._open(self._compiled, NativeModel(self._native.content))
        return clone

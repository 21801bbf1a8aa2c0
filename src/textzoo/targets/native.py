"""The compiled C as a shared library on this machine."""

import ctypes
import shutil
import tempfile
from pathlib import Path

from textzoo.common import processes
from textzoo.common.paths import APPLICATION, RUNTIME
from textzoo.compiler.compile import CompiledModel
from textzoo.targets.toolchains import compile_objects, require_tool, run_compiler

FLAGS = ("-std=c99", "-O3", "-march=native", "-fno-strict-aliasing")


def find_compiler() -> str:
    """Return the C compiler of this machine; $TZ_CC takes precedence.

    Raises:
        MissingToolError: There is none.
    """
    return shutil.which(processes.own_setting("CC")) or str(require_tool("host"))


def write_files(files: dict[str, str], folder: Path) -> list[Path]:
    """Write generated files; return the C sources among them."""
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return [folder / name for name in files if name.endswith(".c")]


def build_library(compiled: CompiledModel, folder: Path, flags: tuple[str, ...] = FLAGS) -> Path:
    """Compile a model and its kernels to a shared library in `folder`.

    Raises:
        MissingToolError: There is no compiler.
        RuntimeError: It rejects the generated code, which is a bug of TextZoo.
    """
    generated = write_files(compiled.files, folder)
    library = folder / "libmodel.so"
    sources = [*generated, *(RUNTIME / source for source in compiled.sources), APPLICATION / "crc32.c"]
    command = [find_compiler(), *flags, "-fPIC", f"-I{RUNTIME / 'include'}", f"-I{APPLICATION}"]
    try:
        objects = compile_objects(command, sources, folder)
        run_compiler([find_compiler(), *flags, "-shared", *map(str, objects), "-o", str(library)])
    except RuntimeError as error:
        raise RuntimeError(f"the generated code does not compile: {error}") from error
    return library


class TensorEntry(ctypes.Structure):
    """model_tensor_t."""

    _fields_ = (("name", ctypes.c_char_p), ("data", ctypes.c_void_p), ("bytes", ctypes.c_size_t))


class NativeModel:
    """A loaded library with its tensors as readable and writable memory.

    Args:
        content: The bytes of the library that `build_library` made. Each object loads its own file, because the model's
            memory belongs to the library: two objects of one file would share it.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        with tempfile.TemporaryDirectory(prefix="textzoo-native-") as folder:
            path = Path(folder) / "libmodel.so"
            path.write_bytes(content)
            self.library = ctypes.CDLL(str(path))  # stays mapped after the file is deleted
        self.inputs = self._tensors("model_inputs")
        self.outputs = self._tensors("model_outputs")
        self.states = self._tensors("model_states")

    @classmethod
    def build(cls, compiled: CompiledModel, flags: tuple[str, ...] = FLAGS) -> "NativeModel":
        """Build and load a compiled model."""
        with tempfile.TemporaryDirectory(prefix="textzoo-build-") as folder:
            return cls(build_library(compiled, Path(folder), flags).read_bytes())

    def _tensors(self, table: str) -> dict[str, memoryview]:
        """Return name -> memory, from a table that ends with an entry without a name."""
        entries = ctypes.cast(getattr(self.library, table), ctypes.POINTER(TensorEntry))
        found: dict[str, memoryview] = {}
        while entries[len(found)].name:
            entry = entries[len(found)]
            found[entry.name.decode()] = memoryview((ctypes.c_uint8 * entry.bytes).from_address(entry.data))
        return found

    def run(self) -> None:
        """Compute the outputs and the new states from the inputs and the states."""
        self.library.model_run()

    def reset(self) -> None:
        """Set every state to its real 0, i.e. its zero point."""
        self.library.model_reset()

"""The table of kernels and variants in deployment/runtime/README.md, made from the files of the runtime."""

import re
from pathlib import Path

RUNTIME = Path(__file__).resolve().parents[1] / "deployment" / "runtime"
GENERIC = "generic"
# Folders without kernels.
OTHERS = ("include", "internal")
KERNEL = re.compile(r"^\w+ tz_(\w+)\(", re.MULTILINE)


def variants() -> list[str]:
    """Return the folders with kernels, the generic ones first."""
    folders = [path.name for path in RUNTIME.iterdir() if path.is_dir() and path.name not in OTHERS]
    return sorted(folders, key=lambda name: (name != GENERIC, name))


def contracts() -> dict[str, Path]:
    """Return kernel -> header that declares it."""
    headers = sorted((RUNTIME / "include" / "textzoo").glob("*.h"))
    return {kernel: header for header in headers for kernel in KERNEL.findall(header.read_text(encoding="utf-8"))}


def kernels_table() -> str:
    """Return a table with a row per kernel: its header, and the variants that implement it."""
    columns, headers = variants(), contracts()
    kernels = sorted({path.stem for path in RUNTIME.glob("*/*.c")}, key=lambda kernel: (str(headers[kernel]), kernel))
    rows = [f"| kernel | contract | {' | '.join(columns)} |", f"|---|---|{':-:|' * len(columns)}"]
    for kernel in kernels:
        header = headers[kernel].relative_to(RUNTIME).as_posix()
        marks = ["x" if (RUNTIME / variant / f"{kernel}.c").is_file() else "" for variant in columns]
        rows.append(f"| `{kernel}` | [{Path(header).name}]({header}) | {' | '.join(marks)} |")
    return "\n".join(rows)

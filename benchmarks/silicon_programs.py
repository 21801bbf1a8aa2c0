"""Build the programs that benchmarks/cycle_model.py measures, from sources of others that you fetch.

Run: python benchmarks/silicon_programs.py SOURCES OUT
SOURCES holds what there is of these folders (each has its own licence, and none is part of TextZoo):

    git clone https://github.com/Ko-/aes-armcortexm      SOURCES/aes-armcortexm
    git clone https://github.com/eembc/coremark          SOURCES/coremark
    git clone https://github.com/slothy-optimizer/slothy SOURCES/slothy
    git clone https://github.com/pornin/x25519-cm0       SOURCES/x25519-cm0
    git clone https://github.com/ctz/cifra               SOURCES/cifra
    git clone --recurse-submodules https://github.com/mupq/pqm4 SOURCES/pqm4
    git -C SOURCES/pqm4 checkout 918f379 && git -C SOURCES/pqm4 submodule update

and for networks of MLPerf Tiny, with the kernels that they were measured with:

    git clone https://github.com/mlcommons/tiny_results_v1.0 SOURCES/tiny_results_v1.0
    git clone https://github.com/mlcommons/tiny_results_v1.1 SOURCES/tiny_results_v1.1
    git clone https://github.com/ARM-software/CMSIS_5 SOURCES/CMSIS_5
    git -C SOURCES/CMSIS_5 worktree add ../cmsis_b966796 b966796
    git -C SOURCES/CMSIS_5 worktree add ../cmsis_5126318 5126318

OUT receives the programs and PROGRAMS.json, which names them; benchmarks/cycle_model.py describes its format. What is
called "CoreMark sources" here is no CoreMark score: nothing is reported, and no rule of a run is followed.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textzoo.targets.toolchains import require_tool, run_compiler
from textzoo.testing import bare_metal
from textzoo.testing.bare_metal import CORES, STAND_INS

OWN = Path(__file__).with_name("silicon")
ITERATIONS = 10  # of CoreMark's sources
RUNS = 10  # of a key encapsulation
LEVELS = {"O0": ["-O0"], "Og": ["-Og"], "O1": ["-O1"], "Os": ["-Os"], "O2": ["-O2"], "O3": ["-O3"]}
LEVELS |= {"O3_lto": ["-O3", "-flto"]}
# Core -> levels of optimization for which there is a count.
LEVELS_OF_COREMARK = dict.fromkeys(("m4", "m7", "m33"), tuple(LEVELS)) | {"esp32c3": ("O3",)}


@dataclass
class Build:
    """A program.

    Attributes:
        name: Its file, without the ending.
        core: With a model of cycles (timing.CORES).
        sources: C and assembly files.
        flags: Of the compiler.
        counts: Rows of PROGRAMS.json, see benchmarks/cycle_model.py.
        chip: Whose memories it is measured with (published_chips.py); "" for memories that never wait.
        has_fpu: Whether the compiler may use the core's floating-point unit.
    """

    name: str
    core: str
    sources: Sequence[Path]
    flags: Sequence[str]
    counts: list[dict[str, Any]] = field(default_factory=list)
    chip: str = ""
    has_fpu: bool = True

    @property
    def entry(self) -> dict[str, Any]:
        """Row of PROGRAMS.json."""
        note = "" if self.has_fpu else "compiled without FPU"
        return {
            "elf": f"{self.name}.elf",
            "core": self.core,
            "chip": self.chip,
            "note": note,
            "counts": self.counts,
        }


def count(name: str, function: str, per: int = 1, until: str = "") -> dict[str, Any]:
    """Return a row of PROGRAMS.json: a count of silicon_counts.json, and where it is in the program."""
    return {"count": name, "function": function, "until": until, "per": per}


def aes_build(folder: Path, source: str, bits: int, name: str, bitsliced: bool = False) -> Build:
    """Return the program for one of the AES implementations."""
    is_block = source == "aes128/aes.s"
    rounds = {128: 11, 192: 13, 256: 15}[bits]
    schedule, encrypt = f"AES_{bits}_keyschedule", f"AES_{bits}_encrypt" + ("" if is_block else "_ctr")
    defines = {"KEY_BYTES": bits // 8, "ROUND_KEYS": rounds * 16 * (2 if bitsliced else 1)}
    defines |= {"KEY_FIRST": int(not bitsliced), "KEY_SCHEDULE": schedule, "ENCRYPT": encrypt}
    flags = ["-O2", *(f"-D{key}={value}" for key, value in defines.items())]
    if is_block:
        rows = [count("aes128_block", "begin_encrypt", until="end_encrypt")]
        return Build(name, "m4", [OWN / "aes.c", folder / source], flags, rows)
    rows = [
        count(f"{name}_key_schedule", "begin_key_schedule", until="end_key_schedule"),
        count(f"{name}_counter_mode", "begin_encrypt", 256, until="end_encrypt"),
    ]
    return Build(name, "m4", [OWN / "aes.c", folder / source], [*flags, "-DCOUNTER_MODE"], rows)


def aes_builds(folder: Path) -> list[Build]:
    return [
        aes_build(folder, "aes128/aes.s", 128, "aes128_one_block"),
        aes_build(folder, "aes128ctr/aes_128_ctr.s", 128, "aes128"),
        aes_build(folder, "aes192ctr/aes_192_ctr.s", 192, "aes192"),
        aes_build(folder, "aes256ctr/aes_256_ctr.s", 256, "aes256"),
        aes_build(folder, "aes128ctrbs/aes_128_ctr_bs.s", 128, "aes128_bitsliced", bitsliced=True),
    ]


def coremark_builds(folder: Path) -> list[Build]:
    """Return CoreMark's sources at the levels of optimization of each core."""
    names = ("core_list_join.c", "core_main.c", "core_matrix.c", "core_state.c", "core_util.c")
    sources = [*(folder / name for name in names), OWN / "coremark" / "core_portme.c"]
    defines = [f"-DITERATIONS={ITERATIONS}", "-DPERFORMANCE_RUN=1", f"-I{folder}", f"-I{OWN / 'coremark'}"]
    return [
        Build(
            f"coremark_{core}_{level}",
            core,
            sources,
            [*LEVELS[level], *defines],
            [count(f"coremark_{core}_{level}", "start_time", ITERATIONS, until="stop_time")],
        )
        for core, levels in LEVELS_OF_COREMARK.items()
        for level in levels
    ]


def kyber_builds(folder: Path) -> list[Build]:
    """Return Kyber512 and Kyber768 of pqm4, with its Keccak."""
    functions = {"keypair": "crypto_kem_keypair", "encapsulation": "crypto_kem_enc", "decapsulation": "crypto_kem_dec"}
    builds = []
    for size in (512, 768):
        scheme = folder / "crypto_kem" / f"kyber{size}" / "m4fspeed"
        sources = [*sorted(scheme.glob("*.c")), *sorted(scheme.glob("*.S"))]
        sources += [folder / "mupq/common/fips202.c", folder / "common/keccakf1600.S", OWN / "kem.c"]
        flags = ["-std=gnu99", "-O3", "-fno-common", f"-DRUNS={RUNS}"]
        flags += [f"-I{path}" for path in (scheme, OWN, folder / "common", folder / "mupq/common")]
        rows = [count(f"kyber{size}_{name}", function) for name, function in functions.items()]
        builds.append(Build(f"kyber{size}", "m4", sources, flags, rows))
    return builds


def keccak_builds(folder: Path) -> list[Build]:
    """Return Keccak-f1600 of SLOTHY's examples, as they were before SLOTHY, for the Cortex-M7."""
    builds = []
    for name in ("adomnicai_m4", "xkcp", "adomnicai_m7"):
        function = f"KeccakF1600_StatePermute_{name}"
        sources = [OWN / "keccak.c", folder / f"examples/naive/armv7m/keccak/keccakf1600_{name}.s"]
        flags = ["-O2", f"-DPERMUTE={function}", f"-DRUNS={RUNS}"]
        builds.append(Build(f"keccak_{name}", "m7", sources, flags, [count(f"keccak_f1600_{name}", function)]))
    return builds


def x25519_builds(folder: Path) -> list[Build]:
    """Return X25519 in assembly for Armv6-M."""
    rows = [count("x25519_cm0", "x25519"), count("x25519_cm0_inversion", "gf_inv_inner")]
    sources = [OWN / "x25519.c", folder / "src" / "x25519-cm0.S"]
    return [Build("x25519_cm0", "m0plus", sources, ["-O2", "-DRUNS=2"], rows)]


def unacl_builds(folder: Path) -> list[Build]:
    """Return X25519 of uNaCl, which cifra has a copy of: assembly for Armv6-M, with the ladder in C."""
    function, code = "crypto_scalarmult_curve25519", folder / "src" / "arm" / "unacl"
    sources = [OWN / "x25519.c", *sorted(code.glob("*.[cs]"))]
    flags = ["-Os", "-std=gnu99", "-DRUNS=2", f"-DSCALAR_FIRST={function}"]
    return [Build("x25519_unacl", "m0", sources, flags, [count("x25519_unacl", function)])]


def kernels_of(folder: Path) -> tuple[list[Path], list[str]]:
    """Return the sources of CMSIS-NN and the compiler's flags for them."""
    headers = ("Core/Include", "NN/Include", "DSP/Include", "DSP/Include/dsp")
    return sorted((folder / "CMSIS/NN/Source").glob("*/*.c")), [f"-I{folder / 'CMSIS' / name}" for name in headers]


def onnc_build(folder: Path, network: str, level: str, name: str, chip: str = "", has_fpu: bool = True) -> Build:
    """Return a network as ONNC generated it, with the kernels of CMSIS-NN of which the submission replaces one."""
    code = folder / "closed" / "Nuvoton" / "code"
    project = code / "NUMAKER_M467HJ-zephyr" / network
    replaced = code / "arm_convolve_HWC_q7_fast_nonsquare.fixed"
    kernels, flags = kernels_of(folder.parent / "cmsis_b966796")
    sources = [replaced, *(path for path in kernels if path.stem != replaced.stem)]
    generated = project / f"{network}01_code"
    flags = [level, *NETWORK_FLAGS, f"-I{project}", f"-I{generated}", *flags]
    rows = [count(f"onnc_{name}_{network}", "onnc_main")]
    title = f"onnc_{name}_{network}" + ("" if has_fpu else "_without_fpu")
    return Build(title, "m4", [*sources, generated / "onnc_main.cpp", OWN / "onnc.c"], flags, rows, chip, has_fpu)


def onnc_builds(folder: Path) -> list[Build]:
    """Return ONNC's networks: on an M467 with Zephyr (-O2), on an STM32L4R5 with Zephyr (-O2) and Mbed OS (-O3)."""
    builds = []
    for network in NETWORKS:
        builds += [
            onnc_build(folder, network, "-O2", "m467"),
            onnc_build(folder, network, "-O2", "m467", has_fpu=False),
            onnc_build(folder, network, "-O2", "l4r5_zephyr", "STM32L4R5"),
            onnc_build(folder, network, "-O3", "l4r5_mbed", "STM32L4R5"),
        ]
    return builds


def microtvm_build(folder: Path, network: str, board: str, core: str, name: str, chip: str) -> Build:
    """Return a network as microTVM generated it for CMSIS-NN."""
    project = folder / "closed" / "OctoML" / "code" / "microtvm_cmsis_nn" / board / network
    kernels, flags = kernels_of(folder.parent / "cmsis_5126318")
    sources = sorted((project / "model/codegen/host/src").glob("*.c"))
    sources += [project / "crt/src/runtime/crt/memory/stack_allocator.c", OWN / "microtvm.c", *kernels]
    elements, kind = NETWORKS[network]
    flags = ["-O2", *NETWORK_FLAGS, f"-DINPUT_ELEMENTS={elements}", f"-DINPUT_TYPE={kind}", *flags]
    flags += [f"-I{project / path}" for path in ("include", "crt_config", "crt/include")]
    rows = [count(f"microtvm_{name}_{network}", "tvmgen_default_run")]
    return Build(f"microtvm_{name}_{network}", core, sources, flags, rows, chip)


def microtvm_builds(folder: Path) -> list[Build]:
    """Return microTVM's networks with CMSIS-NN, on an nRF5340 and an STM32L4R5."""
    boards = [("NRF5340DK", "m33", "nrf5340", ""), ("NUCLEO_L4R5ZI", "m4", "l4r5", "STM32L4R5")]
    return [microtvm_build(folder, network, *board) for board in boards for network in NETWORKS]


# Network of MLPerf Tiny -> elements of its input, and their type in microTVM's code.
NETWORKS = {"ad": (640, "float"), "ic": (3072, "int8_t"), "kws": (490, "int8_t"), "vww": (27648, "int8_t")}
# What Zephyr compiles with, and no tables of exceptions, which the test bench has no place for.
NETWORK_FLAGS = ("-fno-strict-aliasing", "-fno-exceptions", "-fno-asynchronous-unwind-tables", "-DRUNS=2")
NEEDED = {"tiny_results_v1.0": "cmsis_5126318", "tiny_results_v1.1": "cmsis_b966796"}
MAKERS = {"x25519-cm0": x25519_builds, "cifra": unacl_builds, "slothy": keccak_builds}
MAKERS |= {"aes-armcortexm": aes_builds, "coremark": coremark_builds, "pqm4": kyber_builds}
MAKERS |= {"tiny_results_v1.0": microtvm_builds, "tiny_results_v1.1": onnc_builds}
LANGUAGES = {".s": "assembler-with-cpp", ".fixed": "c"}


def arguments_of(source: Path) -> list[str]:
    """Return a source as the compiler's arguments; assembly may hold comments that only a preprocessor knows."""
    language = LANGUAGES.get(source.suffix)
    return ["-x", language, str(source), "-x", "none"] if language else [str(source)]


def processor_flags(made: Build, flags: Sequence[str]) -> list[str]:
    """Return a core's flags, those of its floating-point unit left out if the program is built without it."""
    if made.has_fpu:
        return list(flags)
    return [*(flag for flag in flags if not flag.startswith(("-mfpu", "-mfloat-abi"))), "-mfloat-abi=soft"]


def build(made: Build, folder: Path) -> Path:
    """Compile a program with the start-up code of the test bench; warnings are the authors' affair."""
    name, path = STAND_INS.get(made.core, made.core), folder / f"{made.name}.elf"
    core = CORES[name]
    if core.twin:
        return bare_metal.build(made.sources, name, path, flags=[*made.flags, "-w"])
    start = [bare_metal.HERE / name for name in ("board.c", "board_memory.c")]
    layout = {"CODE": core.code, "RAM": core.ram[0], "RAM_BYTES": core.ram[1]}
    link = ["-nostartfiles", f"-T{bare_metal.HERE / 'memory.ld'}", "-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments"]
    link += [f"-Wl,--defsym={name}={value:#x}" for name, value in layout.items()]
    flags = [*processor_flags(made, core.flags), *made.flags, "-w", "-ffunction-sections", "--specs=nano.specs"]
    flags += [f"-DCLOCK_HZ={core.clock_hz}u", *bare_metal.INCLUDES]
    files = [argument for source in [*start, *made.sources] for argument in arguments_of(source)]
    run_compiler([str(require_tool("arm")), *flags, *link, *files, "-o", str(path), "-lm"])
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    programs = []
    for name, maker in MAKERS.items():
        missing = [part for part in (name, NEEDED.get(name, name)) if not (given.sources / part).is_dir()]
        if missing:
            print(f"{name}: {missing[0]} is not there, left out", file=sys.stderr)
            continue
        for made in maker((given.sources / name).resolve()):
            path = build(made, given.out)
            programs.append(made.entry)
            print(path, flush=True)
    target = given.out / "PROGRAMS.json"
    target.write_text(json.dumps({"programs": programs}, indent=1), encoding="utf-8")
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())

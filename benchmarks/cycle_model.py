"""The cycle model against silicon: cycles that others measured and published, and what the model says of the same code.

Run: python benchmarks/cycle_model.py PROGRAMS.json [--json FILE]
Prints a table, and the mean of the absolute errors per core as JSON; exits with 1 if one is above its limit (LIMITS).
The published counts are in benchmarks/silicon_counts.json, each with its source. They were measured with memories
without waits (TCM, or a clock at which flash has none), so they are compared with the model's core cycles. Those of
networks of MLPerf Tiny ("set": "networks") are of code that another compiler made, from flash: they are no measure of
the model alone, have no limit, and are summed up per chip.

The programs are not part of TextZoo. `python benchmarks/silicon_programs.py SOURCES OUT` builds most of them from
sources that you fetch, and writes OUT/PROGRAMS.json; others can be added by hand:

    {"programs": [{"elf": "aes128.elf",         a program for the emulated board, beside the JSON
                   "core": "m4",                key of timing.CORES: core, and emulated board
                   "machine": "mps2-an386",     of QEMU; may be left out
                   "chip": "STM32L4R5",         with whose memories (published_chips.py); may be left out: no waits
                   "note": "",                  for readers; may be left out
                   "counts": [{"count": "aes128_counter_mode",     id in silicon_counts.json
                               "function": "AES_128_encrypt_ctr",  measured from its start to its return,
                               "until": "",                        or to the start of this function
                               "per": 256}]}]}                     calls of one function that the count is of

A program must end by semihosting. Where a function is called several times, the mean counts.
"""

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from published_chips import chips
from textzoo.common import processes
from textzoo.common.errors import UserError, raise_all
from textzoo.common.files import read_bytes
from textzoo.common.registry import unknown_name
from textzoo.targets.boards import FLASH
from textzoo.targets.cycles.measure import Cost, Measurement, Place, Span, counting
from textzoo.targets.cycles.timing import CORES as MODELS
from textzoo.targets.cycles.timing import Timing
from textzoo.testing.bare_metal import CORES, STAND_INS, emulator_command

COUNTS = Path(__file__).with_name("silicon_counts.json")
LIMITS = {"m0": 2.0, "m0plus": 2.0, "m4": 2.0, "m7": 4.0, "m33": 4.0, "esp32c3": 4.0}  # percent
RUN_SECONDS = 600
MAX_BYTES = 1 << 20
CODE_BYTES = 1 << 20  # of the flash of an emulated board


@dataclass(frozen=True)
class Row:
    """A count and what the model says of it, in cycles."""

    count: str
    what: str
    core: str
    silicon: float
    model: float
    instructions: float
    set: str = ""
    chip: str = ""

    @property
    def error(self) -> float:
        """Error of the model in percent."""
        return (self.model / self.silicon - 1) * 100


def published_counts() -> dict[str, dict[str, Any]]:
    """Return id -> published count."""
    return {entry["id"]: entry for entry in json.loads(COUNTS.read_text(encoding="utf-8"))["counts"]}


def read_programs(path: Path) -> list[dict[str, Any]]:
    """Return the programs of PROGRAMS.json; UserError if it is not as the docstring describes it."""
    try:
        programs = json.loads(read_bytes(path, MAX_BYTES))["programs"]
        mistakes = [mistake for program in programs for mistake in program_mistakes(program)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"'{path}' is no list of programs", received=repr(error)) from error
    raise_all(mistakes)
    return programs


def program_mistakes(program: dict[str, Any]) -> list[UserError]:
    """Return what is wrong with one program's entry; KeyError if something is missing."""
    known, errors = published_counts(), []
    if program["core"] not in MODELS:
        errors.append(UserError(f"there is no model of {program['core']}", expected=" or ".join(MODELS)))
    if program.get("chip", "") not in ("", *chips()):
        errors.append(unknown_name("chip", program["chip"], chips()))
    for entry in program["counts"]:
        if entry["count"] not in known:
            errors.append(unknown_name("published count", entry["count"], known))
        elif known[entry["count"]]["core"] != program["core"]:
            received = f"{program['elf']} for {program['core']}"
            errors.append(UserError(f"the published count {entry['count']} is of another core", received=received))
        if not isinstance(entry["function"], str) or int(entry.get("per", 1)) < 1:
            errors.append(UserError(f"wrong entry of {program['elf']}", received=str(entry)))
    return errors


def measure(program: dict[str, Any], folder: Path) -> Measurement:
    """Run a program to its end under the model of its core, with a chip's memories, or ones that never wait."""
    core = STAND_INS.get(program["core"], program["core"])
    timing, places = memories_of(program, CORES[core].code)
    spans = [Span(entry["function"], entry.get("until", "")) for entry in program["counts"]]
    elf = (folder / program["elf"]).resolve()
    with counting(elf, timing, places, spans, qemu=CORES[core].emulator) as counter:
        command = [*emulator_command(core, program.get("machine", "")), str(elf), *counter.options]
        done = processes.run_text(command, elf.parent, timeout=RUN_SECONDS)
        if done.returncode:
            raise UserError(f"'{elf}' ended with {done.returncode}", received=done.stdout + done.stderr)
        return counter.result()


def memories_of(program: dict[str, Any], code: int) -> tuple[Timing, list[Place]]:
    """Return the timing that a program is measured with, and where the chip's flash is on the emulated board."""
    if not program.get("chip"):
        return Timing(core=program["core"]), []
    chip = chips()[program["chip"]]
    return chip.timing, [Place(chip.memory(FLASH).name, code, CODE_BYTES)]


def modelled_cycles(program: dict[str, Any], cost: Cost) -> int:
    return cost.cycles if program.get("chip") else cost.core_cycles


def rows_of(program: dict[str, Any], folder: Path) -> list[Row]:
    """Return a row for each count of a program."""
    measured, known, rows = measure(program, folder), published_counts(), []
    for entry in program["counts"]:
        costs = [call.cost for call in measured.of(entry["function"])]
        if not costs:
            raise UserError(f"'{program['elf']}' does not call {entry['function']}")
        share = len(costs) * entry.get("per", 1)
        published = known[entry["count"]]
        cycles = sum(modelled_cycles(program, cost) for cost in costs) / share
        instructions = sum(cost.instructions for cost in costs) / share
        note = f" ({program['note']})" if program.get("note") else ""
        what = f"{published['what']} per {published['unit']}{note}"
        row = Row(entry["count"], what, program["core"], published["cycles"], cycles, instructions)
        rows.append(replace(row, set=published.get("set", ""), chip=published.get("chip", "")))
    return rows


def line_of(row: Row) -> str:
    ratio = row.silicon / row.instructions
    return (
        f"{row.core} | {row.what} | {row.instructions:,.1f} | {row.silicon:,.1f} | {row.model:,.1f} | "
        f"{row.error:+.1f} % | {ratio:.2f}"
    )


def summary(rows: list[Row]) -> dict[str, dict[str, float]]:
    """Return core -> number of counts, mean and largest absolute error in percent."""
    errors = {core: [abs(row.error) for row in rows if row.core == core and not row.set] for core in MODELS}
    return {core: figures_of(found) for core, found in errors.items() if found}


def summary_of_networks(rows: list[Row]) -> dict[str, dict[str, float]]:
    """Return chip of networks -> the same figures."""
    chips_of_rows = dict.fromkeys(row.chip for row in rows if row.set)
    return {
        name: figures_of([abs(row.error) for row in rows if row.set and row.chip == name]) for name in chips_of_rows
    }


def figures_of(errors: list[float]) -> dict[str, float]:
    mean = round(sum(errors) / len(errors), 2)
    return {"counts": len(errors), "mean_error_percent": mean, "largest_percent": round(max(errors), 2)}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    print("core | what | instructions | cycles on silicon | of the model | error | cycles per instruction", flush=True)
    rows: list[Row] = []
    for program in read_programs(given.programs):
        found = rows_of(program, given.programs.parent)
        print("\n".join(map(line_of, found)), flush=True)
        rows += found
    result, networks = summary(rows), summary_of_networks(rows)
    print(json.dumps({"cores": result, "networks": networks}, indent=1))
    if given.json:
        found = {"rows": [vars(row) for row in rows], "cores": result, "networks": networks}
        given.json.write_text(json.dumps(found, indent=1))
    return int(not rows or any(figures["mean_error_percent"] > LIMITS[core] for core, figures in result.items()))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)

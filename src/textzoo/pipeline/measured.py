"""measured_<board>.json: cycles that a real board measured beside those that the model predicts, for publication.

It names board, model and compiler, and nothing of the machine, the port or the folders of who measured.
"""

from dataclasses import asdict
from typing import Any

import textzoo
from textzoo.pipeline.firmware import Firmware
from textzoo.records.report import BenchmarkReport
from textzoo.targets.answers import Answer

SCHEMA_VERSION = 1
# Characters of a text that a device sends.
MAX_TEXT = 100
# What the firmware says of itself: the numbers of model.h and of the protocol, and the compiler.
NUMBERS, TEXTS = ("version", "protocol"), ("compiler",)


def measurement(report: BenchmarkReport, made: Firmware, info: dict[str, Any]) -> dict[str, Any]:
    """Return the content of the file.

    Args:
        report: Of a board that counted cycles.
        made: Its firmware.
        info: Its reply to `info`.
    """
    board, projected = made.board, report.projected
    return {
        "schema_version": SCHEMA_VERSION,
        "textzoo": textzoo.__version__,
        "board": board.name,
        "core": board.core,
        "clock_hz": board.clock_hz,
        "model_sha256": made.compiled.facts.sha256,
        "macs_per_token": report.macs_per_token,
        "firmware": firmware_facts(info, board.name),
        "logits": {"checked_tokens": report.tokens_checked, "differing": report.mismatching_logits},
        "measured": {"cycles_per_token": report.cycles_per_token, "cycles_by_position": report.by_position},
        "predicted": projected
        and {
            "core_cycles_per_token": projected.core_cycles,
            "cycles_per_token": projected.cycles,
            "cycles_by_position": projected.by_position,
            "timing": asdict(board.timing) if board.timing else None,
        },
    }


def firmware_facts(info: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what a firmware says of itself, checked; older ones do not name their compiler."""
    answer = Answer({"compiler": "unknown", **info}, name)
    facts = {key: answer.whole(key) for key in NUMBERS} | {key: answer.text(key)[:MAX_TEXT] for key in TEXTS}
    answer.check()
    return facts

"""The decoder against objdump: names, registers and flags; what it does not know, it names."""

import random
import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compilers import need
from textzoo.targets.cycles.encodings import ENCODINGS, KINDS
from textzoo.targets.cycles.thumb import (
    FIRST_FLOAT,
    FLAGS,
    UnknownInstructionError,
    block_length,
    decode,
    decode_run,
    is_wide,
)
from textzoo.targets.toolchains import tool_beside

SAMPLES = 12  # instructions of each row, with random fields
NOP = 0xBF00
LINE = re.compile(r"^\s*([0-9a-f]+):\t[0-9a-f ]+?\s*\t(\S+)(?:\t(.*))?$")
REGISTER = re.compile(r"\b(r\d+|s\d+|d\d+|sb|sl|fp|ip|sp|lr|pc)\b")
NAMED = {"sb": 9, "sl": 10, "fp": 11, "ip": 12, "sp": 13, "lr": 14, "pc": 15}
COMPARES = ("cmp", "cmn", "tst", "teq")
# objdump's name of an instruction -> the manuals'; it also writes shifts as mov, and adr as add and sub.
SAME = {
    "neg": "rsb",
    "ldmia": "ldm",
    "stmia": "stm",
    "vpush": "vstmdb",
    "vpop": "vldmia",
    "dfb": "dsb",
    "ssbb": "dsb",
    "pssbb": "dsb",
}
SAME |= {"cpsie": "cps", "cpsid": "cps", "fldmiax": "vldmia", "fstmiax": "vstmia", "fldmdbx": "vldmdb"}
SAME |= {"fstmdbx": "vstmdb", "ttt": "tt", "tta": "tt", "ttat": "tt", "addw": "add", "subw": "sub"}
SHIFTS = ("lsl", "lsr", "asr", "ror", "rrx")
# Instructions whose operands do not name a register that they use: name -> the register.
UNNAMED = {"bl": 14, "blx": 14, "blxns": 14, "push": 13, "pop": 13, "vpush": 13, "vpop": 13}
OPERATIONS = KINDS[: KINDS.index("LONG")]
# Fields that objdump calls something else, or unpredictable: extensions of Armv8.1-M, and of A-profile cores.
FOREIGN = ("?", "pacg", "bxaut", "autg", "vscclrm", "ldrt", "ldrht", "ldrsht", "ldrbt", "ldrsbt")


def sample_words():
    """Return (instruction, bits) for every row of the table, with random fields."""
    numbers = random.Random(1)
    fields = [(row, numbers.getrandbits(row.bits) & ~row.mask) for row in ENCODINGS for _ in range(SAMPLES)]
    return [(row.value | field, row.bits) for row, field in fields]


def objdump(words, folder):
    """Return (mnemonic, operands) of each instruction; NOPs between them keep their borders apart."""
    content, starts = bytearray(), []
    for word, bits in words:
        starts.append(len(content))
        halves = (word >> 16, word & 0xFFFF) if bits == 32 else (word,)
        content += b"".join(half.to_bytes(2, "little") for half in (*halves, *[NOP] * 4))
    (folder / "code").write_bytes(content)
    options = ["-D", "-b", "binary", "-m", "arm", "-M", "force-thumb,reg-names-std"]
    command = [str(tool_beside("arm", "objdump")), *options, str(folder / "code")]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = {int(match[1], 16): match for match in map(LINE.match, text.splitlines()) if match}
    return [
        (found[start][2], re.split(r"\s*[;@<]", found[start][3] or "")[0]) if start in found else ("?", "")
        for start in starts
    ]


@pytest.fixture(scope="module")
def listing(tmp_path_factory):
    """Instructions that both know: (ours, objdump's mnemonic, its operands)."""
    need("arm")
    words = sample_words()
    rows = []
    for (word, bits), (mnemonic, operands) in zip(words, objdump(words, tmp_path_factory.mktemp("code")), strict=True):
        known = not mnemonic.startswith(FOREIGN) and "?" not in mnemonic and "undefined" not in operands.lower()
        try:
            rows += [(decode(word, bits), mnemonic, operands)] if known else []
        except UnknownInstructionError:
            continue
    assert len(rows) > 0.9 * len(words)
    return rows


def manual_name(mnemonic, operands):
    """Return the manuals' name for what objdump writes, without width, type and flags."""
    name = mnemonic.split(".")[0]
    shift = next((shift for shift in SHIFTS if shift in operands), "") if name in ("mov", "movs") else ""
    if name.startswith(("it", "vsel")):
        return name[: 2 if name.startswith("it") else 4]
    return shift or SAME.get(name, name)


def test_names_are_those_of_objdump(listing):
    wrong = set()
    for found, mnemonic, operands in listing:
        name, ours = manual_name(mnemonic, operands), SAME.get(found.name, found.name)
        conditional = found.kind == "BRANCH" and name.startswith("b") and len(name) == 3
        is_address = ours == "adr" and name in ("add", "sub") and "pc" in operands
        if not (conditional or is_address) and SAME.get(name.removesuffix("s"), name.removesuffix("s")) != (
            ours.removesuffix("s")
        ):
            wrong.add((mnemonic, operands, found.name))
    assert not wrong


def registers_in(text):
    """Return the set of registers that operands name, as the decoder's bits."""
    found = 0
    for name in REGISTER.findall(text):
        number = NAMED[name] if name in NAMED else int(name[1:])
        if name in NAMED or name[0] == "r":
            found |= 1 << number
        elif name[0] == "s":
            found |= 1 << FIRST_FLOAT + number
        else:
            found |= 3 << FIRST_FLOAT + 2 * number
    return found & (1 << 64) - 1


def spread(operands):
    """Return operands with the ranges of lists written out: {s1-s3} -> {s1, s2, s3}."""

    def names(match):
        return ", ".join(f"{match[1]}{number}" for number in range(int(match[2]), min(int(match[3]), 31) + 1))

    return re.sub(r"([sd])(\d+)-[sd](\d+)", names, operands)


def test_registers_are_those_of_objdump(listing):
    wrong = []
    for found, mnemonic, operands in listing:
        unnamed = UNNAMED.get(mnemonic.split(".")[0])
        named = registers_in(spread(operands)) | (0 if unnamed is None else 1 << unnamed)
        used = (found.reads | found.writes | found.address | found.back) & ~FLAGS
        # objdump cuts names of registers of the system, and lists that are too long.
        is_cut = found.kind == "SYSTEM" or found.name == "vmsr" or operands.endswith("-")
        if used != named and not is_cut:
            wrong.append((mnemonic, operands, found))
    assert not wrong


def test_results_and_flags_are_those_of_objdump(listing):
    """The first operand of an operation is its result; a name that ends in s, and a comparison, write the flags."""
    wrong = []
    for found, mnemonic, operands in listing:
        if found.kind not in OPERATIONS:
            continue
        compares = found.name in COMPARES
        first = 0 if compares else registers_in(operands.split(",")[0])
        sets = compares or mnemonic.split(".")[0].removesuffix("s") != mnemonic.split(".")[0]
        sets = sets and found.name not in ("mls", "smmls")
        if found.writes & 0xFFFF != first or (found.kind != "BITS" and bool(found.writes & FLAGS) != sets):
            wrong.append((mnemonic, operands, found))
    assert not wrong


def test_distances_are_those_of_objdump(listing):
    """The constant behind a base: of an access, or of a sum. Lists have none, and begin below if they go down."""
    wrong, seen = [], 0
    for found, mnemonic, operands in listing:
        named = re.search(r"#(-?\d+)", operands)
        if found.base is None or found.base == 15 or "LOADS" in found.kind or "STORES" in found.kind:
            continue
        expected = int(named[1]) if named else 0
        expected = -expected if mnemonic.startswith("sub") else expected
        seen += bool(named)
        if (found.distance - expected) % 2**32:
            wrong.append((mnemonic, operands, found.distance))
    assert not wrong
    assert seen > 300


@given(st.binary(max_size=64))
def test_any_bytes_are_decoded_or_named(code):
    position = 0
    for address, found in decode_run(0x08000000, code):
        assert address == 0x08000000 + position
        half = int.from_bytes(code[position : position + 2], "little")
        size = 4 if is_wide(half) and position + 4 <= len(code) else 2
        if isinstance(found, UnknownInstructionError):
            assert re.fullmatch(r"0x[0-9a-f]{4}( 0x[0-9a-f]{4})?", str(found))
            assert f"0x{half:04x}" in str(found)
        else:
            assert found.kind in KINDS
            assert found.bytes == size
        position += size
    assert len(code) - position < 2


@given(st.integers(0, 15), st.lists(st.booleans(), min_size=1, max_size=4))
def test_it_makes_as_many_instructions_conditional_as_it_has_letters(condition, letters):
    mask = "".join(str(int(letter)) for letter in letters[1:]) + "1"
    word = 0xBF00 | condition << 4 | int(mask.ljust(4, "0"), 2)
    code = word.to_bytes(2, "little") + b"\x08\x18" * 6  # adds r0, r1, r0
    assert block_length(word) == len(letters)
    found = [instruction for _, instruction in decode_run(0, code)][1:]
    marks = ["conditional" in instruction.marks for instruction in found]
    assert marks == [index < len(letters) for index in range(6)]
    # Short operations write the flags only outside.
    assert [bool(instruction.writes & FLAGS) for instruction in found] == [not mark for mark in marks]


# half-words, of vectors of floating point and of coprocessors
UNKNOWN = [0xEF000D40, 0xFC801E00, 0xEE010F10, 0xF7F08001]


@pytest.mark.parametrize("word", UNKNOWN, ids=hex)
def test_other_extensions_are_unknown(word):
    with pytest.raises(UnknownInstructionError, match=f"0x{word >> 16:04x} 0x{word & 0xFFFF:04x}"):
        decode(word, 32)

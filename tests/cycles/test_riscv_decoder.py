"""The RISC-V decoder against objdump: names, and the registers that are read and written."""

import random
import re
import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compilers import need
from textzoo.targets.cycles.encodings import BRANCH, KINDS, LOAD, STORE
from textzoo.targets.cycles.instructions import UnknownInstructionError
from textzoo.targets.cycles.riscv import decode, decode_run, is_wide
from textzoo.targets.cycles.riscv_encodings import ENCODINGS, RESERVED
from textzoo.targets.toolchains import tool_beside

SAMPLES = 24  # instructions of each row, with random fields
NOP = 0x0001
LINE = re.compile(r"^\s*([0-9a-f]+):\t[0-9a-f ]+?\s*\t(\S+)(?:\t(.*))?$")
REGISTER = re.compile(r"\b(zero|ra|sp|gp|tp|[ast]\d+)\b")
NAMES = ["zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", *(f"a{number}" for number in range(8))]
NAMES += [*(f"s{number}" for number in range(2, 12)), *(f"t{number}" for number in range(3, 7))]
# Instructions that write no register that objdump names, and those that write one that it does not.
WITHOUT_RESULT = (BRANCH, STORE, "JUMP", "INDIRECT", "SYSTEM", "BARRIER")
UNNAMED = {"c.jal": {"ra"}, "c.jalr": {"ra"}}
# A register that is read and written stands once, except in these.
READS_RESULT = ("c.addi", "c.add", "c.sub", "c.xor", "c.or", "c.and", "c.andi", "c.slli", "c.srli", "c.srai")
READS_RESULT += ("c.addi16sp",)


def sample_words():
    """Return (instruction, bits) for every row of the table: with random fields, and with fields of 0 (FENCE)."""
    numbers = random.Random(1)
    fields = [(row, numbers.getrandbits(row.bits) & ~row.mask) for row in ENCODINGS for _ in range(SAMPLES)]
    fields += [(row, 0) for row in ENCODINGS]
    return [(row.value | field, row.bits) for row, field in fields if row.name != RESERVED]


def objdump(words, folder):
    """Return (mnemonic, operands) of each instruction; NOPs between them keep their borders apart."""
    content, starts = bytearray(), []
    for word, bits in words:
        starts.append(len(content))
        content += word.to_bytes(bits // 8, "little") + NOP.to_bytes(2, "little") * 2
    (folder / "code").write_bytes(content)
    options = ["-D", "-b", "binary", "-m", "riscv:rv32", "-M", "no-aliases"]
    command = [str(tool_beside("riscv", "objdump")), *options, str(folder / "code")]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = {int(match[1], 16): match for match in map(LINE.match, text.splitlines()) if match}
    return [(found[start][2], found[start][3] or "") if start in found else ("?", "") for start in starts]


@pytest.fixture(scope="module")
def listing(tmp_path_factory):
    """Instructions that both know: (ours, objdump's mnemonic, its operands)."""
    need("riscv")
    words, rows = sample_words(), []
    for (word, bits), (mnemonic, operands) in zip(words, objdump(words, tmp_path_factory.mktemp("code")), strict=True):
        try:
            found = decode(word, bits)
        except UnknownInstructionError:  # a reserved form of another row
            continue
        if mnemonic[0] not in "?.0":
            rows.append((found, mnemonic, re.split(r"\s*[#<]", operands)[0]))
    assert len(rows) > 0.9 * len(words)
    return rows


def plain(name):
    """Return a mnemonic without the ordering of atomic accesses; objdump has names of its own for hints."""
    name = re.sub(r"\.(aq|rl|aqrl)$|64$", "", name)
    return {"c.nop": "c.addi", "c.ntl.p1": "c.add", "fence.tso": "fence", "pause": "fence"}.get(name, name)


def test_names_are_those_of_objdump(listing):
    wrong = {(found.name, mnemonic) for found, mnemonic, _ in listing if plain(mnemonic) != found.name}
    assert not wrong


def names_in(text):
    return [name for name in REGISTER.findall(text) if name != "zero"]


def names_of(registers):
    return {name for number, name in enumerate(NAMES) if registers >> number & 1}


def test_registers_are_those_of_objdump(listing):
    wrong = []
    for found, mnemonic, operands in listing:
        named = set(names_in(operands)) | UNNAMED.get(found.name, set())
        if names_of(found.reads | found.writes | found.address) != named:
            wrong.append((mnemonic, operands, found))
    assert not wrong


def test_results_are_the_first_operands_of_objdump(listing):
    """What the others are for: an address stands in brackets, and the rest is read."""
    wrong, seen = [], set()
    for found, mnemonic, operands in listing:
        result = {"jal": 1, "jalr": 1}.get(found.name, found.kind not in WITHOUT_RESULT or found.name in ("sc.w",))
        result = result or found.name.startswith("csr")
        texts = operands.split(",")
        written = set(names_in(texts[0])) if result else set()
        address = set(names_in(operands[operands.rfind("(") :])) if found.kind in (LOAD, STORE) else set()
        others = texts if found.name in READS_RESULT or not result else texts[1:]
        read = set(names_in(",".join(others))) - (address if found.kind in (LOAD, STORE) else set())
        seen.add(found.name)
        expected = (written | UNNAMED.get(found.name, set()), address, read)
        ours = (names_of(found.writes), names_of(found.address), names_of(found.reads & ~found.address))
        if ours != expected:
            wrong.append((mnemonic, operands, ours, expected))
    assert not wrong
    assert seen == {row.name for row in ENCODINGS} - {RESERVED}


@given(st.binary(max_size=64))
@example(b"\x03\x00")  # the first half of an instruction of 32 bits
def test_any_bytes_are_decoded_or_named(code):
    position = 0
    for address, found in decode_run(0x42000000, code):
        assert address == 0x42000000 + position
        half = int.from_bytes(code[position : position + 2], "little")
        size = 4 if is_wide(half) and position + 4 <= len(code) else 2
        if isinstance(found, UnknownInstructionError):
            assert re.fullmatch(r"0x[0-9a-f]{4}([0-9a-f]{4})?", str(found))
        else:
            assert found.kind in KINDS
            assert found.bytes == size
        position += size
    assert len(code) - position < 2


UNKNOWN = {
    "0x0000": (0x0000, 16),
    "0x8002": (0x8002, 16),
    "0x00b50553": (0x00B50553, 32),
    "0xffffffff": (2**32 - 1, 32),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_reserved_and_floating_point_instructions_are_unknown(name):
    with pytest.raises(UnknownInstructionError, match=name):
        decode(*UNKNOWN[name])

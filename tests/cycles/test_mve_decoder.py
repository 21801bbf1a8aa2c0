"""The decoder of Helium against the assembler: names, the registers of an instruction, and its results."""

import random
import re
import subprocess

import pytest

from compilers import need
from textzoo.targets.cycles.mve_encodings import ENCODINGS
from textzoo.targets.cycles.thumb import FIRST_FLOAT, FLAGS, UnknownInstructionError, decode
from textzoo.targets.toolchains import tool_beside

VPST = 0xFE710F4D
SAMPLES = 12  # of each form, with random registers
# q: a vector; r: a register; e: an even one; o: an odd one; l: one of r0 to r7. The first operand is the result; +: is
# read, too; ++: so are the first two; -+: of the first two only the second is; --: there is none.
FORMS = [f"{name}.{size} q, q, q" for name in ("vadd", "vsub", "vmul") for size in ("i8", "i16", "i32")]
FORMS += [
    f"{name}.{size} q, q, q" for name in ("vhadd", "vhsub", "vrhadd", "vabd", "vmax", "vmin") for size in ("s8", "u32")
]
FORMS += [
    f"{name}.{size} q, q, q"
    for name in ("vqadd", "vqsub", "vmulh", "vrmulh", "vmullb", "vmullt")
    for size in ("s16", "u8")
]
FORMS += [f"{name}.{size} q, q, q" for name in ("vqdmulh", "vqrdmulh") for size in ("s8", "s32")]
FORMS += [f"{name} q, q, q" for name in ("vand", "vbic", "vorr", "vorn", "veor")]
FORMS += [f"{name}.{size} q, q, q" for name in ("vshl", "vqshl", "vrshl", "vqrshl") for size in ("s32", "u8")]
FORMS += [f"+{name}.{size} q, r" for name in ("vshl", "vqshl", "vrshl", "vqrshl") for size in ("s32", "u8")]
FORMS += [f"{name}.{size} q, q, r" for name in ("vadd", "vsub", "vmul") for size in ("i8", "i32")]
FORMS += [f"{name}.{size} q, q, r" for name in ("vqdmulh", "vqrdmulh", "+vmla", "+vmlas") for size in ("s8", "s32")]
FORMS += ["vdup.8 q, r", "vdup.16 q, r", "vdup.32 q, r", "-+vidup.u32 q, e, #2", "-+vidup.u8 q, e, #8"]
FORMS += ["vshr.s32 q, q, #3", "vshr.u8 q, q, #8", "vrshr.s8 q, q, #2", "vrshr.u32 q, q, #32", "vshl.i16 q, q, #5"]
FORMS += [
    "vabs.s8 q, q",
    "vneg.s32 q, q",
    "vcls.s16 q, q",
    "vclz.i8 q, q",
    "vmvn q, q",
    "vmov.i32 q, #7",
    "vmov.i8 q, #255",
]
FORMS += [f"{name}.{size} e, q, q" for name in ("vmlav", "+vmlava") for size in ("s8", "u8", "s16", "s32", "u32")]
FORMS += [f"{name}.{size} e, o, q, q" for name in ("vmlalv", "++vmlalva") for size in ("s16", "u32")]
FORMS += [f"{name}.{size} e, q" for name in ("vaddv", "+vaddva") for size in ("s8", "u16", "s32")]
FORMS += [f"{name}.{size} r, q" for name in ("+vmaxv", "+vminv") for size in ("s8", "u16", "s32")]
WHOLE = [("vldrb.u8", 1), ("vldrh.u16", 2), ("vldrw.u32", 4), ("--vstrb.8", 1), ("--vstrh.16", 2), ("--vstrw.32", 4)]
PARTS = [("vldrb.s16", 1), ("vldrb.u32", 1), ("vldrh.s32", 2), ("--vstrb.16", 1), ("--vstrb.32", 1), ("--vstrh.32", 2)]
FORMS += [f"{name} q, [r, #{3 * size}]" for name, size in WHOLE] + [f"{name} q, [r, #-{size}]" for name, size in WHOLE]
FORMS += [f"{name} q, [r], #{5 * size}" for name, size in WHOLE] + [f"{name} q, [r, #{size}]!" for name, size in WHOLE]
FORMS += [f"{name} q, [l, #{3 * size}]" for name, size in PARTS] + [f"{name} q, [l], #-{size}" for name, size in PARTS]
FORMS += [
    "vldrb.s32 q, [r, q]",
    "vldrb.u8 q, [r, q]",
    "vldrw.u32 q, [r, q, uxtw #2]",
    "--vstrb.32 q, [r, q]",
    "--vstrw.32 q, [r, q]",
]
FORMS += [
    "--vpst",
    "--vctp.8 r",
    "--vctp.32 r",
    "--vcmp.i32 eq, q, q",
    "--vcmp.s8 gt, q, q",
    "--vcmp.u16 hi, q, r",
    "--vcmp.i8 ne, q, r",
]
FORMS += [
    "dls lr, r",
    "dlstp.8 lr, r",
    "dlstp.32 lr, r",
    "+le lr, . - 16",
    "+letp lr, . - 16",
    "wls lr, r, . + 16",
    "wlstp.8 lr, r, . + 16",
]
FORMS += [
    "csel r, r, r, eq",
    "csinc r, r, r, ne",
    "csinv r, r, r, lt",
    "csneg r, r, r, gt",
    "++lsll e, o, #3",
    "++lsrl e, o, #31",
]
FORMS += ["++asrl e, o, #1", "++asrl r0, r1, r", "++lsll r2, r3, r"]
REGISTER = re.compile(r"\b(r\d+|q\d+|lr)\b")


def filled(form, numbers):
    """Return a form with random registers, all of them different."""
    core = numbers.sample([4, 5, 6, 7, 8, 9, 10, 11, 12], 3)
    even = numbers.choice((0, 2, 4, 6, 8, 10))
    names = {"r": [f"r{number}" for number in core], "e": [f"r{even}"], "o": [f"r{even + 1}"]}
    names |= {"l": [f"r{numbers.randrange(8)}"], "q": [f"q{number}" for number in numbers.sample(range(8), 3)]}
    name, _, operands = form.lstrip("+-").partition(" ")
    text = re.sub(r"\b[reolq]\b", lambda match: names[match[0]].pop(0), operands)
    return f"{name} {text}".strip()


def assembled(lines, folder):
    """Return the words of instructions of 32 bits."""
    source = folder / "code.s"
    text = "\n".join(lines)
    source.write_text(f".syntax unified\n.thumb\n{text}\nvadd.i32 q0, q0, q0\n")
    command = [str(tool_beside("arm", "as")), "-march=armv8.1-m.main+mve", str(source), "-o", str(folder / "code.o")]
    subprocess.run(command, check=True, capture_output=True)
    binary = folder / "code.bin"
    command = [str(tool_beside("arm", "objcopy")), "-O", "binary", "-j", ".text", str(folder / "code.o"), str(binary)]
    subprocess.run(command, check=True)
    halves = memoryview(binary.read_bytes()).cast("H").tolist()
    return [first << 16 | second for first, second in zip(halves[::2], halves[1::2], strict=True)]


@pytest.fixture(scope="module")
def listing(tmp_path_factory):
    """Instructions: (marks of the form, text, decoded)."""
    need("arm")
    numbers = random.Random(1)
    forms = [form for form in FORMS for _ in range(SAMPLES)]
    lines = [filled(form, numbers) for form in forms]
    words = assembled(
        ["vpst\nvaddt.i32 q0, q0, q0" if line == "vpst" else line for line in lines], tmp_path_factory.mktemp("code")
    )
    words = [word for before, word in zip([0, *words], words, strict=False) if before != VPST]
    return [
        (re.match("[+-]*", form)[0], line, decode(word, 32))
        for form, line, word in zip(forms, lines, words[:-1], strict=True)
    ]


def test_every_row_has_a_form(listing):
    assert {found.name for *_, found in listing} == {row.name for row in ENCODINGS}


def test_names_are_those_of_the_assembler(listing):
    wrong = []
    for _, line, found in listing:
        name = re.sub(r"^(vldr|vstr)[bhw]$", r"\1", line.split()[0].split(".")[0])
        name = "vmov" if line.startswith("vmov") else name
        if found.name != name:
            wrong.append((line, found.name))
    assert not wrong


def registers_in(text):
    found = 0
    for name in REGISTER.findall(text):
        if name[0] == "q":
            found |= 15 << FIRST_FLOAT + 4 * int(name[1:])
        else:
            found |= 1 << (14 if name == "lr" else int(name[1:]))
    return found


def test_registers_are_those_of_the_assembler(listing):
    """Results, addresses with the register that is written back, and the other operands."""
    wrong = []
    for marks, line, found in listing:
        operands = line.partition(" ")[2].split(", ")
        count = {"--": 0, "++": 2, "-+": 2}.get(marks, 2 if found.name == "vmlalv" else 1)
        results = registers_in(", ".join(operands[:count]))
        address = registers_in(line[line.index("[") : line.index("]")]) if "[" in line else 0
        back = address if line.endswith("!") or "], #" in line else 0
        all_read = {"+": operands, "++": operands, "-+": operands[1:]}.get(marks, operands[count:])
        read = registers_in(", ".join(all_read)) & ~address
        ours = (found.writes & ~FLAGS, found.address, found.back, found.reads & ~FLAGS)
        if ours != (results, address, back, read):
            wrong.append((line, found, [hex(value) for value in (results, address, back, read)]))
    assert not wrong


def test_floating_point_vectors_are_unknown():
    with pytest.raises(UnknownInstructionError, match="0xef00 0x0d40"):  # vadd.f32 q0, q0, q0
        decode(0xEF000D40, 32)

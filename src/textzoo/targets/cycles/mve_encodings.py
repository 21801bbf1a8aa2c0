"""Encodings of Helium (MVE) for integers, and of the loops and shifts that come with it: one row each.

Source: Arm DDI 0553 (Armv8-M), chapter C2. What no kernel uses is left out, floating point above all.

Patterns are those of `encodings`. Letters name fields: f g h are vector registers; E a register of the core of which
the field holds a half (r0, r2, ...), O the odd one behind it; the others are as there. `pipe` (the kind) and `latency`
are those of LLVM's scheduling model of the Cortex-M55 (llvm/lib/Target/ARM/ARMScheduleM55.td): a result may be read so
many cycles after the instruction has begun.
"""

from dataclasses import dataclass, field

from textzoo.targets.cycles.encodings import (
    LOGIC,
    LOOP,
    LOOP_START,
    SHIFT,
    VECTOR_CONTROL,
    VECTOR_INT,
    VECTOR_LOAD,
    VECTOR_MUL,
    VECTOR_STORE,
    Encoding,
)


@dataclass(frozen=True)
class VectorEncoding(Encoding):
    """A row with the latency of its result, in cycles."""

    latency: int = field(default=1)


def row(pattern: str, name: str, kind: str, writes: str, reads: str, **others: object) -> VectorEncoding:
    """Return an encoding; blanks in a pattern are for the reader."""
    return VectorEncoding(pattern.replace(" ", ""), name, kind, writes, reads, **others)


def three_vectors() -> list[VectorEncoding]:
    """Return operations on two vectors."""
    logic = {"vand": "111011110000", "vbic": "111011110001", "vorr": "111011110010", "vorn": "111011110011"}
    logic["veor"] = "111111110000"
    rows = [row(f"{head} ggg0 fff0 0001 0101 hhh0", name, VECTOR_INT, "f", "gh") for name, head in logic.items()]
    head = "111.111100 .. ggg0 fff0 {} hhh0"
    quick = {"vhadd": "0000 0100", "vqadd": "0000 0101", "vrhadd": "0001 0100", "vhsub": "0010 0100"}
    quick |= {"vqsub": "0010 0101", "vmax": "0110 0100", "vmin": "0110 0101", "vabd": "0111 0100", "vshl": "0100 0100"}
    rows += [row(head.format(code), name, VECTOR_INT, "f", "gh") for name, code in quick.items()]
    for name, code in {"vqshl": "0100 0101", "vrshl": "0101 0100", "vqrshl": "0101 0101"}.items():
        rows.append(row(head.format(code), name, VECTOR_INT, "f", "gh", latency=2))
    rows.append(row("1110111100 .. ggg0 fff0 1000 0100 hhh0", "vadd", VECTOR_INT, "f", "gh"))
    rows.append(row("1111111100 .. ggg0 fff0 1000 0100 hhh0", "vsub", VECTOR_INT, "f", "gh"))
    rows.append(row("1110111100 .. ggg0 fff0 1001 0101 hhh0", "vmul", VECTOR_MUL, "f", "gh", latency=2))
    rows.append(row("1110111100 .. ggg0 fff0 1011 0100 hhh0", "vqdmulh", VECTOR_MUL, "f", "gh", latency=2))
    rows.append(row("1111111100 .. ggg0 fff0 1011 0100 hhh0", "vqrdmulh", VECTOR_MUL, "f", "gh", latency=2))
    head = "111.111000 .. ggg1 fff{} hhh{}"
    products = {"vmulh": ("0 1110 0000", 1), "vrmulh": ("1 1110 0000", 1)}
    products |= {"vmullb": ("0 1110 0000", 0), "vmullt": ("1 1110 0000", 0)}
    for name, (code, last) in products.items():
        rows.append(row(head.format(code, last), name, VECTOR_MUL, "f", "gh", latency=2))
    return rows


def with_a_register() -> list[VectorEncoding]:
    """Return operations on a vector and a register of the core; shifts first, whose size is no size of the others."""
    return [
        row("111.111000 11 ..01 fff1 1110 0110 mmmm", "vshl", VECTOR_INT, "f", "fm"),
        row("111.111000 11 ..01 fff1 1110 1110 mmmm", "vqshl", VECTOR_INT, "f", "fm", latency=2),
        row("111.111000 11 ..11 fff1 1110 0110 mmmm", "vrshl", VECTOR_INT, "f", "fm", latency=2),
        row("111.111000 11 ..11 fff1 1110 1110 mmmm", "vqrshl", VECTOR_INT, "f", "fm", latency=2),
        row("1110111000 .. ggg1 fff0 1111 0100 mmmm", "vadd", VECTOR_INT, "f", "gm"),
        row("1110111000 .. ggg1 fff1 1111 0100 mmmm", "vsub", VECTOR_INT, "f", "gm"),
        row("1110111000 .. ggg1 fff1 1110 0110 mmmm", "vmul", VECTOR_MUL, "f", "gm", latency=2),
        row("1110111000 .. ggg1 fff0 1110 0110 mmmm", "vqdmulh", VECTOR_MUL, "f", "gm", latency=2),
        row("1111111000 .. ggg1 fff0 1110 0110 mmmm", "vqrdmulh", VECTOR_MUL, "f", "gm", latency=2),
        row("111.111000 .. ggg1 fff0 1110 0100 mmmm", "vmla", VECTOR_MUL, "f", "fgm", latency=2),
        row("111.111000 .. ggg1 fff1 1110 0100 mmmm", "vmlas", VECTOR_MUL, "f", "fgm", latency=2),
        row("11101110 1010 fff0 tttt 1011 00010000", "vdup", VECTOR_INT, "f", "t"),
        row("11101110 1010 fff0 tttt 1011 00110000", "vdup", VECTOR_INT, "f", "t"),
        row("11101110 1110 fff0 tttt 1011 00010000", "vdup", VECTOR_INT, "f", "t"),
        row("111011100 0.. EEE1 fff0 1111 .110 111.", "vidup", VECTOR_INT, "fE", "E"),
    ]


def one_vector() -> list[VectorEncoding]:
    """Return operations on one vector, with and without a constant; constants before shifts by 0, which are none."""
    rows = [
        row("111.11111000 0... fff0 .... 01.1 ....", "vmov", VECTOR_MUL, "f", "", latency=2),
        row("111.111110 ...... fff0 0000 0101 hhh0", "vshr", VECTOR_INT, "f", "h"),
        row("111.111110 ...... fff0 0010 0101 hhh0", "vrshr", VECTOR_INT, "f", "h", latency=2),
        row("1110111110 ...... fff0 0101 0101 hhh0", "vshl", VECTOR_INT, "f", "h"),
    ]
    head = "1111111110 11 .. {} fff0 {} hhh0"
    for name, code in {"vabs": ("01", "0011 0100"), "vneg": ("01", "0011 1100")}.items():
        rows.append(row(head.format(*code), name, VECTOR_INT, "f", "h"))
    for name, code in {"vcls": ("00", "0100 0100"), "vclz": ("00", "0100 1100"), "vmvn": ("00", "0101 1100")}.items():
        rows.append(row(head.format(*code), name, VECTOR_INT, "f", "h"))
    return rows


def sums() -> list[VectorEncoding]:
    """Return sums, and the largest or smallest of the parts of a vector, into registers of the core."""
    rows = []
    for added, reads in ((0, ""), (1, "E")):
        ending = "a" if added else ""
        rows.append(
            row(
                f"111.11101111 ..01 EEE0 1111 00{added}0 hhh0",
                f"vaddv{ending}",
                VECTOR_MUL,
                "E",
                f"h{reads}",
                latency=2,
            )
        )
        for size in ("ggg. EEE. 1110", "ggg0 EEE. 1111"):  # of 16 and 32 bits, of 8
            name = f"vmlav{ending}"
            rows.append(row(f"111.11101111 {size} 00{added}0 hhh0", name, VECTOR_MUL, "E", f"gh{reads}", latency=2))
        reads = "EO" if added else ""
        rows.append(
            row(
                f"111.11101 OOO ggg. EEE0 1110 00{added}0 hhh0",
                f"vmlalv{ending}",
                VECTOR_MUL,
                "EO",
                f"gh{reads}",
                latency=2,
            )
        )
    for code, name in ((0, "vmaxv"), (1, "vminv")):
        for size, latency in (("00", 2), ("01", 3), ("10", 4)):
            pattern = f"111.11101110 {size}10 tttt 1111 {code}000 hhh0"
            rows.append(row(pattern, name, VECTOR_INT, "t", "th", latency=latency))
    return rows


def transfers() -> list[VectorEncoding]:
    """Return loads and stores; vectors of addresses come first, in whose place the others have no form."""
    rows = [
        row("111.11001001 nnnn fff0 111. .... hhh.", "vldr", VECTOR_LOAD, "f", "", address="nh", latency=2),
        row("111011001000 nnnn fff0 111. .... hhh.", "vstr", VECTOR_STORE, "", "f", address="nh"),
    ]
    for size in ("00", "01", "10"):
        rows.append(row(f"1110110PU0W1 nnnn fff1 111{size} .......", "vldr", VECTOR_LOAD, "f", "", address="n"))
        rows.append(row(f"1110110PU0W0 nnnn fff1 111{size} .......", "vstr", VECTOR_STORE, "", "f", address="n"))
    for size in ("01", "10"):
        rows.append(row(f"111.110PU0W1 .nnn fff0 111{size} .......", "vldr", VECTOR_LOAD, "f", "", address="n"))
        rows.append(row(f"1110110PU0W0 .nnn fff0 111{size} .......", "vstr", VECTOR_STORE, "", "f", address="n"))
    return rows


def control() -> list[VectorEncoding]:
    """Return predicates, loops, shifts of pairs of registers, and then choices, whose last register is never sp."""
    rows = [
        row("111111100.11 0001 ...0 1111 01001101", "vpst", VECTOR_CONTROL, "", ""),
        row("1111000000 .. nnnn 1110 1000 00000001", "vctp", VECTOR_CONTROL, "", "n"),
        row("1111111000 .. ggg1 000. 1111 .0.0 hhh.", "vcmp", VECTOR_MUL, "F", "gh"),
        row("1111111000 .. ggg1 000. 1111 .1.0 mmmm", "vcmp", VECTOR_MUL, "F", "gm"),
        row("111100000000 1111 110. .... .......1", "le", LOOP, "l", "l"),
        row("111100000001 1111 110. .... .......1", "letp", LOOP, "l", "l"),
        row("111100000100 nnnn 1110 0000 00000001", "dls", LOOP_START, "l", "n"),
        row("1111000000.. nnnn 1110 0000 00000001", "dlstp", LOOP_START, "l", "n"),
        row("111100000100 nnnn 1100 .... .......1", "wls", LOOP_START, "l", "n"),
        row("1111000000.. nnnn 1100 .... .......1", "wlstp", LOOP_START, "l", "n"),
    ]
    for code, name in {"00": "lsll", "01": "lsrl", "10": "asrl"}.items():
        rows.append(row(f"111010100101 EEE0 0... OOO1 ..{code} 1111", name, SHIFT, "EO", "EO", latency=2))
    for code, name in {"00": "lsll", "10": "asrl"}.items():
        rows.append(row(f"111010100101 EEE. mmmm OOO1 00{code} 1101", name, SHIFT, "EO", "EOm", latency=2))
    for code, name in enumerate(("csel", "csinc", "csinv", "csneg")):
        rows.append(row(f"111010100101 nnnn 10{code:02b} dddd .... mmmm", name, LOGIC, "d", "nmF"))
    return rows


ENCODINGS = (*transfers(), *one_vector(), *three_vectors(), *with_a_register(), *sums(), *control())

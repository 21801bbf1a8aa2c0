"""Encodings of Thumb instructions: one row each, for Armv7E-M with FPU and the base of Armv8-M; no Helium.

Sources: Arm DDI 0403 (Armv7-M), chapters A5 to A7; Arm DDI 0553 (Armv8-M), chapter C2.

A pattern has a character per bit, the first half-word first: 0 and 1 are fixed, "." is any. Letters name fields:
d n m a t u e: registers; bits of the same letter form one number, the left one being the highest.
D N M: the further bit of a register of the FPU; z: its precision (1: double); s: whether flags are written; L: a list
of registers; W: write-back; P: before (1) or after the access; k: distance and y: kind of a shift; i: an immediate
that is expanded; j: one that is multiplied by `scale`, and added to a register, or subtracted if the field U is 0.

`writes`, `reads` and the others are letters of the pattern's fields, and: F flags, S flags if the field s is 1,
L the list, l lr, p sp, q pc. In the rows of the FPU, d n m are its registers, and the others the core's.
"""

from dataclasses import dataclass, field
from functools import cached_property

# Kinds of instructions, as the plugin's model.h names them.
ADD, LOGIC, SHIFT, EXTRACT, BITS, INSERT = "ADD", "LOGIC", "SHIFT", "EXTRACT", "BITS", "INSERT"
MUL, MAC, LONG, DIV = "MUL", "MAC", "LONG", "DIV"
LOAD, STORE, LOAD2, STORE2, LOADS, STORES = "LOAD", "STORE", "LOAD2", "STORE2", "LOADS", "STORES"
JUMP, BRANCH, CALL, INDIRECT, COMPARE_BRANCH, TABLE = "JUMP", "BRANCH", "CALL", "INDIRECT", "COMPARE_BRANCH", "TABLE"
IT, NOP, BARRIER, PREFETCH, SYSTEM = "IT", "NOP", "BARRIER", "PREFETCH", "SYSTEM"
FLOAT, FLOAT_MAC, FLOAT_DIV, FLOAT_MOVE = "FLOAT", "FLOAT_MAC", "FLOAT_DIV", "FLOAT_MOVE"
FLOAT_LOAD, FLOAT_STORE, FLOAT_LOADS, FLOAT_STORES = "FLOAT_LOAD", "FLOAT_STORE", "FLOAT_LOADS", "FLOAT_STORES"
VECTOR_INT, VECTOR_MUL, VECTOR_CONTROL = "VECTOR_INT", "VECTOR_MUL", "VECTOR_CONTROL"
VECTOR_LOAD, VECTOR_STORE, LOOP, LOOP_START = "VECTOR_LOAD", "VECTOR_STORE", "LOOP", "LOOP_START"
KINDS = (ADD, LOGIC, SHIFT, EXTRACT, BITS, INSERT, MUL, MAC, LONG, DIV, LOAD, STORE, LOAD2, STORE2, LOADS, STORES)
KINDS += (JUMP, BRANCH, CALL, INDIRECT, COMPARE_BRANCH, TABLE, IT, NOP, BARRIER, PREFETCH, SYSTEM)
KINDS += (FLOAT, FLOAT_MAC, FLOAT_DIV, FLOAT_MOVE, FLOAT_LOAD, FLOAT_STORE, FLOAT_LOADS, FLOAT_STORES)
KINDS += (VECTOR_INT, VECTOR_MUL, VECTOR_CONTROL, VECTOR_LOAD, VECTOR_STORE, LOOP, LOOP_START)
# Transfers of 32 bits; the others are of fewer.
WORDS = frozenset(("ldr", "str", "ldrt", "strt", "ldrex", "strex", "lda", "stl", "ldaex", "stlex"))


@dataclass(frozen=True)
class Encoding:
    """One row.

    Attributes:
        pattern: A character per bit.
        name: Mnemonic, without width and condition.
        kind: One of KINDS.
        writes, reads: Registers and flags.
        early: Operands that the shifter needs, a stage before others.
        added: Operands that an accumulator adds at the end.
        address: Registers that form an address; they are read, too.
        marks: "narrow": less than 32 bits are transferred; "offset": an address with a register as offset;
            "calls": a call; "pushes", "pops": of the stack; "writes_back": to the address's register; "shifts": the
            operand of k and y; "constant": the immediate of i; "two", "half": moves between the core and pairs of
            registers, or halves of one; "to single", "from single", "other precision": conversions.
        scale: Factor of the field j; negative if it is always subtracted.
    """

    pattern: str
    name: str
    kind: str
    writes: str = ""
    reads: str = ""
    early: str = ""
    added: str = ""
    address: str = ""
    marks: tuple[str, ...] = field(default=())
    scale: int = 1

    @property
    def bits(self) -> int:
        return len(self.pattern)

    @cached_property
    def mask(self) -> int:
        return int("".join("1" if bit in "01" else "0" for bit in self.pattern), 2)

    @cached_property
    def value(self) -> int:
        return int("".join(bit if bit in "01" else "0" for bit in self.pattern), 2)

    @cached_property
    def fields(self) -> dict[str, tuple[int, ...]]:
        """Letter -> positions of its bits, the highest first; position 0 is the last bit."""
        letters = sorted(set(self.pattern) - set("01."))
        last = self.bits - 1
        return {letter: tuple(last - at for at, bit in enumerate(self.pattern) if bit == letter) for letter in letters}

    def numbers(self, word: int) -> dict[str, int]:
        """Return letter -> value of the field in an instruction."""
        return {letter: number_of(word, positions) for letter, positions in self.fields.items()}


def number_of(word: int, positions: tuple[int, ...]) -> int:
    number = 0
    for position in positions:
        number = number << 1 | word >> position & 1
    return number


def row(pattern: str, name: str, kind: str, writes: str = "", reads: str = "", **others: object) -> Encoding:
    """Return an encoding; blanks in a pattern are for the reader."""
    return Encoding(pattern.replace(" ", ""), name, kind, writes, reads, **others)


def narrow_transfers() -> list[Encoding]:
    """Return loads and stores of 16 bits with a register as offset."""
    names = ("str", "strh", "strb", "ldrsb", "ldr", "ldrh", "ldrb", "ldrsh")
    return [transfer(f"0101{code:03b}mmmnnnttt", name, "nm", ("offset",)) for code, name in enumerate(names)]


def transfer(pattern: str, name: str, address: str, marks: tuple[str, ...] = (), scale: int = 1) -> Encoding:
    """Return the row of a load or store of one register t."""
    marks += () if name in WORDS else ("narrow",)
    if name.startswith("ld"):
        return row(pattern, name, LOAD, writes="t", address=address, marks=marks, scale=scale)
    return row(pattern, name, STORE, reads="t", address=address, marks=marks, scale=scale)


def low_operations() -> list[Encoding]:
    """Return the 16 operations on two low registers."""
    logic = {0: "and", 1: "eor", 12: "orr", 14: "bic"}
    shifts = {2: "lsl", 3: "lsr", 4: "asr", 7: "ror"}
    compares = {8: "tst", 10: "cmp", 11: "cmn"}
    head = "010000{:04b}mmmddd"
    rows = [row(head.format(code), name, LOGIC, "dF", "dm") for code, name in logic.items()]
    rows += [row(head.format(code), name, SHIFT, "dF", "dm") for code, name in shifts.items()]
    rows += [row(head.format(code), name, LOGIC, "F", "dm") for code, name in compares.items()]
    rows += [row(head.format(code), name, LOGIC, "dF", "dmF") for code, name in {5: "adc", 6: "sbc"}.items()]
    rows += [row(head.format(9), "rsb", LOGIC, "dF", "m"), row(head.format(13), "mul", MUL, "dF", "dm")]
    return [*rows, row(head.format(15), "mvn", LOGIC, "dF", "m")]


NARROW = [
    row("0000000000 mmm ddd", "mov", ADD, "dF", "m"),
    row("00000 ..... mmm ddd", "lsl", SHIFT, "dF", "m"),
    row("00001 ..... mmm ddd", "lsr", SHIFT, "dF", "m"),
    row("00010 ..... mmm ddd", "asr", SHIFT, "dF", "m"),
    row("0001100 mmm nnn ddd", "add", ADD, "dF", "nm"),
    row("0001101 mmm nnn ddd", "sub", ADD, "dF", "nm"),
    row("0001110 jjj nnn ddd", "add", ADD, "dF", "n"),
    row("0001111 jjj nnn ddd", "sub", ADD, "dF", "n", scale=-1),
    row("00100 ddd ........", "mov", ADD, "dF"),
    row("00101 nnn ........", "cmp", LOGIC, "F", "n"),
    row("00110 ddd jjjjjjjj", "add", ADD, "dF", "d"),
    row("00111 ddd jjjjjjjj", "sub", ADD, "dF", "d", scale=-1),
    *low_operations(),
    row("01000100 d mmmm ddd", "add", ADD, "d", "dm"),
    row("01000101 n mmmm nnn", "cmp", LOGIC, "F", "nm"),
    row("01000110 d mmmm ddd", "mov", ADD, "d", "m"),
    row("010001110 mmmm 000", "bx", INDIRECT, reads="m"),
    row("010001110 mmmm 100", "bxns", INDIRECT, reads="m"),
    row("010001111 mmmm 000", "blx", INDIRECT, "l", "m", marks=("calls",)),
    row("010001111 mmmm 100", "blxns", INDIRECT, "l", "m", marks=("calls",)),
    row("01001 ttt ........", "ldr", LOAD, "t", address="q"),
    *narrow_transfers(),
    transfer("01100 jjjjj nnn ttt", "str", "n", scale=4),
    transfer("01101 jjjjj nnn ttt", "ldr", "n", scale=4),
    transfer("01110 jjjjj nnn ttt", "strb", "n", scale=1),
    transfer("01111 jjjjj nnn ttt", "ldrb", "n", scale=1),
    transfer("10000 jjjjj nnn ttt", "strh", "n", scale=2),
    transfer("10001 jjjjj nnn ttt", "ldrh", "n", scale=2),
    transfer("10010 ttt jjjjjjjj", "str", "p", scale=4),
    transfer("10011 ttt jjjjjjjj", "ldr", "p", scale=4),
    row("10100 ddd ........", "adr", ADD, "d", "q"),
    row("10101 ddd jjjjjjjj", "add", ADD, "d", "p", scale=4),
    row("101100000 jjjjjjj", "add", ADD, "p", "p", scale=4),
    row("101100001 jjjjjjj", "sub", ADD, "p", "p", scale=-4),
    row("101100.1 ..... nnn", "cbz", COMPARE_BRANCH, reads="n"),
    row("101110.1 ..... nnn", "cbnz", COMPARE_BRANCH, reads="n"),
    row("1011001000 mmm ddd", "sxth", BITS, "d", "m", early="m"),
    row("1011001001 mmm ddd", "sxtb", BITS, "d", "m", early="m"),
    row("1011001010 mmm ddd", "uxth", BITS, "d", "m", early="m"),
    row("1011001011 mmm ddd", "uxtb", BITS, "d", "m", early="m"),
    row("1011010 L LLLLLLLL", "push", STORES, reads="L", address="p", marks=("pushes",)),
    row("1011110 L LLLLLLLL", "pop", LOADS, writes="L", address="p", marks=("pops",)),
    row("10110110011 . 00 ..", "cps", SYSTEM),
    row("1011101000 mmm ddd", "rev", EXTRACT, "d", "m", early="m"),
    row("1011101001 mmm ddd", "rev16", EXTRACT, "d", "m", early="m"),
    row("1011101011 mmm ddd", "revsh", EXTRACT, "d", "m", early="m"),
    row("10111110 ........", "bkpt", SYSTEM),
    row("1011111100000000", "nop", NOP),
    row("1011111100010000", "yield", NOP),
    row("1011111100100000", "wfe", SYSTEM),
    row("1011111100110000", "wfi", SYSTEM),
    row("1011111101000000", "sev", SYSTEM),
    row("10111111 cccc iiii", "it", IT),
    row("11000 nnn LLLLLLLL", "stm", STORES, reads="L", address="n", marks=("writes_back",)),
    row("11001 nnn LLLLLLLL", "ldm", LOADS, writes="L", address="n", marks=("writes_back",)),
    row("11011110 ........", "udf", SYSTEM),
    row("11011111 ........", "svc", SYSTEM),
    row("1101 .... ........", "b", BRANCH, reads="F"),
    row("11100 ...........", "b", JUMP),
]

# Operation code -> name, name without a result, kind.
OPERATIONS = {
    0: ("and", "tst", LOGIC),
    1: ("bic", "", LOGIC),
    2: ("orr", "", LOGIC),
    3: ("orn", "", LOGIC),
    4: ("eor", "teq", LOGIC),
    8: ("add", "cmn", ADD),
    10: ("adc", "", LOGIC),
    11: ("sbc", "", LOGIC),
    13: ("sub", "cmp", ADD),
    14: ("rsb", "", LOGIC),
}


def shifted_operations() -> list[Encoding]:
    """Return the operations whose second operand is a shifted register."""
    rows = [
        row("11101010010 s 1111 0000 dddd 0000 mmmm", "mov", ADD, "dS", "m"),
        row("11101010010 s 1111 0000 dddd 0011 mmmm", "rrx", SHIFT, "dS", "mF"),
    ]
    for code, name in enumerate(("lsl", "lsr", "asr", "ror")):
        rows.append(row(f"11101010010 s 1111 0... dddd ..{code:02b} mmmm", name, SHIFT, "dS", "m"))
    rows.append(row("11101010011 s 1111 0kkk dddd kkyy mmmm", "mvn", LOGIC, "dS", "m", marks=("shifts",)))
    for code, (name, compare, kind) in OPERATIONS.items():
        head, reads = f"1110101{code:04b}", "nmF" if name in ("adc", "sbc") else "nm"
        if compare:
            rows.append(row(f"{head} 1 nnnn 0kkk 1111 kkyy mmmm", compare, LOGIC, "F", "nm", marks=("shifts",)))
        rows.append(row(f"{head} s nnnn 0kkk dddd kkyy mmmm", name, kind, "dS", reads, marks=("shifts",)))
    rows.append(row("111010101100 nnnn 0... dddd ..00 mmmm", "pkhbt", BITS, "d", "nm", early="m"))
    return [*rows, row("111010101100 nnnn 0... dddd ..10 mmmm", "pkhtb", BITS, "d", "nm", early="nm")]


def immediate_operations() -> list[Encoding]:
    """Return the operations whose second operand is a modified immediate."""
    rows = [
        row("11110 i 00010 s 1111 0 iii dddd iiiiiiii", "mov", ADD, "dS", marks=("constant",)),
        row("11110 i 00011 s 1111 0 iii dddd iiiiiiii", "mvn", LOGIC, "dS", marks=("constant",)),
    ]
    for code, (name, compare, kind) in OPERATIONS.items():
        head, reads = f"11110 i 0{code:04b}", "nF" if name in ("adc", "sbc") else "n"
        if compare:
            rows.append(row(f"{head} 1 nnnn 0 iii 1111 iiiiiiii", compare, LOGIC, "F", "n", marks=("constant",)))
        rows.append(row(f"{head} s nnnn 0 iii dddd iiiiiiii", name, kind, "dS", reads, marks=("constant",)))
    return rows


def wide_transfers() -> list[Encoding]:
    """Return loads and stores of 32 bits, of one register, in all their ways to address."""
    heads = {"str": "0010", "strb": "0000", "strh": "0001", "ldr": "0010", "ldrb": "0000", "ldrh": "0001"}
    heads |= {"ldrsb": "1000", "ldrsh": "1001"}
    rows = []
    for name, code in heads.items():
        load = int(name.startswith("ld"))
        signed, size = code[0], code[2:]
        if load:
            rows.append(transfer(f"1111100{signed} . {size} 1 1111 tttt ............", name, "q"))
        rows.append(transfer(f"1111100{signed} 1 {size} {load} nnnn tttt jjjjjjjjjjjj", name, "n"))
        rows.append(transfer(f"1111100{signed} 0 {size} {load} nnnn tttt 000000 .. mmmm", name, "nm", ("offset",)))
        rows.append(transfer(f"1111100{signed} 0 {size} {load} nnnn tttt 1110 jjjjjjjj", f"{name}t", "n"))
        rows.append(transfer(f"1111100{signed} 0 {size} {load} nnnn tttt 1100 jjjjjjjj", name, "n", scale=-1))
        rows.append(transfer(f"1111100{signed} 0 {size} {load} nnnn tttt 1PU1 jjjjjjjj", name, "n", ("writes_back",)))
    return rows


def prefetches() -> list[Encoding]:
    """Return PLD and PLI, which have the encodings of loads of bytes to pc."""
    rows = []
    for signed, name in enumerate(("pld", "pli")):
        rows.append(row(f"1111100{signed} .001 1111 1111 ............", name, PREFETCH, address="q"))
        rows.append(row(f"1111100{signed} 1001 nnnn 1111 jjjjjjjjjjjj", name, PREFETCH, address="n"))
        rows.append(row(f"1111100{signed} 0001 nnnn 1111 1100 jjjjjjjj", name, PREFETCH, address="n", scale=-1))
        rows.append(
            row(f"1111100{signed} 0001 nnnn 1111 000000 .. mmmm", name, PREFETCH, address="nm", marks=("offset",))
        )
    return rows


def exclusive_transfers() -> list[Encoding]:
    """Return exclusive accesses, and those with an order (Armv8-M)."""
    rows = [
        row("111010000100 nnnn 1111 dddd ..000000", "tt", SYSTEM, "d", "n"),
        row("111010000100 nnnn tttt dddd jjjjjjjj", "strex", STORE, "d", "t", address="n", scale=4),
        row("111010000101 nnnn tttt 1111 jjjjjjjj", "ldrex", LOAD, "t", address="n", scale=4),
    ]
    for code, ending in ((0, "b"), (1, "h"), (2, "")):
        if ending:
            rows.append(transfer(f"111010001101 nnnn tttt 1111 01{code:02b} 1111", f"ldrex{ending}", "n"))
            rows.append(exclusive_store(f"111010001100 nnnn tttt 1111 01{code:02b} dddd", f"strex{ending}"))
        rows.append(transfer(f"111010001101 nnnn tttt 1111 10{code:02b} 1111", f"lda{ending}", "n"))
        rows.append(transfer(f"111010001100 nnnn tttt 1111 10{code:02b} 1111", f"stl{ending}", "n"))
        rows.append(transfer(f"111010001101 nnnn tttt 1111 11{code:02b} 1111", f"ldaex{ending}", "n"))
        rows.append(exclusive_store(f"111010001100 nnnn tttt 1111 11{code:02b} dddd", f"stlex{ending}"))
    return rows


def exclusive_store(pattern: str, name: str) -> Encoding:
    """Return the row of a store that also writes whether it succeeded."""
    return row(pattern, name, STORE, "d", "t", address="n", marks=("narrow",))


def pair_and_list_transfers() -> list[Encoding]:
    """Return loads and stores of two registers, and of lists."""
    back = ("writes_back",)
    return [
        row("111010001101 nnnn 11110000000 0 mmmm", "tbb", TABLE, address="nm"),
        row("111010001101 nnnn 11110000000 1 mmmm", "tbh", TABLE, address="nm"),
        row("11101001U1 0 0 nnnn tttt uuuu jjjjjjjj", "strd", STORE2, reads="tu", address="n", scale=4),
        row("11101001U1 0 1 nnnn tttt uuuu jjjjjjjj", "ldrd", LOAD2, writes="tu", address="n", scale=4),
        row("1110100PU1 1 0 nnnn tttt uuuu jjjjjjjj", "strd", STORE2, reads="tu", address="n", marks=back, scale=4),
        row("1110100PU1 1 1 nnnn tttt uuuu jjjjjjjj", "ldrd", LOAD2, writes="tu", address="n", marks=back, scale=4),
        row("1110100010 W 0 nnnn LLLLLLLLLLLLLLLL", "stm", STORES, reads="L", address="n"),
        row("1110100010 W 1 nnnn LLLLLLLLLLLLLLLL", "ldm", LOADS, writes="L", address="n"),
        row("1110100100 W 0 nnnn LLLLLLLLLLLLLLLL", "stmdb", STORES, reads="L", address="n"),
        row("1110100100 W 1 nnnn LLLLLLLLLLLLLLLL", "ldmdb", LOADS, writes="L", address="n"),
    ]


def register_operations() -> list[Encoding]:
    """Return shifts by a register, extensions, and operations on the parts of registers."""
    rows = []
    for code, name in enumerate(("lsl", "lsr", "asr", "ror")):
        rows.append(row(f"11111010 0{code:02b} s nnnn 1111 dddd 0000 mmmm", name, SHIFT, "dS", "nm"))
    for code, ending in enumerate(("xth", "xth", "xtb16", "xtb16", "xtb", "xtb")):
        name = "su"[code & 1] + ending
        added = name.replace("xt", "xta")
        rows.append(row(f"111110100{code:03b} 1111 1111 dddd 10.. mmmm", name, BITS, "d", "m", early="m"))
        rows.append(row(f"111110100{code:03b} nnnn 1111 dddd 10.. mmmm", added, BITS, "d", "nm", early="m"))
    return rows + parallel_operations()


def parallel_operations() -> list[Encoding]:
    """Return sums and differences of bytes and half-words, saturating sums, and reversals."""
    rows = []
    prefixes = {0: "s", 1: "q", 2: "sh", 4: "u", 5: "uq", 6: "uh"}
    for code, name in {0: "add8", 1: "add16", 2: "asx", 4: "sub8", 5: "sub16", 6: "sax"}.items():
        for kind, prefix in prefixes.items():
            pattern = f"111110101{code:03b} nnnn 1111 dddd 0{kind:03b} mmmm"
            rows.append(row(pattern, prefix + name, BITS, "dF" if prefix in "su" else "d", "nm"))
    for code, name in enumerate(("qadd", "qdadd", "qsub", "qdsub")):
        rows.append(row(f"111110101000 nnnn 1111 dddd 10{code:02b} mmmm", name, BITS, "d", "nm"))
    for code, name in enumerate(("rev", "rev16", "rbit", "revsh")):
        rows.append(row(f"111110101001 nnnn 1111 dddd 10{code:02b} mmmm", name, EXTRACT, "d", "m", early="m"))
    rows.append(row("111110101010 nnnn 1111 dddd 1000 mmmm", "sel", BITS, "d", "nmF"))
    return [*rows, row("111110101011 nnnn 1111 dddd 1000 mmmm", "clz", BITS, "d", "m")]


def products() -> list[Encoding]:
    """Return multiplications with a result of one register, with and without a sum."""
    halves = [f"{x}{y}" for x in "bt" for y in "bt"]
    groups = {0: [("mul", "mla")], 1: [(f"smul{half}", f"smla{half}") for half in halves]}
    groups |= {2: [(f"smuad{end}", f"smlad{end}") for end in ("", "x")]}
    groups |= {3: [(f"smulw{end}", f"smlaw{end}") for end in "bt"]}
    groups |= {4: [(f"smusd{end}", f"smlsd{end}") for end in ("", "x")]}
    groups |= {5: [(f"smmul{end}", f"smmla{end}") for end in ("", "r")]}
    rows = []
    for group, names in groups.items():
        for code, (product, summed) in enumerate(names):
            head, tail = f"111110110{group:03b} nnnn", f"dddd 00{code:02b} mmmm"
            rows.append(row(f"{head} 1111 {tail}", product, MUL, "d", "nm"))
            rows.append(row(f"{head} aaaa {tail}", summed, MAC, "d", "nma", added="a"))
    rows.append(row("111110110000 nnnn aaaa dddd 0001 mmmm", "mls", MAC, "d", "nma", added="a"))
    for code, end in enumerate(("", "r")):
        rows.append(row(f"111110110110 nnnn aaaa dddd 00{code:02b} mmmm", f"smmls{end}", MAC, "d", "nma", added="a"))
    rows.append(row("111110110111 nnnn 1111 dddd 0000 mmmm", "usad8", BITS, "d", "nm"))
    return [*rows, row("111110110111 nnnn aaaa dddd 0000 mmmm", "usada8", BITS, "d", "nma")]


def long_products() -> list[Encoding]:
    """Return multiplications with a result of two registers, and divisions."""
    rows = [
        row("111110111000 nnnn eeee dddd 0000 mmmm", "smull", LONG, "de", "nm"),
        row("111110111010 nnnn eeee dddd 0000 mmmm", "umull", LONG, "de", "nm"),
        row("111110111001 nnnn 1111 dddd 1111 mmmm", "sdiv", DIV, "d", "nm"),
        row("111110111011 nnnn 1111 dddd 1111 mmmm", "udiv", DIV, "d", "nm"),
    ]
    sums = {"1100 0000": "smlal", "1110 0000": "umlal", "1110 0110": "umaal"}
    sums |= {f"1100 10{code:02b}": f"smlal{half}" for code, half in enumerate(("bb", "bt", "tb", "tt"))}
    sums |= {"1100 1100": "smlald", "1100 1101": "smlaldx", "1101 1100": "smlsld", "1101 1101": "smlsldx"}
    for code, name in sums.items():
        group, kind = code.split()
        rows.append(row(f"11111011{group} nnnn eeee dddd {kind} mmmm", name, LONG, "de", "nmde", added="de"))
    return rows


WIDE = [
    row("1110100101111111 1110100101111111", "sg", SYSTEM),
    *exclusive_transfers(),
    *pair_and_list_transfers(),
    *shifted_operations(),
    *immediate_operations(),
    row("11110.100000 1111 0... dddd ........", "adr", ADD, "d", "q"),
    row("11110.101010 1111 0... dddd ........", "adr", ADD, "d", "q"),
    row("11110j100000 nnnn 0jjj dddd jjjjjjjj", "addw", ADD, "d", "n"),
    row("11110j101010 nnnn 0jjj dddd jjjjjjjj", "subw", ADD, "d", "n", scale=-1),
    row("11110.100100 .... 0... dddd ........", "movw", ADD, "d"),
    row("11110.101100 .... 0... dddd ........", "movt", ADD, "d", "d"),
    row("111100110010 nnnn 0000 dddd 00 00 ....", "ssat16", BITS, "d", "n"),
    row("1111001100.0 nnnn 0... dddd ..0 .....", "ssat", BITS, "d", "n"),
    row("111100110100 nnnn 0... dddd ..0 .....", "sbfx", EXTRACT, "d", "n", early="n"),
    row("111100110110 1111 0... dddd ..0 .....", "bfc", INSERT, "d", "d"),
    row("111100110110 nnnn 0... dddd ..0 .....", "bfi", INSERT, "d", "dn", early="n"),
    row("111100111010 nnnn 0000 dddd 00 00 ....", "usat16", BITS, "d", "n"),
    row("1111001110.0 nnnn 0... dddd ..0 .....", "usat", BITS, "d", "n"),
    row("111100111100 nnnn 0... dddd ..0 .....", "ubfx", EXTRACT, "d", "n", early="n"),
    row("11110011100. nnnn 1000 .... ........", "msr", SYSTEM, reads="n"),
    row("1111001110101111 1000000000000000", "nop", NOP),
    row("1111001110101111 1000000000000001", "yield", NOP),
    row("1111001110101111 1000000000000010", "wfe", SYSTEM),
    row("1111001110101111 1000000000000011", "wfi", SYSTEM),
    row("1111001110101111 1000000000000100", "sev", SYSTEM),
    row("1111001110111111 1000111100101111", "clrex", SYSTEM),
    row("1111001110111111 100011110100 ....", "dsb", BARRIER),
    row("1111001110111111 100011110101 ....", "dmb", BARRIER),
    row("1111001110111111 100011110110 ....", "isb", BARRIER),
    row("1111001111101111 1000 dddd ........", "mrs", SYSTEM, "d"),
    row("111101111111 .... 1010 ............", "udf", SYSTEM),
    row("11110. 0... ...... 10.0 ............", "b", BRANCH, reads="F"),
    row("11110. 10.. ...... 10.0 ............", "b", BRANCH, reads="F"),
    row("11110. 110. ...... 10.0 ............", "b", BRANCH, reads="F"),
    row("11110 ........... 10.1 ............", "b", JUMP),
    row("11110 ........... 11.1 ............", "bl", CALL, "l", marks=("calls",)),
    *prefetches(),
    *wide_transfers(),
    *register_operations(),
    *products(),
    *long_products(),
]


def float_arithmetic() -> list[Encoding]:
    """Return operations of the FPU on two operands."""
    macs = {"00": ("vmla", "vmls"), "01": ("vnmls", "vnmla")}
    fused = {"01": ("vfnms", "vfnma"), "10": ("vfma", "vfms")}
    rows = []
    for top, table in (("0", macs), ("1", fused)):
        for code, names in table.items():
            for bit, name in enumerate(names):
                pattern = f"11101110 {top}D{code} nnnn dddd 101z N{bit}M0 mmmm"
                rows.append(row(pattern, name, FLOAT_MAC, "d", "dnm", added="d"))
    for code, names in {"10": ("vmul", "vnmul"), "11": ("vadd", "vsub")}.items():
        for bit, name in enumerate(names):
            rows.append(row(f"11101110 0D{code} nnnn dddd 101z N{bit}M0 mmmm", name, FLOAT, "d", "nm"))
    rows.append(row("11101110 1D00 nnnn dddd 101z N0M0 mmmm", "vdiv", FLOAT_DIV, "d", "nm"))
    rows.append(row("11111110 0D.. nnnn dddd 101z N0M0 mmmm", "vsel", FLOAT, "d", "nmF"))
    for bit, name in enumerate(("vmaxnm", "vminnm")):
        rows.append(row(f"11111110 1D00 nnnn dddd 101z N{bit}M0 mmmm", name, FLOAT, "d", "nm"))
    return rows


def float_conversions() -> list[Encoding]:
    """Return operations of the FPU on one operand."""
    head, tail = "11101110 1D11", "dddd 101z {}1M0 mmmm"
    one = {"0000 1": "vabs", "0001 0": "vneg", "0110 0": "vrintr", "0110 1": "vrintz", "0111 0": "vrintx"}
    rows = [row("11101110 1D11 .... dddd 101z 0000 ....", "vmov", FLOAT_MOVE, "d")]
    rows.append(row(f"{head} 0000 {tail.format(0)}", "vmov", FLOAT_MOVE, "d", "m"))
    rows.append(row(f"{head} 0001 {tail.format(1)}", "vsqrt", FLOAT_DIV, "d", "m"))
    for code, name in one.items():
        opcode, bit = code.split()
        rows.append(row(f"{head} {opcode} {tail.format(bit)}", name, FLOAT, "d", "m"))
    for bit, name in enumerate(("vcmp", "vcmpe")):
        rows.append(row(f"{head} 0100 {tail.format(bit)}", name, FLOAT, "", "dm"))
        rows.append(row(f"{head} 0101 dddd 101z {bit}1.0 ....", name, FLOAT, "", "d"))
    for bit, name in enumerate(("vcvtb", "vcvtt")):
        rows.append(row(f"{head} 0010 {tail.format(bit)}", name, FLOAT, "d", "m", marks=("from single",)))
        rows.append(row(f"{head} 0011 {tail.format(bit)}", name, FLOAT, "d", "m", marks=("to single",)))
    rows.append(row(f"{head} 0111 {tail.format(1)}", "vcvt", FLOAT, "d", "m", marks=("other precision",)))
    rows.append(row(f"{head} 1000 {tail.format('.')}", "vcvt", FLOAT, "d", "m", marks=("from single",)))
    for bit, name in enumerate(("vcvtr", "vcvt")):
        rows.append(row(f"{head} 110. {tail.format(bit)}", name, FLOAT, "d", "m", marks=("to single",)))
    rows.append(row(f"{head} 1.1. dddd 101z .1.0 ....", "vcvt", FLOAT, "d", "d"))
    for code, ending in enumerate("anpm"):
        rows.append(row(f"11111110 1D11 10{code:02b} dddd 101z 01M0 mmmm", f"vrint{ending}", FLOAT, "d", "m"))
        pattern = f"11111110 1D11 11{code:02b} dddd 101z .1M0 mmmm"
        rows.append(row(pattern, f"vcvt{ending}", FLOAT, "d", "m", marks=("to single",)))
    return rows


FLOATS = [
    row("11101100 0100 uuuu tttt 101z 00M1 mmmm", "vmov", FLOAT_MOVE, "m", "tu", marks=("two",)),
    row("11101100 0101 uuuu tttt 101z 00M1 mmmm", "vmov", FLOAT_MOVE, "tu", "m", marks=("two",)),
    row("11101101 UD01 nnnn dddd 101z jjjjjjjj", "vldr", FLOAT_LOAD, "d", address="n", scale=4),
    row("11101101 UD00 nnnn dddd 101z jjjjjjjj", "vstr", FLOAT_STORE, "", "d", address="n", scale=4),
    row("11101100 1DW1 nnnn dddd 101z iiiiiiii", "vldmia", FLOAT_LOADS, "d", address="n"),
    row("11101100 1DW0 nnnn dddd 101z iiiiiiii", "vstmia", FLOAT_STORES, "", "d", address="n"),
    row("11101101 0DW1 nnnn dddd 101z iiiiiiii", "vldmdb", FLOAT_LOADS, "d", address="n"),
    row("11101101 0DW0 nnnn dddd 101z iiiiiiii", "vstmdb", FLOAT_STORES, "", "d", address="n"),
    row("111011100000 nnnn tttt 1010 N00 10000", "vmov", FLOAT_MOVE, "n", "t"),
    row("111011100001 nnnn tttt 1010 N00 10000", "vmov", FLOAT_MOVE, "t", "n"),
    row("1110111000.0 nnnn tttt 1011 N00 10000", "vmov", FLOAT_MOVE, "n", "t", marks=("half",)),
    row("1110111000.1 nnnn tttt 1011 N00 10000", "vmov", FLOAT_MOVE, "t", "n", marks=("half",)),
    row("1110111011110001 1111 1010 00010000", "vmrs", FLOAT_MOVE, "F"),
    row("111011101111 .... tttt 1010 00010000", "vmrs", FLOAT_MOVE, "t"),
    row("111011101110 .... tttt 1010 00010000", "vmsr", FLOAT_MOVE, "", "t"),
    *float_arithmetic(),
    *float_conversions(),
]
ENCODINGS = (*NARROW, *WIDE, *FLOATS)

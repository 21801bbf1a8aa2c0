"""Encodings of RISC-V instructions of 32-bit cores: one row each, for RV32I with M, A, C, Zicsr and Zifencei.

Source: The RISC-V Instruction Set Manual, volume I, version 20191213, chapters 2, 3, 7, 8, 9, 16 and 24.

Patterns are those of `encodings`, the highest bit first. Letters name fields: d n m are the registers rd, rs1, rs2, and
D N M the same among x8 to x15, in three bits. In `writes` and `reads`, l is x1 (ra) and p is x2 (sp).
"""

from textzoo.targets.cycles.encodings import (
    ADD,
    BARRIER,
    BRANCH,
    DIV,
    INDIRECT,
    JUMP,
    LOAD,
    LOGIC,
    LONG,
    MUL,
    SHIFT,
    STORE,
    SYSTEM,
    Encoding,
    row,
)


def register_operations() -> list[Encoding]:
    """Return operations on two registers."""
    names = {"000": ("add", ADD), "001": ("sll", SHIFT), "010": ("slt", LOGIC), "011": ("sltu", LOGIC)}
    names |= {"100": ("xor", LOGIC), "101": ("srl", SHIFT), "110": ("or", LOGIC), "111": ("and", LOGIC)}
    head = "{} mmmmm nnnnn {} ddddd 0110011"
    rows = [row(head.format("0000000", code), name, kind, "d", "nm") for code, (name, kind) in names.items()]
    rows.append(row(head.format("0100000", "000"), "sub", ADD, "d", "nm"))
    rows.append(row(head.format("0100000", "101"), "sra", SHIFT, "d", "nm"))
    products = {
        "mul": MUL,
        "mulh": LONG,
        "mulhsu": LONG,
        "mulhu": LONG,
        "div": DIV,
        "divu": DIV,
        "rem": DIV,
        "remu": DIV,
    }
    return rows + [
        row(head.format("0000001", f"{code:03b}"), name, kind, "d", "nm")
        for code, (name, kind) in enumerate(products.items())
    ]


def immediate_operations() -> list[Encoding]:
    """Return operations on a register and a constant."""
    names = {"000": ("addi", ADD), "010": ("slti", LOGIC), "011": ("sltiu", LOGIC)}
    names |= {"100": ("xori", LOGIC), "110": ("ori", LOGIC), "111": ("andi", LOGIC)}
    rows = [
        row(f"............ nnnnn {code} ddddd 0010011", name, kind, "d", "n") for code, (name, kind) in names.items()
    ]
    for code, name in {"0000000 ..... nnnnn 001": "slli", "0000000 ..... nnnnn 101": "srli"}.items():
        rows.append(row(f"{code} ddddd 0010011", name, SHIFT, "d", "n"))
    return [*rows, row("0100000 ..... nnnnn 101 ddddd 0010011", "srai", SHIFT, "d", "n")]


def transfers() -> list[Encoding]:
    """Return loads and stores, and the atomic ones, which are taken as loads."""
    loads = {"000": "lb", "001": "lh", "010": "lw", "100": "lbu", "101": "lhu"}
    rows = [
        row(f"............ nnnnn {code} ddddd 0000011", name, LOAD, "d", address="n") for code, name in loads.items()
    ]
    for code, name in {"000": "sb", "001": "sh", "010": "sw"}.items():
        rows.append(row(f"....... mmmmm nnnnn {code} ..... 0100011", name, STORE, "", "m", address="n"))
    head = "{} .. {} nnnnn 010 ddddd 0101111"
    rows.append(row(head.format("00010", "00000"), "lr.w", LOAD, "d", address="n"))
    rows.append(row(head.format("00011", "mmmmm"), "sc.w", STORE, "d", "m", address="n"))
    atomics = {"00001": "swap", "00000": "add", "00100": "xor", "01100": "and", "01000": "or"}
    atomics |= {"10000": "min", "10100": "max", "11000": "minu", "11100": "maxu"}
    return rows + [
        row(head.format(code, "mmmmm"), f"amo{name}.w", LOAD, "d", "m", address="n") for code, name in atomics.items()
    ]


def branches() -> list[Encoding]:
    names = {"000": "beq", "001": "bne", "100": "blt", "101": "bge", "110": "bltu", "111": "bgeu"}
    return [row(f"....... mmmmm nnnnn {code} ..... 1100011", name, BRANCH, "", "nm") for code, name in names.items()]


def system() -> list[Encoding]:
    """Return accesses to control registers, barriers, and instructions of the privileged architecture."""
    rows = []
    for code, name in {"001": "csrrw", "010": "csrrs", "011": "csrrc"}.items():
        rows.append(row(f"............ nnnnn {code} ddddd 1110011", name, SYSTEM, "d", "n"))
        rows.append(row(f"............ ..... 1{code[1:]} ddddd 1110011", f"{name}i", SYSTEM, "d"))
    words = {"000000000000": "ecall", "000000000001": "ebreak", "001100000010": "mret", "000100000101": "wfi"}
    rows += [row(f"{code} 00000 000 00000 1110011", name, SYSTEM) for code, name in words.items()]
    rows.append(row("............ ..... 000 ..... 0001111", "fence", BARRIER))
    return [*rows, row("............ ..... 001 ..... 0001111", "fence.i", BARRIER)]


WIDE = [
    row(".................... ddddd 0110111", "lui", ADD, "d"),
    row(".................... ddddd 0010111", "auipc", ADD, "d"),
    row(".................... ddddd 1101111", "jal", JUMP, "d"),
    row("............ nnnnn 000 ddddd 1100111", "jalr", INDIRECT, "d", "n"),
    *branches(),
    *transfers(),
    *immediate_operations(),
    *register_operations(),
    *system(),
]
# The instructions of 16 bits; reserved ones (a constant of 0) come before those whose patterns they match.
NARROW = [
    row("000 00000000 DDD 00", "c.reserved", SYSTEM),
    row("000 ........ DDD 00", "c.addi4spn", ADD, "D", "p"),
    row("010 ... NNN .. DDD 00", "c.lw", LOAD, "D", address="N"),
    row("110 ... NNN .. MMM 00", "c.sw", STORE, "", "M", address="N"),
    row("000 . ddddd ..... 01", "c.addi", ADD, "d", "d"),
    row("001 ........... 01", "c.jal", JUMP, "l", marks=("calls",)),
    row("010 . ddddd ..... 01", "c.li", ADD, "d"),
    row("011 0 ..... 00000 01", "c.reserved", SYSTEM),
    row("011 . 00010 ..... 01", "c.addi16sp", ADD, "p", "p"),
    row("011 . ddddd ..... 01", "c.lui", ADD, "d"),
    row("100 0 00 DDD ..... 01", "c.srli", SHIFT, "D", "D"),
    row("100 0 01 DDD ..... 01", "c.srai", SHIFT, "D", "D"),
    row("100 . 10 DDD ..... 01", "c.andi", LOGIC, "D", "D"),
    row("100 0 11 DDD 00 MMM 01", "c.sub", ADD, "D", "DM"),
    row("100 0 11 DDD 01 MMM 01", "c.xor", LOGIC, "D", "DM"),
    row("100 0 11 DDD 10 MMM 01", "c.or", LOGIC, "D", "DM"),
    row("100 0 11 DDD 11 MMM 01", "c.and", LOGIC, "D", "DM"),
    row("101 ........... 01", "c.j", JUMP),
    row("110 ... NNN ..... 01", "c.beqz", BRANCH, "", "N"),
    row("111 ... NNN ..... 01", "c.bnez", BRANCH, "", "N"),
    row("000 0 ddddd ..... 10", "c.slli", SHIFT, "d", "d"),
    row("010 . 00000 ..... 10", "c.reserved", SYSTEM),
    row("010 . ddddd ..... 10", "c.lwsp", LOAD, "d", address="p"),
    row("100 0 00000 00000 10", "c.reserved", SYSTEM),
    row("100 0 nnnnn 00000 10", "c.jr", INDIRECT, "", "n"),
    row("100 0 ddddd mmmmm 10", "c.mv", ADD, "d", "m"),
    row("100 1 00000 00000 10", "c.ebreak", SYSTEM),
    row("100 1 nnnnn 00000 10", "c.jalr", INDIRECT, "l", "n", marks=("calls",)),
    row("100 1 ddddd mmmmm 10", "c.add", ADD, "d", "dm"),
    row("110 ...... mmmmm 10", "c.swsp", STORE, "", "m", address="p"),
]
RESERVED = "c.reserved"
ENCODINGS = (*NARROW, *WIDE)

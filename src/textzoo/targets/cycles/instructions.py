"""What the cycle model needs of an instruction, of any instruction set."""

from dataclasses import dataclass


class UnknownInstructionError(ValueError):
    """An instruction that the table does not have."""


@dataclass(frozen=True)
class Instruction:
    """What the model needs of an instruction; sets of registers are bit masks; the decoders say which bits.

    Attributes:
        name: Mnemonic.
        kind: One of encodings.KINDS.
        bytes: 2 or 4.
        reads, writes: Without the register of an address that is written back.
        early: Registers that are needed a stage early.
        added: Registers that an accumulator adds at the end.
        address: Registers that form an address.
        back: Register of the address that is written back.
        count: Registers of 32 bits that are transferred from or to memory, or between the core and the FPU if two are.
        marks: Of the encoding, those that the model uses; "sets": the flags; "conditional"; "to pc"; "shifted": the
            second operand went through the shifter; "writes back", "after": the address is changed, behind the access.
        base: Register of which the address, or the result of a sum with a constant, is so far: None for others.
        distance: In bytes; of lists, of the first word.
    """

    name: str
    kind: str
    bytes: int
    reads: int
    writes: int
    early: int
    added: int
    address: int
    back: int
    count: int
    marks: frozenset[str]
    base: int | None
    distance: int

"""Banks: how the operands whose tiles are buffered in a memory on chip divide it."""

from collections.abc import Mapping
from typing import NamedTuple, Self

from pydantic import model_validator

from accelsim.descriptions import Description, Mistake, refusal
from accelsim.descriptions.quantities import BufferBytes, Fraction
from accelsim.hardware.operand import Operand


class Banks(Description):
    """How operands divide a memory on chip.

    By `shares` or `bytes` each has a bank of its own, which is named after it and double buffered; the
    residual lies with the inputs. By `bank_bytes` the memory is a pool that is given out in banks of one
    size, each of them wholly to one operand: what tiles take is rounded up. So is Eyeriss's global buffer
    (Chen et al., JSSC 2017, section V-B).
    """

    shares: Mapping[Operand, Fraction] | None = None
    """Parts of the memory."""
    bytes: Mapping[Operand, BufferBytes] | None = None
    """Sizes of the banks."""
    bank_bytes: BufferBytes | None = None
    """Of each of the banks that the memory is made of."""
    padded: bool | None = None
    """Of such banks: whether tiles of inputs lie in them with the zeros of their padding."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if sum(value is not None for value in (self.shares, self.bytes, self.bank_bytes)) != 1:
            raise ValueError("must give one of shares, bytes and bank_bytes, or be the word pool")
        if self.padded and self.bank_bytes is None:
            sentence = "must be left out: only banks of bank_bytes hold padding here"
            raise refusal("banks", [Mistake(("padded",), sentence)])
        return self


class Bank(NamedTuple):
    """A part of a memory on chip, in which tiles of some operands are buffered.

    A bank of one operand is double buffered: a tile takes half of it at most, and room for it is taken when
    its transfer is asked for (of outputs, when the array is ready). In a pool a step takes room for all that
    it needs there in one request, in the order of the schedule.

    Attributes:
        memory: The name of the one that it is a part of.
        name: That of its operand, or `pool`; `tensors` where tensors alone lie.
        size_bytes: Of the whole bank.
        operands: Whose tiles are buffered here.

    Example:
        >>> from accelsim.hardware import load_hardware
        >>> [bank.name for bank in load_hardware("16x16_128k").banks]
        ['inputs', 'weights', 'outputs']
    """

    memory: str
    name: str
    size_bytes: int
    operands: tuple[Operand, ...]
    unit_bytes: int = 1
    """Of a pool: it is given out in whole multiples of it, each to one operand."""
    padded: bool = False
    """Of a pool: whether tiles of inputs lie there with their padding."""

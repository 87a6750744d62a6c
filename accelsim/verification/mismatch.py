"""Mismatch: the first access of a schedule that is not what it should be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from accelsim.verification.difference import Difference, Part, Quantity, TileOfStep
from accelsim.verification.words import mismatch_text


@dataclass(frozen=True)
class Mismatch:
    """Something that a schedule does otherwise than its layer, or than its counts say.

    Example:
        >>> print(Mismatch(Difference.DOES_NOT_WAIT, {"producer": "conv1"}))
        reads the outputs of conv1, but does not wait for it
    """

    difference: Difference
    """Of which kind it is."""
    parts: Mapping[str, Part] = field(default_factory=dict)
    """What it is about."""
    tile: TileOfStep | None = None
    """Where; None where it is about the program as a whole, or about the order of layers."""

    def __str__(self) -> str:
        return mismatch_text(self.difference, self.parts, self.tile)


class MismatchError(Exception):
    """A schedule does something else than its layer or its counts say; the text says what."""

    def __init__(self, mismatch: Mismatch) -> None:
        super().__init__(mismatch)
        self.mismatch = mismatch


def refuse(difference: Difference, **parts: Part) -> NoReturn:
    """Stop at an access that differs."""
    raise MismatchError(Mismatch(difference, parts))


def expect_equal(quantity: Quantity, scheduled: int, observed: int, **parts: Part) -> None:
    """Stop where the schedule says another number than what was counted."""
    if scheduled != observed:
        refuse(Difference.NUMBER, quantity=quantity, scheduled=scheduled, observed=observed, **parts)

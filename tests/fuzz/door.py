"""Door: a way in, the inputs that are tried there, and what comes out."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Generic, TypeVar

from accelsim.errors import AccelsimError

InputT = TypeVar("InputT")
REFUSALS: Final[tuple[type[Exception], ...]] = (AccelsimError,)


class NonsenseError(Exception):
    """An answer that cannot be true, or a refusal that says nothing; the first line is the kind."""


@dataclass(frozen=True)
class Door(Generic[InputT]):
    """A way in."""

    name: str
    make: Callable[[Random], InputT]
    """The same input for the same state of the generator, whatever was made before."""
    feed: Callable[[InputT], None]
    """Gives an input to accelsim, in an empty working folder.

    Passes on whatever accelsim raises; raises NonsenseError for an answer that cannot be true.
    """
    show: Callable[[InputT], str]
    refusals: tuple[type[Exception], ...] = REFUSALS
    """What may be raised."""
    every: int = 1
    """One input in so many is tried, where each takes long."""

    def input(self, seed: int, index: int) -> InputT:
        """The input of a seed and a number."""
        return self.make(Random(f"{self.name} {seed} {index}"))


AnyDoor = Door[Any]

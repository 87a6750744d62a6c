"""Axes as atoms: how the dimensions of a model's tensor lie in the axes of a network's.

A network's tensor has channels, height and width, and there is one for each image of a batch. A dimension of
a model's tensor is a list of atoms, parts of those axes, the outer one first: 64 channels are one atom, the
same channels as 8 groups of 8 are two, (C, 8, 8) and (C, 1, 8), and a plane that has been flattened is
(H, 1, 7), (W, 1, 7). Transposing gives dimensions another order, reshaping cuts the same atoms elsewhere;
neither moves anything. An axis of one element has no atoms, so that it fits any name.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from math import prod
from typing import Final, NamedTuple, TypeAlias

N, C, H, W = "N", "C", "H", "W"
"""Images of the batch, channels, rows, columns."""
WORDS: Final = {N: "batch", C: "channels", H: "height", W: "width"}


class Atom(NamedTuple):
    """A part of an axis: `size` places, each `stride` elements of the axis from the one before.

    Example:
        >>> groups, members = Atom("C", stride=8, size=4), Atom("C", stride=1, size=8)
        >>> joined((groups, members))
        (Atom(axis='C', stride=1, size=32),)
    """

    axis: str
    stride: int
    size: int


Atoms: TypeAlias = tuple[Atom, ...]
View: TypeAlias = tuple[Atoms, ...]
"""The atoms of each dimension."""


def whole(axis: str, size: int) -> Atoms:
    """All of an axis."""
    return (Atom(axis, 1, size),) if size > 1 else ()


def size_of(atoms: Iterable[Atom]) -> int:
    """Elements along a dimension."""
    return prod(atom.size for atom in atoms)


def joined(atoms: Iterable[Atom]) -> Atoms:
    """The same dimension in as few atoms as possible: neighbours that are one part of an axis are one."""
    result: list[Atom] = []
    for atom in atoms:
        last = result[-1] if result else None
        if last is not None and last.axis == atom.axis and last.stride == atom.stride * atom.size:
            result[-1] = Atom(atom.axis, atom.stride, last.size * atom.size)
        else:
            result.append(atom)
    return tuple(result)


def flat(view: Iterable[Atoms]) -> Atoms:
    """All dimensions as one."""
    return joined(chain.from_iterable(view))


def regrouped(atoms: Iterable[Atom], sizes: Sequence[int]) -> View | None:
    """The same elements in the same order as dimensions of other sizes; None where an atom cannot be cut so.

    Example:
        >>> regrouped(whole("C", 6), (2, 3))
        ((Atom(axis='C', stride=3, size=2),), (Atom(axis='C', stride=1, size=3),))
        >>> regrouped((*whole("C", 6), *whole("W", 4)), (4, 6)) is None
        True
    """
    waiting = [*reversed(joined(atoms))]
    view: list[Atoms] = []
    for size in sizes:
        dimension: list[Atom] = []
        missing = size
        while missing > 1:
            if not waiting:
                return None
            axis, stride, length = waiting.pop()
            if missing % length == 0:
                dimension.append(Atom(axis, stride, length))
                missing //= length
            elif length % missing == 0:
                rest = length // missing
                dimension.append(Atom(axis, stride * rest, missing))
                waiting.append(Atom(axis, stride, rest))
                missing = 1
            else:
                return None
        view.append(tuple(dimension))
    return None if waiting else tuple(view)


def axes_of(atoms: Iterable[Atom]) -> set[str]:
    """The axes that a dimension is made of."""
    return {atom.axis for atom in atoms}


def resized(view: View, atom: Atom, size: int) -> View:
    """The view after one of its atoms has another size; what lies outside of it on its axis moves apart."""

    def changed(other: Atom) -> Atoms:
        if other.axis != atom.axis or other.stride < atom.stride:
            return (other,)
        if other == atom:
            return (Atom(atom.axis, atom.stride, size),) if size > 1 else ()
        return (Atom(other.axis, other.stride // atom.size * size, other.size),)

    return tuple([tuple(chain.from_iterable(changed(other) for other in atoms)) for atoms in view])

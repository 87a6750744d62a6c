"""A tensor of a model: the row that makes it, and what has been done to its axes since."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Final, Protocol, TypeAlias

from accelsim.importers.atoms import WORDS, Atoms, C, H, N, View, W, regrouped, size_of, whole
from accelsim.importers.model import Dims

Margin: TypeAlias = tuple[int, int]
"""Elements before and after a dimension that are still to be added, or (negative) left out."""
NO_MARGIN: Final[Margin] = (0, 0)


@dataclass(frozen=True)
class ModelTensor:
    """A tensor of the model, seen in the tensor of the network that it is.

    Example:
        >>> image = ModelTensor("input", (3, 8, 8), named("NHWC", (1, 8, 8, 3)))
        >>> image.dims
        (1, 8, 8, 3)
    """

    row: str
    shape: Dims
    """(channels, height, width) of what the row puts out."""
    view: View
    """What each dimension of the model's tensor is."""
    margins: tuple[Margin, ...] = ()
    """Of each dimension; none where all are as they are."""
    batch: int = 1
    bits: int | None = None
    """Of its elements, where the model stores them in less than 32."""

    def __post_init__(self) -> None:
        if self.margins and not self.waits:
            object.__setattr__(self, "margins", ())

    @cached_property
    def dims(self) -> Dims:
        """The shape that the model's tensor has if this is what it is."""
        sizes = tuple([size_of(atoms) for atoms in self.view])
        if not self.margins:
            return sizes
        return tuple([size + sum(margin) for size, margin in zip(sizes, self.margins, strict=True)])

    @property
    def axes(self) -> dict[str, Atoms]:
        """All of each axis."""
        return {axis: whole(axis, size) for axis, size in self.extents.items()}

    @property
    def extents(self) -> dict[str, int]:
        """Elements along each axis."""
        return {N: self.batch, **dict(zip((C, H, W), self.shape, strict=True))}

    @property
    def pixels(self) -> int:
        """Rows x columns."""
        return self.shape[1] * self.shape[2]

    @property
    def waits(self) -> bool:
        """Whether elements are still to be added or left out."""
        return any(margin != NO_MARGIN for margin in self.margins)

    @property
    def words(self) -> str:
        """`batch x channels x height x width`, for messages."""
        return " x ".join(
            "-".join(dict.fromkeys(WORDS[atom.axis] for atom in atoms)) or "1" for atoms in self.view
        )


def named(letters: str, dims: Dims) -> View:
    """A view whose dimensions are axes, by their letters; those of one letter are an axis together."""
    parts: dict[str, list[int]] = {}
    for letter, size in zip(letters, dims, strict=True):
        parts.setdefault(letter, []).append(size)
    cuts = {
        letter: list(regrouped(whole(letter, prod(sizes)), sizes) or ()) for letter, sizes in parts.items()
    }
    return tuple([cuts[letter].pop(0) for letter in letters])


class NodeError(Exception):
    """Why a node cannot be a row."""


class RowMaker(Protocol):
    """A node, for which rows may be added."""

    def row(
        self, operator: str, inputs: Sequence[ModelTensor], shape: Dims, *, suffix: str = "", **arguments: Any
    ) -> ModelTensor:
        """Add a row that puts out `shape`, called after the node."""


def broadcasts(dims: Sequence[int], to: Sequence[int]) -> bool:
    """Whether a tensor of some dimensions has an element for each of another, as ONNX repeats elements.

    Example:
        >>> broadcasts((1, 5), (3, 4, 5)), broadcasts((4,), (3, 4, 5))
        (True, False)
    """
    return len(dims) <= len(to) and all(
        size in (1, of) for size, of in zip(reversed(dims), reversed(to), strict=False)
    )


def by(dims: Iterable[int]) -> str:
    """`3 x 224 x 224`."""
    return " x ".join(map(str, dims))

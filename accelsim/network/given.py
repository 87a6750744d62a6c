"""What is said of how a layer is mapped, beforehand: by a mapping file, or by a program.

Names and numbers only: what they mean, and what may be said on a machine, is said in accelsim/mapping.
"""

from dataclasses import dataclass, field
from typing import NamedTuple


class SizeBounds(NamedTuple):
    """What the sizes of tiles along a loop have to be.

    Example:
        >>> bounds = SizeBounds(least=8, most=64, multiple_of=16)
        >>> [size for size in (8, 16, 24, 64, 80) if bounds.allow(size)]
        [16, 64]
    """

    least: int = 1
    most: int | None = None
    multiple_of: int = 1

    def allow(self, size: int) -> bool:
        """Whether a size is one of these."""
        within = size >= self.least and (self.most is None or size <= self.most)
        return within and size % self.multiple_of == 0

    def __str__(self) -> str:
        words = [f"at least {self.least}"] if self.least > 1 else []
        words += [] if self.most is None else [f"at most {self.most}"]
        words += [f"a multiple of {self.multiple_of}"] if self.multiple_of > 1 else []
        return ", ".join(words) or "any"


@dataclass(frozen=True, slots=True)
class GivenMapping:
    """What is said of the mapping of one layer; what is left out is searched for.

    Attributes:
        dataflow: Its name.

    Example:
        >>> given = GivenMapping(tile=(("K", 16),), bounds=(("C", SizeBounds(most=8)),))
        >>> given.allows("K", 16), given.allows("K", 8), given.allows("C", 4), given.allows("OX", 3)
        (True, False, True, True)
    """

    dataflow: str | None = None
    tile: tuple[tuple[str, int], ...] = ()
    """Sizes along loops, by their letters."""
    order: tuple[str, ...] | None = None
    """All eight loops over tiles by their letters, outermost first."""
    bounds: tuple[tuple[str, SizeBounds], ...] = ()
    """Of sizes along loops of which none is said."""
    homes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Of operands: the memories that each comes from or goes to, and where a second one is named, too, stays
    in."""
    parameters: tuple[tuple[str, int], ...] = ()
    """Of the dataflow's own."""
    idle_rows: int | None = None
    """Of the array."""
    images: str | None = None
    """Of a batch: `together` through the layer, or `in_turn` through all layers."""
    position: str = field(default="", compare=False, repr=False)
    """Where that stands: `FILE:LINE`."""

    def size(self, letter: str) -> int | None:
        """That of tiles along a loop; None where it is not said."""
        return next((size for of_loop, size in self.tile if of_loop == letter), None)

    def bounds_of(self, letter: str) -> SizeBounds | None:
        """Those of sizes along a loop; None where there are none."""
        return next((bounds for of_loop, bounds in self.bounds if of_loop == letter), None)

    def allows(self, letter: str, size: int) -> bool:
        """Whether tiles may be so large along a loop."""
        said, bounds = self.size(letter), self.bounds_of(letter)
        return said in (None, size) and (bounds is None or bounds.allow(size))

    def speaks_of(self, letter: str) -> bool:
        """Whether anything is said of the sizes along a loop."""
        return self.size(letter) is not None or self.bounds_of(letter) is not None


class GivenFrom(NamedTuple):
    """What is said of the stripes of a layer in a cascade, from one of them on.

    Example:
        >>> GivenFrom(2, GivenMapping(dataflow="vector")).stripe
        2
    """

    stripe: int
    """The first of these stripes; those of a cascade count from 1."""
    given: GivenMapping


@dataclass(frozen=True, slots=True)
class GivenCascade:
    """What is said of layers that run stripe by stripe, beforehand; what is left out is searched for.

    Attributes:
        layers: Their names, one after the other in running order.

    Example:
        >>> from_third = GivenFrom(3, GivenMapping(tile=(("K", 8),)))
        >>> cascade = GivenCascade(("conv1", "conv2"), told=((), (from_third,)))
        >>> cascade.given("conv2", 2), cascade.given("conv2", 4).tile
        (None, (('K', 8),))
    """

    layers: tuple[str, ...]
    stripe_rows: int | None = None
    """Of what the last one stores."""
    weights_stay: tuple[str, ...] | None = None
    """Layers whose weights come with their first stripe and stay to the last; of the others they come with
    each stripe, unless they are pinned."""
    told: tuple[tuple[GivenFrom, ...], ...] = ()
    """Of each layer: what is said of its stripes, in their order."""
    homes: tuple[GivenMapping, ...] = ()
    """Of each layer: where all of its stripes have their operands, and nothing else."""
    position: str = field(default="", compare=False, repr=False)
    """Where that stands: `FILE:LINE`."""

    def given(self, name: str, stripe: int) -> GivenMapping | None:
        """What is said of a stripe of a layer; stripes count from 1."""
        said = [part.given for part in self.told[self.layers.index(name)] if part.stripe <= stripe]
        return said[-1] if said else None

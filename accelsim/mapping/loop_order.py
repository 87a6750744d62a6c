"""The order of the loops over tiles: six that have names, and any other by the letters of its loops."""

from collections.abc import Mapping
from functools import cache
from typing import Final, Literal, TypeAlias

Dimension: TypeAlias = Literal[
    "image", "group", "output_channel", "input_channel", "row", "column", "tap_row", "tap_column"
]
Letter: TypeAlias = Literal["N", "G", "K", "C", "OY", "OX", "FY", "FX"]
LETTERS: Final[Mapping[Dimension, Letter]] = {
    "image": "N",
    "group": "G",
    "output_channel": "K",
    "input_channel": "C",
    "row": "OY",
    "column": "OX",
    "tap_row": "FY",
    "tap_column": "FX",
}
"""The letters of `Layer` for the loops over tiles."""

NamedOrder: TypeAlias = Literal[
    "pixels_outer",
    "filters_outer",
    "pixels_channels_filters",
    "filters_channels_pixels",
    "channels_filters_pixels",
    "channels_pixels_filters",
]
Order: TypeAlias = NamedOrder | tuple[Letter, ...]
"""What the loops over tiles have outside. Those that the search compares have names, with images and groups
outermost:

pixels_outer   a tile of inputs stays while the output channels pass: inputs are read once, weights once for
               each tile of pixels (unless all of them fit);
filters_outer  a tile of weights stays while the pixels pass: weights are read once, inputs once for each
               tile of output channels.

In both, what adds up is innermost, so that one tile of outputs is unfinished at a time. The others have the
loop over input channels around loops over outputs, in the order that their names give: the partial sums of
all tiles inside are held until the last input channels have come.

Any other is the letters of all eight loops, outermost first: ("N", "G", "OY", "OX", "K", "C", "FY", "FX") is
`pixels_outer`.
"""

_PIXELS: Final[tuple[Dimension, ...]] = ("row", "column")
_FILTERS: Final[tuple[Dimension, ...]] = ("output_channel",)
_CHANNELS: Final[tuple[Dimension, ...]] = ("input_channel", "tap_row", "tap_column")
_OUTERMOST: Final[tuple[Dimension, ...]] = ("image", "group")
_NAMED: Final[Mapping[NamedOrder, tuple[Dimension, ...]]] = {
    "pixels_outer": (*_OUTERMOST, *_PIXELS, *_FILTERS, *_CHANNELS),
    "filters_outer": (*_OUTERMOST, *_FILTERS, *_PIXELS, *_CHANNELS),
    "pixels_channels_filters": (*_OUTERMOST, *_PIXELS, *_CHANNELS, *_FILTERS),
    "filters_channels_pixels": (*_OUTERMOST, *_FILTERS, *_CHANNELS, *_PIXELS),
    "channels_filters_pixels": (*_OUTERMOST, *_CHANNELS, *_FILTERS, *_PIXELS),
    "channels_pixels_filters": (*_OUTERMOST, *_CHANNELS, *_PIXELS, *_FILTERS),
}
_DIMENSION_OF: Final = {letter: dimension for dimension, letter in LETTERS.items()}
ADDING_UP: Final[frozenset[Dimension]] = frozenset({"input_channel", "tap_row", "tap_column"})
"""Loops of which all iterations add to the same outputs."""
OF_INPUTS: Final[frozenset[Dimension]] = frozenset({"image", "group", "row", "column", *ADDING_UP})
OF_WEIGHTS: Final[frozenset[Dimension]] = frozenset({"group", "output_channel", *ADDING_UP})
OF_OUTPUTS: Final[frozenset[Dimension]] = frozenset({"image", "group", "output_channel", "row", "column"})


@cache
def loops_of(order: Order) -> tuple[Dimension, ...]:
    """The loops of an order, outermost first.

    Example:
        >>> loops_of("filters_outer")[:4]
        ('image', 'group', 'output_channel', 'row')
        >>> loops_of(("C", "N", "G", "K", "OY", "OX", "FY", "FX"))[0]
        'input_channel'
    """
    return _NAMED[order] if isinstance(order, str) else tuple(_DIMENSION_OF[letter] for letter in order)


@cache
def letters_of(order: Order) -> tuple[Letter, ...]:
    """The same as letters.

    Example:
        >>> letters_of("channels_filters_pixels")
        ('N', 'G', 'C', 'FY', 'FX', 'K', 'OY', 'OX')
    """
    return tuple(LETTERS[dimension] for dimension in loops_of(order))


@cache
def as_named(order: Order) -> Order:
    """An order by its name, if it has one.

    Example:
        >>> as_named(("N", "G", "OY", "OX", "K", "C", "FY", "FX"))
        'pixels_outer'
    """
    return next((name for name, loops in _NAMED.items() if loops == loops_of(order)), order)


@cache
def lies_inside(order: Order, inner: Dimension, outer: Dimension) -> bool:
    """Whether one loop lies inside another.

    Example:
        >>> lies_inside("pixels_outer", "output_channel", "row")
        True
    """
    loops = loops_of(order)
    return loops.index(inner) > loops.index(outer)

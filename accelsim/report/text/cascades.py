"""Cascades in words and in tables: which layers run stripe by stripe, and what of them is on chip then."""

from collections.abc import Sequence
from typing import Final

from accelsim.descriptions.phrases import counted
from accelsim.report.text.table import Column, Style, kibibytes
from accelsim.report.values.cascades import CascadeOfRun

_MOST: Final = 3
"""Cascades that are named; where there are more, those with most rows on chip."""

_BAND: Final = ("┌", "│", "└")
_ASCII_BAND: Final = ("/", "|", "\\")
"""The first row of a cascade, those between, and the last."""


def band_column(numbers: Sequence[int | None], style: Style, *, in_order: bool = True) -> list[Column]:
    """A column before all others that draws each cascade as one band, with its layers inside.

    Args:
        numbers: Of each row the cascade that it is in; None of those in none.
        style: What the place that it goes to can show.
        in_order: Whether rows are in running order; else each is marked by itself.

    Returns:
        The column; none where no row is in a cascade.

    Example:
        >>> [band] = band_column([None, 0, 0, 0, 1, 1], Style())
        >>> "".join(band.cells)
        ' ┌│└┌└'
    """
    if not any(number is not None for number in numbers):
        return []
    first, between, last = _ASCII_BAND if style.ascii_only else _BAND
    cells = []
    for above, number, below in zip([None, *numbers], numbers, [*numbers[1:], None], strict=False):
        begins, ends = in_order and above != number, in_order and below != number
        mark = between if begins == ends else first if begins else last
        cells.append(" " if number is None else mark)
    return [Column("", cells, "left")]


def band_words(style: Style, *, in_order: bool = True) -> str:
    """What the marks of that column mean."""
    first, between, last = _ASCII_BAND if style.ascii_only else _BAND
    return f"{first} to {last}: a cascade, stripe by stripe. " if in_order else f"{between}: in a cascade. "


def cascades_sentence(cascades: Sequence[CascadeOfRun]) -> str:
    """`1 cascade, 4 layers stripe by stripe: conv1 to expand (28 stripes of 4 rows, ...)`."""
    layers = sum([len(cascade.layers) for cascade in cascades])
    largest = sorted(cascades, key=lambda cascade: -cascade.window_bytes)[:_MOST]
    named = [cascade_words(cascade) for cascade in cascades if cascade in largest]
    listed = ", ".join([*named, *(["..."] if len(cascades) > _MOST else [])])
    return f"{counted(len(cascades), 'cascade')}, {counted(layers, 'layer')} stripe by stripe: {listed}"


def cascade_words(cascade: CascadeOfRun) -> str:
    """`conv1 to expand (28 stripes of 4 rows, 42.3 KiB of rows between them, weights of 1 layer stay)`."""
    names = f"{cascade.layers[0].name} to {cascade.layers[-1].name}"
    of_rows = counted(cascade.stripe_rows, "row")
    held = f"{kibibytes(cascade.window_bytes)} of rows between them"
    weights = f", weights of {counted(cascade.staying, 'layer')} stay" if cascade.staying else ""
    return f"{names} ({counted(cascade.stripes, 'stripe')} of {of_rows}, {held}{weights})"

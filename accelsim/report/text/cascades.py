"""Cascades in words: which layers run stripe by stripe, and what of them is on chip meanwhile."""

from collections.abc import Sequence
from typing import Final

from accelsim.descriptions.phrases import counted
from accelsim.report.text.table import kibibytes
from accelsim.report.values.cascades import CascadeOfRun

_MOST: Final = 3
"""Cascades that are named; where there are more, those with most rows on chip."""


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

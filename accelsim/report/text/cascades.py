"""Cascades in words: which layers run stripe by stripe, and what of them is on chip meanwhile."""

from collections.abc import Sequence

from accelsim.descriptions.phrases import counted
from accelsim.report.text.table import kibibytes
from accelsim.report.values.cascades import CascadeOfRun


def cascades_sentence(cascades: Sequence[CascadeOfRun]) -> str:
    """`1 cascade, 4 layers stripe by stripe: conv1 to expand (28 stripes of 4 rows, ...)`."""
    layers = sum([len(cascade.layers) for cascade in cascades])
    listed = ", ".join(map(cascade_words, cascades))
    return f"{counted(len(cascades), 'cascade')}, {counted(layers, 'layer')} stripe by stripe: {listed}"


def cascade_words(cascade: CascadeOfRun) -> str:
    """`conv1 to expand (28 stripes of 4 rows, 42.3 KiB of rows between them, weights of 1 layer stay)`."""
    names = f"{cascade.layers[0].name} to {cascade.layers[-1].name}"
    of_rows = counted(cascade.stripe_rows, "row")
    held = f"{kibibytes(cascade.window_bytes)} of rows between them"
    weights = f", weights of {counted(cascade.staying, 'layer')} stay" if cascade.staying else ""
    return f"{names} ({counted(cascade.stripes, 'stripe')} of {of_rows}, {held}{weights})"

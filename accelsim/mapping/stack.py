"""Layers stacked into one loop nest whose numbers are columns, so that each formula serves them all at once.

A number that the layers have in common stays a number. Whatever a formula asks `if` about is the structure of
a layer, and only layers of one structure are stacked.
"""

from collections.abc import Hashable, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final

import numpy as np

from accelsim.columns import Count
from accelsim.network.layer import CodedParts, FusedOperator, Layer, LoopNest, Pooling

STRUCTURE: Final = ("weight_bits", "pruned_index_bits", "activation_bits", "partial_sum_bits")
"""Fields that are the same for all layers of a stack."""
UNUSED: Final = frozenset(
    {"name", "operator", "params", "stage", "weight_ratio", "output_density", "given", "given_pooling"}
)
"""Fields that no formula reads."""
NUMBERS: Final = tuple(
    name
    for name in (field.name for field in fields(Layer))
    if name not in {*STRUCTURE, *UNUSED, "fused", "pooling", "coded"}
)
POOLING_NUMBERS: Final = tuple(
    field.name for field in fields(Pooling) if field.name not in {"name", "operator"}
)
NO_OPERATOR: Final = FusedOperator("", "", vector_ops=0)
_NO_WINDOWS: Final = (0, 0, 1, 1, 0, 0)
"""What `POOLING_NUMBERS` are behind the size of the outputs, where nothing is pooled."""

_structure = attrgetter("on_array", "multiplies_activations", *STRUCTURE)
_numbers = attrgetter(*NUMBERS)
_pooling_numbers = attrgetter(*POOLING_NUMBERS)


def structure(layer: Layer) -> Hashable:
    """What layers have to share to be stacked."""
    return _structure(layer), layer.weight_density is None


def stacked(layers: Sequence[Layer]) -> LoopNest[Count]:
    """Some layers of one structure as one, with an entry each."""
    first, n_fused = layers[0], max(len(layer.fused) for layer in layers)
    operators = [layer.fused + (NO_OPERATOR,) * (n_fused - len(layer.fused)) for layer in layers]
    return LoopNest(
        name="",
        operator=first.operator,
        **dict(zip(NUMBERS, map(_together, zip(*map(_numbers, layers), strict=True)), strict=True)),
        **{name: getattr(first, name) for name in STRUCTURE},
        fused=tuple(
            FusedOperator(
                "",
                "",
                vector_ops=_together([operator.vector_ops for operator in operators_at]),
                residual_elements=_together([operator.residual_elements for operator in operators_at]),
            )
            for operators_at in zip(*operators, strict=True)
        ),
        pooling=_pooling(layers),
        coded=_coded(layers),
    )


def _coded(layers: Sequence[Layer]) -> CodedParts | None:
    """What operands of the layers take outside; None where all are held as they are."""
    parts = [layer.coded for layer in layers if layer.coded is not None]
    if not parts:
        return None
    return CodedParts(
        _together([part.inputs for part in parts]),
        _together([part.weights for part in parts]),
        _together([part.outputs for part in parts]),
        _together([part.residual for part in parts]),
    )


def _pooling(layers: Sequence[Layer]) -> Pooling[Count] | None:
    """The poolings of some layers as one; beside them, layers without have one that does nothing."""
    if all(layer.pooling is None for layer in layers):
        return None
    numbers = [
        (layer.OY, layer.OX, *_NO_WINDOWS) if layer.pooling is None else _pooling_numbers(layer.pooling)
        for layer in layers
    ]
    return Pooling("", "", *map(_together, zip(*numbers, strict=True)))


def _together(values: Sequence[Any]) -> Any:
    """Values of the layers as an array; one value where it is the same for all."""
    first = values[0]
    if values.count(first) == len(values):
        return first
    column = np.array(values)
    return column.astype(np.int64) if column.dtype == np.bool_ else column

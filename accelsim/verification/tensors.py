"""Tensors of a layer, filled with small random integers: what lies in DRAM before the layer runs.

They are made in the form that the layer has for one image, an image after another, and looked at in the form
in which the layer was mapped; both are the same elements. Their axes are those of mapping/regions.py.
"""

import math
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from accelsim.hardware.parts import Precision
from accelsim.mapping.regions import Region
from accelsim.mapping.tile import TileShape
from accelsim.network.layer import FusedOperator, Layer
from accelsim.verification.forms import Form
from accelsim.verification.functions import Integers
from accelsim.verification.sizes import Sizes, elements_of

NONZERO: Final = np.array([-3, -2, -1, 1, 2, 3], dtype=np.int8)


def operand_counts(layer: Layer, operator: FusedOperator[int]) -> tuple[int, int]:
    """Residuals of a fused operator: tensors as large as the outputs, and factors for each channel."""
    per_channel, remainder = divmod(operator.residual_elements, layer.G * layer.K)
    pixels = layer.OY * layer.OX
    if remainder == 0 and per_channel % pixels == 0:
        return per_channel // pixels, 0
    return 0, per_channel


@dataclass(frozen=True)
class Tensors:
    """The operands of a layer, for every image of a batch, in the form that the layer has for one image."""

    layer: Layer
    images: int
    arrays: MappingOf[str, Integers]

    def as_mapped(self, form: Form) -> MappingOf[str, Integers]:
        """The same elements in the form in which the layer was mapped."""
        return {name: form.view(name, array) for name, array in self.arrays.items()}


def random_tensors(layer: Layer, images: int, seed: int) -> Tensors:
    """Operands of small random integers; no weight is zero."""
    random = np.random.default_rng(seed)
    residual = [operand_counts(layer, operator) for operator in layer.fused]
    full, factors = (sum(counts) for counts in zip(*residual, strict=True)) if residual else (0, 0)
    pixels = (layer.OY, layer.OX)
    shapes: dict[str, tuple[int, ...]] = {
        "inputs": (images, layer.operands, layer.G, layer.C, layer.IY, layer.IX),
        "factors": (images, layer.G, layer.gate_elements // layer.G),
        "offsets": (layer.G, layer.K),
        "residual": (images, full, layer.G, layer.K, *pixels),
        "residual_factors": (images, layer.G, layer.K, factors),
    }
    arrays: dict[str, Integers] = {
        name: random.integers(-3, 4, shape, dtype=np.int8) for name, shape in shapes.items()
    }
    if layer.on_array:
        shape = (layer.G, layer.K, layer.C, layer.FY, layer.FX)
        arrays["weights"] = NONZERO[random.integers(0, len(NONZERO), shape, dtype=np.int8)]
    return Tensors(layer, images, arrays)


def nonzero_weights(weights: int, density: float) -> int:
    """How many weights of a tile are not zero; a product that is whole but for rounding stays as it is."""
    return math.ceil(Fraction(str(density)) * weights - Fraction(1, 10**9))


def weight_bytes(layer: Layer, machine: Precision) -> int:
    """What all weights and offsets of a layer take where they lie in one piece."""
    density = layer.weight_density
    sizes = Sizes(layer, machine, lambda region: nonzero_weights(elements_of(region), density or 1.0))
    weights = Region("weights", ((0, layer.G), (0, layer.K), (0, layer.C), (0, layer.FY), (0, layer.FX)))
    offsets = [Region("offsets", ((0, layer.G), (0, layer.K)))] if layer.bias else []
    return sizes.by_operand([weights, *offsets]).get("weights", 0)


def with_zeros(weights: Integers, tile: TileShape[int], density: float) -> Integers:
    """Weights some of which are zero: in each tile of them the same part, spread over it."""
    if density >= 1:
        return weights
    pruned, sizes = weights.copy(), (tile.g, tile.k, tile.c, tile.fy, tile.fx)
    for corner in np.ndindex(
        *(-(-extent // size) for extent, size in zip(weights.shape, sizes, strict=True))
    ):
        box = tuple(
            slice(index * size, (index + 1) * size) for index, size in zip(corner, sizes, strict=True)
        )
        part = pruned[box]
        ranks = np.arange(part.size, dtype=np.int64)
        nonzero = nonzero_weights(part.size, density)
        # The weight of rank r stays where floor(r * nonzero / size) steps up by one: `nonzero` times in all.
        part[((ranks + 1) * nonzero // part.size == ranks * nonzero // part.size).reshape(part.shape)] = 0
    return pruned

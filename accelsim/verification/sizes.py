"""Bytes that regions take: how many elements they have, and how many bits each.

Written from docs/model.md ("Bits and zeros"), not from the formulas of the mapping. Elements that move
together are packed: inputs with the factors of a gate, residuals with theirs; weights and offsets
each by themselves.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from accelsim.hardware.parts import Precision
from accelsim.mapping.regions import Region
from accelsim.network.layer import Layer

OPERAND: Final[Mapping[str, str]] = {
    "inputs": "inputs",
    "factors": "inputs",
    "weights": "weights",
    "offsets": "weights",
    "residual": "residual",
    "residual_factors": "residual",
    "outputs": "outputs",
    "results": "outputs",
}
"""Whose bytes a tensor's are."""


def packed_bytes(elements: int, bits: int) -> int:
    """Whole bytes of so many elements."""
    return -(-elements * bits // 8)


def activation_bits(layer: Layer, machine: Precision) -> int:
    """Bits of one of a layer's activations."""
    return _first(layer.activation_bits, machine.activations_bits)


def elements_of(region: Region) -> int:
    """Elements of a box."""
    elements = 1
    for start, end in region.ranges:
        elements *= end - start
    return elements


class Sizes:
    """Bits of a layer's elements on a machine, and bytes of its regions.

    A layer's own word counts, where it has none the machine's.
    """

    def __init__(self, layer: Layer, machine: Precision, nonzero: Callable[[Region], int]) -> None:
        self._pruned = layer.weight_density is not None
        self._nonzero = nonzero
        self.index_bits = _first(layer.pruned_index_bits, machine.pruned_index_bits)
        self.activation_bits = activation_bits(layer, machine)
        self.weight_bits = _first(layer.weight_bits, machine.weights_bits)
        if layer.multiplies_activations:
            self.weight_bits = self.activation_bits
        self.offset_bits = _first(machine.offset_bits, self.weight_bits)
        self.partial_sum_bits = _first(layer.partial_sum_bits, machine.partial_sums_bits)

    def stored_weight_bits(self, region: Region) -> int:
        """Bits of weights as they are stored: pruned ones without zeros, where that takes less."""
        dense = elements_of(region) * self.weight_bits
        if not self._pruned:
            return dense
        return min(dense, self._nonzero(region) * (self.weight_bits + self.index_bits))

    def by_operand(self, regions: Iterable[Region]) -> dict[str, int]:
        """Bytes of each operand that has regions among these."""
        sizes: dict[str, int] = {}
        packed = dict.fromkeys(("inputs", "residual", "outputs"), 0)
        for region in regions:
            operand = OPERAND[region.tensor]
            if region.tensor == "weights":
                sizes[operand] = sizes.get(operand, 0) + packed_bytes(self.stored_weight_bits(region), 1)
            elif region.tensor == "offsets":
                size = packed_bytes(elements_of(region), self.offset_bits)
                sizes[operand] = sizes.get(operand, 0) + size
            else:
                packed[operand] += elements_of(region)
        for operand, elements in packed.items():
            if elements:
                sizes[operand] = packed_bytes(elements, self.activation_bits)
        return sizes

    def output_bytes(self, elements: int, partial: bool) -> int:
        """Outputs while they are computed; partial ones are as wide as sums where those are wider."""
        bits = max(self.activation_bits, self.partial_sum_bits) if partial else self.activation_bits
        return packed_bytes(elements, bits)

    def partial_sum_bytes(self, elements: int) -> int:
        """Partial sums on their way between array and buffer."""
        return packed_bytes(elements, self.partial_sum_bits)


def _first(of_layer: int | None, of_machine: int) -> int:
    return of_machine if of_layer is None else of_layer

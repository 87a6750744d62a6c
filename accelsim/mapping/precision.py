"""Bits of a layer's elements: who is asked first.

A layer's own word counts, where it has none its network's, where that has none the machine's. The network's
word is settled when it is lowered (network/compression.py), so a layer that says nothing leaves it to the
machine.
"""

from accelsim.columns import Count
from accelsim.hardware import Precision
from accelsim.network.layer import LoopNest


def weight_bits(layer: LoopNest[Count], machine: Precision) -> int:
    """Bits of one weight, and of one offset."""
    return machine.weights_bits if layer.weight_bits is None else layer.weight_bits


def pruned_index_bits(layer: LoopNest[Count], machine: Precision) -> int:
    """Bits that tell how far the next weight is that is not zero."""
    return machine.pruned_index_bits if layer.pruned_index_bits is None else layer.pruned_index_bits


def activation_bits(layer: LoopNest[Count], machine: Precision) -> int:
    """Bits of one input or output."""
    return machine.activations_bits if layer.activation_bits is None else layer.activation_bits


def partial_sum_bits(layer: LoopNest[Count], machine: Precision) -> int:
    """Bits of one partial sum."""
    return machine.partial_sums_bits if layer.partial_sum_bits is None else layer.partial_sum_bits

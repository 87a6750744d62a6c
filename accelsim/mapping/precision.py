"""Bits of a layer's elements: who is asked first.

A layer's own word counts, where it has none its network's, where that has none the machine's. The network's
word is settled when it is lowered (network/compression.py), so a layer that says nothing leaves it to the
machine.
"""

from collections import Counter
from collections.abc import Iterable

from accelsim.columns import Count
from accelsim.hardware import Hardware, Precision, Prices
from accelsim.mapping.unmappable import NotPriced
from accelsim.network.layer import LoopNest


def weight_bits(layer: LoopNest[Count], machine: Precision) -> int:
    """Bits of one weight, and of one offset; of weights that are activations, theirs."""
    if layer.multiplies_activations:
        return activation_bits(layer, machine)
    return machine.weights_bits if layer.weight_bits is None else layer.weight_bits


def offset_bits(layer: LoopNest[Count], machine: Precision) -> int:
    """Bits of the offset of an output channel, with its scale."""
    return weight_bits(layer, machine) if machine.offset_bits is None else machine.offset_bits


def pruned_index_bits(layer: LoopNest[Count], machine: Precision) -> int:
    """Bits that tell how far the next weight is that is not zero."""
    return machine.pruned_index_bits if layer.pruned_index_bits is None else layer.pruned_index_bits


def activation_bits(layer: LoopNest[Count], machine: Precision) -> int:
    """Bits of one input or output."""
    return machine.activations_bits if layer.activation_bits is None else layer.activation_bits


def partial_sum_bits(layer: LoopNest[Count], machine: Precision) -> int:
    """Bits of one partial sum."""
    return machine.partial_sums_bits if layer.partial_sum_bits is None else layer.partial_sum_bits


def mac_bits(layer: LoopNest[Count], machine: Precision) -> int:
    """Bits of the wider operand of a layer's multiply-accumulates, if it has any."""
    return max(weight_bits(layer, machine), activation_bits(layer, machine)) if layer.on_array else 1


def layer_prices(layer: LoopNest[Count], hardware: Hardware) -> Prices:
    """What actions cost on a machine, as wide as a layer's multiply-accumulates are."""
    return hardware.prices.of_bits(mac_bits(layer, hardware.precision))


def unpriced(layer: LoopNest[Count], hardware: Hardware) -> NotPriced | None:
    """Why a layer's multiply-accumulates have no price on a machine; None where they have."""
    by_bits = hardware.energy.mac
    if isinstance(by_bits, int | float):
        return None
    bits = mac_bits(layer, hardware.precision)
    return NotPriced(bits, tuple(sorted(by_bits))) if bits > max(by_bits) else None


def macs_by_bits(
    macs_of_layers: Iterable[tuple[LoopNest[int], int]], hardware: Hardware
) -> Counter[int] | None:
    """What layers multiply, by bits; None where that is no matter because all costs the same.

    Args:
        macs_of_layers: Layers, each with the multiply-accumulates that it executed.
        hardware: The machine.
    """
    if isinstance(hardware.energy.mac, int | float):
        return None
    by_bits: Counter[int] = Counter()
    for layer, macs in macs_of_layers:
        by_bits[mac_bits(layer, hardware.precision)] += macs
    return by_bits

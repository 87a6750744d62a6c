"""Lower bounds of a layer: what no mapping and no schedule can go below."""

import math
from typing import NamedTuple

from accelsim.hardware import Hardware, Operand
from accelsim.hardware.host import HOST
from accelsim.mapping.arithmetic import ceil_div
from accelsim.mapping.costs import vector_ops
from accelsim.mapping.dataflows import least_weight_density
from accelsim.mapping.footprint import Footprint, bits_to_bytes, least_weight_storage_bits
from accelsim.mapping.hosting import host_of
from accelsim.mapping.precision import activation_bits
from accelsim.mapping.tile import whole_image
from accelsim.mapping.timing import CYCLE_ROUNDING
from accelsim.network.layer import Layer


def compulsory_dram_bytes(layer: Layer, hardware: Hardware, batch: int = 1) -> int:
    """Every input that is read, weight and residual once from off chip, every result once to there.

    Inputs that no window covers (the last row of 224 under a 3x3 window with stride 2) are not compulsory,
    nor is what no memory off chip holds: activations, where there is one for weights alone.

    Args:
        layer: For one image.
        hardware: Says how wide elements are where the layer does not.
        batch: Images that run together; weights come once.

    Returns:
        Bytes, a lower bound of what any mapping moves.

    Example:
        >>> from accelsim import load_hardware
        >>> layer = Layer("fc", "fully_connected", K=10, C=64, OY=1, OX=1, IY=1, IX=1)
        >>> compulsory_dram_bytes(layer, load_hardware("16x16_128k")) == 2 * (64 + 640 + 10)
        True
    """
    least_bytes = _least_bytes(layer, hardware, batch)
    return sum([least_bytes[operand] for channel in hardware.channels for operand in channel.operands])


def _least_bytes(layer: Layer, hardware: Hardware, batch: int) -> dict[Operand, int]:
    """What of each operand has to come or go, if it does at all."""
    bits = activation_bits(layer, hardware.precision)
    return {
        Operand.INPUTS: compulsory_input_bytes(layer, hardware, batch),
        Operand.WEIGHTS: compulsory_weight_bytes(layer, hardware),
        Operand.OUTPUTS: compulsory_output_bytes(layer, hardware, batch),
        Operand.RESIDUAL: _outside(
            bits_to_bytes(batch * layer.residual_elements, bits), layer, Operand.RESIDUAL, hardware
        ),
    }


def compulsory_weight_bytes(layer: Layer, hardware: Hardware) -> int:
    """The same of weights and offsets alone, which come once for all images of a batch."""
    weights = ceil_div(least_weight_storage_bits(layer, hardware.precision), 8)
    size = int(weights) + int(Footprint.of(layer, hardware.precision).biases(whole_image(layer)))
    return _outside(size, layer, Operand.WEIGHTS, hardware)


def compulsory_input_bytes(layer: Layer, hardware: Hardware, batch: int = 1) -> int:
    """The same of inputs alone."""
    rows = _touched(layer.OY, layer.FY, layer.dilation_y, layer.stride_y, layer.pad_top, layer.IY)
    columns = _touched(layer.OX, layer.FX, layer.dilation_x, layer.stride_x, layer.pad_left, layer.IX)
    inputs = layer.operands * layer.G * layer.C * rows * columns + layer.gate_elements
    size = bits_to_bytes(batch * inputs, activation_bits(layer, hardware.precision))
    return _outside(size, layer, Operand.INPUTS, hardware)


def compulsory_output_bytes(layer: Layer, hardware: Hardware, batch: int = 1) -> int:
    """The same of outputs alone."""
    size = bits_to_bytes(batch * layer.stored_elements, activation_bits(layer, hardware.precision))
    return _outside(size, layer, Operand.OUTPUTS, hardware)


def _outside(size_bytes: int, layer: Layer, operand: Operand, hardware: Hardware) -> int:
    """The same as it lies outside, at least: coded, or as it is."""
    if layer.coded is None:
        return size_bytes
    from accelsim.mapping.bursts import bytes_outside, coded_part  # noqa: PLC0415 (most layers are not)

    return int(bytes_outside(size_bytes, coded_part(layer, operand, hardware)))


def _touched(outputs: int, kernel: int, dilation: int, stride: int, pad: int, inputs: int) -> int:
    """Input rows (or columns) that some window covers."""
    if dilation == 1 and stride <= kernel:  # windows leave nothing out between them
        first, end = max(0, -pad), min((outputs - 1) * stride + kernel - pad, inputs)
        return max(0, end - first)
    covered: set[int] = set()
    for tap in range(kernel):
        start = tap * dilation - pad
        covered.update(range(start, start + outputs * stride, stride))
    return len(covered & set(range(inputs)))


def lower_bound_cycles(layer: Layer, hardware: Hardware, batch: int = 1) -> int:
    """The larger of multiply-accumulates / PEs and compulsory traffic / bandwidth.

    Channels of several memories stream at the same time, each what comes from its own: the slowest counts.
    Where the array can skip zero weights, only the others have to be multiplied.

    Args:
        layer: For one image.
        hardware: The machine.
        batch: Images that run together.

    Returns:
        Cycles that no mapping and no schedule goes below.

    Example:
        >>> from accelsim import load_hardware
        >>> layer = Layer("fc", "fully_connected", K=10, C=64, OY=1, OX=1, IY=1, IX=1)
        >>> lower_bound_cycles(layer, load_hardware("16x16_128k"))
        90
    """
    return lower_bounds(layer, hardware, batch).cycles


class LowerBounds(NamedTuple):
    """What no mapping of a layer goes below."""

    dram_bytes: int
    cycles: int


def lower_bounds(layer: Layer, hardware: Hardware, batch: int = 1) -> LowerBounds:
    """What `compulsory_dram_bytes` and `lower_bound_cycles` say, both at once."""
    least_bytes = _least_bytes(layer, hardware, batch)
    moved_bytes, cycles = 0, [least_array_cycles(layer, hardware, batch)]
    for channel in hardware.channels:
        of_channel = sum([least_bytes[operand] for operand in channel.operands])
        moved_bytes += of_channel
        cycles.append(math.ceil(of_channel / channel.bytes_per_cycle))
    return LowerBounds(moved_bytes, max(cycles))


def lower_bound_if_kept_cycles(
    hardware: Hardware, array_cycles: int, weight_bytes: int, activation_bytes: int
) -> int:
    """The same of layers whose activations stay on chip.

    Where the machine keeps weights, those do not come either that its memory for them can hold.

    Args:
        hardware: The machine.
        array_cycles: Of all of them, at least.
        weight_bytes: Of all of them.
        activation_bytes: What has to come or go outside all the same: the image, the results.

    Returns:
        The larger of all multiply-accumulates / PEs and that traffic / bandwidth, by the slowest channel.

    Example:
        >>> from accelsim import load_hardware
        >>> lower_bound_if_kept_cycles(load_hardware("16x16_128k"), 6, 2560, activation_bytes=148)
        170
    """
    come_bytes = weight_bytes - _pinned_bytes(hardware) if hardware.keeps("weights") else weight_bytes
    least_bytes = {Operand.WEIGHTS: max(0, come_bytes), Operand.OUTPUTS: activation_bytes}
    cycles = [array_cycles]
    for channel in hardware.channels:
        of_channel = sum([least_bytes.get(operand, 0) for operand in channel.operands])
        cycles.append(math.ceil(of_channel / channel.bytes_per_cycle))
    return max(cycles)


def _pinned_bytes(hardware: Hardware) -> float:
    """What weights may stay on chip at most, as they lie outside: not known of those that are coded there."""
    bank = hardware.tensor_bank
    return math.inf if bank is None or Operand.WEIGHTS in hardware.compress_of else bank.size_bytes


def least_array_cycles(layer: Layer, hardware: Hardware, batch: int = 1) -> int:
    """What multiply-accumulates take if all PEs are busy; of a machine `on_host`, what all work takes."""
    if HOST in hardware.pe_array.dataflows:
        return _least_host_cycles(layer, hardware, batch)
    density = least_weight_density(layer, hardware, hardware.pe_array.dataflows)
    return math.ceil(batch * layer.macs * density / hardware.pe_array.pes - 1e-9)


def _least_host_cycles(layer: Layer, hardware: Hardware, batch: int) -> int:
    """Of a call and a tile, and of all that the host does for a layer, without a pause or rounding."""
    host = host_of(hardware)
    ops = vector_ops(layer, batch * layer.output_elements, batch * layer.stored_elements)
    busy_cycles = batch * layer.macs / host.macs_per_cycle + ops / host.elements_per_cycle
    return host.cycles_per_call + host.cycles_per_tile + math.ceil(busy_cycles - CYCLE_ROUNDING)

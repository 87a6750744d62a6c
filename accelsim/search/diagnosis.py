"""Why a layer takes the time it takes: from its mapping and from what was simulated, not from its name.

Three things keep a PE array from multiplying. The channel to DRAM may be slower than the array, because bytes
are moved more than once or because the layer does too little with each of them. A pass of the array may have
room for more than the layer has: for sixteen input channels where there are three, or for 16 x 16 pixels
where there are 7 x 7. And an array that has work for all PEs may still load, drain or wait.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from accelsim.hardware import Channel, Hardware
from accelsim.mapping.arithmetic import ceil_div
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.dataflows import dataflow_of, least_weight_density
from accelsim.mapping.mapping import Mapping
from accelsim.result import Bound, LayerResult

FillLoop: TypeAlias = Literal["k", "c", "y", "x"]
"""Output channels, input channels, output rows, output columns."""


@dataclass(frozen=True)
class Fill:
    """How the passes of the array are filled along one loop of a layer."""

    loop: FillLoop
    of_group: bool
    """Whether the extent is that of one of several groups: of channels, where there are groups."""
    extent: int
    """What the layer has."""
    of_a_pass: int
    """What one pass covers at most."""
    passes: int
    across: bool
    """Whether it lies across the PEs, so that some are idle where it is not filled; otherwise every PE goes
    through it in turn, and what it does not fill is loaded for fewer multiplications."""

    @property
    def filled(self) -> float:
        """The part of the passes that the layer fills, 0 to 1."""
        return self.extent / (self.of_a_pass * self.passes)


@dataclass(frozen=True)
class Diagnosis:
    """What a layer's time is made of, and why."""

    bound_by: Bound
    busy: float
    """The part of the layer's cycles in which what bounds it was busy; of all three, the busiest."""
    fills: tuple[Fill, ...]
    """Of the loops that a pass of the array covers more than one of; the least filled first."""
    array_utilization: float
    """Multiply-accumulates executed for each PE and cycle in which the array worked."""
    by_zero: float
    """The part of those multiply-accumulates whose weight is zero, which another dataflow would skip."""
    times_compulsory: float
    """DRAM traffic / the least that any schedule moves."""
    macs_per_byte: float
    """Multiply-accumulates executed for each byte moved to or from DRAM."""
    balance: float
    """MACs for each byte with which DRAM and a full array would take equally long."""
    tiles: int
    rows: int
    """Of the array."""
    memory: str
    """The one off chip; of several with a channel the one whose channel is the busiest."""
    idle_rows: int = 0
    """Those of them that the mapping leaves idle."""


def diagnose(layer: LayerResult, mapping: Mapping, hardware: Hardware) -> Diagnosis:
    """Why an executed layer takes its time."""
    busiest = max(layer.busy_cycles.values())
    array_cycles = layer.busy_cycles["array"]
    executed = layer.utilization * max(layer.cycles, array_cycles) * hardware.pe_array.pes
    nonzero_macs = layer.macs * _density(mapping, hardware)
    off_chip = [memory for memory in layer.memories.values() if memory.is_off_chip]
    traffic = layer.dram_bytes.total + sum([sum(memory.beside_bytes.values()) for memory in off_chip])
    return Diagnosis(
        bound_by=layer.bound_by,
        busy=min(1.0, busiest / layer.cycles) if layer.cycles else 1.0,
        fills=fills(mapping, hardware),
        array_utilization=executed / (hardware.pe_array.pes * array_cycles) if array_cycles else 0.0,
        by_zero=max(0.0, 1 - nonzero_macs / executed) if executed else 0.0,
        times_compulsory=traffic / layer.compulsory_dram_bytes if layer.compulsory_dram_bytes else 1.0,
        macs_per_byte=executed / traffic if traffic else 0.0,
        balance=hardware.pe_array.pes / _bytes_per_cycle(layer, hardware.channels_off_chip),
        tiles=layer.tiles,
        rows=hardware.pe_array.rows,
        idle_rows=mapping.idle_rows,
        memory=_busiest(layer, [channel.memory for channel in hardware.channels]),
    )


def _busiest(layer: LayerResult, memories: Sequence[str]) -> str:
    """Of those with a channel, the one whose channel streams longest; a single one does not say how long."""
    return max(memories, key=lambda name: layer.memories[name].busy_cycles or 0)


def _bytes_per_cycle(layer: LayerResult, channels: Sequence[Channel]) -> float:
    """What channels stream together at most, where each moves its part of a layer's traffic."""
    if len(channels) == 1:
        return channels[0].bytes_per_cycle
    moved = {channel: _moved_bytes(layer, channel) for channel in channels}
    slowest_cycles = max(size_bytes / channel.bytes_per_cycle for channel, size_bytes in moved.items())
    if not slowest_cycles:
        return sum(channel.bytes_per_cycle for channel in channels)
    return sum(moved.values()) / slowest_cycles


def _moved_bytes(layer: LayerResult, channel: Channel) -> int:
    """What a channel moved for a layer: of two of a memory, that of its own way."""
    by_operand = layer.memories[channel.memory].moved_bytes
    if channel.way is None:
        return sum(by_operand.values())
    return sum([size for operand, size in by_operand.items() if operand in channel.operands])


def _density(mapping: Mapping, hardware: Hardware) -> float:
    """The part of the weights that is left where the array can skip zeros, in whichever dataflow."""
    return least_weight_density(mapping.layer, hardware, hardware.pe_array.dataflows)


def fills(mapping: Mapping, hardware: Hardware) -> tuple[Fill, ...]:
    """How a mapped layer fills the passes of the array; none for what the vector unit executes."""
    if mapping.dataflow == VECTOR:
        return ()
    layer, tile = mapping.layer, mapping.tile
    in_use = hardware.with_idle_rows(mapping.idle_rows)
    granularity = dataflow_of(mapping.dataflow).granularity(in_use)
    extents: dict[FillLoop, int] = {"k": layer.K, "c": layer.C, "y": layer.OY, "x": layer.OX}
    along_loops = []
    for loop, extent in extents.items():
        of_a_pass, cut = getattr(granularity, loop), int(getattr(tile, loop))
        if of_a_pass > 1:
            # The layer is cut into whole tiles and an edge, and each of them into passes by itself.
            edge = extent % cut
            passes = extent // cut * int(ceil_div(cut, of_a_pass)) + int(ceil_div(edge, of_a_pass))
            of_group = layer.G > 1 and loop in ("k", "c")
            across = loop not in granularity.in_turn
            along_loops.append(Fill(loop, of_group, extent, of_a_pass, passes, across))
    return tuple(sorted(along_loops, key=lambda fill: fill.filled))


def idle_array_cycles(layers: Iterable[LayerResult]) -> float:
    """Cycles in which PEs did not multiply, together as many as those of a whole array."""
    return sum(layer.cycles * (1 - layer.utilization) for layer in layers)

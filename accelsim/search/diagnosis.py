"""Why a layer takes the time it takes: said of its mapping and of what was simulated, not of its name.

Three things keep a PE array from multiplying. The channel to DRAM may be slower than the array, because bytes
are moved more than once or because the layer does too little with each of them. A pass of the array may have
room for more than the layer has: for sixteen input channels where there are three, or for 16 x 16 pixels
where there are 7 x 7. And an array that has work for all PEs may still load, drain or wait.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from accelsim.hardware import Hardware
from accelsim.mapping.arithmetic import ceil_div
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.dataflows import dataflow_of, least_weight_density
from accelsim.mapping.mapping import Mapping
from accelsim.result import Bound, LayerResult

NOTABLY: Final = 0.9
"""What is below this part of what could be is named."""

_DIRECTIONS: Final = {
    "k": "output channels",
    "c": "input channels",
    "y": "output rows",
    "x": "output columns",
}


@dataclass(frozen=True)
class Fill:
    """How the passes of the array are filled in one direction of a layer."""

    direction: str
    """`input channels`, of one group where there are groups."""
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
    """Of the directions that a pass of the array covers more than one of; the least filled first."""
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
    idle_rows: int = 0
    """Those of them that the mapping leaves idle."""

    @property
    def reason(self) -> str:
        """One sentence."""
        return "; ".join(_reasons(self))


def diagnose(layer: LayerResult, mapping: Mapping, hardware: Hardware) -> Diagnosis:
    """Why an executed layer takes its time."""
    busiest = max(layer.busy_cycles.values())
    array_cycles = layer.busy_cycles["array"]
    executed = layer.utilization * max(layer.cycles, array_cycles) * hardware.pe_array.pes
    needed = layer.macs * _density(mapping, hardware)
    traffic = layer.dram_bytes.total
    return Diagnosis(
        bound_by=layer.bound_by,
        busy=min(1.0, busiest / layer.cycles) if layer.cycles else 1.0,
        fills=fills(mapping, hardware),
        array_utilization=executed / (hardware.pe_array.pes * array_cycles) if array_cycles else 0.0,
        by_zero=max(0.0, 1 - needed / executed) if executed else 0.0,
        times_compulsory=traffic / layer.compulsory_dram_bytes if layer.compulsory_dram_bytes else 1.0,
        macs_per_byte=executed / traffic if traffic else 0.0,
        balance=hardware.pe_array.pes / hardware.channel.bytes_per_cycle,
        tiles=layer.tiles,
        rows=hardware.pe_array.rows,
        idle_rows=mapping.idle_rows,
    )


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
    extents = {"k": layer.K, "c": layer.C, "y": layer.OY, "x": layer.OX}
    found = []
    for letter, extent in extents.items():
        of_a_pass, cut = getattr(granularity, letter), int(getattr(tile, letter))
        if of_a_pass > 1:
            edge = extent % cut
            passes = extent // cut * int(ceil_div(cut, of_a_pass)) + int(ceil_div(edge, of_a_pass))
            of_group = " of a group" if layer.G > 1 and letter in "kc" else ""
            across = letter not in granularity.in_turn
            found.append(Fill(_DIRECTIONS[letter] + of_group, extent, of_a_pass, passes, across))
    return tuple(sorted(found, key=lambda fill: fill.filled))


def _reasons(found: Diagnosis) -> Iterator[str]:
    if found.bound_by == "vector":
        yield f"the vector unit works for {found.busy:.0%} of the time"
    elif found.bound_by == "latency":
        tiles = "its only tile waits" if found.tiles == 1 else f"its {found.tiles} tiles wait"
        yield f"{tiles} for DRAM and each other: nothing works for more than {found.busy:.0%} of the time"
    elif found.bound_by == "dram":
        traffic = f"{found.times_compulsory:.2f} times the least traffic"
        yield f"DRAM streams for {found.busy:.0%} of the time, {traffic}"
        if not found.macs_per_byte:
            yield "it multiplies nothing"
        elif found.macs_per_byte < found.balance:
            yield f"{found.macs_per_byte:.1f} MACs a byte, where a full array needs {found.balance:.3g}"
    else:
        yield f"the array works for {found.busy:.0%} of the time"
    if found.bound_by in ("compute", "array_fill"):
        yield from _of_array(found)


def _of_array(found: Diagnosis) -> Iterator[str]:
    zeros = f", {found.by_zero:.0%} of them by a weight of zero" if found.by_zero > 1 - NOTABLY else ""
    yield f"while it works, {found.array_utilization:.0%} of the array's PE cycles multiply{zeros}"
    badly = [fill for fill in found.fills if fill.filled < NOTABLY]
    if found.idle_rows:
        are = "is" if found.idle_rows == 1 else "are"
        yield f"{found.idle_rows} of {found.rows} rows {are} left idle, which is better for the layer"
    yield from (_badly_filled(fill) for fill in badly if fill.across)
    filled = math.prod(fill.filled for fill in found.fills if fill.across)
    if found.array_utilization < NOTABLY * filled * (1 - found.idle_rows / found.rows):
        yield from (_badly_filled(fill) for fill in badly if not fill.across)
        yield "the rest loads operands and drains results"


def _badly_filled(fill: Fill) -> str:
    what = "a pass has room for" if fill.across else "a loaded block of inputs can serve"
    words = f"{what} {fill.of_a_pass} {fill.direction}"
    if fill.passes == 1:
        return f"{words}, the layer has {fill.extent}"
    return f"{words}, its {fill.extent} fill {fill.filled:.0%} of {fill.passes} passes"


def lost_cycles(layers: Iterable[LayerResult]) -> float:
    """Cycles in which PEs did not multiply, together as many as those of a whole array."""
    return sum(layer.cycles * (1 - layer.utilization) for layer in layers)

"""Gemmini's RTL beside the simulation: cycles of layers whose mapping is given.

Each layer is mapped as it was run, its program written for `hardware/gemmini_16x16.yaml`, its requests looked
up in the cache, and the program simulated by itself. docs/validation.md says what the errors come from.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, Final

from accelsim.descriptions import vary
from accelsim.errors import AccelsimError
from accelsim.execution.processes import in_parallel
from accelsim.hardware import Hardware, Operand
from accelsim.mapping.arithmetic import ceil_div
from accelsim.mapping.dataflows.systolic_weight_stationary import SYSTOLIC_WEIGHT_STATIONARY
from accelsim.mapping.mapping import Choice
from accelsim.mapping.mapping import Mapping as LayerMapping
from accelsim.mapping.program import mappings
from accelsim.mapping.room import room_in_banks, room_of_tiles
from accelsim.mapping.schedule import Schedule
from accelsim.simulation import simulate
from accelsim.validation.evaluate import shipped_hardware
from accelsim.validation.gemmini_layers import MeasuredLayer
from accelsim.validation.log_errors import LogErrors, MeasuredFigure, log_errors

MACHINE: Final = "gemmini_16x16"
PINNED: Final = Path(__file__).with_name("gemmini_pinned.csv")
FITTED: Final[Mapping[str, Any]] = {
    "parameters": {"cache.hit_cycles": 48, "cache.miss_cycles": 60},
    "on": "every other one of the 94 groups of repeats, by their numbers, the first included",
    "forms_tried": 24,
    "forms_are": (
        "nine forms of the cache and its requests with two dozen values in all, judged on all 94 groups; not "
        "counted are the values that were tried of what is fitted and of what was found by trials"
    ),
    "by_trials_on_all": {
        "pe_array.dataflows.systolic_weight_stationary.least_block_cycles": 4,
        "pe_array.dataflows.systolic_weight_stationary.pair_cycles": 60,
        "memories.dram.read.latency_cycles": 30,
        "memories.dram.write.latency_cycles": 40,
        "memories.dram.cache.misses_in_flight": 5,
        "control.cycles_per_tile": 150,
        "control.completion_cycles": 12,
        "control.cycles_per_layer": 500,
    },
}
"""What was chosen by the figures, and by which (docs/validation.md). What trials on all of them gave was seen
by both halves: neither is blind for it."""
_ACCUMULATORS: Final = "accumulators"


@dataclass(frozen=True)
class Bars:
    """What the errors of the shipped file must not exceed."""

    mean_abs_log_error: float = 0.14
    median_abs_log_error: float = 0.065
    bias: float = 0.12
    within_10_percent: float = 0.58
    rank_correlation: float = 0.99


BARS: Final = Bars()


@dataclass(frozen=True)
class GemminiRow:
    """One measurement, and what was simulated.

    Attributes:
        measured: What was run, and how long it took.

    Example:
        >>> from accelsim.validation.gemmini_layers import SHIPPED, load_layers
        >>> layer, *_ = load_layers(SHIPPED)
        >>> GemminiRow(layer, simulated_cycles=13628, padded_array_cycles=5120).log_error
        0.0
    """

    measured: MeasuredLayer
    simulated_cycles: int
    padded_array_cycles: int
    """That the array takes at least: its passes, blocks padded, and nothing else."""
    enlarged_accumulators_bytes: int | None = None
    """What was simulated in place of the machine's accumulators, where these have no room for the unfinished
    sums of the mapping; None where they have."""

    @property
    def log_error(self) -> float:
        """ln(simulated / measured)."""
        return self._figure(self.simulated_cycles).log_error

    def _figure(self, cycles: float) -> MeasuredFigure:
        layer = self.measured
        return MeasuredFigure(f"{layer.id}: {layer.name}", layer.rtl_cycles, cycles, layer.repeats)


@dataclass(frozen=True)
class GemminiReproduction:
    """All measurements of a file.

    Attributes:
        rows: In its order.
        pes: Of the array.
    """

    rows: tuple[GemminiRow, ...]
    pes: int

    @property
    def time(self) -> LogErrors:
        """Errors of the simulation, repeats weighed once."""
        return self._errors(lambda row: row.simulated_cycles)

    @property
    def timeloop(self) -> LogErrors:
        """Those of Timeloop's prediction."""
        return self._errors(lambda row: row.measured.timeloop_cycles)

    @property
    def macs_per_pe(self) -> LogErrors:
        """Those of multiply-accumulates divided by PEs."""
        return self._errors(lambda row: row.measured.layer.macs / self.pes)

    @property
    def above_rtl(self) -> tuple[GemminiRow, ...]:
        """Rows in which the padded array alone takes longer than was measured: none, if it is a bound."""
        return tuple(row for row in self.rows if row.padded_array_cycles > row.measured.rtl_cycles)

    def _errors(self, cycles: Callable[[GemminiRow], float]) -> LogErrors:
        return log_errors([row._figure(cycles(row)) for row in self.rows])


def reproduce_gemmini(
    layers: Sequence[MeasuredLayer],
    hardware: Hardware | None = None,
    step: Callable[[str], None] = lambda _: None,
) -> GemminiReproduction:
    """Simulate layers that were measured, each distinct mapping once, on all cores.

    Args:
        layers: As `load_layers` reads them.
        hardware: Another machine than the one that ships with accelsim.
        step: Is told of each that is done.

    Returns:
        What was measured beside what was simulated.

    Raises:
        AccelsimError: A tile does not fit the machine: the text says of which layer, and both sizes.

    Example:
        >>> from accelsim.validation.gemmini_layers import SHIPPED, load_layers
        >>> layer, *_ = load_layers(SHIPPED)
        >>> abs(reproduce_gemmini([layer]).rows[0].log_error) < 0.35
        True
    """
    machine = shipped_hardware(MACHINE) if hardware is None else hardware
    distinct = {layer.mapped_as: layer for layer in layers}
    jobs = [_Job(layer, machine) for layer in distinct.values()]
    row_of: dict[object, GemminiRow] = {}
    for mapped_as, outcome in zip(distinct, in_parallel(_simulated, jobs, step), strict=True):
        if isinstance(outcome, AccelsimError):
            raise outcome
        row_of[mapped_as] = outcome
    rows = tuple(replace(row_of[layer.mapped_as], measured=layer) for layer in layers)
    return GemminiReproduction(rows, machine.pe_array.pes)


@dataclass(frozen=True)
class _Job:
    layer: MeasuredLayer
    hardware: Hardware

    def __str__(self) -> str:
        return self.layer.name


def _simulated(job: _Job) -> GemminiRow | AccelsimError:
    """The layer by itself, and the padded array alone."""
    try:
        machine = with_room_for_sums(job.layer, job.hardware)
    except AccelsimError as error:
        return error
    mapping = mapped(job.layer, job.hardware)
    schedule = Schedule((mapping.layer,), (mapping,), ((),))
    own, given = (each.bank_of[Operand.OUTPUTS].size_bytes for each in (job.hardware, machine))
    return GemminiRow(
        job.layer,
        simulate(schedule, machine).cycles,
        padded_array_cycles(job.layer, job.hardware),
        enlarged_accumulators_bytes=given if given > own else None,
    )


def mapped(layer: MeasuredLayer, hardware: Hardware) -> LayerMapping:
    """The mapping that was run.

    Args:
        layer: With its tile and order.
        hardware: The machine.
    """
    choice = Choice(layer.layer, SYSTOLIC_WEIGHT_STATIONARY.name, layer.tile, layer.order)
    (mapping,) = mappings([choice], 1, hardware)
    return mapping


def with_room_for_sums(layer: MeasuredLayer, hardware: Hardware) -> Hardware:
    """The machine with accumulators for all sums that are unfinished at a time.

    Some mappings of the figures go through all tiles of outputs before they come back to the first one for
    the next input channels. The RTL adds these sums up where those of other tiles are: its time is that of
    the mapping, its values are not the layer's. Here they are right, and have the room that they need.

    Args:
        layer: With its tile and order.
        hardware: The machine.

    Returns:
        The machine itself where its accumulators suffice.

    Raises:
        AccelsimError: Tiles do not fit: inputs and weights the scratchpad, or a tile's sums the accumulators.
    """
    caches = {f"memories.{memory.name}.cache": None for memory in hardware.memories if memory.cache}
    mapping = mapped(layer, vary(hardware, **caches))  # takes as much room, and looks no address up
    of_a_tile = room_of_tiles(mapping, 1, hardware)[Operand.OUTPUTS].tile_bytes
    for bank, needed in room_in_banks(mapping, 1, hardware).items():
        if needed <= bank.size_bytes:
            continue
        name = f"{layer.id}: {layer.name}"
        if bank.memory != _ACCUMULATORS:
            raise AccelsimError(
                f"{name}: tiles of inputs and weights, with those that come meanwhile, take {needed} bytes "
                f"at a time, {bank.memory} has {bank.size_bytes}"
            )
        if of_a_tile > bank.size_bytes:
            raise AccelsimError(
                f"{name}: the sums of a tile take {of_a_tile} bytes, {bank.memory} has {bank.size_bytes}"
            )
        hardware = hardware.with_size(bank.memory, needed)
    return hardware


def padded_array_cycles(layer: MeasuredLayer, hardware: Hardware) -> int:
    """What the array takes at least for all tiles: pixels in padded blocks, without instructions and drain.

    Args:
        layer: With its tile.
        hardware: The machine.
    """
    nest, tile, array = layer.layer, layer.tile, hardware.pe_array
    column_folds = sum(ceil_div(k, array.columns) for k in _sizes(nest.K, tile.k))
    row_folds = sum(ceil_div(c, array.rows) for c in _sizes(nest.C, tile.c))
    pass_cycles = sum(
        int(SYSTOLIC_WEIGHT_STATIONARY.padded_pass_cycles(replace(tile, y=y, x=x), array))
        for y, x in product(_sizes(nest.OY, tile.y), _sizes(nest.OX, tile.x))
    )
    return column_folds * row_folds * nest.FY * nest.FX * pass_cycles


def _sizes(extent: int, size: int) -> list[int]:
    """Of the tiles along a loop."""
    full, rest = divmod(extent, size)
    return [size] * full + ([rest] if rest else [])


def load_pinned_cycles() -> dict[int, int]:
    """What each measurement that ships was simulated to take when the model last changed on purpose.

    Returns:
        Cycles by the measurement's number.

    Example:
        >>> len(load_pinned_cycles())
        117
    """
    with PINNED.open(encoding="utf-8", newline="") as file:
        return {int(row["id"]): int(row["cycles"]) for row in csv.DictReader(file)}


def moved_rows(reproduction: GemminiReproduction) -> tuple[GemminiRow, ...]:
    """Rows that are not simulated to be what they were pinned to.

    Args:
        reproduction: Of the shipped file.
    """
    pinned = load_pinned_cycles()
    return tuple(row for row in reproduction.rows if row.simulated_cycles != pinned.get(row.measured.id))


def missed_gemmini_bars(reproduction: GemminiReproduction) -> tuple[str, ...]:
    """Sentences on the bars that the shipped file misses; none if all is well.

    Args:
        reproduction: Of the shipped file.
    """
    time, rank = reproduction.time, reproduction.time.rank_correlation
    upper = {
        "mean |error|": (time.mean_abs_log_error, BARS.mean_abs_log_error),
        "median |error|": (time.median_abs_log_error, BARS.median_abs_log_error),
        "|bias|": (abs(time.bias), BARS.bias),
    }
    lower = {
        "part within 10 %": (time.within_10_percent, BARS.within_10_percent),
        "rank correlation": (0.0 if rank is None else rank, BARS.rank_correlation),
    }
    return (
        *(
            f"{name} {value:.4f} must not exceed {bar:g}"
            for name, (value, bar) in upper.items()
            if value > bar
        ),
        *(
            f"{name} {value:.4f} must be {bar:g} at least"
            for name, (value, bar) in lower.items()
            if value < bar
        ),
        *(
            f"{row.measured.id}: {row.measured.name}: the padded array alone takes {row.padded_array_cycles} "
            f"cycles, measured were {row.measured.rtl_cycles}"
            for row in reproduction.above_rtl
        ),
    )

"""The entries of a plan's schedule: its steps, and of those that run as a cascade their stripes, in turn.

What a cascade keeps from one entry to the next (windows of rows, results of pooling that are not finished,
weights that came to stay) takes its room with the first entry and gives it up with the last, and so do all
tensors that begin, or end, at one of its steps: tiles have one room in all of its stripes.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from typing import NamedTuple

from accelsim.hardware import Hardware, Operand
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.pinned import pinned_bytes
from accelsim.mapping.pool_tiles import operands_of
from accelsim.mapping.schedule import PoolChange, Schedule
from accelsim.mapping.staircase import Moved
from accelsim.mapping.stripes import Rows, Striped, StripeOfStep
from accelsim.memory_map import Steps
from accelsim.network.layer import Layer
from accelsim.planning.cascades.said import stripes_of
from accelsim.planning.network_to_plan import NetworkToPlan
from accelsim.planning.residency import ResidencyPlan, StepPlan, TensorPlaces


class Kept(NamedTuple):
    """What a cascade keeps in the pool, beside rows of tensors.

    Example:
        >>> Kept("expand weights", 1536, Steps(3, 5), step=3, is_weights=True).size_bytes
        1536
    """

    name: str
    size_bytes: int
    steps: Steps
    """Of the cascade."""
    step: int
    """Whose it is."""
    is_weights: bool
    """Whether it lies outside as well."""


class PlannedEntry(NamedTuple):
    """An entry of the schedule before it is mapped.

    Example:
        >>> from accelsim.network.layer import Layer
        >>> layer = Layer("fc", "fully_connected", K=10, C=64, OY=1, OX=1)
        >>> PlannedEntry(0, layer, (), PoolChange(640, 0)).stays
        False
    """

    step: int
    layer: Layer
    """Of the step, or a stripe of it."""
    waits_for: tuple[int, ...]
    """Entries."""
    change: PoolChange
    stays: bool = False
    """Whether its weights lie in the pool because a cascade keeps them."""
    brings: bool = False
    """Whether it is the one that brings them."""
    striped: bool = False
    """Whether it is a stripe, which the array runs."""


class Operands(NamedTuple):
    """Where the operands of an entry are.

    Example:
        >>> Operands(moved=frozenset({Operand.INPUTS}), placed=frozenset(), places={}).places
        {}
    """

    moved: Moved
    """Those that come from outside or go there."""
    placed: Moved
    """Those that lie in the pool."""
    places: MappingOf[Operand, str]
    """The memory of each before or after the layer."""


def operands_in(entry: PlannedEntry, step: StepPlan, hardware: Hardware, on_chip: str) -> Operands:
    """Where the operands of an entry of a planned step are, of which some lie in the memory on chip.

    Weights that a cascade keeps come from outside, once, and so are at home there.
    """
    operands = frozenset(operands_of(entry.layer))
    stays = operands - step.moved | ({Operand.OUTPUTS} if step.kept else set())
    places = {
        operand: on_chip if operand in stays else hardware.channel_of[operand].memory
        for operand in Operand
        if operand in operands
    }
    placed = stays | {Operand.INPUTS} if step.arrives else stays
    if not entry.stays:
        return Operands(step.moved, placed, places)
    weights = {Operand.WEIGHTS}
    return Operands(step.moved - weights, placed | weights, places)


class PlannedEntries(NamedTuple):
    """The entries of a plan's schedule.

    Example:
        >>> PlannedEntries([], None).striped is None
        True
    """

    entries: list[PlannedEntry]
    """In running order."""
    striped: Striped | None
    """Which are stripes of which steps; None where none are."""


def planned_entries(
    network: NetworkToPlan, plan: ResidencyPlan, hardware: Hardware, batch: int
) -> PlannedEntries:
    """What is mapped of a plan: an entry a step, or several of one in a cascade.

    Args:
        network: What was planned.
        plan: Of it.
        hardware: The machine.
        batch: Images that run together.
    """
    if not plan.cascades:
        rows = zip(network.layers, network.waits_for, plan.pool_changes, strict=True)
        return PlannedEntries([PlannedEntry(step, *row) for step, row in enumerate(rows)], None)
    of_cascades = [stripes_of(network, cascade, hardware.precision, batch) for cascade in plan.cascades]
    striped = Striped(network.layers, tuple(of_cascades))
    changes = _pool_changes(plan, striped, hardware)
    return PlannedEntries(list(_Entries(network, striped, changes).planned()), striped)


def schedule_of(
    plan: ResidencyPlan,
    planned: PlannedEntries,
    mappings: Sequence[Mapping],
    places: Sequence[MappingOf[Operand, str]],
    images_in_turn: int,
) -> Schedule:
    """The schedule of a plan whose entries are mapped.

    Args:
        plan: What was planned.
        planned: Its entries.
        mappings: Of each entry.
        places: Of each entry: the memory of each operand.
        images_in_turn: How often all of it is executed.
    """
    entries, striped = planned
    return Schedule(
        tuple([entry.layer for entry in entries]),
        tuple(mappings),
        tuple([entry.waits_for for entry in entries]),
        pool_changes=tuple([entry.change for entry in entries]),
        pool_bytes_at_start=plan.pool_bytes_at_start,
        places=tuple(places),
        images_in_turn=images_in_turn,
        next_image=PoolChange(plan.pool_bytes_at_start, plan.pool_bytes_at_end),
        striped=striped,
    )


def kept_by_cascades(striped: Striped, hardware: Hardware) -> tuple[Kept, ...]:
    """What cascades keep in the pool from their first entry to their last, beside windows of rows."""
    kept = []
    for of_cascade in striped.cascades:
        layers, steps = striped.layers, Steps(of_cascade.cascade.steps[0], of_cascade.cascade.steps[-1])
        kept += [
            Kept(
                f"{layers[step].name} weights",
                pinned_bytes(layers[step], hardware),
                steps,
                step,
                is_weights=True,
            )
            for step in sorted(of_cascade.cascade.resident)
        ]
        kept += [
            Kept(f"{layers[step].name} unfinished pooling", size_bytes, steps, step, is_weights=False)
            for step, size_bytes in of_cascade.unfinished
        ]
    return tuple(kept)


def places_with_cascades(plan: ResidencyPlan, striped: Striped | None) -> tuple[TensorPlaces, ...]:
    """Where tensors of a plan lie: all of a cascade long, if for a part of it."""
    if striped is None:
        return plan.places
    return tuple([places._replace(in_pool=_widened(places.in_pool, striped)) for places in plan.places])


def _widened(steps: Steps | None, striped: Striped) -> Steps | None:
    if steps is None:
        return None
    first, last = striped.cascade_of(steps.first), striped.cascade_of(steps.last)
    return Steps(
        steps.first if first is None else striped.cascades[first].cascade.steps[0],
        steps.last if last is None else striped.cascades[last].cascade.steps[-1],
    )


@dataclass
class _RowsOf:
    """Who has written and read the rows of a tensor inside a cascade, so far: entries, with their rows."""

    window_rows: int
    writers: list[tuple[int, Rows]] = field(default_factory=list)
    readers: dict[int, list[tuple[int, Rows]]] = field(default_factory=dict)
    """By the step that reads."""

    def wrote(self, rows: Rows) -> Iterator[int]:
        """The entries that wrote any of some rows."""
        for number, written in reversed(self.writers):
            if written.behind <= rows.first:
                return
            if written.first < rows.behind:
                yield number

    def read_before(self, rows: Rows) -> Iterator[int]:
        """Of each step that reads, the last entry that needed what lies where some rows are to be written."""
        behind = rows.behind - self.window_rows
        for entries in self.readers.values():
            yield from [number for number, read in entries if read.first < behind][-1:]


@dataclass
class _Entries:
    """The entries of a plan with cascades, and what those before have done."""

    network: NetworkToPlan
    striped: Striped
    changes: Sequence[PoolChange]
    """Of each entry."""

    def __post_init__(self) -> None:
        windows = self.striped.windows.items()
        self.rows_of = {tensor: _RowsOf(window.rows) for tensor, window in windows}

    def planned(self) -> Iterator[PlannedEntry]:
        """One after the other."""
        begun: set[int] = set()
        for number, (entry, change) in enumerate(zip(self.striped.entries, self.changes, strict=True)):
            step, is_first = entry.layer, entry.layer not in begun
            # What a step reads from outside its cascade is there when its first stripe is.
            waits_for = set(self._from_outside(step)) if is_first else set()
            layer, stays = self.network.layers[step], False
            if entry.stripe is not None and entry.cascade is not None:
                layer, cascade = entry.stripe.layer, self.striped.cascades[entry.cascade].cascade
                stays = step in cascade.resident
                waits_for |= set(self._inside(number, entry.stripe))
            yield PlannedEntry(
                step,
                layer,
                tuple(sorted(waits_for)),
                change,
                stays,
                brings=stays and is_first,
                striped=entry.stripe is not None,
            )
            begun.add(step)

    def _from_outside(self, step: int) -> Iterator[int]:
        """The last entries of the steps that are read, and are not of the same cascade."""
        cascade = self.striped.cascade_of(step)
        for producer in self.network.waits_for[step]:
            if cascade is None or self.striped.cascade_of(producer) != cascade:
                yield self.striped.entries_of[producer][-1]

    def _inside(self, number: int, stripe: StripeOfStep) -> Iterator[int]:
        """Entries that wrote the rows that a stripe reads, and that read those in whose place it writes."""
        use = self.network.tensors.uses[stripe.step]
        for tensors, rows in ((use.inputs, stripe.inputs), (use.residuals, stripe.outputs)):
            for tensor in tensors:
                if tensor in self.rows_of:
                    yield from self.rows_of[tensor].wrote(rows)
                    self.rows_of[tensor].readers.setdefault(stripe.step, []).append((number, rows))
        if use.output in self.rows_of:
            yield from self.rows_of[use.output].read_before(stripe.stored)
            self.rows_of[use.output].writers.append((number, stripe.stored))


def _pool_changes(plan: ResidencyPlan, striped: Striped, hardware: Hardware) -> list[PoolChange]:
    """What each entry takes of the pool and gives up."""
    taken, freed = ([0] * len(striped.entries) for _ in range(2))
    inside = {window.tensor for stripes in striped.cascades for window in stripes.windows}
    for index, (tensor, (in_pool, _)) in enumerate(
        zip(plan.network.tensors, places_with_cascades(plan, striped), strict=True)
    ):
        if in_pool is None or index in inside:
            continue
        if not (tensor.is_image and plan.pool.image_inside):
            taken[striped.entries_of[in_pool.first][0]] += tensor.size_bytes
        if not (tensor.is_result and plan.pool.results_inside):
            freed[striped.entries_of[in_pool.last][-1]] += tensor.size_bytes
    held = [(kept.size_bytes, kept.steps) for kept in kept_by_cascades(striped, hardware)]
    for of_cascade in striped.cascades:
        steps = Steps(of_cascade.cascade.steps[0], of_cascade.cascade.steps[-1])
        held += [(window.size_bytes, steps) for window in of_cascade.windows]
    for size_bytes, steps in held:
        taken[striped.entries_of[steps.first][0]] += size_bytes
        freed[striped.entries_of[steps.last][-1]] += size_bytes
    return list(map(PoolChange, taken, freed))

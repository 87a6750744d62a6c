"""Cascades, walked through row by row: stripes make up their layers, and no row is lost before it was read.

A window holds as many rows as the schedule says, row r in the place of row r - `rows`. What an entry reads
follows from the definition of its layer; those rows are looked for where they have to lie, and its own go to
where others lay. So whatever was overwritten too early, or was never there, is missed when it is read. That
each entry's program computes its rows is the walk's to prove, entry by entry.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from accelsim.hardware.operand import Operand
from accelsim.hardware.parts import Precision
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.stripes import Stripes
from accelsim.network.executed import ExecutedGraph
from accelsim.network.layer import Layer
from accelsim.verification.difference import Difference
from accelsim.verification.mismatch import Mismatch, MismatchError, refuse
from accelsim.verification.order import parts_of
from accelsim.verification.sizes import activation_bits, packed_bytes
from accelsim.verification.tensors import weight_bytes


class Chain(NamedTuple):
    """Layers that run stripe by stripe, and what that takes of the pool, as it is worked out here."""

    layers: range
    """By their place in running order."""
    window_bytes: Mapping[int, int]
    """Of the outputs of each but the last."""
    kept_bytes: int
    """Of weights that stay for all stripes, and of pooling windows that a stripe leaves unfinished."""
    keeps: frozenset[int]
    """Those whose weights stay."""


def chains_of(schedule: Schedule, machine: Precision, batch: int) -> list[Chain]:
    """The cascades of a schedule, as bytes.

    Args:
        schedule: Whose entries are layers, and stripes of layers.
        machine: Bits of elements, where layers do not say.
        batch: Images that run together.
    """
    if schedule.striped is None:
        return []
    chains = []
    for stripes in schedule.striped.cascades:
        steps, kept_bytes = stripes.cascade.steps, 0
        windows: dict[int, int] = {}
        for step, window in zip(steps, stripes.windows, strict=False):
            windows[step] = window.rows * _row_bytes(schedule.striped.layers[step], machine, batch)
        for step in steps:
            layer, entries = schedule.striped.layers[step], schedule.striped.entries_of[step]
            kept_bytes += _unfinished_bytes(
                layer, [schedule.layers[entry] for entry in entries], machine, batch
            )
        keeps = stripes.cascade.resident
        kept_bytes += sum([weight_bytes(schedule.striped.layers[step], machine) for step in keeps])
        chains.append(Chain(steps, windows, kept_bytes, keeps))
    return chains


def _row_bytes(layer: Layer, machine: Precision, batch: int) -> int:
    columns = layer.OX if layer.pooling is None else layer.pooling.OX
    return packed_bytes(layer.G * layer.K * columns * batch, activation_bits(layer, machine))


def _unfinished_bytes(layer: Layer, parts: Sequence[Layer], machine: Precision, batch: int) -> int:
    """Of pooling windows that hold a row that was computed, and one that was not."""
    pooling = layer.pooling
    if pooling is None:
        return 0
    most = computed = 0
    for part in parts:
        computed += part.OY
        windows = [
            range(
                row * pooling.stride_y - pooling.pad_top,
                row * pooling.stride_y - pooling.pad_top + pooling.FY,
            )
            for row in range(pooling.OY)
        ]
        cut = [rows for rows in windows if rows.start < computed < min(rows.stop, layer.OY)]
        most = max(most, len(cut))
    elements = layer.G * layer.K * most * pooling.OX * batch
    return packed_bytes(elements, activation_bits(layer, machine))


class Reads(NamedTuple):
    """The layers that a layer reads."""

    inputs: tuple[int, ...]
    """As its input."""
    residuals: tuple[int, ...]


def reads_of(graph: ExecutedGraph, schedule: Schedule) -> list[Reads]:
    """Of each layer of a schedule the layers that it reads: a pooling that follows one reads that one.

    Args:
        graph: What was scheduled, in an order that is right.
        schedule: Of its layers.
    """
    reads: list[Reads] = []
    last_part: dict[str, int] = {}
    for node, parts in parts_of(graph, schedule):
        inputs = [last_part[read.producer] for read in node.reads if read.input_elements]
        residuals = [last_part[read.producer] for read in node.reads if read.residual_elements]
        reads.append(Reads(tuple(inputs), tuple(residuals)))
        reads += [Reads((part - 1,), ()) for part in parts[1:]]
        last_part[node.name] = parts[-1]
    return reads


def cascade_mismatches(
    schedule: Schedule, reads: Sequence[Reads], pool: str, *, first: bool
) -> dict[str, Mismatch]:
    """What is wrong with cascades, by the names of the layers that it is wrong for.

    Args:
        schedule: Whose entries are layers, and stripes of layers.
        reads: Of each layer, those that it reads.
        pool: The name of the memory in which rows stay.
        first: Whether it is the first inference, before which no weights are there.
    """
    if schedule.striped is None:
        return {}
    mismatches: dict[str, Mismatch] = {}
    for stripes in schedule.striped.cascades:
        mismatches |= _Rows(schedule, stripes, reads, pool, first).mismatches()
    return mismatches


@dataclass
class _Done:
    """How far a layer is."""

    computed: int = 0
    stored: int = 0


@dataclass
class _Window:
    """The rows of a layer's outputs that lie in the pool."""

    rows: list[int | None]
    """Which row lies in each place."""
    writer: dict[int, int] = field(default_factory=dict)
    """The entry that wrote a row."""
    readers: dict[int, dict[int, int]] = field(default_factory=dict)
    """Of rows, by the layers that read them: the entry that did so last."""


@dataclass
class _Rows:
    """One cascade, walked through."""

    schedule: Schedule
    stripes: Stripes
    reads: Sequence[Reads]
    pool: str
    """The name of its memory."""
    weights_come: bool
    """Whether it is the first inference, in which pinned weights come."""

    def __post_init__(self) -> None:
        assert self.schedule.striped is not None
        self.striped, steps = self.schedule.striped, self.stripes.cascade.steps
        self.done = {step: _Done() for step in steps}
        self.windows = {
            step: _Window([None] * window.rows)
            for step, window in zip(steps, self.stripes.windows, strict=False)
        }

    def mismatches(self) -> dict[str, Mismatch]:
        """The first of each layer."""
        found: dict[str, Mismatch] = {}
        entries = [
            (number, entry.layer)
            for number, entry in enumerate(self.striped.entries)
            if entry.layer in self.done
        ]
        for number, step in entries:
            try:
                self._enter(number, step)
            except MismatchError as error:
                found.setdefault(self.striped.layers[step].name, error.mismatch)
        for step, done in self.done.items():
            layer = self.striped.layers[step]
            results = layer.OY if layer.pooling is None else layer.pooling.OY
            if (done.computed, done.stored) != (layer.OY, results):
                rows = {"rows": done.stored, "all_rows": results}
                found.setdefault(layer.name, Mismatch(Difference.LACKS_ROWS, rows))
        return found

    def _enter(self, number: int, step: int) -> None:
        """One entry: what it is, what it reads, what it writes."""
        whole, part, done = self.striped.layers[step], self.schedule.layers[number], self.done[step]
        computed = range(done.computed, done.computed + part.OY)
        stored = range(done.stored, done.stored + (part.OY if part.pooling is None else part.pooling.OY))
        done.computed, done.stored = computed.stop, stored.stop
        rows = _rows_read(whole, computed)
        self._check_weights(number, step)
        _check_part(whole, part, _part(whole, computed, rows, stored))
        for producer in self.reads[step].inputs:
            self._read(number, step, producer, rows)
        for producer in self.reads[step].residuals:
            self._read(number, step, producer, computed)
        if step in self.windows:
            self._write(number, self.windows[step], stored)

    def _check_weights(self, number: int, step: int) -> None:
        """Those that stay come with the first stripe; pinned ones with that of the first inference."""
        if not self.striped.layers[step].on_array:
            return
        mapping, entries = self.schedule.mappings[number], self.striped.entries_of[step]
        is_first, keeps = number == entries[0], step in self.stripes.cascade.resident
        is_pinned = self.schedule.places[number].get(Operand.WEIGHTS) == self.pool
        stays = keeps or is_pinned
        comes = (is_first and (keeps or self.weights_come)) if stays else True
        if (Operand.WEIGHTS in mapping.placed, Operand.WEIGHTS in mapping.moved) != (stays, comes):
            expected = "lie in the pool" if not comes else "come to the pool" if stays else "come as tiles"
            refuse(Difference.WEIGHTS_MOVE_OTHERWISE, expected=expected, stripe=entries.index(number))

    def _read(self, number: int, step: int, producer: int, rows: range) -> None:
        """Rows that a layer of the cascade has written; others are whole tensors."""
        window = self.windows.get(producer)
        if window is None:
            return
        name, waits_for = self.striped.layers[producer].name, self.schedule.waits_for[number]
        for row in rows:
            there = window.rows[row % len(window.rows)]
            if there != row:
                found = "none" if there is None else f"row {there}"
                refuse(Difference.READS_LOST_ROW, row=row, producer=name, found=found)
            if window.writer[row] not in waits_for:
                refuse(Difference.DOES_NOT_WAIT, producer=name)
            window.readers.setdefault(row, {})[step] = number

    def _write(self, number: int, window: _Window, rows: range) -> None:
        """Rows in the places of others, which those who read them are done with."""
        waits_for, too_early = self.schedule.waits_for[number], set[int]()
        for row in rows:
            place = row % len(window.rows)
            before = window.rows[place]
            for reader, entry in window.readers.get(-1 if before is None else before, {}).items():
                # Entries of a layer end one after the other.
                waited = [other for other in waits_for if self.striped.entries[other].layer == reader]
                too_early |= {reader} if max(waited, default=-1) < entry else set()
            window.rows[place] = row
            window.writer[row] = number
        for reader in sorted(too_early):
            refuse(Difference.DOES_NOT_WAIT_TO_WRITE, reader=self.striped.layers[reader].name)


def _rows_read(layer: Layer, computed: range) -> range:
    """The input rows that rows of outputs depend on, those between them included, and padding not."""
    first = computed.start * layer.stride_y - layer.pad_top
    last = (computed.stop - 1) * layer.stride_y - layer.pad_top + (layer.FY - 1) * layer.dilation_y
    return range(max(first, 0), min(last + 1, layer.IY))


def _part(whole: Layer, computed: range, rows: range, stored: range) -> Layer:
    """What a layer of some rows has to be."""
    pooling = whole.pooling
    if pooling is not None:
        seen = computed.start - (stored.start * pooling.stride_y - pooling.pad_top)
        pooling = replace(pooling, OY=len(stored), pad_top=seen)
    return replace(
        whole,
        OY=len(computed),
        IY=len(rows),
        pad_top=rows.start - (computed.start * whole.stride_y - whole.pad_top),
        pooling=pooling,
    )


def _check_part(whole: Layer, part: Layer, expected: Layer) -> None:
    """Bounds are those of the rows; what the vector unit does is in proportion to them."""
    for bound in (
        "operands",
        "G",
        "K",
        "C",
        "OY",
        "OX",
        "FY",
        "FX",
        "IY",
        "IX",
        "pad_top",
        "pad_left",
        "stride_y",
        "stride_x",
    ):
        if (value := getattr(part, bound)) != (right := getattr(expected, bound)):
            refuse(Difference.OTHER_BOUND, bound=bound, mapped=value, expected=right)
    pooling = part.pooling
    if pooling != expected.pooling and pooling is not None and expected.pooling is not None:
        refuse(Difference.OTHER_BOUND, bound="pooling", mapped=pooling.OY, expected=expected.pooling.OY)
    work = [(part.vector_ops, whole.vector_ops)]
    for of_part, of_whole in zip(part.fused, whole.fused, strict=True):
        work += [
            (of_part.vector_ops, of_whole.vector_ops),
            (of_part.residual_elements, of_whole.residual_elements),
        ]
    for elements, elements_of_whole in work:
        if elements * whole.OY != elements_of_whole * part.OY:
            share = elements_of_whole * part.OY // whole.OY
            refuse(Difference.OTHER_BOUND, bound="vector_ops", mapped=elements, expected=share)

"""Chains: what candidates cost that are put together of the same units, stage by stage.

A candidate's schedule is a chain of parts (assembly.py), and what a part does to the machine follows from the
state that it meets (`Stretches`). So a stage of so many blocks, entered at one place, always leads to the
same other place in as many cycles and with as many counts. Such a leg is gone through once, one block more at
a time; a candidate is a look-up for each stage, and all that follows from sums is computed for many
candidates at once. docs/decisions/depth-assembly.md says why it is exact.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias, cast

import numpy as np

from accelsim.columns import Count, Ints
from accelsim.energy import energies_of_each
from accelsim.hardware import ActionCounts, Hardware
from accelsim.hardware.counts import Access, HostCounts
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.precision import macs_by_bits
from accelsim.planning.compiler import idle_descriptors
from accelsim.search.assembly import Assembly, UnitSchedule
from accelsim.search.space import Depths
from accelsim.search.units import REACH, Span
from accelsim.simulation.stretches import Stretch, Stretches

EXACT: Final = 2.0**53
"""Below it whole numbers and sums of them are exact in 64 bits of a float."""
MOST_ROWS: Final = 50_000
"""Of sums: some 15 MB; then everything is forgotten."""
Figures: TypeAlias = tuple[int, float, int, int]
"""Of a candidate: cycles, energy, bytes to and from memories off chip, multiply-accumulates executed."""
_PLAIN: Final = ("macs", "vector_ops", "register_file_bytes", "inter_pe_bytes")
_HOST: Final = "host"
_Kind: TypeAlias = str | Access | tuple[str, str] | int
"""Of what is counted: a plain name, an access, what of the host; multiply-accumulates of so many bits."""
_NOTHING: Final = -1
"""The number of a unit where there is none, before the first and after the last."""


class TooLargeError(Exception):
    """A count of a candidate that a column of floats does not hold exactly."""


class _Node(NamedTuple):
    """A place that candidates come to, between two spans of units or within one."""

    place: int
    """Before the last REACH units, which are known, but not what follows them."""
    numbers: tuple[int, ...]
    """Of the last units, as many as the surroundings of the next one to be passed reach back."""
    layers_before: tuple[int, ...]
    """Of the REACH units before those that are not passed yet."""
    after_single: bool = False
    """Whether the last unit is a varying stage of one block."""


class _Leg(NamedTuple):
    """What so many units do from a node on; times from there."""

    node: int
    row: int
    """Of the sums."""
    cycles: int
    last_end: int


class Chains:
    """What candidates of a network cost on one machine. Grows as they come; the answers stay the same."""

    def __init__(self, assembly: Assembly, hardware: Hardware, options: MappingOptions) -> None:
        self._assembly, self._hardware = assembly, hardware
        self._idle_descriptors = idle_descriptors(hardware, options)
        self._forget()

    def _forget(self) -> None:
        self._stretches = Stretches(self._hardware)
        self._stretch_of: dict[tuple[int, tuple[int, ...]], Stretch] = {}
        """By the part of a schedule and the layers of the units before it."""
        self._nodes: list[_Node] = []
        self._number_of: dict[_Node, int] = {}
        self._within: dict[tuple[int, Span], list[_Leg]] = {}
        """From a node on, by how many units of a span were added."""
        self._legs: dict[tuple[int, int, int], _Leg] = {}
        """From a node on, by the stage and its depth: with the rows behind it, of the last to the end."""
        self._sums = _Sums(self._hardware)
        before = (_NOTHING,) * (2 * REACH)
        self._starts = [
            self._number(_Node(self._stretches.start(idle), before, (0,) * REACH))
            for idle in self._idle_descriptors
        ]

    def figures(self, candidates: Sequence[Depths]) -> list[Figures]:
        """What each costs. Raises TooLargeError, and as `Assembly.part` does."""
        if self._stretches.is_full or self._sums.rows > MOST_ROWS:
            self._forget()
        of_starts = [[self._followed(start, depths) for depths in candidates] for start in self._starts]
        cycles = [min(ends) for ends in zip(*[[end for _, end in of] for of in of_starts], strict=True)]
        return self._sums.figures([rows for rows, _ in of_starts[0]], cycles)

    def _followed(self, node: int, depths: Depths) -> tuple[list[int], int]:
        """The rows of a candidate's legs, and when everything is done."""
        legs = self._legs
        cycles = end = 0
        rows = []
        for stage, depth in enumerate(depths):
            leg = legs.get((node, stage, depth))
            if leg is None:
                leg = legs[node, stage, depth] = self._leg(node, stage, depths)
            node, row, leg_cycles, last_end = leg
            rows.append(row)
            end = max(end, cycles + last_end)
            cycles += leg_cycles
        return rows, end

    def _leg(self, node: int, stage: int, depths: Depths) -> _Leg:
        """A stage with the rows behind it that do not vary; of the first with those before it, too."""
        spans = self._assembly.spans
        (varying, following) = self._around(stage)
        leg = _Leg(node, self._sums.none, 0, 0)
        if stage == 0 and not spans[0].varies:
            leg = self._joined(leg, spans[0], 1, depths)
        leg = self._joined(leg, varying, depths[stage], depths)
        if following is not None:
            leg = self._joined(leg, following, 1, depths)
        if stage < len(depths) - 1:
            return leg
        for _ in range(REACH):
            leg = self._with_unit(leg, _NOTHING, depths)
        done = leg.cycles + self._stretches.drain(self._nodes[leg.node].place)
        return leg._replace(last_end=max(leg.last_end, done))

    def _around(self, stage: int) -> tuple[Span, Span | None]:
        """The span of a stage, and the one behind it that does not vary, if there is one."""
        spans = self._assembly.spans
        place = [place for place, span in enumerate(spans) if span.varies][stage]
        behind = spans[place + 1] if place + 1 < len(spans) else None
        return spans[place], None if behind is None or behind.varies else behind

    def _joined(self, leg: _Leg, span: Span, units: int, depths: Depths) -> _Leg:
        """With so many units of a span."""
        within = self._within.setdefault((leg.node, span), [_Leg(leg.node, self._sums.none, 0, 0)])
        after_single = self._nodes[leg.node].after_single
        while len(within) <= units:
            index = len(within) - 1
            key = (span.row, index, after_single and index == 0)
            number = self._assembly.unit(key, depths).number
            single = span.varies and index == 0
            within.append(self._with_unit(within[-1], number, depths, single))
        return self._with(leg, within[units])

    def _with(self, leg: _Leg, following: _Leg) -> _Leg:
        return _Leg(
            following.node,
            self._sums.added(leg.row, following.row),
            leg.cycles + following.cycles,
            max(leg.last_end, leg.cycles + following.last_end),
        )

    def _with_unit(self, leg: _Leg, number: int, depths: Depths, single: bool = False) -> _Leg:
        """With one unit more, by which it is known what surrounds the one that is passed now."""
        node = self._nodes[leg.node]
        surroundings = (*node.numbers, number)
        numbers = surroundings[1:]
        if surroundings[REACH] == _NOTHING:
            return leg._replace(node=self._number(node._replace(numbers=numbers, after_single=single)))
        part = self._assembly.part(surroundings, depths)
        key = id(part), node.layers_before
        stretch = self._stretch_of.get(key)
        if stretch is None:
            stretch = self._stretch_of[key] = part.stretch(node.layers_before)
        place, cycles, last_end = self._stretches.passage(node.place, stretch)
        layers_before = (*node.layers_before[1:], len(part.mappings))
        return _Leg(
            self._number(_Node(place, numbers, layers_before, single)),
            self._sums.with_part(leg.row, part),
            leg.cycles + cycles,
            max(leg.last_end, leg.cycles + last_end),
        )

    def _number(self, node: _Node) -> int:
        number = self._number_of.setdefault(node, len(self._nodes))
        if number == len(self._nodes):
            self._nodes.append(node)
        return number


class _Sums:
    """Counts of parts of candidates: a row for each, a column for each kind that happened, in floats."""

    def __init__(self, hardware: Hardware) -> None:
        self._hardware = hardware
        self._columns: dict[_Kind, int] = {name: column for column, name in enumerate(_PLAIN)}
        self._table = np.zeros((64, 32))
        self._rows_of_parts: dict[int, int] = {}
        self.none = 0
        """The row of nothing."""
        self.rows = 1

    def with_part(self, row: int, part: UnitSchedule) -> int:
        """A row with the counts of a part of a schedule."""
        of_part = self._rows_of_parts.get(id(part))
        if of_part is None:
            of_part = self._rows_of_parts[id(part)] = self._new_row()
            for kind, count in _counted(part, self._hardware).items():
                column = self._columns.setdefault(kind, len(self._columns))
                if column == self._table.shape[1]:
                    self._table = np.hstack((self._table, np.zeros_like(self._table)))
                self._table[of_part, column] = count
        return self.added(row, of_part)

    def added(self, row: int, addend: int) -> int:
        """The sum of two rows."""
        if self.none in (row, addend):
            return row + addend - self.none
        total = self._new_row()
        self._table[total] = self._table[row] + self._table[addend]
        return total

    def _new_row(self) -> int:
        row, self.rows = self.rows, self.rows + 1
        if self.rows > len(self._table):
            self._table = np.vstack((self._table, np.zeros_like(self._table)))
        return row

    def figures(self, rows_of_candidates: Sequence[Sequence[int]], cycles: Sequence[int]) -> list[Figures]:
        """Of candidates, each the sum of some rows. Raises TooLargeError."""
        sums = self._table[np.array(rows_of_candidates)].sum(axis=1)
        if max(float(sums.max()), *cycles) >= EXACT:
            raise TooLargeError
        # Formulas do not ask whether whole numbers are kept as floats.
        columns = {kind: cast(Ints, sums[:, column]) for kind, column in self._columns.items()}
        counts = _action_counts(columns)
        by_bits = {kind: of_bits for kind, of_bits in columns.items() if isinstance(kind, int)}
        energies = energies_of_each(
            counts, self._hardware.prices, macs_by_bits=by_bits or None, cycles=np.array(cycles)
        )
        off_chip = self._hardware.names_off_chip
        dram_bytes = counts.read_bytes(off_chip) + counts.written_bytes(off_chip)
        moved, multiplied = (
            np.broadcast_to(column, len(cycles)).astype(np.int64).tolist()
            for column in (dram_bytes, counts.macs)
        )
        return list(zip(cycles, energies, moved, multiplied, strict=True))


def _counted(part: UnitSchedule, hardware: Hardware) -> dict[_Kind, int]:
    """What a part counts, by its kind; multiply-accumulates by their bits, too, where that matters."""
    counts = part.counts
    macs_of_layers = [
        (layer, mapping.totals.counts.macs) for layer, mapping in zip(part.layers, part.mappings, strict=True)
    ]
    by_kind: list[tuple[_Kind, int]] = [(name, getattr(counts, name)) for name in _PLAIN]
    by_kind += counts.accesses.items()
    by_kind += [((_HOST, field), count) for field, count in counts.host._asdict().items()]
    by_kind += (macs_by_bits(macs_of_layers, hardware) or {}).items()
    return dict(by_kind)


def _action_counts(columns: dict[_Kind, Ints]) -> ActionCounts[Count]:
    """The same as counts in columns."""
    plain = {name: columns[name] for name in _PLAIN}
    of_host = [columns.get((_HOST, field), 0) for field in HostCounts._fields]
    return ActionCounts(
        **plain,
        accesses={kind: column for kind, column in columns.items() if isinstance(kind, Access)},
        host=HostCounts(*cast(list[int], of_host)),
    )

"""Chains: the steps of a network that may run as a cascade, and in which stripes, with weights kept or not.

Few heights of stripes are tried: of all that come to one number of stripes the least, and most of these are
such that stripes are of one height. Of the sets of weights that may stay, and of heights, only those count
that take less of the pool than others, or bring fewer bytes or stripes.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations
from typing import Final, NamedTuple

import numpy as np

from accelsim.hardware import Hardware, Operand
from accelsim.mapping.pinned import pinned_bytes
from accelsim.mapping.stripes import Cascade, Stripes
from accelsim.planning.cascades.cascade import may_cascade, stored_rows
from accelsim.planning.cascades.said import stripes_of
from accelsim.planning.network_to_plan import NetworkToPlan, SaidCascade
from accelsim.planning.programme.edges import StripedWay

ALL_SETS: Final = 4
"""Of so many layers with weights all sets may stay; of more, the largest or the smallest."""


class ChainWay(NamedTuple):
    """A way to run a chain, with what tells it from others before any tile is looked at.

    Example:
        >>> ChainWay(Cascade(3, 2, stripe_rows=4), 2048, 96, 0, 960).striped.taken_bytes
        2048
    """

    cascade: Cascade
    taken_bytes: int
    """Of the pool: windows, and weights that stay."""
    streamed_bytes: int
    """Of weights, that come again with each stripe but the first."""
    halo_bytes: int
    """Of its input, that stripes read again where it lies outside."""
    again_bytes: int
    """Of weights, that go from the pool to the array again with each stripe but the first."""

    @property
    def striped(self) -> StripedWay:
        """What the programme knows of it."""
        return StripedWay(self.cascade, self.taken_bytes)

    @property
    def disadvantages(self) -> tuple[int, int, int, int]:
        """What one wants less of."""
        return self.taken_bytes, self.streamed_bytes, self.halo_bytes, self.again_bytes


@dataclass(frozen=True, eq=False)
class Chain:
    """Steps that may run as a cascade.

    Attributes:
        first: Its first step.
        layers: How many steps.
        ways: In which it may run.
    """

    first: int
    layers: int
    ways: tuple[ChainWay, ...]

    @property
    def steps(self) -> range:
        """Its steps."""
        return range(self.first, self.first + self.layers)


@dataclass(frozen=True)
class Chains:
    """The chains of a network on a machine, of which each way is worked out once.

    Attributes:
        network: What is planned.
        hardware: The machine, which says how many layers a cascade may have.
        batch: Images that run together.
        on_host: Steps that run beside the array whatever it costs, and so in no cascade.
    """

    network: NetworkToPlan
    hardware: Hardware
    batch: int = 1
    on_host: frozenset[int] = frozenset()

    def beside(self, pins: Collection[int]) -> tuple[Chain, ...]:
        """All of them where the weights of some steps lie in the pool anyway."""
        return tuple(self._chains(frozenset(pins)))

    def _chains(self, pins: frozenset[int]) -> Iterator[Chain]:
        most = 0 if self.hardware.cascade is None else self.hardware.cascade.layers
        for first in range(len(self.network.layers)):
            for count in range(2, most + 1):
                steps = range(first, first + count)
                said = next((said for said in self.network.said if said.steps == steps), None)
                heights = self._heights(steps[-1]) if said is None and self._may_run(steps) else []
                if said is not None:
                    heights = self._heights_said(said)
                if heights:
                    ways = [way for rows in heights for way in self._ways(steps, rows, pins, said)]
                    yield Chain(first, count, tuple(_better(ways)))

    def _may_run(self, steps: range) -> bool:
        """Whether steps may run as a cascade, of which nothing is said."""
        layers, tensors = self.network.layers, self.network.tensors
        if may_cascade(layers, tensors, steps[0], len(steps)) is not None:
            return False
        if self.hardware.home(Operand.OUTPUTS) is None and tensors.wanted_behind(steps):
            return False
        return self.on_host.isdisjoint(steps) and self.network.said_of.keys().isdisjoint(steps)

    def _heights(self, last: int) -> list[int]:
        """Rows of a stripe: the least for each number of stripes from two on."""
        rows = stored_rows(self.network.layers[last])
        return sorted({-(-rows // count) for count in range(2, rows + 1)})

    def _heights_said(self, said: SaidCascade) -> list[int]:
        """The rows that are said, or where none are those that are tried; of a single row that one."""
        rows = said.given.stripe_rows
        return self._heights(said.steps[-1]) or [1] if rows is None else [rows]

    def _ways(
        self, steps: range, rows: int, pins: frozenset[int], said: SaidCascade | None
    ) -> Iterator[ChainWay]:
        outline = self.stripes(Cascade(steps[0], len(steps), rows))
        sizes = {step: self.weight_bytes(step) for step in steps}
        weights = {step: size for step, size in sizes.items() if step not in pins}
        counts = dict.fromkeys(steps, 0)
        read_rows = 0
        for entry in outline.entries:
            counts[entry.step] += 1
            read_rows += entry.inputs.size if entry.step == steps[0] else 0
        first = self.network.layers[steps[0]]
        use = self.network.tensors.uses[steps[0]]
        input_bytes = sum([self.network.tensors.tensors[index].size_bytes for index in use.inputs])
        halo_bytes = max(0, read_rows - first.IY) * input_bytes // first.IY
        again = {step: size * (counts[step] - 1) for step, size in sizes.items()}
        pool = self.hardware.pool
        may_stay = (
            pool is not None and Operand.WEIGHTS in pool.operands
        )  # else they have a memory of their own
        sets = _sets({step: size for step, size in weights.items() if may_stay and size and counts[step] > 1})
        if said is not None and said.resident is not None:
            sets = iter((said.resident - pins,))
        for resident in sets:
            kept = sum([weights[step] for step in resident])
            streamed = sum([again[step] for step in weights if step not in resident])
            yield ChainWay(
                Cascade(steps[0], len(steps), rows, resident),
                outline.window_bytes + kept,
                streamed,
                halo_bytes,
                sum(again.values()),
            )

    def stripes(self, cascade: Cascade) -> Stripes:
        """What each step does in each stripe."""
        return stripes_of(self.network, cascade, self.hardware.precision, self.batch)

    def weight_bytes(self, step: int) -> int:
        """What the weights of a step take where all of them are in the pool."""
        return self._weight_bytes[step]

    @cached_property
    def _weight_bytes(self) -> tuple[int, ...]:
        with_weights = self.network.with_weights
        return tuple(
            [
                pinned_bytes(layer, self.hardware) if step in with_weights else 0
                for step, layer in enumerate(self.network.layers)
            ]
        )


def _sets(sizes: dict[int, int]) -> Iterator[frozenset[int]]:
    """Sets of steps whose weights may stay: all, or of many the first by rising or falling size."""
    if len(sizes) <= ALL_SETS:
        counts = range(len(sizes) + 1)
        yield from map(frozenset, chain.from_iterable(combinations(sizes, count) for count in counts))
        return
    rising = sorted(sizes, key=sizes.__getitem__)
    yield from {
        frozenset(order[:count]) for order in (rising, rising[::-1]) for count in range(len(sizes) + 1)
    }


def _better(ways: Sequence[ChainWay]) -> Iterator[ChainWay]:
    """Those that no other is better than in every respect; of equal ones the first."""
    table = np.array([way.disadvantages for way in ways], dtype=np.int64)
    better, count = np.empty_like(table), 0
    for number in np.lexsort(table.T[::-1]).tolist():
        if not (better[:count] <= table[number]).all(axis=1).any():
            better[count] = table[number]
            count += 1
            yield ways[number]

"""What chains of steps cost as cascades: a guess of all ways, and of those that are asked for what it is.

A chain may run in some dozens of ways, each of which cuts its layers into forms that have to be mapped. So
ways are guessed first: the steps' own staircases with everything inside in place, and what comes again with
each stripe. A plan made by guesses says which ways matter; these are mapped, and it is planned again, until
the plan has no way left that is a guess (`PoolCompiler`). docs/decisions/cascades.md says how good that is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress, product
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from accelsim.columns import Floats, Ints
from accelsim.hardware import Hardware, Operand
from accelsim.hardware.memory import access_price
from accelsim.mapping.pinned import pinned_bytes
from accelsim.mapping.staircase import Moved, Staircase, StepCost, StepPrices, Weights
from accelsim.network.layer import Layer
from accelsim.planning.cascade import Cascade
from accelsim.planning.chains import Chain, Chains, ChainWay
from accelsim.planning.edges import ChainPrices

StaircasesOf: TypeAlias = Callable[[Layer, Sequence[Moved], Weights], Mapping[Moved, Staircase]]
"""Of a layer without its name, for each set of its operands that moves."""
_WEIGHTS: Final = frozenset({Operand.WEIGHTS})


class Columns(NamedTuple):
    """What something costs by the room that it has: rising rooms, and what it costs from each on."""

    room_bytes: Ints
    cycles: Floats
    energy: Floats
    dram_bytes: Ints

    def beside(self, taken_bytes: int, more: StepCost) -> "Columns":
        """The same with so much of the pool taken, and something more to pay."""
        return Columns(
            self.room_bytes + taken_bytes,
            self.cycles + more.cycles,
            self.energy + more.energy,
            self.dram_bytes + more.dram_bytes,
        )


def together(parts: Sequence[tuple[Staircase, int]]) -> Columns | None:
    """What several staircases cost together in one room, each so often; None where no room holds one of them.

    Example:
        >>> from accelsim.mapping.staircase import StepCost, Staircase
        >>> first = Staircase((10, 30), (9.0, 5.0), (StepCost(9), StepCost(5)), (0, 1))
        >>> second = Staircase((20,), (7.0,), (StepCost(7),), (0,))
        >>> columns = together([(first, 1), (second, 3)])
        >>> columns.room_bytes.tolist(), columns.cycles.tolist()
        ([20, 30], [30.0, 26.0])
    """
    if not all(staircase.room_bytes for staircase, _ in parts):
        return None
    rooms = np.unique(np.concatenate([staircase.room_bytes for staircase, _ in parts]))
    rooms = rooms[rooms >= max([staircase.room_bytes[0] for staircase, _ in parts])]
    sums = np.zeros((3, len(rooms)))
    for staircase, count in parts:
        stairs = np.searchsorted(np.array(staircase.room_bytes), rooms, side="right") - 1
        sums += count * np.array(staircase.costs, dtype=np.float64).T[:, stairs]
    return Columns(rooms, sums[0], sums[1], sums[2].astype(np.int64))


@dataclass(frozen=True)
class ChainPricer:
    """What the chains of a network cost, beside the weights of some steps that lie in the pool for good.

    Attributes:
        chains: Of the network.
        pins: Those steps.
        staircases_of: Of stripes, which are searched for when they are asked for.
    """

    chains: Chains
    pins: frozenset[int]
    staircases_of: StaircasesOf
    asked: set[Cascade] = field(default_factory=set)
    """Ways that are no longer guessed."""
    _all: list[Chain] = field(default_factory=list)

    @property
    def hardware(self) -> Hardware:
        """The machine."""
        return self.chains.hardware

    @property
    def all(self) -> Sequence[Chain]:
        """Chains."""
        if not self._all:
            self._all.extend(self.chains.beside(self.pins))
        return self._all

    def prices(
        self, of_steps: Sequence[StepPrices], weights: Weights, *, guess: bool = True
    ) -> Iterator[ChainPrices]:
        """Of each chain, by weights; where nothing is to be guessed, of the ways that were asked for.

        Args:
            of_steps: The staircases of each step by itself, by the same weights.
            weights: What is minimised.
            guess: Whether other ways are of any interest.
        """
        for chain in self.all:
            ways = [way for way in chain.ways if guess or way.cascade in self.asked]
            if ways:
                staircases = {
                    ends: self._staircase(chain, ways, ends, of_steps, weights) for ends in self._ends(chain)
                }
                found = {ends: staircase for ends, staircase in staircases.items() if staircase is not None}
                yield ChainPrices(chain.first, chain.layers, tuple([way.striped for way in ways]), found)

    def _ends(self, chain: Chain) -> Iterator[Moved]:
        """What may move of a chain beside weights."""
        ends = [Operand.INPUTS, Operand.OUTPUTS]
        if any(self._outer_residual(chain, step) for step in chain.steps):
            ends.append(Operand.RESIDUAL)
        if self.hardware.home(Operand.OUTPUTS) is None:
            yield frozenset()
            return
        yield from (frozenset(compress(ends, moves)) for moves in product((True, False), repeat=len(ends)))

    def _outer_residual(self, chain: Chain, step: int) -> bool:
        """Whether a step reads a residual that no step of its chain writes."""
        uses = self.chains.network.tensors.uses
        inside = {uses[other].output for other in chain.steps[:-1]}
        return not set(uses[step].residuals) <= inside

    def _moved(self, chain: Chain, step: int, ends: Moved) -> Moved:
        """What a step of a chain moves beside weights."""
        moved = set()
        if step == chain.first:
            moved |= ends & {Operand.INPUTS}
        if step == chain.steps[-1]:
            moved |= ends & {Operand.OUTPUTS}
        if self._outer_residual(chain, step):
            moved |= ends & {Operand.RESIDUAL}
        return frozenset(moved)

    def _staircase(
        self,
        chain: Chain,
        ways: Sequence[ChainWay],
        ends: Moved,
        of_steps: Sequence[StepPrices],
        weights: Weights,
    ) -> Staircase | None:
        """The best way for every room; its candidates are the ways."""
        base = self._base(chain, ends, of_steps)
        columns, numbers = [], []
        for number, way in enumerate(ways):
            if way.cascade in self.asked:
                of_way = self._as_it_is(chain, way, ends, weights)
            elif base is None:
                of_way = None
            else:
                of_way = base.beside(way.taken_bytes, self._more(way, ends))
            if of_way is not None:
                columns.append(of_way)
                numbers.append(np.full(len(of_way.room_bytes), number))
        if not columns:
            return None
        rooms, cycles, energy, dram_bytes = map(np.concatenate, zip(*columns, strict=True))
        staircase = Staircase.from_candidates(rooms, cycles, energy, dram_bytes, weights)
        of_ways = np.concatenate(numbers)[list(staircase.candidates)]
        return replace(staircase, candidates=tuple(of_ways.tolist()))

    def _base(self, chain: Chain, ends: Moved, of_steps: Sequence[StepPrices]) -> Columns | None:
        """The steps by themselves, with everything inside the chain in place."""
        parts = []
        for step in chain.steps:
            moved = self._moved(chain, step, ends)
            staircase = of_steps[step].get(moved if step in self.pins else moved | _WEIGHTS)
            if staircase is None:
                return None
            parts.append((staircase, 1))
        return together(parts)

    def _more(self, way: ChainWay, ends: Moved) -> StepCost:
        """What comes again with stripes."""
        halo_bytes = way.halo_bytes if Operand.INPUTS in ends else 0
        energy = way.streamed_bytes * self._energy_of_byte(Operand.WEIGHTS)
        energy += halo_bytes * self._energy_of_byte(Operand.INPUTS)
        return StepCost(0.0, energy, way.streamed_bytes + halo_bytes)

    def _energy_of_byte(self, operand: Operand) -> float:
        """That is read where an operand is at home."""
        home = self.hardware.home(operand)
        if home is None:
            return 0.0
        return access_price(home, off_chip=True).read * 8 / self.hardware.energy.word_bits

    def _as_it_is(self, chain: Chain, way: ChainWay, ends: Moved, weights: Weights) -> Columns | None:
        """What all stripes cost, each by itself, but for latencies that others hide."""
        outline = self.chains.stripes(way.cascade)
        parts, brought, waits = [], StepCost(), -1
        for (step, layer), count in outline.forms.items():
            moved = self._moved(chain, step, ends)
            stays = step in self.pins or step in way.cascade.resident
            all_moved = moved if stays or not layer.on_array else moved | _WEIGHTS
            staircase = self._of_form(chain, step, layer, weights).get(all_moved)
            if staircase is None:
                return None
            parts.append((staircase, count))
            waits += count if all_moved else 0
        for step in way.cascade.resident:
            size = pinned_bytes(self.chains.network.layers[step], self.hardware)
            brought = StepCost.total(
                [brought, StepCost(0.0, size * self._energy_of_byte(Operand.WEIGHTS), size)]
            )
        columns = together(parts)
        if columns is None:
            return None
        hidden_cycles = max(waits, 0) * self.hardware.channel_of[Operand.WEIGHTS].latency_cycles
        hidden = StepCost().in_cycles(-hidden_cycles, self.hardware.prices.static_per_cycle)
        return columns.beside(way.taken_bytes, StepCost.total([brought, hidden]))

    def _of_form(self, chain: Chain, step: int, layer: Layer, weights: Weights) -> Mapping[Moved, Staircase]:
        """The staircases of a stripe, with whatever may move of it in this chain."""
        sets = {self._moved(chain, step, ends) for ends in self._ends(chain)}
        if layer.on_array:
            sets |= {moved | _WEIGHTS for moved in sets}
        return self.staircases_of(layer, sorted(sets, key=sorted), weights)

"""What chains of steps cost as cascades: a guess of all ways, and of those that are asked for what it is.

A chain may run in some dozens of ways, each of which cuts its layers into forms that have to be mapped. So
ways are guessed first: the steps' own staircases with everything inside in place, and what comes again with
each stripe. A plan made by guesses says which ways matter; these are mapped, and it is planned again, until
the plan has no way left that is a guess (`PoolCompiler`). docs/decisions/cascades.md says how good that is.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import compress, product
from typing import Final, NamedTuple, Self, TypeAlias

import numpy as np

from accelsim.columns import Floats, Ints
from accelsim.hardware import Hardware, Operand
from accelsim.hardware.memory import access_price
from accelsim.mapping.staircase import Arriving, Moved, Staircase, StepCost, StepPrices, Weights
from accelsim.mapping.stripes import Cascade
from accelsim.network.layer import Layer
from accelsim.planning.cascades.chains import Chain, Chains, ChainWay
from accelsim.planning.given_plan import as_said
from accelsim.planning.programme.edges import ChainPrices
from accelsim.planning.tensors import NetworkTensors

StaircasesOf: TypeAlias = Callable[[Layer, Sequence[Moved], Weights], Mapping[Moved, Staircase]]
"""Of a layer without its name, for each set of its operands that moves."""
NOTICEABLE: Final = 0.01
"""By which part a price has to be lower for a guess to tell it from another."""
_LEAST_PRICE: Final = 1e-300
_WEIGHTS: Final = frozenset({Operand.WEIGHTS})

_Part: TypeAlias = tuple[int, Moved, bool]
"""A step of a chain, what it moves, and whether its weights lie in the pool as long as the chain runs."""


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

    def thinned(self, weights: Weights) -> "Columns":
        """Fewer of them: those that cost noticeably less than the one before, and the last."""
        prices = (
            weights.cycles * self.cycles + weights.energy * self.energy + weights.dram_bytes * self.dram_bytes
        )
        levels = np.floor(np.log(np.maximum(prices, _LEAST_PRICE)) / math.log1p(NOTICEABLE))
        kept = np.ones(len(prices), dtype=np.bool_)
        kept[1:-1] = levels[1:-1] != levels[:-2]
        return self.at(kept.nonzero()[0])

    def at(self, stairs: Ints) -> "Columns":
        """Some of them."""
        rooms, cycles, energy, dram_bytes = self
        return Columns(rooms[stairs], cycles[stairs], energy[stairs], dram_bytes[stairs])

    @classmethod
    def of(cls, staircase: Staircase) -> "Columns":
        """A staircase as columns."""
        cycles, energy, dram_bytes = np.array(staircase.costs, dtype=np.float64).reshape(-1, 3).T
        return cls(
            np.array(staircase.room_bytes, dtype=np.int64), cycles, energy, dram_bytes.astype(np.int64)
        )


@dataclass(frozen=True)
class _Reaches:
    """What of a chain reaches beyond it, whichever way it runs."""

    wanted_behind: frozenset[int]
    """Steps inside whose outputs somebody else reads."""
    residuals: frozenset[int]
    """Steps that read a residual which no step of the chain writes."""

    @classmethod
    def of(cls, chain: Chain, tensors: NetworkTensors) -> Self:
        """Of a chain of a network."""
        inside = {tensors.uses[step].output for step in chain.steps[:-1]}
        residuals = [step for step in chain.steps if not set(tensors.uses[step].residuals) <= inside]
        return cls(tensors.wanted_behind(chain.steps), frozenset(residuals))


def together(parts: Sequence[tuple[Columns, int]]) -> Columns | None:
    """What several staircases cost together in one room, each so often; None where no room holds one of them.

    Example:
        >>> from accelsim.mapping.staircase import StepCost, Staircase
        >>> first = Staircase((10, 30), (9.0, 5.0), (StepCost(9), StepCost(5)), (0, 1))
        >>> second = Staircase((20,), (7.0,), (StepCost(7),), (0,))
        >>> columns = together([(Columns.of(first), 1), (Columns.of(second), 3)])
        >>> columns.room_bytes.tolist(), columns.cycles.tolist()
        ([20, 30], [30.0, 26.0])
    """
    if not all(len(columns.room_bytes) for columns, _ in parts):
        return None
    rooms = np.concatenate([columns.room_bytes for columns, _ in parts])
    rooms.sort()
    # From the room on that holds one of each; of equal rooms, one.
    rooms = rooms[rooms.searchsorted(max([columns.room_bytes[0] for columns, _ in parts])) :]
    differs = np.ones(len(rooms), dtype=np.bool_)
    differs[1:] = rooms[1:] != rooms[:-1]
    rooms = rooms[differs]
    cycles, energy, dram_bytes = np.zeros(len(rooms)), np.zeros(len(rooms)), np.zeros(len(rooms), np.int64)
    for columns, count in parts:
        stairs = columns.room_bytes.searchsorted(rooms, side="right") - 1
        cycles += count * columns.cycles[stairs]
        energy += count * columns.energy[stairs]
        dram_bytes += count * columns.dram_bytes[stairs]
    return Columns(rooms, cycles, energy, dram_bytes)


@dataclass(frozen=True)
class _Bases:
    """What steps cost one after the other, each by itself; chains that begin alike have that in common."""

    by_itself: Callable[[_Part], Columns | None]
    known: dict[tuple[_Part, ...], Columns | None] = field(default_factory=dict)

    def of(self, parts: tuple[_Part, ...]) -> Columns | None:
        """All of them in one room; None where no room holds one."""
        if parts not in self.known:
            before, last = parts[:-1], parts[-1]
            self.known[parts] = self._behind(self.of(before), last) if before else self.by_itself(last)
        return self.known[parts]

    def _behind(self, base: Columns | None, part: _Part) -> Columns | None:
        columns = None if base is None else self.of((part,))
        return None if base is None or columns is None else together([(base, 1), (columns, 1)])


@dataclass(frozen=True)
class ChainPricer:
    """What the chains of a network cost, beside the weights of some steps that lie in the pool for good.

    Attributes:
        chains: Of the network.
        pins: Those steps.
        staircases_of: Of stripes, which are searched for when they are asked for, on the array.
        competed: Steps that run on the host, where it is better at them; but not in a cascade.
    """

    chains: Chains
    pins: frozenset[int]
    staircases_of: StaircasesOf
    competed: frozenset[int] = frozenset()
    asked: set[Cascade] = field(default_factory=set)
    """Ways that are no longer guessed."""
    _guessed: dict[tuple[range, Weights], ChainPrices] = field(default_factory=dict)
    _found: dict[tuple[Cascade, Moved, Weights], Columns | None] = field(default_factory=dict)
    _extra: "dict[tuple[range, bool], tuple[Ints, Floats]]" = field(default_factory=dict)
    _reaches: dict[range, _Reaches] = field(default_factory=dict)
    _movements: dict[tuple[range, Moved], tuple[Moved, ...]] = field(default_factory=dict)
    _on_array: dict[tuple[int, Weights], StepPrices] = field(default_factory=dict)
    _as_columns: dict[int, tuple[Staircase, Columns]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ask_said(most_ways=1)

    def ask_said(self, most_ways: int | None = None) -> bool:
        """Guess none of the ways of chains that are said, where there are so few; whether any was a guess."""
        if not self.chains.network.said:
            return False
        said_of, asked = self.chains.network.said_of, len(self.asked)
        for chain in self.all:
            if chain.first in said_of and len(chain.ways) <= (most_ways or len(chain.ways)):
                self.asked.update([way.cascade for way in chain.ways])
        return len(self.asked) > asked

    @property
    def hardware(self) -> Hardware:
        """The machine."""
        return self.chains.hardware

    @cached_property
    def all(self) -> tuple[Chain, ...]:
        """Chains."""
        return self.chains.beside(self.pins)

    @cached_property
    def open(self) -> frozenset[range]:
        """The steps of those with tensors inside that somebody reads who is not in the chain."""
        return frozenset([chain.steps for chain in self.all if self._reaches_of(chain).wanted_behind])

    def prices(
        self,
        of_steps: Sequence[StepPrices],
        weights: Weights,
        pressed: AbstractSet[int],
        *,
        guess: bool = True,
        closed: bool = False,
    ) -> Iterator[ChainPrices]:
        """Of each chain, by weights; where nothing is to be guessed, of the ways that were asked for.

        Args:
            of_steps: The staircases of each step by itself, by the same weights.
            weights: What is minimised.
            pressed: Steps of which each chain has one at least.
            guess: Whether other ways are of any interest.
            closed: Whether only chains are of whose inner tensors nobody else reads any.

        Those that are said to run so are among them in any case.
        """
        bases = _Bases(partial(self._by_itself, of_steps, weights))
        for chain in self.all:
            open_to_choice = chain.first not in self.chains.network.said_of
            if open_to_choice and (pressed.isdisjoint(chain.steps) or (closed and chain.steps in self.open)):
                continue
            asked = [number for number, way in enumerate(chain.ways) if way.cascade in self.asked]
            if asked:
                yield self._chain_prices(chain, asked, bases if guess else None, weights)
            elif guess:
                known = self._guessed.get((chain.steps, weights))
                if known is None:
                    known = self._chain_prices(chain, asked, bases, weights)
                    self._guessed[chain.steps, weights] = known
                yield known

    def _chain_prices(
        self, chain: Chain, asked: Sequence[int], bases: _Bases | None, weights: Weights
    ) -> ChainPrices:
        """Of ways that were asked for; and of others, guessed, where there is something to guess by."""
        staircases = {}
        for ends in self._ends(chain):
            columns = [(number, self._as_it_is(chain, chain.ways[number], ends, weights)) for number in asked]
            if bases is not None:
                columns += self._guesses(chain, set(asked), ends, bases, weights)
            if (staircase := _best_of(columns, weights)) is not None:
                staircases[ends] = staircase
        return ChainPrices(chain.first, chain.layers, tuple([way.striped for way in chain.ways]), staircases)

    def _ends(self, chain: Chain) -> Iterator[Moved]:
        """What may move of a chain beside weights; as it is said, where that is."""
        network, bank = self.chains.network, self.hardware.tensor_bank
        for ends in self._all_ends(chain):
            moved = self._moved(chain, ends)
            if chain.first not in network.said_of or all(
                as_said(network.told[step], [of_step], "" if bank is None else bank.memory)
                for step, of_step in zip(chain.steps, moved, strict=True)
            ):
                yield ends

    def _all_ends(self, chain: Chain) -> Iterator[Moved]:
        ends = [Operand.INPUTS, Operand.OUTPUTS]
        if self._reaches_of(chain).residuals:
            ends.append(Operand.RESIDUAL)
        if self.hardware.home(Operand.OUTPUTS) is None:
            yield frozenset()
            return
        yield from (frozenset(compress(ends, moves)) for moves in product((True, False), repeat=len(ends)))

    def _reaches_of(self, chain: Chain) -> _Reaches:
        known = self._reaches.get(chain.steps)
        if known is None:
            known = self._reaches[chain.steps] = _Reaches.of(chain, self.chains.network.tensors)
        return known

    def _moved(self, chain: Chain, ends: Moved) -> tuple[Moved, ...]:
        """What each step of a chain moves beside weights."""
        known = self._movements.get((chain.steps, ends))
        if known is None:
            reaches = self._reaches_of(chain)
            moved: dict[int, set[Operand]] = {step: set() for step in chain.steps}
            moved[chain.first] |= ends & {Operand.INPUTS}
            moved[chain.steps[-1]] |= ends & {Operand.OUTPUTS}
            for step in reaches.wanted_behind:
                moved[step].add(Operand.OUTPUTS)
            for step in reaches.residuals:
                moved[step] |= ends & {Operand.RESIDUAL}
            known = self._movements[chain.steps, ends] = tuple(map(frozenset, moved.values()))
        return known

    def _guesses(
        self, chain: Chain, known: set[int], ends: Moved, bases: _Bases, weights: Weights
    ) -> list[tuple[int, Columns | None]]:
        """Guesses of the ways that are not known, of those than which none takes less and costs less.

        They are the steps by themselves, with everything inside the chain in place, and the weights of some;
        so ways are compared with those of which the same weights stay: others leave other room to tiles.
        """
        moved = [
            of_step if step in self.pins else of_step | _WEIGHTS
            for step, of_step in zip(chain.steps, self._moved(chain, ends), strict=True)
        ]
        thinned: dict[frozenset[int], Columns | None] = {}
        found: list[tuple[int, Columns | None]] = []
        taken_bytes, more = self._more(chain, halos=Operand.INPUTS in ends)
        prices = more @ np.array(weights)
        least: dict[frozenset[int], float] = {}
        for number in np.lexsort((prices, taken_bytes)).tolist():
            resident = chain.ways[number].cascade.resident
            if prices[number] >= least.get(resident, math.inf):
                continue
            least[resident] = prices[number]
            if resident not in thinned:
                stays = [step in resident for step in chain.steps]
                base = bases.of(tuple(zip(chain.steps, moved, stays, strict=True)))
                thinned[resident] = None if base is None else base.thinned(weights)
            base = thinned[resident]
            if number not in known and base is not None:
                cycles, energy, dram_bytes = more[number].tolist()
                found.append(
                    (
                        number,
                        base.beside(
                            chain.ways[number].taken_bytes, StepCost(cycles, energy, int(dram_bytes))
                        ),
                    )
                )
        return found

    def _by_itself(self, of_steps: Sequence[StepPrices], weights: Weights, part: _Part) -> Columns | None:
        step, moved, is_resident = part
        staircase = self._of_array(step, of_steps[step], weights).get(moved)
        if staircase is None or not staircase.room_bytes:
            return None
        columns = self._columns(staircase)
        if not is_resident:
            return columns
        # Their room is taken already: tiles have that beside it.
        room_bytes = np.maximum(columns.room_bytes - self.chains.weight_bytes(step), 0)
        return columns._replace(room_bytes=room_bytes)

    def _of_array(self, step: int, prices: StepPrices, weights: Weights) -> StepPrices:
        """What a step costs that runs on the array, whoever else may run it."""
        if step not in self.competed:
            return prices
        known = self._on_array.get((step, weights))
        if known is None:
            network = self.chains.network
            sets = [moved for moved in prices if not isinstance(moved, Arriving)]
            found = self.staircases_of(network.layers[step].nameless, sets, weights)
            lost_bytes = network.lost_bytes[step]
            known = {moved: staircase.beside(lost_bytes) for moved, staircase in found.items()}
            self._on_array[step, weights] = known
        return known

    def _columns(self, staircase: Staircase) -> Columns:
        """Of a staircase that is asked for again and again."""
        known = self._as_columns.get(id(staircase))
        if known is None:
            known = self._as_columns[id(staircase)] = staircase, Columns.of(staircase)
        return known[1]

    def _more(self, chain: Chain, *, halos: bool) -> "tuple[Ints, Floats]":
        """Of each way: what it takes of the pool, and what comes again with stripes, in three columns."""
        known = self._extra.get((chain.steps, halos))
        if known is None:
            ways = np.array([way.disadvantages for way in chain.ways], dtype=np.float64).T
            taken_bytes, streamed, halo, again = ways
            halo = halo * halos
            of_byte = self._energy_of_byte
            energy = streamed * of_byte[Operand.WEIGHTS] + halo * of_byte[Operand.INPUTS]
            energy += again * self._energy_in_pool
            words = self.hardware.pe_array.columns * self.hardware.word_bytes(Operand.WEIGHTS)
            more = np.stack([again / words, energy, streamed + halo], axis=1)
            known = self._extra[chain.steps, halos] = taken_bytes.astype(np.int64), more
        return known

    @cached_property
    def _energy_in_pool(self) -> float:
        """Of a byte that is read there."""
        pool = self.hardware.pool
        memory = next(memory for memory in self.hardware.memories if pool and memory.name == pool.memory)
        return access_price(memory, off_chip=False).read * 8 / self.hardware.energy.word_bits

    @cached_property
    def _energy_of_byte(self) -> dict[Operand, float]:
        """That is read where an operand is at home; nothing where it has none."""
        homes = {operand: self.hardware.home(operand) for operand in Operand}
        return {
            operand: 0.0
            if home is None
            else access_price(home, off_chip=True).read * 8 / self.hardware.energy.word_bits
            for operand, home in homes.items()
        }

    def _as_it_is(self, chain: Chain, way: ChainWay, ends: Moved, weights: Weights) -> Columns | None:
        """What all stripes cost, each by itself, but for latencies that others hide."""
        key = way.cascade, ends, weights
        if key not in self._found:
            self._found[key] = self._mapped(chain, way, ends, weights)
        return self._found[key]

    def _mapped(self, chain: Chain, way: ChainWay, ends: Moved, weights: Weights) -> Columns | None:
        parts, costs, waits = [], [], -1
        moved = {each: self._moved(chain, each) for each in self._ends(chain)}
        for (step, layer), count in self.chains.stripes(way.cascade).forms.items():
            stays = step in self.pins or step in way.cascade.resident or not layer.on_array
            sets = {
                each: of_steps[step - chain.first] | (frozenset() if stays else _WEIGHTS)
                for each, of_steps in moved.items()
            }
            ways = sorted(set(sets.values()), key=sorted)
            staircase = self.staircases_of(layer, ways, weights)[sets[ends]]
            parts.append((self._columns(staircase), count))
            waits += count if sets[ends] else 0
        for step in way.cascade.resident:
            size = self.chains.weight_bytes(step)
            costs.append(StepCost(0.0, size * self._energy_of_byte[Operand.WEIGHTS], size))
        columns = together(parts)
        if columns is None:
            return None
        hidden_cycles = max(waits, 0) * self.hardware.channel_of[Operand.WEIGHTS].latency_cycles
        costs.append(StepCost().in_cycles(-hidden_cycles, self.hardware.prices.static_per_cycle))
        lost_bytes = max([self.chains.network.lost_bytes[step] for step in chain.steps])
        return columns.beside(way.taken_bytes + lost_bytes, StepCost.total(costs))


def _best_of(columns: Sequence[tuple[int, Columns | None]], weights: Weights) -> Staircase | None:
    """The best of several ways for every room; its candidates are their numbers."""
    found = [(number, of_way) for number, of_way in columns if of_way is not None]
    if not found:
        return None
    rooms, cycles, energy, dram_bytes = map(
        np.concatenate, zip(*[of_way for _, of_way in found], strict=True)
    )
    numbers = np.concatenate([np.full(len(of_way.room_bytes), number) for number, of_way in found])
    staircase = Staircase.from_candidates(rooms, cycles, energy, dram_bytes, weights)
    return replace(staircase, candidates=tuple(numbers[list(staircase.candidates)].tolist()))

"""What bounds leave open is judged: the best few mappings of a layer, until none may be better.

docs/decisions/simulated-choice.md says what that buys, and what it costs.
"""

import math
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from accelsim.columns import Floats
from accelsim.hardware import Hardware, Objective
from accelsim.mapping.loops import KnownLoops
from accelsim.mapping.mapping import Choice, Mapping
from accelsim.mapping.program import mappings
from accelsim.mapping.ranking import VALUE_ROUNDING, best_first, objective_value
from accelsim.mapping.tile_search import UNBEATABLE, Contender, TileSearch
from accelsim.mapping.work import StackedLayers
from accelsim.network.layer import Layer

AT_ONCE: Final = 2
"""Programs of a layer that are written together, although the first may settle it."""

Judge: TypeAlias = Callable[[Mapping], int]
"""Says how many cycles a mapping takes; never fewer than its bound."""


class Effort(NamedTuple):
    """How much is simulated before a mapping is chosen."""

    gap: float
    """By which part a mapping may be better than the chosen one without being judged."""
    tolerance: float
    """By which part the bound of a mapping may be above the value of the best one for it to be judged."""
    max_judged: int
    """Mappings of a layer and dataflow that are judged at most."""

    @property
    def is_bounded(self) -> bool:
        """Whether it is known before any is judged which mappings may be."""
        return self.tolerance < math.inf

    def contenders(self, search: TileSearch, incumbents: Floats) -> dict[int, list[Contender]]:
        """The best mapping of each layer; behind it all others that may be judged, where that is known."""
        if self.is_bounded:
            return search.best(incumbents, self.tolerance, self.max_judged)
        return search.best(incumbents, 0, 1)


COMPILER: Final = Effort(gap=0.04, tolerance=0.005, max_judged=4)
"""Of the machine's compiler: bounds are mostly exact, and only where one is far off others are tried."""
THOROUGH: Final = Effort(gap=0.003, tolerance=math.inf, max_judged=32)
"""Where an objective is asked for, to know what is possible."""


class JudgedMapping(NamedTuple):
    """A mapping, and what it takes."""

    contender: Contender
    time_cycles: float
    mapping: Mapping | None
    """None where there is no judge; the bound is believed then."""
    idle_rows: int = 0
    """Of the array."""
    static_per_cycle: float = 0.0
    """Energy that the machine draws at all times, in a cycle."""

    @property
    def energy(self) -> float:
        """With what is drawn at all times for as long as it takes."""
        waited = self.time_cycles - self.contender.time_cycles
        at_bound = self.contender.energy
        return at_bound + self.static_per_cycle * waited if self.static_per_cycle else at_bound

    def choice(self, layer: Layer) -> Choice:
        """What its program follows from."""
        dataflow, tile, order = self.contender.dataflow, self.contender.tile, self.contender.order
        return Choice(layer, dataflow, tile, order, idle_rows=self.idle_rows)

    def value(self, objective: Objective) -> float:
        """What is to be as small as possible."""
        return objective_value(self.time_cycles, self.energy, objective)

    def may_lose_to(self, rival: Contender, objective: Objective, gap: float) -> bool:
        """Whether another mapping may be better by more than the gap, or as good and faster."""
        value, bound = self.value(objective), rival.lower_bound(objective)
        is_faster = rival.time_cycles < self.time_cycles * (1 - gap)
        return bound < value * (1 - gap) or (bound <= value * (1 + VALUE_ROUNDING) and is_faster)


@dataclass(frozen=True, slots=True)
class Bench:
    """Judges mappings of layers of one structure."""

    layers: Sequence[Layer]
    stack: StackedLayers
    """The same layers."""
    hardware: Hardware
    batch: int
    judge: Judge | None
    objective: Objective
    """Among tiles."""
    effort: Effort
    loops: KnownLoops
    """Over tiles, of mappings before."""
    programs: MutableMapping[tuple[Choice, int], Mapping]
    """Of choices before, for so many images."""
    idle_rows: int = 0
    """Of the array, that all of the mappings leave idle."""

    def settled(
        self, search: TileSearch, contenders: dict[int, list[Contender]], limits: Floats
    ) -> dict[int, JudgedMapping]:
        """The best mapping of each layer of a search.

        Args:
            search: For tiles of `layers`.
            contenders: Its `Effort.contenders`.
            limits: Of each layer, an objective value; what cannot be as good is not tried.
        """
        first = {layer: ranked[0] for layer, ranked in contenders.items()}
        best = dict(zip(first, self.judged(list(first.items())), strict=True))
        unsettled = [layer for layer, judged in best.items() if self._may_lose(judged, judged.contender)]
        tried = {layer: [best[layer]] for layer in unsettled}
        waiting = {layer: contenders[layer] for layer in unsettled}
        if unsettled and not self.effort.is_bounded:
            waiting = search.contenders(self._limits(best, unsettled, limits), self.effort.max_judged)
        waiting = {
            layer: [contender for contender in ranked if contender != first[layer]]
            for layer, ranked in waiting.items()
        }
        # Until no layer has a contender left that may beat its best: a few of each layer at a time.
        while waiting:
            turn = [
                (layer, contender)
                for layer, ranked in waiting.items()
                for contender in ranked[:AT_ONCE]
                if self._may_lose(best[layer], contender)
            ]
            for (layer, _), judged in zip(turn, self.judged(turn), strict=True):
                tried[layer].append(judged)
                best[layer] = best_of(tried[layer], self.objective)
            still_open = dict.fromkeys(layer for layer, _ in turn)
            waiting = {
                layer: waiting[layer][AT_ONCE:] for layer in still_open if len(waiting[layer]) > AT_ONCE
            }
        return best

    def _limits(self, best: dict[int, JudgedMapping], unsettled: Sequence[int], limits: Floats) -> Floats:
        """Of each layer of a search, the objective value that is still to be beaten."""
        lowered = np.full(len(limits), UNBEATABLE)
        for layer in unsettled:
            lowered[layer] = min(best[layer].value(self.objective), limits[layer])
        return lowered

    def _may_lose(self, best: JudgedMapping, rival: Contender) -> bool:
        return best.may_lose_to(rival, self.objective, self.effort.gap)

    def judged(self, contenders: Sequence[tuple[int, Contender]]) -> list[JudgedMapping]:
        """What mappings of layers take."""
        judge = self.judge
        static = self.hardware.prices.static_per_cycle
        believed = [
            JudgedMapping(contender, contender.time_cycles, None, self.idle_rows, static)
            for _, contender in contenders
        ]
        if judge is None:
            return believed
        choices = [
            judged.choice(self.layers[layer]) for judged, (layer, _) in zip(believed, contenders, strict=True)
        ]
        written = self._written([layer for layer, _ in contenders], choices)
        return [
            judged._replace(time_cycles=float(judge(mapping)), mapping=mapping)
            for judged, mapping in zip(believed, written, strict=True)
        ]

    def _written(self, layers: Sequence[int], choices: Sequence[Choice]) -> list[Mapping]:
        """The mappings of choices for layers, by their numbers; what is not known is written together."""
        keys = [(choice, self.batch) for choice in choices]
        known = list(map(self.programs.get, keys))
        new = [number for number, mapping in enumerate(known) if mapping is None]
        stack = self.stack.picked(np.array([layers[number] for number in new], dtype=np.int64))
        unwritten = [choices[number] for number in new]
        written = iter(mappings(unwritten, self.batch, self.hardware, self.loops, stack))
        self.programs.update((keys[number], mapping) for number, mapping in zip(new, written, strict=True))
        return [self.programs[key] for key in keys]


def best_of(judged: Sequence[JudgedMapping], objective: Objective) -> JudgedMapping:
    """The best of mappings by an objective; between equals the first."""
    if len(judged) == 1:  # as mostly
        return judged[0]
    time, energy = np.array([(mapping.time_cycles, mapping.energy) for mapping in judged]).T
    return judged[int(best_first(time, energy, objective)[0])]

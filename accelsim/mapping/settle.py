"""What bounds leave open is judged: the best few mappings of a layer, until none may be better."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from accelsim.hardware import Hardware, Objective
from accelsim.mapping.look import UNBEATABLE, Contender, Look
from accelsim.mapping.mapping import Choice, Mapping
from accelsim.mapping.program import mappings
from accelsim.mapping.ranking import ROUNDING, best_first, worth
from accelsim.mapping.transfers import Values
from accelsim.network.layer import Layer

AT_ONCE: Final = 2
"""Programs of a layer that are written together, although the first may settle it."""

Judge: TypeAlias = Callable[[Mapping], int]
"""Says how many cycles a mapping takes; never fewer than its bound."""


class Care(NamedTuple):
    """How much is simulated before a mapping is chosen."""

    open: float
    """By which part a mapping may be better than the chosen one without being judged."""
    likely: float
    """By which part the bound of a mapping may be above the least one for it to be judged."""
    most: int
    """Mappings of a layer and dataflow that are judged at most."""

    @property
    def is_bounded(self) -> bool:
        """Whether it is known before any is judged which mappings may be."""
        return self.likely < math.inf

    def contenders(self, look: Look, reached: Values) -> dict[int, list[Contender]]:
        """The best mapping of each layer; behind it all others that may be judged, where that is known."""
        return look.best(reached, self.likely, self.most) if self.is_bounded else look.best(reached, 0, 1)


COMPILER: Final = Care(open=0.04, likely=0.005, most=4)
"""Of the machine's compiler: bounds are mostly exact, and only where one is far off others are tried."""
THOROUGH: Final = Care(open=0.003, likely=math.inf, most=32)
"""Where an objective is asked for, to know what is possible."""


class Judged(NamedTuple):
    """A mapping, and what it takes."""

    contender: Contender
    time_cycles: float
    mapping: Mapping | None
    """None where there is no judge; the bound is believed then."""
    idle_rows: int = 0
    """Of the array."""

    def choice(self, layer: Layer) -> Choice:
        """What its program follows from."""
        dataflow, tile, order = self.contender.dataflow, self.contender.tile, self.contender.order
        return Choice(layer, dataflow, tile, order, int(self.time_cycles), self.idle_rows)

    def worth(self, objective: Objective) -> float:
        """What is to be as small as possible."""
        return worth(self.time_cycles, self.contender.energy, objective)

    def may_lose_to(self, other: Contender, objective: Objective, left_open: float) -> bool:
        """Whether another mapping may be better by more than is left open, or as good and faster."""
        mine, its = self.worth(objective), other.worth(objective)
        faster = other.time_cycles < self.time_cycles * (1 - left_open)
        return its < mine * (1 - left_open) or (its <= mine * (1 + ROUNDING) and faster)


@dataclass(frozen=True, slots=True)
class Bench:
    """Judges mappings of layers of one structure."""

    layers: Sequence[Layer]
    hardware: Hardware
    batch: int
    judge: Judge | None
    objective: Objective
    """Among tiles."""
    care: Care
    idle_rows: int = 0
    """Of the array, that all of the mappings leave idle."""

    def settled(self, look: Look, found: dict[int, list[Contender]], to_beat: Values) -> dict[int, Judged]:
        """The best of each layer of a look, of which `found` are its `Care.contenders`.

        `layers` are those of the look. What cannot be as good as `to_beat` is not tried.
        """
        promised = {layer: contenders[0] for layer, contenders in found.items()}
        judged = dict(zip(promised, self.judged(list(promised.items())), strict=True))
        unsettled = [layer for layer, best in judged.items() if self._may_lose(best, best.contender)]
        seen = {layer: [judged[layer]] for layer in unsettled}
        waiting = {layer: found[layer] for layer in unsettled}
        if unsettled and not self.care.is_bounded:
            waiting = look.contenders(self._limits(judged, unsettled, to_beat), self.care.most)
        waiting = {
            layer: [contender for contender in contenders if contender != promised[layer]]
            for layer, contenders in waiting.items()
        }
        while waiting:
            turn = [
                (layer, contender)
                for layer, contenders in waiting.items()
                for contender in contenders[:AT_ONCE]
                if self._may_lose(judged[layer], contender)
            ]
            for (layer, _), next_one in zip(turn, self.judged(turn), strict=True):
                seen[layer].append(next_one)
                judged[layer] = best_of(seen[layer], self.objective)
            tried = dict.fromkeys(layer for layer, _ in turn)
            waiting = {layer: waiting[layer][AT_ONCE:] for layer in tried if len(waiting[layer]) > AT_ONCE}
        return judged

    def _limits(self, judged: dict[int, Judged], unsettled: Sequence[int], to_beat: Values) -> Values:
        """Of each layer of a look, what may still be better than what is judged."""
        limits = np.full(len(to_beat), UNBEATABLE)
        for layer in unsettled:
            limits[layer] = min(judged[layer].worth(self.objective), to_beat[layer])
        return limits

    def _may_lose(self, best: Judged, other: Contender) -> bool:
        return best.may_lose_to(other, self.objective, self.care.open)

    def judged(self, contenders: Sequence[tuple[int, Contender]]) -> list[Judged]:
        """What mappings of layers take."""
        judge = self.judge
        believed = [Judged(one, one.time_cycles, None, self.idle_rows) for _, one in contenders]
        if judge is None:
            return believed
        choices = [
            one.choice(self.layers[layer]) for one, (layer, _) in zip(believed, contenders, strict=True)
        ]
        written = mappings(choices, self.batch, self.hardware)
        return [
            one._replace(time_cycles=float(judge(mapping)), mapping=mapping)
            for one, mapping in zip(believed, written, strict=True)
        ]


def best_of(some: Sequence[Judged], objective: Objective) -> Judged:
    """The best of some mappings by an objective; between equals the first."""
    if len(some) == 1:  # as mostly
        return some[0]
    time, energy = np.array([(one.time_cycles, one.contender.energy) for one in some]).T
    return some[int(best_first(time, energy, objective)[0])]

"""What bounds leave open is judged: the best few mappings of a layer, until none that is left may be better."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
import os
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from accelsim.hardware import Hardware, Objective
from accelsim.mapping.look import UNBEATABLE, Contender, Look
from accelsim.mapping.mapping import Choice, Mapping
from accelsim.mapping.program import mappings
from accelsim.mapping.ranking import ROUNDING, best_first, worth
from accelsim.network.layer import Layer

SETTLED: Final = float(os.environ.get("SETTLED", "0.003"))
"""By which part a mapping may be better than the chosen one without being judged."""
MOST_JUDGED: Final = int(os.environ.get("MOST","4"))
"""Mappings of a layer and dataflow that are judged at most."""
import os
BAND = float(os.environ.get("BAND", "0.005"))
AT_ONCE: Final = 2
"""Programs of a layer that are written together, although the first may settle it."""

Judge: TypeAlias = Callable[[Mapping], int]
"""Says how many cycles a mapping takes; never fewer than its bound."""


class Judged(NamedTuple):
    """A mapping, and what it takes."""

    contender: Contender
    time_cycles: float
    mapping: Mapping | None
    """None where there is no judge; the bound is believed then."""

    def worth(self, objective: Objective) -> float:
        """What is to be as small as possible."""
        return _worth(self.time_cycles, self.contender.energy, objective)

    def may_lose_to(self, other: Contender, objective: Objective) -> bool:
        """Whether another mapping may be better by more than is left open, or as good and faster."""
        mine, its = self.worth(objective), other.worth(objective)
        faster = other.time_cycles < self.time_cycles * (1 - SETTLED)
        return its < mine * (1 - SETTLED) or (its <= mine * (1 + ROUNDING) and faster)


@dataclass(frozen=True, slots=True)
class Bench:
    """Judges mappings of layers of one structure."""

    layers: Sequence[Layer]
    hardware: Hardware
    batch: int
    judge: Judge | None
    objective: Objective
    """Among tiles."""
    thorough: bool

    def settled(self, look: Look, found: dict[int, Contender]) -> dict[int, Judged]:
        """The best of each layer of a look, of which `found` is what its bound says to be the best.

        `layers` are those of the look.
        """
        judged = dict(zip(found, self.judged(list(found.items())), strict=True))
        open_ones = [
            layer
            for layer, one in judged.items()
            if one.may_lose_to(one.contender, self.objective)
        ]
        if not open_ones:
            return judged
        to_beat = np.full(len(look.cuts.dataflows), UNBEATABLE)
        to_beat[open_ones] = [
            judged[layer].worth(self.objective)
            if self.thorough
            else min(judged[layer].worth(self.objective), (1 + BAND) * found[layer].worth(self.objective))
            for layer in open_ones
        ]
        waiting = look.contenders(to_beat, MOST_JUDGED*(1+self.thorough))
        seen = {layer: [judged[layer]] for layer in open_ones}
        while waiting:
            turn = [
                (layer, contender)
                for layer, contenders in waiting.items()
                for contender in contenders[:AT_ONCE]
                if contender != found[layer] and judged[layer].may_lose_to(contender, self.objective)
            ]
            for (layer, _), one in zip(turn, self.judged(turn), strict=True):
                seen[layer].append(one)
                judged[layer] = self.best(seen[layer])
            tried = {layer for layer, _ in turn}
            waiting = {
                layer: contenders[AT_ONCE:]
                for layer, contenders in waiting.items()
                if len(contenders) > AT_ONCE and (layer in tried or found[layer] in contenders[:AT_ONCE])
            }
        return judged

    def judged(self, contenders: Sequence[tuple[int, Contender]]) -> list[Judged]:
        """What mappings of layers take."""
        if self.judge is None:
            return [Judged(contender, contender.time_cycles, None) for _, contender in contenders]
        choices = [
            Choice(self.layers[layer], one.dataflow, one.tile, one.order, int(one.time_cycles))
            for layer, one in contenders
        ]
        written = mappings(choices, self.batch, self.hardware)
        return [
            Judged(contender, float(self.judge(mapping)), mapping)
            for (_, contender), mapping in zip(contenders, written, strict=True)
        ]

    def best(self, some: Sequence[Judged]) -> Judged:
        """Between equals the first."""
        return best_of(some, self.objective)


def best_of(some: Sequence[Judged], objective: Objective) -> Judged:
    """The best of some mappings by an objective; between equals the first."""
    time, energy = np.array([(one.time_cycles, one.contender.energy) for one in some]).T
    return some[int(best_first(time, energy, objective)[0])]


def _worth(time: float, energy: float, objective: Objective) -> float:
    return float(worth(np.asarray(time), np.asarray(energy), objective))

"""What bounds leave open is judged: the best few mappings of a layer, until none may be better."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from accelsim.hardware import Hardware, Objective
from accelsim.mapping.look import UNBEATABLE, Contender, Look
from accelsim.mapping.mapping import Choice, Mapping
from accelsim.mapping.program import mappings
from accelsim.mapping.ranking import ROUNDING, best_first, worth
from accelsim.network.layer import Layer

SETTLED: Final = 0.003
"""By which part a mapping may be better than the chosen one without being judged."""
LIKELY: Final = 0.005
"""By which part the bound of a mapping may be above the least one for it to be judged."""
MOST_JUDGED: Final = 4
"""Mappings of a layer and dataflow that are judged at most."""
MOST_JUDGED_THOROUGHLY: Final = 8
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
    """Whether everything is judged that its bound allows to be better, and not only what is likely to be."""

    def settled(self, look: Look, found: dict[int, Contender]) -> dict[int, Judged]:
        """The best of each layer of a look, of which `found` is what its bound says to be the best.

        `layers` are those of the look.
        """
        judged = dict(zip(found, self.judged(list(found.items())), strict=True))
        unsettled = [
            layer for layer, best in judged.items() if best.may_lose_to(best.contender, self.objective)
        ]
        if not unsettled:
            return judged
        seen = {layer: [judged[layer]] for layer in unsettled}
        waiting = self._contenders(look, found, judged, unsettled)
        while waiting:
            turn = [
                (layer, contender)
                for layer, contenders in waiting.items()
                for contender in contenders[:AT_ONCE]
                if judged[layer].may_lose_to(contender, self.objective)
            ]
            for (layer, _), next_one in zip(turn, self.judged(turn), strict=True):
                seen[layer].append(next_one)
                judged[layer] = best_of(seen[layer], self.objective)
            tried = dict.fromkeys(layer for layer, _ in turn)
            waiting = {layer: waiting[layer][AT_ONCE:] for layer in tried if len(waiting[layer]) > AT_ONCE}
        return judged

    def _contenders(
        self, look: Look, found: dict[int, Contender], judged: dict[int, Judged], unsettled: Sequence[int]
    ) -> dict[int, list[Contender]]:
        """What may be better than the judged ones; what promises most comes first."""
        to_beat = np.full(len(look.cuts.dataflows), UNBEATABLE)
        for layer in unsettled:
            reached, promised = judged[layer].worth(self.objective), found[layer].worth(self.objective)
            to_beat[layer] = reached if self.thorough else min(reached, (1 + LIKELY) * promised)
        most = MOST_JUDGED_THOROUGHLY if self.thorough else MOST_JUDGED
        return {
            layer: [contender for contender in contenders if contender != found[layer]]
            for layer, contenders in look.contenders(to_beat, most).items()
        }

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


def best_of(some: Sequence[Judged], objective: Objective) -> Judged:
    """The best of some mappings by an objective; between equals the first."""
    time, energy = np.array([(one.time_cycles, one.contender.energy) for one in some]).T
    return some[int(best_first(time, energy, objective)[0])]


def _worth(time: float, energy: float, objective: Objective) -> float:
    return float(worth(np.asarray(time), np.asarray(energy), objective))

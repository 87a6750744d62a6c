"""Pins: which layers' weights stay in the pool from one inference to the next.

Weights are pinned whole or not at all, and take their room all the while, also while other layers run. So
what they save is weighed against what everything else loses with a smaller pool, which no programme step by
step can do. Pins are chosen outside it: the layers that save most for each byte, for several sizes of all
pinned weights together, each with its own exact plan, of which the best is taken; of few layers, every set.
docs/decisions/residency.md says how far that is from the best of all.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import chain, combinations
from typing import Final, TypeAlias

from accelsim.hardware import Operand
from accelsim.mapping.staircase import StepPrices, beside_pinned_weights
from accelsim.memory_map import CostsMore
from accelsim.planning.pins.why_not_pinned import why_not_pinned
from accelsim.planning.programme.planner import nothing_kept, plan_residency
from accelsim.planning.programme.shortage import step_needs
from accelsim.planning.residency import DoesNotFit, Pool, ResidencyPlan
from accelsim.planning.tensors import NetworkTensors

Pins: TypeAlias = frozenset[int]
"""Steps whose weights stay."""
SIZES: Final = 8
"""Of pinned bytes, from none to all that fit, of which each is planned."""
HALVINGS: Final = 2
"""Of the distance between sizes: on either side of the best one, one is planned each time."""
FEW: Final = 8
"""Where no more layers have weights that the pool holds, all sets of them are planned: 256 at most, of a
network so small that it takes a tenth of a second. Among few layers it matters which are pinned."""


@dataclass(frozen=True)
class PinProblem:
    """A network whose weights may stay.

    Attributes:
        network: Tensors and their uses.
        pool: Where they may lie, all of it.
        moved: Prices of each step whose weights come from outside.
        in_place: The same where its weights lie in the pool; None of a step without weights.
        size_bytes: Of the weights of each step.
        by_product: Whether of plans the product of energy and delay is to be small, and not the price.
        keeping: Whether activations may stay, too; else none does but where it cannot be elsewhere.

    Example:
        >>> from accelsim.mapping.staircase import StepCost, Staircase
        >>> from accelsim.planning.tensors import LayerUse, Tensor
        >>> tensors = Tensor("image", 6, is_image=True), Tensor("fc", 1, is_result=True)
        >>> network = NetworkTensors(tensors, (LayerUse((0,), (), 1),))
        >>> activations = frozenset({Operand.INPUTS, Operand.OUTPUTS})
        >>> moved = {activations | {Operand.WEIGHTS}: Staircase((20,), (70.0,), (StepCost(70),), (0,))}
        >>> in_place = {activations: Staircase((10,), (7.0,), (StepCost(7),), (0,))}
        >>> pins, plan = PinProblem(network, Pool(64), [moved], [in_place], [50]).solved()
        >>> sorted(pins), plan.price
        ([0], 7.0)
    """

    network: NetworkTensors
    pool: Pool
    moved: Sequence[StepPrices]
    in_place: Sequence[StepPrices | None]
    size_bytes: Sequence[int]
    by_product: bool = False
    keeping: bool = True
    _plans: dict[Pins, ResidencyPlan | DoesNotFit] = field(default_factory=dict, init=False, compare=False)

    def plan(self, pins: Pins) -> ResidencyPlan | DoesNotFit:
        """The best plan beside the weights of some steps."""
        if pins not in self._plans:
            pool, prices = self.beside(pins)
            if self.keeping:
                plan = plan_residency(self.network, pool, prices, reasons=False)
            else:
                plan = nothing_kept(self.network, pool, prices)
            self._plans[pins] = plan
        return self._plans[pins]

    def beside(self, pins: Pins) -> tuple[Pool, list[StepPrices]]:
        """What the weights of some steps leave of the pool, and the prices of all steps then."""
        prices = [
            in_place if step in pins and in_place is not None else moved
            for step, (moved, in_place) in enumerate(zip(self.moved, self.in_place, strict=True))
        ]
        return replace(self.pool, size_bytes=self.pool.size_bytes - self.bytes_of(pins)), prices

    def bytes_of(self, pins: Pins) -> int:
        """What the weights of some steps take."""
        return sum([self.size_bytes[step] for step in pins])

    def solved(self) -> tuple[Pins, ResidencyPlan | DoesNotFit]:
        """The pins that are chosen, and the plan beside them; no pins where nothing fits either way."""
        pinnable = [
            step
            for step, (in_place, size_bytes) in enumerate(zip(self.in_place, self.size_bytes, strict=True))
            if in_place is not None and size_bytes <= self.pool.size_bytes
        ]
        if len(pinnable) <= FEW:
            best = self._best_set(pinnable)
            return best, self.plan(best)
        none: Pins = frozenset()
        for least in (none, *self._least(pinnable)):
            first = self.plan(least)
            if isinstance(first, ResidencyPlan):
                best = self._best_by_size(self._ranked(first, pinnable), least)
                return best, self.plan(best)
        return none, self.plan(none)

    def _least(self, pinnable: Sequence[int]) -> Iterator[Pins]:
        """Pins with which a network may fit that does not without: of steps without room for their tiles.

        First of those that a plan stops at, one after the other; then of those that have no room beside what
        has to be there where nothing else stays.
        """
        pins: Pins = frozenset()
        while isinstance(plan := self.plan(pins), DoesNotFit) and plan.step in pinnable:
            if plan.step in pins:
                break
            pins |= {plan.step}
        yield pins
        if len(self._needs) < len(self.moved):  # no pool is large enough: it is told of one step only
            return
        pins, more = frozenset(), True
        while more:
            room_bytes = self.pool.size_bytes - self.bytes_of(pins)
            without_room = {step for step in pinnable if self._needs[step][0] > room_bytes}
            more, pins = not without_room <= pins, pins | without_room
        yield pins

    def _best_set(self, pinnable: Sequence[int]) -> Pins:
        """Of all sets that the pool holds."""
        sizes = range(len(pinnable) + 1)
        sets = map(frozenset, chain.from_iterable(combinations(pinnable, size) for size in sizes))
        return min([pins for pins in sets if self._holds(self.pool.size_bytes, pins)], key=self._value)

    def _best_by_size(self, ranked: Sequence[int], least: Pins) -> Pins:
        """Of the first of the ranking that fit in each of some sizes, finer ones beside the best of them."""
        within = partial(self._within, ranked, least)
        fitting = self._first_within(ranked, least, self._fits_beside_others)
        least_bytes = self.bytes_of(least)
        step = (self.bytes_of(fitting) - least_bytes) / (SIZES - 1)
        by_limit = {part * step: within(least_bytes + part * step) for part in range(SIZES)}
        for _ in range(HALVINGS):
            step /= 2
            best = min(by_limit, key=lambda limit: self._value(by_limit[limit]))
            by_limit |= {limit: within(least_bytes + limit) for limit in (best - step, best + step)}
        return self._with_more(min([fitting, *by_limit.values()], key=self._value))

    def _with_more(self, pins: Pins) -> Pins:
        """With layers added, one by one, that pay beside all that stays already."""
        _, in_place = self.beside(frozenset(range(len(self.moved))))
        while isinstance(plan := self.plan(pins), ResidencyPlan):
            _, moved = self.beside(pins)
            others = [step for step, of_step in enumerate(self.in_place) if of_step and step not in pins]
            reasons = why_not_pinned(
                plan, moved, in_place, self.size_bytes, others, by_product=self.by_product
            )
            paying = [
                pins | {step}
                for step, reason in reasons.items()
                if isinstance(reason, CostsMore) and reason.price_if_kept < reason.price
            ]
            best = min(paying, key=self._value, default=pins)
            if self._value(best) >= self._value(pins):
                break
            pins = best
        return pins

    def _within(self, ranked: Sequence[int], least: Pins, limit_bytes: float) -> Pins:
        return self._first_within(ranked, least, partial(self._holds, limit_bytes))

    def _holds(self, size_bytes: float, pins: Pins) -> bool:
        return self.bytes_of(pins) <= size_bytes

    def _value(self, pins: Pins) -> tuple[float, int]:
        """Of equal plans the one with fewer pinned bytes is better."""
        plan = self.plan(pins)
        if isinstance(plan, DoesNotFit):
            return math.inf, self.bytes_of(pins)
        value = plan.cost.cycles * plan.cost.energy if self.by_product else plan.price
        return value, self.bytes_of(pins)

    def _ranked(self, plan: ResidencyPlan, pinnable: Sequence[int]) -> list[int]:
        """The steps whose weights save something where they are, those that save most a byte first."""
        saved: dict[int, float] = {}
        for step in pinnable:
            of_step, in_place = plan.steps[step], self.in_place[step]
            if in_place is not None and Operand.WEIGHTS in of_step.moved:
                price = self.moved[step][of_step.movement].at(of_step.room_bytes)
                saved[step] = price - in_place[beside_pinned_weights(of_step.movement)].at(of_step.room_bytes)
        return sorted(saved, key=lambda step: -saved[step] / max(1, self.size_bytes[step]))

    @cached_property
    def _needs(self) -> list[tuple[int, int]]:
        """What each step needs of the pool beside pinned weights, where its own move, and where not."""
        _, moved = self.beside(frozenset())
        _, in_place = self.beside(frozenset(range(len(self.moved))))
        needs = (step_needs(self.network, self.pool, prices) for prices in (moved, in_place))
        return [
            (of_moved.size_bytes, of_placed.size_bytes) for of_moved, of_placed in zip(*needs, strict=True)
        ]

    def _fits_beside_others(self, pins: Pins) -> bool:
        """Whether the pool holds the weights, and what has to be there besides at each step."""
        least = max([needs[step in pins] for step, needs in enumerate(self._needs)])
        return self.bytes_of(pins) + least <= self.pool.size_bytes

    def _first_within(self, ranked: Sequence[int], least: Pins, fit: Callable[[Pins], bool]) -> Pins:
        """Each in turn that fits together with those before it, and with the least."""
        pins = least
        for step in ranked:
            if fit(pins | {step}):
                pins |= {step}
        return pins

"""Kinds of steps: those that cost the same in the same room, by whatever weights."""

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple, TypeAlias

from accelsim.hardware import Hardware, Operand
from accelsim.mapping.staircase import (
    Arriving,
    Moved,
    Movement,
    Staircase,
    StepPrices,
    Weights,
    beside_pinned_weights,
)
from accelsim.network.layer import Layer
from accelsim.planning.given_plan import as_said
from accelsim.planning.movements import may_move
from accelsim.planning.network_to_plan import NetworkToPlan

StaircaseBy: TypeAlias = Callable[[Weights], Staircase]
"""What a step costs by the room that its tiles have, by any weights."""


class Kind(NamedTuple):
    """What steps have in common that cost the same."""

    staircases: dict[Movement, StaircaseBy]
    """By what of them may move."""
    lost_bytes: int
    """Room that tensors leave and tiles cannot have."""


class Kinds(NamedTuple):
    """The steps of a network by what they may cost."""

    kinds: tuple[Kind, ...]
    of_steps: tuple[int, ...]
    """Which of them each step is."""

    @property
    def movements(self) -> list[Collection[Movement]]:
        """Of each step, what of it may move."""
        return [self.kinds[kind].staircases.keys() for kind in self.of_steps]

    def prices(self, weights: Weights) -> list[StepPrices]:
        """Of each step."""
        prices: list[StepPrices] = []
        for staircases, lost_bytes in self.kinds:
            of_kind = {movement: staircase(weights) for movement, staircase in staircases.items()}
            if lost_bytes:
                of_kind = {movement: stairs.beside(lost_bytes) for movement, stairs in of_kind.items()}
            prices.append(of_kind)
        return [prices[kind] for kind in self.of_steps]


def kinds_of(
    network: NetworkToPlan,
    pins: frozenset[int],
    hardware: Hardware,
    on_chip: str,
    staircase_of: Callable[[Layer, Movement], StaircaseBy],
) -> Kinds:
    """The kinds of a network's steps.

    Args:
        network: What is planned.
        pins: Steps whose weights stay, and so do not move.
        hardware: The machine.
        on_chip: The memory in which tensors stay.
        staircase_of: Of a layer without its name, of which something moves.
    """
    numbers: dict[tuple[int, bool, bool, int], int] = {}
    kinds: list[Kind] = []
    of_steps: list[int] = []
    for step, (form, lost_bytes) in enumerate(zip(network.forms, network.lost_bytes, strict=True)):
        key = form, step in network.arrivals, step in pins, lost_bytes
        if key not in numbers:
            numbers[key] = len(kinds)
            layer = network.layers[step].nameless
            sets = may_move(hardware, layer)
            arrivals = arriving(sets) if step in network.arrivals else []
            movements: Iterable[Movement] = as_said(layer.given, [*sets, *arrivals], on_chip)
            movements = map(beside_pinned_weights, movements) if step in pins else movements
            staircases = {movement: staircase_of(layer, movement) for movement in movements}
            kinds.append(Kind(staircases, lost_bytes))
        of_steps.append(numbers[key])
    return Kinds(tuple(kinds), tuple(of_steps))


def arriving(sets: Iterable[Moved]) -> list[Arriving]:
    """Those in which inputs move, and come to stay."""
    return [Arriving(moved) for moved in sets if Operand.INPUTS in moved]

"""By what mappings are compared: time, energy, or their product; and by time where those are equal."""

from typing import Final, TypeVar, assert_never

import numpy as np

from accelsim.columns import Flags, Floats, Ints
from accelsim.hardware import Hardware, Objective
from accelsim.mapping.candidates import Bounds

NumbersT = TypeVar("NumbersT", float, Floats)
VALUE_ROUNDING: Final = 1e-9
"""Sums of the same numbers in another order differ by less."""


def that_decides(objective: Objective, hardware: Hardware) -> Objective:
    """The objective by which mappings differ at all: time, where no action costs any energy."""
    return "time" if hardware.prices.all_free else objective


def objective_value(time: NumbersT, energy: NumbersT, objective: Objective) -> NumbersT:
    """What is to be as small as possible, of one mapping or of many.

    Example:
        >>> objective_value(2.0, 5.0, "edp"), objective_value(2.0, 5.0, "energy")
        (10.0, 5.0)
    """
    match objective:
        case "time":
            return time
        case "energy":
            return energy
        case "edp":
            return time * energy
        case _:
            assert_never(objective)


def lower_bound(bounds: Bounds, objective: Objective) -> Floats:
    """What the objective values of mappings do not go below."""
    return objective_value(bounds.time_cycles, bounds.energy, objective)


def next_key(time: Floats, energy: Floats, objective: Objective) -> Floats:
    """What decides between equals: time, or energy where the objective is time."""
    return energy if objective == "time" else time


def best_first(time: Floats, energy: Floats, objective: Objective, owner: "Ints | None" = None) -> Ints:
    """Indices from the best to the worst, owner after owner.

    Those that are as good as the best of their owner but for rounding are equal to it; between equals time
    decides (energy where the objective is time), then who came first.
    """
    owner = np.zeros(len(time), dtype=np.int64) if owner is None else owner
    values = objective_value(time, energy, objective)
    least = np.full(int(owner.max(initial=0)) + 1, np.inf)
    np.minimum.at(least, owner, values)
    best = least[owner]
    rounded = np.where(as_good(values, best), best, values)
    return np.lexsort((next_key(time, energy, objective), rounded, owner))


def as_good(values: Floats, references: Floats) -> Flags:
    """Where a value may be as small as its reference, if sums had been added up in another order."""
    return values <= references * (1 + VALUE_ROUNDING)


def best_of_each(owner: Ints, values: "Floats | Ints", max_count: int) -> Ints:
    """Indices of the smallest values of each owner."""
    ranked = np.lexsort((values, owner))
    return ranked[rank_within(owner[ranked]) < max_count]


def few_of_each(owner: Ints, values: Floats, max_count: int) -> Ints:
    """Indices of very few of the smallest values of each owner, rising: looked for one by one, not sorted.

    Args:
        owner: Of each value, not falling.
        values: Some of each owner.
        max_count: Of an owner.

    Example:
        >>> few_of_each(np.array([3, 3, 3, 7]), np.array([2.0, 1.0, 3.0, 9.0]), 2)
        array([0, 1, 3])
    """
    begins = np.flatnonzero(_begins(owner))
    place = np.cumsum(_begins(owner)) - 1  # of each owner among all
    left, is_found = values.copy(), np.zeros(len(owner), dtype=np.bool_)
    for _ in range(max_count):
        is_least = np.flatnonzero(left == np.minimum.reduceat(left, begins)[place])
        first = is_least[_begins(owner[is_least])]
        left[first], is_found[first] = np.inf, True
    return np.flatnonzero(is_found)


def _begins(owner: Ints) -> Flags:
    """Where the entries of an owner begin."""
    begins = np.ones(len(owner), dtype=np.bool_)
    np.not_equal(owner[1:], owner[:-1], out=begins[1:])
    return begins


def rank_within(owner: Ints) -> Ints:
    """The rank of each entry among those of its owner, from 0 on; entries stand owner after owner.

    Example:
        >>> rank_within(np.array([3, 3, 7, 7, 7]))
        array([0, 1, 0, 1, 2])
    """
    every, begins = np.arange(len(owner)), _begins(owner)
    return every - np.maximum.accumulate(every * begins)

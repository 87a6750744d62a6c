"""Candidates that break constraints: what to say where none is left, with the nearest of them."""

from collections.abc import Sequence

from accelsim.descriptions import flow_text
from accelsim.search.evaluate import everyone, none_runs
from accelsim.search.metrics import AT_A_RATE, METRIC_INDEX, Numbers
from accelsim.search.spec import Sweep


class Infeasible:
    """How far candidates are from the constraints, to say by how much those that exclude all do so."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._counts = [0] * len(sweep.constraints)
        self._nearest: list[tuple[float, int, float] | None] = [None] * len(sweep.constraints)
        """Of each constraint: the least excess, whose it is, and its value."""
        self._together: tuple[tuple[bool, float, int], Numbers] | None = None

    def see(self, index: int, numbers: Numbers, simulated: bool) -> None:
        """Take note of a candidate that breaks a constraint."""
        total = 0.0
        for number, limit in enumerate(self._sweep.constraints):
            if limit.metric.simulated and not simulated:
                continue
            value = numbers[METRIC_INDEX[limit.metric.name]]
            excess = limit.excess(value)
            total += excess / (abs(limit.bound) or 1.0)
            self._counts[number] += 1
            miss = (excess, index, 0.0 if value is None else value)
            self._nearest[number] = min(self._nearest[number] or miss, miss)
        key = (not simulated, total, index)
        if self._together is None or key < self._together[0]:
            self._together = (key, numbers)

    def why_none(self, evaluated: int, problems: Sequence[tuple[int, str]]) -> str:
        """One line for each constraint that excludes all; or for those that do so together."""
        if self._together is None:
            return none_runs(evaluated, min(problems)[1])
        by_themselves = [
            self._line(number) for number, nearest in enumerate(self._nearest) if nearest and nearest[0] > 0
        ]
        return "\n".join(by_themselves) or self._line_together(evaluated)

    def _line(self, number: int) -> str:
        """That one constraint excludes all, and by how much the nearest candidate misses it."""
        limit, nearest = self._sweep.constraints[number], self._nearest[number]
        assert nearest is not None
        excess, index, value = nearest
        excluded = f"excludes {everyone(self._counts[number])}"
        if limit.metric.simulated and self._counts[number] < max(self._counts):
            excluded += " that the others leave to be simulated"
        demand = self._sweep.demand
        if excess == float("inf") and demand is not None and limit.metric.name in AT_A_RATE:
            return f"{limit.text}: {excluded}: none of them keeps {demand.frames_per_second:g} frames/s"
        if excess == float("inf"):
            return f"{limit.text}: {excluded}: none of them has a published or known {limit.metric.name}"
        side = "more" if limit.at_most else "less"
        return (
            f"{limit.text}: {excluded}: the nearest, {label(self._sweep, index)}, has {_number_text(value)}, "
            f"{_number_text(excess)} {side}"
        )

    def _line_together(self, evaluated: int) -> str:
        assert self._together is not None
        (_, _, index), numbers = self._together
        missed = []
        for limit in self._sweep.constraints:
            value = numbers[METRIC_INDEX[limit.metric.name]]
            if value is not None and (excess := limit.excess(value)) > 0:
                side = "much" if limit.at_most else "little"
                missed.append(f"{limit.metric.name} {_number_text(value)}, {_number_text(excess)} too {side}")
        texts = ", ".join(limit.text for limit in self._sweep.constraints)
        return (
            f"constraints: together they exclude {everyone(evaluated)}, none alone ({texts}): the "
            f"nearest, {label(self._sweep, index)}, has {' and '.join(missed)}"
        )


def label(sweep: Sweep, index: int) -> str:
    """`pe_array.rows = 8, networks = sqnxt23v5`: what tells a candidate from the others."""
    settings = sweep.settings(index)
    varying = {axis.name: settings[axis.name] for axis in sweep.varying} or settings
    texts = {
        name: flow_text(value) if isinstance(value, list | dict) else value for name, value in varying.items()
    }
    return ", ".join(f"{name} = {text}" for name, text in texts.items())


def _number_text(value: float) -> str:
    return f"{value:.15g}" if value == int(value) else f"{value:.4g}"

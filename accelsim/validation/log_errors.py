"""Simulated figures beside measured ones, as a distribution of errors.

An error is ln(simulated / measured): equally large for a third too much and a third too little. Measurements
of one thing are repeats: each counts as a part, so that all of them together count once.
"""

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from accelsim.columns import Floats

NEARLY: Final = 0.1
"""How far a simulated figure may be off, as a part of the measured one, to count as near it."""
_ROUNDING: Final = 1e-9
"""Of sums of parts that are whole together."""


class MeasuredFigure(NamedTuple):
    """One measurement, and what was simulated of it.

    Attributes:
        measured: By whoever published it.
        simulated: In the same unit.

    Example:
        >>> round(MeasuredFigure("conv1", measured=16.5, simulated=16.0).log_error, 3)
        -0.031
    """

    name: str
    """What was measured."""
    measured: float
    simulated: float
    repeats: Hashable = None
    """What it is a measurement of, where the same was measured several times; None where it was once."""

    @property
    def log_error(self) -> float:
        """ln(simulated / measured)."""
        return math.log(self.simulated / self.measured)


@dataclass(frozen=True)
class LogErrors:
    """The errors of one quantity over all figures, repeats weighed once.

    Attributes:
        mean_abs_log_error: Mean of the absolute values.
        median_abs_log_error: Half of the figures are as near or nearer.
        max_abs_log_error: Of the one that is furthest off.

    Example:
        >>> log_errors([MeasuredFigure("a", 1.0, 1.0), MeasuredFigure("b", 2.0, 2.5)]).within_10_percent
        0.5
    """

    mean_abs_log_error: float
    median_abs_log_error: float
    max_abs_log_error: float
    bias: float
    """Mean of the errors with their signs: above 0 where too much is simulated."""
    within_10_percent: float
    """The part of the figures that is simulated within 10 % of what was measured."""
    rank_correlation: float | None
    """Spearman's, of simulated and measured figures; None where all of either are alike."""


def log_errors(figures: Sequence[MeasuredFigure]) -> LogErrors:
    """The errors of figures of one quantity.

    Args:
        figures: One at least, all above 0.

    Returns:
        Their distribution.

    Raises:
        ValueError: There is no figure, or one is not above 0.

    Example:
        >>> twice = [MeasuredFigure("a", measured, 1.0, repeats="a") for measured in (1.0, 1.25)]
        >>> once = [MeasuredFigure("b", 2.0, 2.0), MeasuredFigure("c", 4.0, 4.0)]
        >>> round(log_errors([*twice, *once]).mean_abs_log_error, 4)
        0.0372
    """
    if not figures:
        raise ValueError("there is no figure to compare")
    for figure in figures:
        if not min(figure.measured, figure.simulated) > 0:
            raise ValueError(f"{figure.name} is {figure.simulated:g}, measured as {figure.measured:g}")
    weights = _weights(figures)
    errors = np.array([figure.log_error for figure in figures])
    off_by = np.array([abs(figure.simulated / figure.measured - 1) for figure in figures])
    return LogErrors(
        mean_abs_log_error=float(np.abs(errors) @ weights),
        median_abs_log_error=_median(np.abs(errors), weights),
        max_abs_log_error=float(np.abs(errors).max()),
        bias=float(errors @ weights),
        within_10_percent=float((off_by <= NEARLY * (1 + _ROUNDING)) @ weights),
        rank_correlation=_rank_correlation(figures, weights),
    )


def _weights(figures: Sequence[MeasuredFigure]) -> Floats:
    """Of each figure, 1 in all; those that are repeats of one another have that of one figure together."""
    keys = [index if figure.repeats is None else figure.repeats for index, figure in enumerate(figures)]
    how_many = Counter(keys)
    weights: Floats = np.array([1 / how_many[key] for key in keys]) / len(how_many)
    return weights


def _median(values: Floats, weights: Floats) -> float:
    """The value that as much weight is below as above; between two of them, the middle."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order])
    lower = int(np.argmax(below >= 0.5 - _ROUNDING))
    upper = int(np.argmax(below > 0.5 + _ROUNDING))
    return float(values[order[lower]] + values[order[upper]]) / 2


def _rank_correlation(figures: Sequence[MeasuredFigure], weights: Floats) -> float | None:
    ranks = [
        _ranks(np.array(values), weights)
        for values in (
            [figure.measured for figure in figures],
            [figure.simulated for figure in figures],
        )
    ]
    measured, simulated = (rank - rank @ weights for rank in ranks)
    spread = math.sqrt(float(measured**2 @ weights) * float(simulated**2 @ weights))
    return None if spread < _ROUNDING else float(measured * simulated @ weights) / spread


def _ranks(values: Floats, weights: Floats) -> Floats:
    """Where each value stands among all of them: the weight below it, and half of that which is equal."""
    ranks: Floats = np.array(
        [float(weights[values < value].sum() + weights[values == value].sum() / 2) for value in values]
    )
    return ranks

"""Simulated against measured: points are where the figures are, and words can be read."""

import math

import pytest
from legible import assert_legible

from accelsim.report.plots.measured import MeasuredPanel, measured_figure
from accelsim.validation.log_errors import MeasuredFigure

FIGURES = [MeasuredFigure("a", 10.0, 11.0), MeasuredFigure("b", 200.0, 150.0), MeasuredFigure("c", 3e4, 3e4)]
PANEL = MeasuredPanel("chip: time", "time [ms]", {"one": FIGURES[:2], "other": FIGURES[2:]})


def test_points_are_the_figures_and_their_errors():
    scatter, residuals = measured_figure([PANEL]).axes
    assert [tuple(xy) for drawn in scatter.collections[1:] for xy in drawn.get_offsets()] == [
        (figure.measured, figure.simulated) for figure in FIGURES
    ]
    errors = [tuple(xy) for drawn in residuals.collections for xy in drawn.get_offsets()]
    assert errors == [
        (figure.measured, pytest.approx(math.log(figure.simulated / figure.measured))) for figure in FIGURES
    ]


def test_words_can_be_read():
    assert_legible(measured_figure([PANEL, PANEL._replace(title="chip: power", axis="power [mW]")]))

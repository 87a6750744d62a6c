"""The profile of a run in figures, and the published table as a picture."""

from itertools import pairwise

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from accelsim.report.plots.published import points, published_figure
from accelsim.report.values.run_profile import profile, variation
from accelsim.validation.pinned import load_pinned
from accelsim.validation.reproduction import compare_with


@pytest.fixture
def pinned(published):
    return compare_with(published, load_pinned(published.name))


def test_the_first_convolution_s_share_is_of_the_whole_network_s_time(a_layer, a_result):
    pool = a_layer(name="pool", stage="pool", macs=0, cycles=100_000, utilization=0.0)
    body = a_layer(name="body", stage="body", cycles=500_000)
    one = profile(a_result(a_layer(cycles=400_000), pool, body))
    assert one.first_convolution_time_share == 0.4
    assert one.stage("pool").time_share == 0.1
    assert [stage.name for stage in one.stages] == ["conv1", "pool", "body"]


def test_layers_that_take_the_same_time_are_flat(a_layer, a_result):
    one = profile(a_result(a_layer(), a_layer(name="body"), a_layer(name="fc")))
    assert (one.time_variation, one.utilization_variation) == (0, 0)


def test_layers_of_the_vector_unit_do_not_make_a_profile_uneven(a_layer, a_result):
    add = a_layer(name="add", macs=0, cycles=1, utilization=0.0)
    assert profile(a_result(a_layer(), add, a_layer(name="fc"))).time_variation == 0


def test_without_the_first_convolution_the_others_may_be_flat(a_layer, a_result):
    one = profile(a_result(a_layer(cycles=900_000), a_layer(name="a"), a_layer(name="b")))
    assert one.time_variation > 0.4
    assert one.time_variation_after_first == 0


def test_variation_is_the_deviation_in_units_of_the_mean():
    assert variation([1, 3]) == 0.5


def test_a_column_s_points_are_labelled_with_name_and_error(pinned):
    column = points(pinned, "16x16_128k", "time")
    assert len(column) == 13
    assert "1.0-SqNxt-23v5  reference" in [point.label for point in column]
    assert [point.simulated for point in column] == sorted(point.simulated for point in column)
    assert all("reference" not in point.label for point in points(pinned, "16x16_128k", "energy"))


def test_no_names_of_the_picture_overlap_or_leave_it(pinned):
    figure = published_figure(pinned)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    assert len(figure.axes) == 4
    for axes in figure.axes:
        assert len(axes.texts) == 13
        boxes = sorted((Text.get_window_extent(name) for name in axes.texts), key=lambda box: box.y0)
        assert all(below.y1 <= above.y0 for below, above in pairwise(boxes))
        assert all(box.x1 <= figure.bbox.x1 for box in boxes)
        beside = [other for other in figure.axes if other.bbox.x0 > axes.bbox.x1]
        assert all(box.x1 < other.get_tightbbox().x0 for box in boxes for other in beside)

"""The per-layer figure: its values, and that its labels can be read."""

from itertools import combinations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from accelsim.report.plots.layers import (
    LayerBar,
    layer_bars,
    layer_spans,
    layers_figure,
)
from accelsim.report.plots.stages import cut_limit


def test_a_bar_is_a_layer_in_microseconds(a_layer, a_result):
    (bar,) = layer_bars(a_result(a_layer()))
    assert bar == LayerBar("conv1", "conv1", time_us=400.0, utilization=0.588, bound_by="compute")


def test_a_stage_spans_its_layers_and_has_their_share(a_deep_result):
    spans = layer_spans(layer_bars(a_deep_result))
    assert [(span.name, span.first, span.last) for span in spans] == [
        ("conv1", 0, 0),
        ("stage1", 1, 66),
        ("stage2", 67, 132),
        ("fc", 133, 133),
    ]
    assert sum(span.share for span in spans) == pytest.approx(1.0)
    assert spans[0].share == 400_000 / a_deep_result.cycles


def test_only_bars_far_above_most_are_cut():
    assert cut_limit(range(1, 101)) > 100
    assert cut_limit([*[10] * 99, 1000]) == 30.0
    assert cut_limit([1000, 1, 1]) > 1000
    assert cut_limit([0, 0]) > 0


def test_a_bar_that_is_cut_has_its_value(a_deep_result):
    figure = layers_figure([a_deep_result])
    above = figure.subfigs[1].axes[0]
    assert [text.get_text() for text in above.texts] == ["400 µs", "400 µs"]


def test_each_result_has_a_title_and_one_scale_serves_all(a_deep_result, a_layer, a_result):
    figure = layers_figure([a_deep_result, a_result(a_layer(cycles=30_000))])
    first, second = (part.axes[0] for part in figure.subfigs[1:])
    assert first.get_title(loc="left") == "Layers of net on machine: 2.32 ms, 59% of the PE cycles multiply"
    assert first.get_ylim() == second.get_ylim()
    (legend,) = figure.subfigs[0].legends
    assert [text.get_text() for text in legend.get_texts()] == ["bound by", "MACs", "DRAM"]


def test_labels_of_stages_do_not_overlap(a_layer, a_result):
    layers = [a_layer()]
    layers += [a_layer(name=f"s.{i}", stage="s", cycles=1_000) for i in range(130)]
    layers += [a_layer(name=name, stage=name) for name in ("head", "pool", "fc")]
    figure = layers_figure([a_result(*layers)])
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    below = figure.subfigs[1].axes[1]
    above = figure.subfigs[1].axes[0]
    texts = (above.title, *above.texts, *below.texts, below.xaxis.label)
    boxes = [text.get_window_extent(canvas.get_renderer()) for text in texts if text.get_text()]
    assert len(boxes) == 10
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    inside = figure.bbox
    assert all(inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 for box in boxes)

"""What can be read of a figure, measured on what matplotlib draws: words, markers, and lines to names."""

from itertools import combinations
from unittest import mock

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import same_color, to_rgb
from matplotlib.path import Path
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Affine2D

SAVED_DPI = 120
EDGE_PIXELS = 0.5
"""Of the white line around a marker, what lies outside."""


LEAST_CONTRAST = 4.5
"""Of text, in WCAG 2 (AA)."""


def words_of(figure):
    """(text, box) of all words that are drawn: ticks beyond the ends of an axis are not."""
    drawn = []
    draw = Text.draw

    def record(text, renderer):
        draw(text, renderer)
        drawn.append(text)

    with mock.patch.object(Text, "draw", record):
        FigureCanvasAgg(figure).draw()
    words = [text for text in dict.fromkeys(drawn) if text.get_text().strip() and text.get_visible()]
    return [(text, Text.get_window_extent(text)) for text in words]


def assert_legible(figure, *, faint=None):
    """No words lie on others, on a marker, on a line or on a legend's edge, and none outside.

    Each line to a name leads past all other names and markers, and crosses no other. Only markers in the
    colour `faint` may be crossed by it.
    """
    figure.dpi = SAVED_DPI
    words = words_of(figure)
    assert len(words) > 5
    for (one, box), (other, beside) in combinations(words, 2):
        assert not box.overlaps(beside), (one.get_text(), other.get_text())
    for text, box in words:
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= figure.bbox.x1 + 1, text
        assert box.y1 <= figure.bbox.y1 + 1, text
        ground = text.get_bbox_patch()
        if ground is not None and ground.get_alpha() is None and ground.get_fill():
            assert contrast(text.get_color(), ground.get_facecolor()) >= LEAST_CONTRAST, text
    for axes in [*figure.axes, *(axes for part in figure.subfigs for axes in part.axes)]:
        _assert_clear(axes, {text: box for text, box in words if text in axes.texts}, faint)


def contrast(one, other):
    """Of two colours, as WCAG 2 has it: from 1 to 21."""

    def luminance(colour):
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)
        ]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def _assert_clear(axes, names, faint):
    markers = markers_of(axes)
    to_pass = markers_of(axes, faint)
    leaders, lines = lines_of(axes, names)
    legend = axes.get_legend()
    for text, box in names.items():
        for _, outline in markers:
            assert not outline.intersects_bbox(box), (text.get_text(), "on a marker")
        for name, leader in leaders:
            assert name is text or not leader.intersects_bbox(box, filled=False), (
                text.get_text(),
                "on the line to",
                name.get_text(),
            )
        for line in lines:
            assert not line.intersects_bbox(box, filled=False), (text.get_text(), "on a line")
        if legend and legend.get_frame_on():
            assert not legend.get_window_extent().overlaps(box), (text.get_text(), "on the legend")
    for _, outline in markers if legend else ():
        assert not outline.intersects_bbox(legend.get_window_extent()), "a marker below the legend"
    for name, leader in leaders:
        start = leader.vertices[0]
        for middle, outline in to_pass:
            reach = np.hypot(*(outline.vertices - middle).T).max() + EDGE_PIXELS
            if np.hypot(*(start - middle)) > reach:
                assert not outline.intersects_path(leader), (name.get_text(), "leads through a marker")
    for (one, leader), (other, beside) in combinations(leaders, 2):
        if np.hypot(*(leader.vertices[0] - beside.vertices[0])) > 1:
            assert not leader.intersects_path(beside, filled=False), (
                one.get_text(),
                "crosses",
                other.get_text(),
            )


def markers_of(axes, but=None):
    """(middle, outline) of each marker of the scatter plots, but for those of a colour."""
    found = []
    for group in axes.collections:
        middles = group.get_offset_transform().transform(group.get_offsets())
        shapes = group.get_transforms()
        if (
            len(group.get_paths()) != 1
            or not len(shapes)
            or same_color(group.get_facecolor()[:1], but or "none")
        ):
            continue
        for index, middle in enumerate(middles):
            shape = group.get_paths()[0].transformed(Affine2D(shapes[index % len(shapes)]))
            found.append((middle, Path(shape.vertices + middle, shape.codes)))
    return found


def lines_of(axes, names):
    """Lines that lead to names, each with its name, and lines of other kinds, but for faint dotted ones."""
    leaders = [
        (name, name.arrow_patch.get_transform().transform_path(name.arrow_patch.get_path()))
        for name in names
        if isinstance(name, Annotation) and name.arrow_patch
    ]
    lines = []
    for line in [line for line in axes.lines if len(line.get_xydata())]:
        path = line.get_transform().transform_path(line.get_path())
        near = [
            name for name in names if isinstance(name, Annotation) and name.xy == tuple(line.get_xydata()[0])
        ]
        if len(path.vertices) == 2 and near and same_color(line.get_color(), "0.5"):
            leaders.append((min(near, key=lambda name: _apart(path.vertices[1], names[name])), path))
        elif line.get_linestyle() != ":":
            lines.append(path)
    return leaders, lines


def _apart(place, box):
    return max(box.x0 - place[0], place[0] - box.x1, box.y0 - place[1], place[1] - box.y1)

"""Where names of points go: clear of each other, of points, of lines, and of each other's lines."""

from itertools import combinations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from matplotlib.path import Path
from matplotlib.transforms import Bbox

from accelsim.report.labels.geometry import (
    box_holds,
    boxes_overlap,
    distance_to_box,
    distance_to_line,
    line_enters_box,
    lines_cross,
)
from accelsim.report.labels.placement import Box, Disc, Label, Surroundings, place_labels

PAGE = Box(0, 0, 1000, 600)
GAP = 2.0
AT = st.tuples(st.floats(10, 990), st.floats(10, 590))


def names_at(points, width=70.0):
    return [Label(Disc(x, y, 4.0), width, 12.0) for x, y in points]


def bbox(box):
    return Bbox.from_extents(box.x0, box.y0, box.x1, box.y1)


def assert_clear(names, places):
    """No name on another, on a point or outside, no line through another name or across another line."""
    placed = [(name, place) for name, place in zip(names, places, strict=True) if place]
    for _, place in placed:
        box = bbox(place.box)
        assert PAGE.x0 <= box.x0 and box.x1 <= PAGE.x1 and PAGE.y0 <= box.y0 and box.y1 <= PAGE.y1
        for name in names:
            near = np.clip((name.marker.x, name.marker.y), box.min, box.max)
            assert np.hypot(*(near - (name.marker.x, name.marker.y))) >= name.marker.radius
    lines = [
        (name, place, Path([(name.marker.x, name.marker.y), place.line_end]))
        for name, place in placed
        if place.line_end
    ]
    for (_, one), (_, other) in combinations(placed, 2):
        assert not (one.box.x0 < other.box.x1 - 1e-9 and other.box.x0 < one.box.x1 - 1e-9) or not (
            one.box.y0 < other.box.y1 - 1e-9 and other.box.y0 < one.box.y1 - 1e-9
        )
    for _, one, line in lines:
        assert not any(
            place is not one and line.intersects_bbox(bbox(place.box), filled=False) for _, place in placed
        )
    for (one, _, line), (other, _, beside) in combinations(lines, 2):
        assert one.marker == other.marker or not line.intersects_path(beside, filled=False)


@settings(max_examples=40, deadline=None)
@given(st.lists(AT, min_size=1, max_size=25, unique=True))
def test_names_and_their_lines_keep_clear_of_everything(points):
    names = names_at(points)
    assert_clear(names, place_labels(names, Surroundings(PAGE, GAP)))


def test_a_point_alone_has_its_name_beside_it_without_a_line():
    (place,) = place_labels(names_at([(100, 100)], width=50.0), Surroundings(PAGE, GAP))
    assert place.box == Box(106, 94, 156, 106)
    assert place.line_end is None


def test_a_crowd_that_has_room_is_named_completely():
    names = names_at([(400 + 9 * (index % 6), 300 + 9 * (index // 6)) for index in range(12)])
    places = place_labels(names, Surroundings(PAGE, GAP))
    assert None not in places
    assert_clear(names, places)


def test_the_first_name_gives_way_where_the_second_has_no_other_place():
    page = Box(0, 0, 75, 100)  # as wide as a name and its point
    names = [Label(Disc(10, 50, 2.0), 60.0, 12.0), Label(Disc(10, 58, 2.0), 60.0, 12.0)]
    first, second = place_labels(names, Surroundings(page, GAP))
    assert first.box.y1 <= second.box.y0
    assert (first.line_end, second.line_end) == (None, None)


def test_of_names_without_room_for_all_the_last_is_left_out():
    page = Box(0, 0, 60, 14)
    places = place_labels([Label(Disc(5, 7, 2.0), 50.0, 12.0)] * 2, Surroundings(page, GAP))
    assert [place is None for place in places] == [False, True]


def test_what_is_there_is_kept_clear_of():
    boxes, discs = [Box(150, 80, 200, 120)], [Disc(80, 100, 6.0)]
    around = Surroundings(PAGE, GAP, discs=discs, lines=[[(0, 112), (1000, 112)]], boxes=boxes)
    (place,) = place_labels(names_at([(100, 100)]), around)
    assert place.box.y1 <= 100  # below: right is a box, left a point, above a line
    assert not boxes_overlap(as_row(place.box), as_row(boxes[0]))


def test_the_same_names_get_the_same_places():
    names = names_at([(300 + 11 * index % 60, 300 + 7 * index % 50) for index in range(15)])
    assert place_labels(names, Surroundings(PAGE, GAP)) == place_labels(names, Surroundings(PAGE, GAP))


def test_no_names_take_no_places():
    assert place_labels([], Surroundings(PAGE, GAP)) == []


# --- geometry


def as_row(box):
    return np.array((box.x0, box.y0, box.x1, box.y1))


NUMBER = st.integers(0, 12)
BOX = st.tuples(NUMBER, NUMBER, st.integers(1, 6), st.integers(1, 6)).map(
    lambda one: np.array((one[0], one[1], one[0] + one[2], one[1] + one[3]), float)
)
LINE = st.tuples(NUMBER, NUMBER, NUMBER, NUMBER).filter(lambda one: one[:2] != one[2:]).map(np.array)


@given(LINE, BOX)
def test_a_line_enters_a_box_where_one_of_its_points_is_inside(line, box):
    parts = np.linspace(0, 1, 2001)[:, None]
    points = line[:2] + parts * (line[2:] - line[:2])
    inside = ((points > box[:2] + 1e-9) & (points < box[2:] - 1e-9)).all(1).any()
    assert not inside or line_enters_box(line, box)
    around = ((points > box[:2] - 1e-2) & (points < box[2:] + 1e-2)).all(1).any()
    assert around or not line_enters_box(line, box)


@pytest.mark.parametrize(
    ("other", "cross"),
    [((0, 4, 4, 0), True), ((0, 0, 4, 0), False), ((5, 0, 9, 4), False), ((5, 4, 4, 5), False)],
)
def test_lines_cross_where_each_has_an_end_on_either_side_of_the_other(other, cross):
    assert lines_cross(np.array((0, 0, 4, 4)), np.array(other)) == cross


def test_distances_are_to_the_nearest_place():
    box, line = np.array((0, 0, 4, 2)), np.array((0, 0, 4, 0))
    points = np.array([(7, 6), (2, 1), (2, 5)])
    assert list(distance_to_box(points, box)) == [5, 0, 3]
    assert list(distance_to_line(points, line)) == [np.hypot(3, 6), 1, 5]


def test_a_box_holds_what_does_not_leave_it():
    assert box_holds(np.array((0, 0, 4, 4)), np.array((0, 1, 4, 2)))
    assert not box_holds(np.array((0, 0, 4, 4)), np.array((0, 1, 5, 2)))

"""What holds for every Pareto front."""

import hypothesis.strategies as st
from hypothesis import given

from accelsim.search.pareto import Front, dominates

POINTS = st.lists(st.tuples(*[st.integers(0, 6)] * 3), max_size=30)


def front_of(points):
    front = Front()
    for point in points:
        front.add(point, point)
    return list(front)


@given(POINTS)
def test_nothing_dominates_a_member(points):
    assert not any(dominates(point, member) for member in front_of(points) for point in points)


@given(POINTS)
def test_whatever_is_not_a_member_is_dominated_by_one(points):
    members = front_of(points)
    assert all(point in members or any(dominates(member, point) for member in members) for point in points)


@given(POINTS, st.randoms(use_true_random=False))
def test_the_order_in_which_points_are_seen_does_not_matter(points, random):
    shuffled = points.copy()
    random.shuffle(shuffled)
    assert front_of(points) == front_of(shuffled)


@given(POINTS)
def test_points_of_equal_figures_are_all_members_or_none(points):
    members = front_of(points)
    assert all(members.count(point) in (0, points.count(point)) for point in set(points))


@given(POINTS, st.tuples(*[st.floats(0.1, 1)] * 3))
def test_every_weighted_sum_is_least_on_the_front(points, weights):
    def total(point):
        return sum(value * weight for value, weight in zip(point, weights, strict=True))

    if points:
        assert min(map(total, points)) == min(map(total, front_of(points)))


@given(
    st.integers(1, 4).flatmap(lambda n: st.lists(st.tuples(*[st.integers(0, 4)] * n), max_size=40)), st.data()
)
def test_many_points_at_once_make_the_front_that_they_make_one_by_one(points, data):
    one_by_one, at_once = Front(), Front()
    for number, point in enumerate(points):
        one_by_one.add(point, number)
    numbered = [(point, number) for number, point in enumerate(points)]
    cut = data.draw(st.integers(0, len(points)))
    at_once.add_all(numbered[:cut])
    at_once.add_all(numbered[cut:])
    assert list(at_once) == list(one_by_one)

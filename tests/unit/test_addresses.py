"""Addresses in a pool: no two tensors that are alive at once overlap, and tiles get the largest rest."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from accelsim.memory_map import Steps, TileRegion
from accelsim.planning.addresses import Lifetime, assign_addresses, best_fit

STEPS = 8
A_LIFETIME = st.builds(
    lambda size, first, length: Lifetime(size, Steps(first, min(first + length, STEPS - 1))),
    st.integers(1, 50),
    st.integers(0, STEPS - 1),
    st.integers(0, STEPS),
)
LIFETIMES = st.lists(A_LIFETIME, max_size=12)


def lifetime(size_bytes, first, last):
    return Lifetime(size_bytes, Steps(first, last))


def alive(lifetimes, step):
    return [index for index, life in enumerate(lifetimes) if life.steps.first <= step <= life.steps.last]


def assert_disjoint(lifetimes, offsets):
    for step in range(STEPS):
        for first, second in combinations(alive(lifetimes, step), 2):
            assert (
                offsets[first] + lifetimes[first].size_bytes <= offsets[second]
                or offsets[second] + lifetimes[second].size_bytes <= offsets[first]
            )


@given(lifetimes=LIFETIMES, pool_bytes=st.integers(1, 400))
def test_no_two_tensors_that_are_alive_at_once_overlap(lifetimes, pool_bytes):
    offsets, _ = assign_addresses(lifetimes, pool_bytes, [0] * STEPS)
    assert_disjoint(lifetimes, offsets)
    assert len(offsets) == len(lifetimes)
    assert min(offsets, default=0) >= 0


@given(lifetimes=LIFETIMES, pool_bytes=st.integers(1, 400), tile_bytes=st.integers(0, 100))
def test_tiles_get_the_largest_part_in_which_no_tensor_lies(lifetimes, pool_bytes, tile_bytes):
    offsets, regions = assign_addresses(lifetimes, pool_bytes, [tile_bytes] * STEPS)
    for step, region in enumerate(regions):
        is_free = [True] * pool_bytes
        for index in alive(lifetimes, step):
            end = offsets[index] + lifetimes[index].size_bytes
            is_free[offsets[index] : end] = [False] * len(is_free[offsets[index] : end])
        runs = "".join(" x"[free] for free in is_free).split()
        assert region.size_bytes == max(map(len, runs), default=0)
        assert all(is_free[region.address : region.address + region.size_bytes])
        assert region.missing_bytes == max(0, tile_bytes - region.size_bytes)


@given(lifetimes=LIFETIMES)
def test_a_pool_that_holds_all_tensors_beside_each_other_holds_them_with_all_that_is_left(lifetimes):
    total = sum(life.size_bytes for life in lifetimes)
    offsets, regions = assign_addresses(lifetimes, total + 10, [10] * STEPS)
    assert all(not region.missing_bytes for region in regions)
    assert all(
        offset + life.size_bytes <= total + 10 for offset, life in zip(offsets, lifetimes, strict=True)
    )


def as_they_begin(life):
    return (life.steps.first,)


def test_a_tensor_takes_the_smallest_gap_that_holds_it():
    lifetimes = [
        lifetime(10, 0, 9),
        lifetime(30, 0, 2),
        lifetime(10, 0, 9),
        lifetime(12, 0, 2),
        lifetime(10, 0, 9),
        lifetime(11, 4, 6),  # what lay in 30 bytes and in 12 bytes is gone
    ]
    assert best_fit(lifetimes, 100, as_they_begin) == (0, 10, 40, 50, 62, 50)


def test_what_has_no_room_in_one_piece_lies_above_the_pool():
    lifetimes = [
        lifetime(30, 0, 0),
        lifetime(40, 0, 1),
        lifetime(60, 1, 1),
    ]  # 30 bytes below the 40, 30 above
    assert best_fit(lifetimes, 100, as_they_begin) == (0, 30, 100)


def test_a_chain_reads_at_one_end_and_writes_at_the_other():
    chain = [lifetime(40, 0, 1), lifetime(30, 1, 2), lifetime(20, 2, 3), lifetime(10, 3, 4)]
    assert best_fit(chain, 100, as_they_begin) == (0, 40, 0, 20)
    offsets, regions = assign_addresses(chain, 100, [60, 30, 50, 70, 90])
    assert offsets == (0, 70, 0, 90)
    assert [region.missing_bytes for region in regions] == [0, 0, 0, 0, 0]


def test_of_room_in_several_pieces_the_tiles_get_one_and_what_is_missing_is_counted():
    # Each is alive beside the next, so that of any three in a row the middle one is at neither end for ever.
    ring = [lifetime(30, 0, 1), lifetime(30, 1, 2), lifetime(30, 2, 3), lifetime(20, 0, 3)]
    offsets, regions = assign_addresses(ring, 100, [50, 20, 20, 50])
    assert_disjoint(ring, offsets)
    assert [region.missing_bytes for region in regions] == [0, 0, 0, 0]
    assert assign_addresses([lifetime(40, 0, 0)], 100, [70])[1] == (TileRegion(40, 60, 70),)
    assert TileRegion(40, 60, 70).missing_bytes == 10


def test_what_stays_for_longest_lies_at_the_bottom():
    around = [lifetime(10, step, step) for step in range(6)]
    offsets, regions = assign_addresses([*around, lifetime(50, 0, 5)], 100, [40] * 6)
    assert offsets == (50,) * 6 + (0,)
    assert {region.size_bytes for region in regions} == {40}


def test_no_tensor_leaves_all_of_the_pool():
    assert assign_addresses([], 64, [10, 20]) == ((), (TileRegion(0, 64, 10), TileRegion(0, 64, 20)))

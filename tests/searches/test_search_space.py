"""The space of depths: which candidates there are, and which rules leave none."""

from math import comb

import pytest

from accelsim import load_network
from accelsim.descriptions import dump
from accelsim.network.build import build
from accelsim.network.configuration import configure, read_network
from accelsim.network.graph import total_params
from accelsim.search.space import SpaceError, depth_space, depths_of, with_depths

SQNXT = load_network("sqnxt23v2")


def test_twenty_blocks_over_three_stages_and_one_in_the_last_are_171_networks():
    space = depth_space(SQNXT, fixed={"stage4": 1})
    assert space.size == comb(19, 2) == 171
    assert len(set(space)) == 171
    assert all(sum(depths) == 21 and depths[3] == 1 and min(depths) >= 1 for depths in space)


def test_by_default_the_blocks_of_the_network_itself_are_distributed():
    space = depth_space(SQNXT)
    assert space.stages == ("stage1", "stage2", "stage3", "stage4")
    assert space.size == comb(20, 3)
    assert depths_of(SQNXT) in space


@pytest.mark.parametrize(("total", "least"), [(21, 1), (21, 3), (12, 3), (30, 2)])
def test_the_size_is_the_number_of_candidates(total, least):
    space = depth_space(SQNXT, total_blocks=total, min_blocks=least)
    candidates = list(space)
    assert space.size == len(candidates) == comb(total - 4 * (least - 1) - 1, 3)
    assert candidates == sorted(candidates)
    assert all(depths in space for depths in candidates)


def test_a_stage_has_no_more_blocks_than_a_description_may_say():
    space = depth_space(SQNXT, total_blocks=1002, fixed={"stage2": 1, "stage3": 1})
    assert list(space)[:1] == [(1, 1, 1, 999)]
    assert depth_space(SQNXT, total_blocks=4000).size == 1


def test_all_stages_can_be_fixed():
    space = depth_space(SQNXT, total_blocks=10, fixed={"stage1": 1, "stage2": 2, "stage3": 3, "stage4": 4})
    assert space.size == 1
    assert list(space) == [(1, 2, 3, 4)]


@pytest.mark.parametrize("depths", [(6, 6, 8), (6, 6, 8, 2), (0, 12, 8, 1), "6-6-8-1"])
def test_what_is_no_candidate_is_not_in_the_space(depths):
    assert depths not in depth_space(SQNXT)


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        (
            {"total_blocks": 3},
            "sqnxt23v2: total blocks = 3: 1 too few: 4 stages of at least 1 take 4",
        ),
        (
            {"min_blocks": 6},
            "sqnxt23v2: total blocks = 21: 3 too few: 4 stages of at least 6 take 24",
        ),
        (
            {"fixed": {"stage4": 19}},
            "sqnxt23v2: total blocks = 21, 19 of them in fixed stages: 1 too few: "
            "3 stages of at least 1 take 3",
        ),
        (
            {"total_blocks": 4001},
            "sqnxt23v2: total blocks = 4001: 1 too many: 4 stages take at most 4000",
        ),
        (
            {"total_blocks": 9, "fixed": dict.fromkeys(("stage1", "stage2", "stage3", "stage4"), 2)},
            "sqnxt23v2: total blocks = 9, 8 of them in fixed stages: 1 too many: every stage is fixed",
        ),
        (
            {"fixed": {"stage5": 1}},
            "sqnxt23v2: stage5: no such repeating stage, did you mean 'stage4'? "
            "allowed are stage1, stage2, stage3, stage4",
        ),
        ({"fixed": {"stage4": 0}}, "stage4 = 0: must be a number of blocks from 1 to 1000"),
        ({"min_blocks": 0}, "min blocks = 0: must be at least 1"),
    ],
)
def test_rules_that_leave_nothing_are_refused_with_what_is_missing(rules, sentence):
    with pytest.raises(SpaceError) as error:
        depth_space(SQNXT, **rules)
    assert str(error.value) == sentence


def test_a_network_without_repeating_stages_has_no_depth():
    with pytest.raises(SpaceError, match="alexnet: none of its stages repeats"):
        depth_space(load_network("alexnet"))


def test_a_network_of_other_depths_keeps_all_but_the_depths():
    other = with_depths(load_network("sqnxt23@width=1.5"), (1, 2, 3, 4))
    assert other.name == "sqnxt23-1-2-3-4"
    assert depths_of(other) == (1, 2, 3, 4)
    assert other.parameters["width"] == 1.5
    assert other.reported.params is None


def test_a_network_of_other_depths_can_be_written_as_yaml(tmp_path):
    other = with_depths(SQNXT, (2, 4, 14, 1))
    file = tmp_path / "other.yaml"
    file.write_text(dump(other.description))
    again = configure(read_network(file))
    assert depths_of(again) == (2, 4, 14, 1)
    assert total_params(build(again)) == total_params(build(load_network("sqnxt23v5")))


def test_more_candidates_than_any_search_can_simulate_are_refused_before_they_are_listed():
    with pytest.raises(SpaceError) as refused:
        depth_space(SQNXT, total_blocks=300)
    assert str(refused.value) == (
        f"sqnxt23v2: total blocks = 300: {comb(299, 3):,} candidates, must be at most 1,000,000: "
        "fix stages (--fix), let each have more (--min-blocks), or take fewer blocks"
    )
    assert depth_space(SQNXT, total_blocks=182).size == comb(181, 3) == 971_970
    assert depth_space(SQNXT, total_blocks=300, min_blocks=40).size == comb(143, 3)
    assert depth_space(SQNXT, total_blocks=300, fixed={"stage4": 1}).size == comb(298, 2)

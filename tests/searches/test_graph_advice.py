"""Advice for networks that are written out operator by operator: it runs, and says what a run of it says."""

import itertools

import hypothesis.strategies as st
import pytest
from graphs import described, graphs, row
from hypothesis import assume, given, settings

from accelsim import load_hardware, load_network, run_network
from accelsim.errors import AccelsimError
from accelsim.network.build import build
from accelsim.network.configuration import configure
from accelsim.network.imported import network_text
from accelsim.search.changes import graph_change
from accelsim.search.explain import explain_network, written_remedy
from accelsim.search.graph_moves import graph_design, graph_moves
from accelsim.search.network_remedies import most_redesigns
from accelsim.search.path import search_path
from accelsim.search.redesign import concrete, moved
from accelsim.search.remedies import most_remedies
from accelsim.search.space import SpaceError
from accelsim.search.words import change_words, move_words

SMALL, LARGE = load_hardware("8x8_32k"), load_hardware("16x16_128k")
ROWS = [
    row("stem", "conv", "input", out_channels=12, kernel=5, stride=2, padding=2, stage="16x16"),
    row("stem/relu", "activation", "stem", function="relu", stage="16x16"),
    row("left", "conv", "stem/relu", out_channels=20, kernel=3, padding=1, stage="16x16"),
    row("right", "conv", "stem/relu", out_channels=20, stage="16x16"),
    row("sum", "add", "left", "right", stage="16x16"),
    row("one", "conv", "sum", out_channels=24, kernel=3, padding=1, stage="16x16"),
    row("two", "conv", "one", out_channels=24, kernel=3, padding=1, stage="16x16"),
    row("three", "conv", "two", out_channels=24, kernel=3, padding=1, stage="16x16"),
    row("depthwise", "conv", "three", out_channels=24, groups=24, kernel=3, stride=2, padding=1, stage="8x8"),
    row("pool", "global_average_pool", "depthwise", stage="1x1"),
    row("fc", "fully_connected", "pool", out_features=10, stage="1x1"),
]


def network(**head):
    return configure(described(ROWS, side=32, **head))


def figures(result):
    return result.cycles, result.energy.total, result.macs, result.params


def written(description, folder):
    """What is read from the file of a description."""
    file = folder / "changed.yaml"
    file.write_text(network_text(description))
    return load_network(file)


def shape(net):
    return [(node.name, node.operator.kind, node.operands) for node in build(net).nodes]


@pytest.mark.parametrize(
    "options", [{}, {"batch": 2}, {"objective": "energy"}, {"dataflow": "weight_stationary"}]
)
def test_every_change_of_the_network_is_a_file_that_runs_to_what_was_announced(options, tmp_path):
    explained = explain_network(network(), LARGE, **options)
    changes = [outcome for outcome in explained.outcomes if outcome.remedy.kind == "network"]
    found = {outcome.remedy.name for outcome in changes}
    assert found >= {"channels", "fewer_channels", "resolution", "kernel1"}
    names = [outcome.remedy.name for outcome in explained.outcomes]
    assert len(names) == len(set(names))
    for outcome in changes:
        changed = written(written_remedy(explained, outcome.remedy.name), tmp_path)
        assert shape(changed) == shape(network())
        assert figures(run_network(changed, LARGE, **options)) == figures(outcome.result)
        assert change_words(outcome.remedy.change) in changed.description.source


def test_there_are_no_more_remedies_than_are_counted_beforehand():
    explained = explain_network(network(), LARGE)
    most = most_remedies(LARGE) + most_redesigns(network())
    assert len(explained.outcomes) + len(explained.impossible) <= most


def test_what_is_advised_is_said_in_numbers_and_names():
    explained = explain_network(network(), LARGE)
    words = {outcome.remedy.name: change_words(outcome.remedy.change) for outcome in explained.outcomes}
    assert words["channels"] == "channels up to multiples of 16"
    assert words["resolution"] == "images of 28 x 28 instead of 32 x 32"
    assert "1x1 instead of 3x3 in two and 1 more" in words.values()
    assert "3x3 instead of 5x5 in stem" in words.values()
    changes = {outcome.remedy.name: graph_change(outcome.remedy.change) for outcome in explained.outcomes}
    assert dict(changes["channels"].channels) == {"stem": 16, "left": 32, "one": 32, "two": 32, "three": 32}
    assert dict(changes["fewer_channels"].channels) == {"left": 16, "one": 16, "two": 16, "three": 16}


def test_a_change_that_is_not_there_or_not_possible_cannot_be_written():
    explained = explain_network(network(), LARGE, layers=0)
    with pytest.raises(AccelsimError, match="chanels: no such change of rows, did you mean 'channels'"):
        written_remedy(explained, "chanels")
    even = configure(described([row("a", "conv", "input", out_channels=16), *_classes("a")]))
    with pytest.raises(AccelsimError, match="channels: every number of channels that can change alone is a"):
        written_remedy(explain_network(even, LARGE, layers=0), "channels")
    none = configure(described(_classes("input")))
    with pytest.raises(AccelsimError, match="channels: no number of channels can change and be followed"):
        written_remedy(explain_network(none, LARGE, layers=0), "channels")


def _classes(source):
    return [row("fc", "fully_connected", source, out_features=10)]


def test_channels_that_fit_only_with_their_neighbours_stay_when_all_are_rounded():
    rows = [
        row("a", "conv", "input", out_channels=3),
        row("b", "conv", "input", out_channels=5),
        row("both", "concat", "a", "b"),
        row("c", "conv", "both", out_channels=12, groups=4),
        *_classes("c"),
    ]
    change = graph_design(configure(described(rows))).rounded(8, "up")
    assert dict(change.channels) == {"c": 16}


@settings(max_examples=25)
@given(st.data())
def test_every_move_of_any_network_gives_one_that_runs(data):
    net = concrete(configure(data.draw(graphs())))
    layers = [layer.name for layer in run_network(net, SMALL).layers]
    for move in graph_moves(net, 8, layers, 1):
        try:
            after = moved(net, move)
        except AccelsimError:
            assert move.kind in ("channels", "resolution"), move_words(move)
            continue
        assert shape(after) == shape(net)
        assert run_network(after, SMALL).cycles > 0
        if move.kind != "channels":
            assert run_network(after, SMALL).macs <= run_network(net, SMALL).macs


@settings(max_examples=10)
@given(st.data())
def test_a_path_gets_better_within_its_budget_and_its_end_is_a_file(tmp_path_factory, data):
    net = configure(data.draw(graphs()))
    objective = data.draw(st.sampled_from(["time", "energy"]))
    budget = {"min_params": 0} if data.draw(st.booleans()) else {}
    try:
        path = search_path(net, SMALL, objective=objective, steps=3, min_resolution=4, **budget)
    except SpaceError:
        assume(False)
    points = [path.start, *(step.after for step in path.steps)]
    values = [point.value(objective) for point in points]
    assert all(after < before for before, after in itertools.pairwise(values))
    assert all(point.params <= path.budget.max_params for point in points)
    end = run_network(written(path.final, tmp_path_factory.mktemp("path")), SMALL)
    assert (end.cycles, end.energy.total, end.params, end.macs) == (
        path.end.cycles, path.end.energy, path.end.params, path.end.macs,
    )  # fmt: skip


def test_each_move_of_a_step_costs_what_a_run_of_it_says():
    path = search_path(network(), LARGE, steps=1, min_params=0)
    table = concrete(network())
    kinds = {outcome.move.kind for outcome in path.steps[0].moves}
    assert kinds == {"channels", "kernel", "groups"}
    for outcome in path.steps[0].moves:
        result = run_network(moved(table, outcome.move), LARGE)
        assert (outcome.point.cycles, outcome.point.energy) == (result.cycles, result.energy.total)


def test_another_image_is_taken_only_where_the_smallest_is_said():
    assert {outcome.move.kind for outcome in search_path(network(), LARGE, steps=1).steps[0].moves} == {
        "channels",
        "kernel",
        "groups",
    }
    path = search_path(network(), LARGE, min_resolution=20)
    sides = [step.best.move.new[0] for step in path.steps if step.best.move.kind == "resolution"]
    assert sides == [28, 24, 20]
    assert path.final.input.height == 20
    with pytest.raises(SpaceError, match="alexnet: its stage table says how large its image is"):
        search_path("alexnet", LARGE, min_resolution=112)


def test_a_list_without_moves_is_refused():
    none = configure(described(_classes("input")))
    with pytest.raises(SpaceError, match="rows: offers no move: at the layers that leave most PEs idle, no"):
        search_path(none, LARGE)

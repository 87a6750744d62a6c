"""ShuffleNet v2's experiments as published: complete, at the same MACs, and compared as they should be."""

import pytest

from accelsim.descriptions import shipped, vary
from accelsim.errors import DescriptionError
from accelsim.hardware import load_hardware
from accelsim.network.analysis import memory_access_cost
from accelsim.network.build import build
from accelsim.network.graph import total_macs
from accelsim.validation.guidelines import (
    GuidelineCell,
    Measured,
    guideline_network,
    load_guidelines,
    trials_of,
    verdicts_of,
)

GUIDELINES = load_guidelines()
SERIES = [(one, series) for one in GUIDELINES.experiments for series in one.series]
IDS = [f"{one.name} {series.platform}" for one, series in SERIES]


def networks(experiment, series):
    """By column: setting -> graph."""
    return {
        column.label: {
            row.setting: build(guideline_network(experiment.network, {**row.parameters, **column.parameters}))
            for row in series.rows
        }
        for column in series.columns
    }


@pytest.mark.parametrize(("experiment", "series"), SERIES, ids=IDS)
def test_settings_of_one_size_have_the_same_macs_but_for_the_rounding_of_channels(experiment, series):
    for column in networks(experiment, series).values():
        advised = total_macs(column[experiment.advised])
        for graph in column.values():
            # 9:108 for 32:32; 184 channels in 8 groups, where 180 are printed
            assert total_macs(graph) == pytest.approx(advised, rel=0.055)


@pytest.mark.parametrize(("experiment", "series"), SERIES, ids=IDS)
def test_the_guideline_is_right_about_memory_access_cost_at_every_size(experiment, series):
    """Of all operators, those done with their neighbours too. Whether that is time is the question."""
    for column in networks(experiment, series).values():
        cost = {
            setting: sum(memory_access_cost(node.operator) for node in graph.nodes) / total_macs(graph)
            for setting, graph in column.items()
        }
        if experiment.name == "G3" and series.columns[-1].parameters["channels"] > 256:
            continue  # its weights count, and fragments have half as many
        assert min(cost, key=cost.__getitem__) == experiment.advised


def test_ten_blocks_of_what_the_tables_say():
    expected = {  # convolutions, additions, activations of the setting that has most of them
        "G1": (20, 0, 0),
        "G2": (10, 0, 0),
        "G3": (40, 10, 0),
        "G4": (30, 10, 30),
    }
    for experiment, series in SERIES:
        counts = []
        for graph in next(iter(networks(experiment, series).values())).values():
            kinds = [node.operator.kind for node in graph.nodes]
            counts.append((kinds.count("conv"), kinds.count("add"), kinds.count("activation")))
        assert max(counts) == expected[experiment.name]


def test_speeds_are_those_of_the_paper():
    by_name = {(one.name, series.platform): series for one, series in SERIES}
    assert by_name["G1", "GPU"].rows[3].speeds == (748, 392, 163)
    assert by_name["G2", "ARM"].rows[3].speeds == (27.8, 7.5, 1.8)
    assert by_name["G3", "GPU"].rows[2].speeds == (752, 745, 349)
    assert by_name["G4", "ARM"].rows[0].speeds == (56.7, 16.9, 5.0)


def test_a_network_that_two_platforms_ran_is_simulated_once():
    trials = trials_of(GUIDELINES, {name: load_hardware(name) for name in GUIDELINES.machines})
    assert len(trials) == 2 * (24 + 24 + 20 + 12)


def test_the_networks_ship_with_accelsim_and_are_no_networks_to_choose_from():
    for experiment in GUIDELINES.experiments:
        assert shipped.packaged("networks", experiment.network).is_file()
        assert experiment.network not in shipped.names("networks")


def cell(setting, speed, published, network):
    measured = Measured(network, 1, 1.0, 1, 1.0, 1.0, 1, "compute")
    return GuidelineCell("G1", "GPU", setting, "x1", "machine", measured, speed, 1.0, published, 1.0)


def test_a_verdict_counts_departures_that_are_notably_slower():
    cells = [
        cell("1:1", 1.0, 1.0, "a"),
        cell("1:2", 0.951, 0.9, "b"),
        cell("1:6", 0.949, 0.5, "c"),
        cell("1:6", 0.949, 0.5, "c"),  # the same network counts once
    ]
    machine, platform = verdicts_of(cells, GUIDELINES.experiments[0])
    assert (machine.where, machine.departures, machine.slower) == ("machine", 2, 1)
    assert (machine.slowest, machine.fastest) == (0.949, 0.951)
    assert (platform.where, platform.slower, platform.slowest) == ("GPU", 2, 0.5)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"experiments.0.advised": "1:3"}, "advised = '1:3': must be a setting of GPU, too"),
        ({"experiments.0.series.0.rows.1.speeds": [1.0]}, "1:2 must have 3 speeds, one for each column"),
    ],
)
def test_an_experiment_that_is_not_complete_is_refused(changes, sentence):
    with pytest.raises(DescriptionError, match=sentence):
        vary(GUIDELINES, **changes)

"""What is remembered changes how fast an answer comes, never the answer."""

import copy

import pytest
from typer.testing import CliRunner

from accelsim import AccelsimError, load_hardware, load_network, run_network
from accelsim.cli.app import app
from accelsim.compiler import make_schedule
from accelsim.descriptions import vary
from accelsim.errors import NetworkError
from accelsim.mapping.search import map_layer
from accelsim.memory import MOST_MACHINES, MOST_NETWORKS, LayersOnMachine, Memory, lowered_network
from accelsim.network.layer import Layer
from accelsim.run import plan_run

NETWORKS = ("sqnxt23v5", "sqnxt23", "squeezenet_v1_1", "mobilenet_v2")


@pytest.fixture(scope="module")
def machine():
    return load_hardware("16x16_128k")


def test_runs_that_share_a_memory_find_what_they_find_alone(machine):
    memory = Memory()
    networks = [load_network(name) for name in NETWORKS]
    alone = [run_network(network, machine) for network in networks]
    for _ in range(2):
        assert [run_network(network, machine, memory=memory) for network in networks] == alone


@pytest.mark.parametrize(
    "options",
    [{"batch": 2}, {"dataflow": "weight_stationary"}, {"objective": "energy"}, {"engine": "events"}],
)
def test_options_are_not_mixed_up(machine, options):
    memory, network = Memory(), load_network("squeezenet_v1_1")
    plain = run_network(network, machine, memory=memory)
    assert run_network(network, machine, memory=memory, **options) == run_network(network, machine, **options)
    assert run_network(network, machine, memory=memory) == plain


def test_machines_are_not_mixed_up_and_equal_ones_are_one(machine):
    memory, network = Memory(), load_network("squeezenet_v1_1")
    dearer = vary(machine, **{"energy.dram": 2 * machine.energy.dram})
    again = load_hardware("16x16_128k")
    for some in (machine, dearer, again):
        assert run_network(network, some, memory=memory) == run_network(network, some)
    assert memory.layers(machine, 1, "auto", None) is memory.layers(
        load_hardware("16x16_128k"), 1, "auto", None
    )


def test_a_memory_does_not_grow_without_end(machine):
    memory = Memory()
    first = memory.layers(machine, 1, "auto", None)
    for batch in range(2, MOST_MACHINES + 2):
        memory.layers(machine, batch, "auto", None)
    assert memory.layers(machine, 1, "auto", None) is not first
    network = load_network("squeezenet_v1_1")
    kept = memory.lowered(network)
    others = [copy.copy(network) for _ in range(MOST_NETWORKS)]
    for other in others:
        memory.lowered(other)
    assert memory.lowered(network) is not kept


def test_a_schedule_is_made_once_for_each_network_and_machine(machine):
    memory, networks = Memory(), [load_network(name) for name in NETWORKS[:2]]
    other = vary(machine, **{"dram.latency_cycles": 7})
    cases = [(network, some) for network in networks for some in (machine, other)]
    first, second = ([plan_run(*case, memory=memory).schedule for case in cases] for _ in range(2))
    assert all(one is again for one, again in zip(first, second, strict=True))
    assert first == [plan_run(*case).schedule for case in cases]


def test_schedules_are_forgotten_before_there_are_too_many(machine):
    known, network = LayersOnMachine(), load_network("squeezenet_v1_1")
    graph = lowered_network(network).graph
    schedule = make_schedule(graph, machine)
    for other in [graph, *(copy.copy(graph) for _ in range(MOST_NETWORKS))]:
        assert known.schedule(other, lambda: schedule) is schedule
    assert len(known.schedules) == MOST_NETWORKS


def test_a_file_keeps_mappings_for_the_next_process(machine, tmp_path, monkeypatch):
    file, network = tmp_path / "mappings.sqlite", load_network("squeezenet_v1_1")
    first = run_network(network, machine, memory=Memory(file))
    monkeypatch.setattr("accelsim.mapping.schedule.map_layers", None)  # nothing is searched for again
    assert run_network(network, machine, memory=Memory(file)) == first


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({"batch": 2}, {}),
        ({"objective": "energy"}, {}),
        ({}, {"dram.latency_cycles": 7}),
        ({}, {"energy.dram": 1.0}),
    ],
)
def test_a_file_does_not_mix_up_options_and_machines(machine, tmp_path, options, changes):
    file, network = tmp_path / "mappings.sqlite", load_network("squeezenet_v1_1")
    run_network(network, machine, memory=Memory(file))
    other = vary(machine, **changes)
    assert run_network(network, other, memory=Memory(file), **options) == run_network(
        network, other, **options
    )


def test_another_version_of_the_model_finds_nothing_in_a_file(machine, tmp_path, monkeypatch):
    file, layer = tmp_path / "mappings.sqlite", Layer("layer", "conv", K=8, C=8, OY=4, OX=4, IY=4, IX=4)
    mappings = Memory(file).layers(machine, 1, "auto", None).mappings
    mappings[layer.nameless] = map_layer(layer.nameless, machine)
    assert layer.nameless in Memory(file).layers(machine, 1, "auto", None).mappings
    monkeypatch.setattr("accelsim.mapping.kept.model_version", lambda: "another")
    assert layer.nameless not in Memory(file).layers(machine, 1, "auto", None).mappings


def test_what_is_no_file_of_mappings_is_refused(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("not a database, and longer than the header of one would be\n" * 40)
    with pytest.raises(AccelsimError, match=r"notes\.txt: cannot be used as a file of mappings"):
        Memory(file)
    assert file.read_text().startswith("not a database")
    with pytest.raises(AccelsimError, match="unable to open"):
        Memory(tmp_path / "nowhere" / "mappings.sqlite")


def test_the_command_line_keeps_mappings_in_a_file(tmp_path, monkeypatch):
    file = tmp_path / "mappings.sqlite"
    arguments = [
        "run",
        "--net",
        "squeezenet_v1_1",
        "--hw",
        "16x16_128k",
        "--memory",
        str(file),
        "--format",
        "json",
    ]
    first = CliRunner().invoke(app, arguments)
    monkeypatch.setattr("accelsim.mapping.schedule.map_layers", None)
    second = CliRunner().invoke(app, arguments)
    assert first.exit_code == second.exit_code == 0
    assert first.stdout == second.stdout


def test_a_network_of_which_nothing_is_executed_is_refused(machine, tmp_path):
    file = tmp_path / "empty.yaml"
    file.write_text(
        "name: empty\ntitle: Empty\nsource: made up\n"
        "input: {channels: 3, height: 8, width: 8}\nstages: [{block: dropout, name: d}]\n"
    )
    with pytest.raises(NetworkError, match="empty: has no layer to execute"):
        run_network(load_network(str(file)), machine)

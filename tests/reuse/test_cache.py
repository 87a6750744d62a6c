"""What is remembered changes how fast an answer comes, never the answer."""

import gc
import pickle
import tracemalloc
import weakref
from itertools import product

import pytest
from machines import keeping_machine
from typer.testing import CliRunner

import accelsim
from accelsim import load_hardware, load_network, run_network
from accelsim.cli.app import app
from accelsim.descriptions import vary
from accelsim.errors import MappingError, NetworkError
from accelsim.hardware.siblings import siblings_key
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.search import map_layer
from accelsim.mapping.siblings import Siblings
from accelsim.network.layer import Layer
from accelsim.network.lowered import lowered_network
from accelsim.planning.compiler import make_schedule
from accelsim.reuse.cache import Cache
from accelsim.reuse.file import OwnFile
from accelsim.run import plan_run
from accelsim.search.graphs import Graphs

NETWORKS = ("sqnxt23v5", "sqnxt23", "squeezenet_v1_1", "mobilenet_v2")


@pytest.fixture(scope="module")
def machine():
    return load_hardware("16x16_128k")


def test_runs_that_share_a_memory_find_what_they_find_alone(machine):
    cache = Cache()
    networks = [load_network(name) for name in NETWORKS]
    alone = [run_network(network, machine) for network in networks]
    for _ in range(2):
        assert [run_network(network, machine, cache=cache) for network in networks] == alone


def test_a_repeat_finds_its_schedule_where_the_search_for_it_left_more_than_the_cache_holds():
    machine = keeping_machine(64 * 1024)
    network = load_network("mobilenet_v1@width=0.25,resolution=128")
    roomy = Cache()
    all_listed = plan_run(network, machine, cache=roomy).cache.pool.shortlists
    cache = Cache(most_bytes=roomy.held_bytes * 3 // 4)
    planned = plan_run(network, machine, cache=cache)
    assert len(planned.cache.pool.shortlists) < len(all_listed)
    assert plan_run(network, machine, cache=cache).schedule is planned.schedule


@pytest.mark.parametrize(
    "options",
    [{"batch": 2}, {"dataflow": "weight_stationary"}, {"objective": "energy"}, {"engine": "events"}],
)
def test_options_are_not_mixed_up(machine, options):
    cache, network = Cache(), load_network("squeezenet_v1_1")
    plain = run_network(network, machine, cache=cache)
    assert run_network(network, machine, cache=cache, **options) == run_network(network, machine, **options)
    assert run_network(network, machine, cache=cache) == plain


def test_machines_are_not_mixed_up_and_equal_ones_are_one(machine):
    cache, network = Cache(), load_network("squeezenet_v1_1")
    dearer = vary(machine, **{"energy.dram": 2 * machine.off_chip[0].energy.read})
    again = load_hardware("16x16_128k")
    for some in (machine, dearer, again):
        assert run_network(network, some, cache=cache) == run_network(network, some)
    options = MappingOptions()
    assert cache.layers(machine, options) is cache.layers(again, options)


def test_loops_over_tiles_that_another_machine_left_make_the_same_programs(machine):
    cache, network = Cache(), load_network("mobilenet_v2", resolution=96)
    options = MappingOptions()
    others = [vary(machine, **{"pe_array.rows": 32}), vary(machine, **{"global_buffer.size_bytes": 65536})]
    for some in (machine, *others):
        shared, alone = plan_run(network, some, cache=cache), plan_run(network, some)
        assert shared.schedule.mappings == alone.schedule.mappings
    loops = cache.layers(machine, options).grids.loops
    assert loops.nests and loops is cache.layers(others[0], options).grids.loops


@pytest.mark.parametrize("objective", [None, "edp"])
def test_what_machines_of_other_bandwidths_left_makes_the_same_results(machine, objective):
    cache, network = Cache(), load_network("mobilenet_v2", resolution=96)
    smaller = vary(machine, **{"global_buffer.size_bytes": 65536})
    for one in (machine, smaller, machine):
        for bandwidth in (8, 16, 8, 5.5):
            some = vary(one, **{"dram.bandwidth_bytes_per_cycle": bandwidth})
            result = run_network(network, some, objective=objective, cache=cache)
            assert result == run_network(network, some, objective=objective)


def test_only_bandwidth_is_not_among_what_siblings_have_in_common(machine):
    for key, value in {
        "pe_array.rows": 8,
        "global_buffer.size_bytes": 65536,
        "memories.dram.latency_cycles": 7,
        "memories.dram.prefetch": 4,
        "vector_unit.lanes_per_column": 1,
        "energy.mac": 2,
        "clock_mhz": 500,
    }.items():
        assert siblings_key(vary(machine, **{key: value})) != siblings_key(machine), key
    faster = {"memories.dram.bandwidth.bytes_per_cycle": 32}
    assert siblings_key(vary(machine, **faster)) == siblings_key(machine)
    told = vary(machine, control={"cycles_per_tile": 10})  # how long its steps take may follow from it
    assert siblings_key(vary(told, **faster)) != siblings_key(told)


SEVERAL_MACHINES = ({}, {"dram.latency_cycles": 7})
FEW_BYTES = 1_000_000
"""Room for a few of the networks below."""


def runs_of_many(machine, cache):
    """Results of networks that come again, in another order, on several machines."""
    machines = [vary(machine, **changes) for changes in SEVERAL_MACHINES]
    networks = [load_network(name, resolution=size) for name in NETWORKS[1:3] for size in (112, 128)]
    cases = [(network, some) for network in networks for some in machines]
    return [run_network(*case, cache=cache) for case in (*cases, *reversed(cases))]


def test_results_are_the_same_however_little_a_memory_may_hold(machine):
    plain = runs_of_many(machine, None)
    for most_bytes in (0, FEW_BYTES):
        cache = Cache(most_bytes=most_bytes)
        assert runs_of_many(machine, cache) == plain
        assert cache.held_bytes <= max(most_bytes, 500_000)  # one value is held, however large


def test_a_cache_takes_no_more_than_it_may_whatever_passes_through_it(machine):
    """As measured, not as it estimates; benchmarks/memory.py does the same with thousands."""
    cache = Cache(most_bytes=2_000_000)
    run_network(load_network("squeezenet_v1_1"), machine)  # what the program itself keeps is there now
    gc.collect()
    tracemalloc.start(1)
    try:
        for size in range(100, 102):
            for name in ("squeezenet_v1_1", "mobilenet_v1"):
                run_network(load_network(name, resolution=size), machine, cache=cache)
            gc.collect()
            assert tracemalloc.get_traced_memory()[0] < 1.4 * 2_000_000
        assert cache.held_bytes > 1_000_000  # it was full, and has kept what it could
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["mobilenet_v2", "squeezenet_v1_1", "sqnxt23v5"])
def test_the_estimate_is_near_what_a_network_takes(machine, name):
    run_network(load_network(name), machine)
    networks = [load_network(name, resolution=size) for size in range(130, 133)]
    cache = Cache()
    gc.collect()
    tracemalloc.start(1)
    try:
        for network in networks:
            run_network(network, machine, cache=cache)
        gc.collect()
        measured = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert 0.6 * measured < cache.held_bytes < 1.6 * measured


def test_what_was_used_longest_ago_is_forgotten_first(machine):
    first, second, third = (load_network(name) for name in NETWORKS[:3])
    cache = Cache(most_bytes=1_500_000)
    kept, other = cache.lowered(first, lowered_network), cache.lowered(second, lowered_network)
    assert cache.lowered(first, lowered_network) is kept
    cache.lowered(third, lowered_network)
    assert cache.lowered(first, lowered_network) is kept
    assert cache.lowered(second, lowered_network) is not other


def test_simulations_are_forgotten_before_they_crowd_out_the_rest(machine):
    cache = Cache(most_bytes=FEW_BYTES)
    network = load_network("squeezenet_v1_1")
    run_network(network, machine, cache=cache)
    layers = cache.layers(machine, MappingOptions())
    before = layers.transitions
    while layers.transitions is before:
        assert layers.simulation_bytes <= FEW_BYTES // 2
        other = load_network("squeezenet_v1_1", resolution=100 + len(before.states) % 100)
        run_network(other, machine, cache=cache)
        layers = cache.layers(machine, MappingOptions())
    assert run_network(network, machine, cache=cache) == run_network(network, machine)


def test_a_network_that_nobody_has_any_more_is_not_kept_alive(machine):
    cache, network = Cache(), load_network("squeezenet_v1_1")
    run_network(network, machine, cache=cache)
    alive = weakref.ref(network)
    del network
    assert alive() is None


def test_a_schedule_is_made_once_for_each_network_and_machine(machine):
    cache, networks = Cache(), [load_network(name) for name in NETWORKS[:2]]
    other = vary(machine, **{"dram.latency_cycles": 7})
    cases = [(network, some) for network in networks for some in (machine, other)]
    first, second = ([plan_run(*case, cache=cache).schedule for case in cases] for _ in range(2))
    assert all(one is again for one, again in zip(first, second, strict=True))
    assert first == [plan_run(*case).schedule for case in cases]


def test_a_schedule_is_told_from_others_by_its_graph(machine):
    known, networks = (
        Cache().layers(machine, MappingOptions()),
        [load_network(name) for name in NETWORKS[:2]],
    )
    graphs = [lowered_network(network).graph for network in networks]
    schedules = [make_schedule(graph, machine) for graph in graphs]
    for _ in range(2):
        for graph, schedule in zip(graphs, schedules, strict=True):
            assert known.schedule(graph, lambda schedule=schedule: schedule) is schedule


def test_a_file_keeps_mappings_for_the_next_process(machine, tmp_path, monkeypatch):
    file, network = tmp_path / "mappings.sqlite", load_network("squeezenet_v1_1")
    first = run_network(network, machine, cache=Cache(file))
    monkeypatch.setattr("accelsim.mapping.schedule.map_layers", None)  # nothing is searched for again
    assert run_network(network, machine, cache=Cache(file)) == first


def test_a_file_keeps_how_many_rows_of_the_array_a_mapping_leaves_idle(machine, tmp_path, monkeypatch):
    file, network = tmp_path / "mappings.sqlite", load_network("squeezenet_v1_1")
    tall = vary(machine, **{"pe_array.rows": 64})
    first = run_network(network, tall, objective="time", cache=Cache(file))
    assert any(layer.idle_rows for layer in first.layers)
    monkeypatch.setattr("accelsim.mapping.schedule.map_layers", None)
    assert run_network(network, tall, objective="time", cache=Cache(file)) == first


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
    run_network(network, machine, cache=Cache(file))
    other = vary(machine, **changes)
    assert run_network(network, other, cache=Cache(file), **options) == run_network(network, other, **options)


def test_a_file_is_of_no_use_where_tensors_stay_in_a_pool_and_does_no_harm(machine, tmp_path):
    """Which mapping a layer has there depends on what stays beside it, which the file does not say."""
    network, file = load_network("mlperf_tiny_ic"), tmp_path / "mappings"
    pooled = vary(machine, **{"memories.global_buffer.banks": "pool"})
    keeping = vary(pooled, **{"memories.global_buffer.keeps": ["activations"]})
    for some in (machine, keeping, pooled, keeping, machine):
        assert run_network(network, some, cache=Cache(file)) == run_network(network, some)


def test_another_version_of_the_model_finds_nothing_in_a_file(machine, tmp_path, monkeypatch):
    file, layer = tmp_path / "mappings.sqlite", Layer("layer", "conv", K=8, C=8, OY=4, OX=4, IY=4, IX=4)
    mappings = Cache(file).layers(machine, MappingOptions()).mappings
    mappings[layer.nameless] = map_layer(layer.nameless, machine)
    mappings.flush()
    assert layer.nameless in Cache(file).layers(machine, MappingOptions()).mappings
    monkeypatch.setattr(OwnFile, "model_version", lambda _: "another")
    assert layer.nameless not in Cache(file).layers(machine, MappingOptions()).mappings


def test_the_command_line_keeps_mappings_in_a_file(tmp_path, monkeypatch):
    file = tmp_path / "mappings.sqlite"
    arguments = [
        "run",
        "--net",
        "squeezenet_v1_1",
        "--hw",
        "16x16_128k",
        "--cache",
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


@pytest.mark.parametrize(
    ("network", "changes", "kind"),
    [
        ("sqnxt23v5@resolution=1", {}, NetworkError),
        ("sqnxt23v5", {"memories.global_buffer.size_bytes": 64}, MappingError),
    ],
)
def test_an_error_can_go_to_another_process_with_its_context(machine, network, changes, kind):
    """As Dask sends it: its client makes every exception take along the ones that it arose from."""
    with pytest.raises(kind) as error:
        run_network(network, vary(machine, **changes), cache=Cache())
    chain: BaseException | None = error.value
    while chain is not None:
        pickle.dumps(chain.args)
        chain = chain.__context__


def test_the_name_before_is_the_same_class_and_warns():
    with pytest.warns(DeprecationWarning, match=r"accelsim\.Memory is now called accelsim\.Cache") as said:
        assert accelsim.Memory is Cache
    assert said[0].filename == __file__


@pytest.mark.parametrize("function", [run_network, plan_run])
def test_the_argument_before_is_the_cache_and_warns(machine, function):
    network, cache = load_network("squeezenet_v1_1"), Cache()
    with pytest.warns(DeprecationWarning, match="memory= is now called cache=") as said:
        function(network, machine, memory=cache)
    assert said[0].filename == __file__
    assert cache.held_bytes > 100_000


def test_a_cache_by_both_names_is_refused(machine):
    with pytest.raises(accelsim.AccelsimError, match="memory: must be left out beside cache"):
        run_network("squeezenet_v1_1", machine, cache=Cache(), memory=Cache())


def test_the_option_before_names_the_same_file_and_says_so_in_a_line(tmp_path):
    arguments = ["run", "--net", "squeezenet_v1_1", "--hw", "16x16_128k"]
    file = str(tmp_path / "mappings.sqlite")
    now = CliRunner().invoke(app, [*arguments, "--cache", file])
    before = CliRunner().invoke(app, [*arguments, "--memory", file])
    assert before.exit_code == 0
    assert (before.stdout, before.stderr) == (now.stdout, now.stderr + "--memory: is now called --cache\n")
    both = CliRunner().invoke(app, [*arguments, "--memory", file, "--cache", file])
    assert both.exit_code == 2
    assert "must be left out beside --cache" in both.stderr
    assert "--memory" not in CliRunner().invoke(app, ["run", "--help"]).stdout


def test_the_estimate_is_near_what_the_layers_of_candidates_take():
    network = load_network("sqnxt23v5", resolution=64)
    Graphs(network, {}).lowered((2, 4, 6, 1))
    cache = Cache()
    gc.collect()
    tracemalloc.start(1)
    try:
        graphs = Graphs(network, cache.parts)
        for depths in product([2], range(1, 8), range(1, 8), [1]):
            graphs.lowered(depths)
        gc.collect()
        measured = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert 0.6 * measured < cache.held_bytes < 1.6 * measured


def test_who_holds_what_is_known_of_a_machine_adds_to_no_other():
    siblings = Siblings()
    earlier = siblings.of("8x8")
    later = siblings.of("16x16")
    earlier.groundwork("conv1", 100, list)
    assert (later.held_bytes, siblings.held_bytes) == (0, 0)
    assert earlier.held_bytes > 0

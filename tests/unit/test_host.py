"""The host of a machine: its file, what it is given, what results and reports say of it."""

import json
from dataclasses import replace
from typing import get_args

import pytest
from machines import MACHINE, conv, machine, pool, schedule, with_host, with_pooling

import accelsim
from accelsim.descriptions import vary
from accelsim.errors import AccelsimError, MappingError
from accelsim.hardware import Hardware
from accelsim.hardware.host import HOST, HostedOperator
from accelsim.mapping import map_layer
from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.schedule import NetworkMapper
from accelsim.mapping.units import dataflows_for, nowhere
from accelsim.memory_map import MemoryMap, PlacedTensor, Steps, TileRegion
from accelsim.network import operators
from accelsim.planning.overwriting import waiting_for_host
from accelsim.report.tables.run import run_report
from accelsim.report.text.table import Style
from accelsim.run import plan_run, run_network
from accelsim.simulation import simulate, simulate_events
from accelsim.verification.schedules import verify_plan

NETWORK = "squeezenet_v1_1@resolution=64"
TAKES = ["softmax", "global_average_pool", "max_pool"]
HOST_KEYS = {
    "name": "cortex",
    "takes": TAKES,
    "macs_per_cycle": 2,
    "elements_per_cycle": 0.5,
    "cycles_per_call": 1000,
    "energy": {"mac": 3, "element": 2, "call": 100},
}
HOSTED = with_host(**HOST_KEYS)
POOL = pool(16, (16, 16), (2, 2), (2, 2))


@pytest.fixture(scope="module")
def result():
    return run_network(NETWORK, HOSTED)


def hosted_layers(result):
    return [layer for layer in result.layers if layer.dataflow == HOST]


# --- the file


def written(tmp_path, **host):
    file = tmp_path / "machine.yaml"
    file.write_text(json.dumps({**MACHINE, "host": host}))
    return file


def test_a_host_without_keys_takes_nothing_and_does_an_operation_a_cycle(tmp_path):
    host = accelsim.load_hardware(str(written(tmp_path))).host
    assert (host.name, host.takes) == ("host", ())
    assert (host.macs_per_cycle, host.elements_per_cycle) == (1, 1)
    assert (host.cycles_per_call, host.cycles_per_tile) == (0, 32)
    assert (host.energy.mac, host.energy.element, host.energy.call) == (0, 0, 0)


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ({"takes": ["pool"]}, "host.takes.0"),
        ({"macs_per_cycle": 0}, "host.macs_per_cycle"),
        ({"elements_per_cycle": -1}, "host.elements_per_cycle"),
        ({"cycles_per_call": 0.5}, "host.cycles_per_call"),
        ({"energy": {"mac": -1}}, "host.energy.mac"),
        ({"speed": 1}, "host.speed"),
    ],
)
def test_what_is_wrong_with_a_host_is_said_with_its_key(tmp_path, host, sentence):
    with pytest.raises(AccelsimError) as error:
        accelsim.load_hardware(str(written(tmp_path, **host)))
    (line,) = str(error.value).splitlines()
    assert sentence in line


def test_no_memory_goes_by_the_name_of_the_host():
    data = json.loads(json.dumps(MACHINE))
    data["memories"][0]["name"] = "host"
    with pytest.raises(ValueError, match="reports have a row of this one"):
        Hardware.model_validate_json(json.dumps(data))


def test_keys_of_a_host_may_be_assumed_and_swept():
    assumed = {"host.elements_per_cycle": "no source says"}
    data = {**MACHINE, "host": HOST_KEYS, "assumed": assumed}
    assert Hardware.model_validate_json(json.dumps(data)).assumed == assumed
    assert vary(HOSTED, **{"host.macs_per_cycle": 8}).host.macs_per_cycle == 8


def test_what_a_host_may_take_is_every_operator_that_layers_have():
    of_network = {
        kind
        for name in operators.__all__
        if isinstance(operator := getattr(operators, name), type)
        and isinstance(kind := getattr(operator, "kind", None), str)
    }
    no_layers = {"input", "constant", "dropout", "reshape", "network_output"}
    by_function = {"activation", "pool", "reduce"}
    functions = {
        *get_args(operators.ActivationFunction),
        *(f"{pool.reduction}_pool" for pool in (operators.MaxPool, operators.AveragePool, operators.LpPool)),
        *(f"reduce_{function}" for function in get_args(operators.Reduction)),
    }
    assert set(get_args(HostedOperator)) == (of_network - no_layers - by_function) | functions


# --- what runs there


def test_a_layer_that_the_file_gives_to_the_host_runs_there():
    mapping = map_layer(POOL, HOSTED)
    assert mapping.dataflow == HOST
    assert map_layer(POOL, with_host()).dataflow == "vector"


def test_a_convolution_may_be_given_to_the_host():
    layer = conv(16, 16, (16, 16))
    hardware = with_host(takes=["conv"], macs_per_cycle=4)
    mapping = map_layer(layer, hardware)
    assert mapping.dataflow == HOST
    assert mapping.totals.counts.host.macs == layer.macs
    assert mapping.totals.vector_cycles >= layer.macs // 4


def test_a_pooling_that_the_host_takes_is_not_fused():
    layer = with_pooling(conv(16, 16, (16, 16)), 2, 2)

    def parts(hardware):
        ((*found,),) = NetworkMapper(hardware, MappingOptions()).parts([layer])
        return [mapping.dataflow for _, mapping in found]

    assert len(parts(with_host())) == 1
    assert parts(HOSTED)[1:] == [HOST]


class _Refusing:
    """A dataflow that refuses kernels of more than a tap."""

    def __init__(self, dataflow):
        self.dataflow = dataflow

    def __getattr__(self, name):
        return getattr(self.dataflow, name)

    def refusal(self, layer):
        return "kernels of 1x1 alone" if layer.FY * layer.FX > 1 else ""


def test_what_no_dataflow_can_run_goes_to_the_host_where_there_is_one(monkeypatch):
    refusing = {name: _Refusing(dataflow_of(name)) for name in machine().pe_array.dataflows}
    monkeypatch.setattr("accelsim.mapping.units.dataflow_of", refusing.__getitem__)
    pointwise, wide = conv(8, 8, (8, 8)), conv(8, 8, (8, 8), kernel=(3, 3))
    listed = tuple(refusing)
    assert dataflows_for(pointwise, listed, machine()) == listed
    assert dataflows_for(wide, listed, with_host()) == (HOST,)
    assert map_layer(wide, with_host()).dataflow == HOST
    with pytest.raises(MappingError, match=r"weight_stationary: kernels of 1x1 alone; .*a `host:` would"):
        map_layer(wide, machine())
    assert str(nowhere(wide, machine(), MappingOptions())).endswith("a `host:` would")


# --- what results say


def test_layers_of_the_host_say_so(result):
    of_host = hosted_layers(result)
    assert {layer.operator for layer in of_host} == {*TAKES}
    assert {layer.operator for layer in result.layers if layer not in of_host} == {"conv"}
    for layer in of_host:
        assert layer.busy_cycles["host"] > 1000
        assert layer.busy_cycles["array"] == layer.busy_cycles["vector"] == 0
        assert layer.energy_by_component["host"] > 0
        assert layer.lower_bound_cycles <= layer.busy_cycles["host"]
    assert "host" in {layer.bound_by for layer in of_host}


def test_energy_of_the_host_is_a_component(result):
    of_layers = sum(layer.energy_by_component["host"] for layer in result.layers)
    assert result.energy.by_component["host"] == pytest.approx(of_layers)
    written = result.to_dict()
    assert written["host"] == "cortex"
    assert all("host" in layer["busy_cycles"] for layer in written["layers"])


def test_a_machine_without_a_host_says_nothing_of_one():
    written = run_network(NETWORK, machine()).to_dict()
    assert "host" not in {*written, *written["energy"]["by_component"], *written["layers"][0]["busy_cycles"]}


def test_bounds_are_bounds_beside_a_host(result):
    assert result.lower_bound_cycles <= result.cycles
    on_host = sum(layer.lower_bound_cycles for layer in hosted_layers(result))
    others = sum(layer.lower_bound_cycles for layer in result.layers) - on_host
    assert result.lower_bound_cycles == max(on_host, others)


def test_macs_of_the_host_are_neither_the_arrays_nor_skipped():
    hardware = with_host(takes=["conv"])
    result = run_network(NETWORK, hardware)
    assert result.skipped_macs == result.utilization == result.nominal_utilization == 0
    assert plan_run(NETWORK, hardware).schedule.mappings[0].totals.counts.host.macs > 0


# --- reports


def test_a_run_says_what_the_host_did_and_what_it_cost(result):
    text = " ".join(run_report(result, Style(), "all").split())
    cycles = sum(layer.busy_cycles["host"] for layer in hosted_layers(result))
    assert "host cortex did 7 layers (5 maxpool, gavgpool, softmax):" in text
    assert f"as many as {100 * cycles / result.cycles:.1f}% of the time" in text
    assert "maxpool host" in text
    assert "the host works" in text


def test_a_host_with_nothing_to_do_is_said_to_have_nothing():
    result = run_network(NETWORK, with_host(name="cortex"))
    assert "cortex had nothing to do" in run_report(result, Style(), "none")


# --- addresses


def test_who_would_write_where_the_host_still_reads_waits_for_it():
    """`input` is read by the host's layer alone; `third` begins at its addresses, `second` beside it."""
    hosted = replace(map_layer(POOL, HOSTED), room_bytes=0)
    chip = map_layer(conv(16, 16, (8, 8)), HOSTED)
    read, own = (
        PlacedTensor("input", 100, Steps(0, 0), 0, None),
        PlacedTensor("own", 50, Steps(0, 3), 100, None),
    )
    second, third = (
        PlacedTensor("second", 100, Steps(1, 3), 150, None),
        PlacedTensor("third", 80, Steps(2, 3), 20, None),
    )
    no_tiles = (TileRegion(300, 0, 0),) * 3
    memory_map = MemoryMap("sram", 400, (read, own, second, third), no_tiles)
    plan = replace(schedule(hosted, chip, chip, waits_for=[(), (), (1,)]), memory_map=memory_map)
    assert waiting_for_host(plan).waits_for == ((), (), (0, 1))
    tiles = (TileRegion(300, 100, 60), TileRegion(350, 50, 10), TileRegion(360, 40, 10))
    in_tiles = replace(plan, memory_map=replace(memory_map, tiles=tiles))
    assert waiting_for_host(in_tiles).waits_for == ((), (0,), (0, 1))
    assert waiting_for_host(replace(plan, memory_map=None)).waits_for == plan.waits_for


# --- what the host may take


KEEPING = accelsim.load_hardware("npu_int8_2m")
SLOW = {"macs_per_cycle": 0.01, "elements_per_cycle": 1, "may_take": ["conv", "fully_connected"]}
FAST = {**SLOW, "macs_per_cycle": 10_000, "elements_per_cycle": 10_000}


def dataflows_of_layers(hardware):
    return {layer.dataflow for layer in run_network(NETWORK, hardware).layers if layer.macs}


@pytest.mark.parametrize("of", [machine(), KEEPING], ids=["banks", "pool"])
def test_the_host_runs_what_it_may_take_where_it_is_faster(of):
    array_alone = dataflows_of_layers(of)
    assert HOST not in array_alone
    assert dataflows_of_layers(with_host(of, **SLOW)) == array_alone
    assert HOST in dataflows_of_layers(with_host(of, **FAST))


@pytest.mark.parametrize("of", [machine(), KEEPING], ids=["banks", "pool"])
def test_a_schedule_of_layers_on_both_is_proved_and_both_engines_agree(of):
    between = with_host(
        vary(of, **{"mapper.dataflow": "time", "mapper.tiles": "time"}),
        **SLOW | {"macs_per_cycle": 100, "elements_per_cycle": 100},
    )
    plan = plan_run("mlperf_tiny_ic", between)
    assert {HOST} < {mapping.dataflow for mapping in plan.schedule.mappings if mapping.layer.macs}
    assert simulate(plan.schedule, plan.hardware) == simulate_events(plan.schedule, plan.hardware)
    assert verify_plan(plan).proven


def test_it_takes_what_costs_less_by_the_mappers_objective():
    """Dear products keep it from layers that it would do sooner."""
    dear = with_host(vary(machine(), **{"mapper.dataflow": "energy"}), **FAST, energy={"mac": 1e6})
    assert HOST not in dataflows_of_layers(dear)
    cheap = with_host(vary(machine(), **{"mapper.dataflow": "energy"}), **SLOW)
    assert HOST in dataflows_of_layers(cheap)


def test_what_it_may_take_is_named_once_and_of_the_array(tmp_path):
    for may_take, sentence in (
        (["conv", "conv"], "must name each operator once"),
        (["softmax"], "host.may_take.0 = 'softmax': must be 'conv' or 'fully_connected'"),
    ):
        with pytest.raises(AccelsimError) as error:
            accelsim.load_hardware(str(written(tmp_path, may_take=may_take)))
        assert sentence in str(error.value)


# --- an array that is called


@pytest.mark.parametrize("of", [machine(), KEEPING], ids=["banks", "pool"])
def test_each_layer_of_the_array_begins_with_a_call(of):
    called = vary(of, **{"pe_array.cycles_per_call": 1000})
    layers = {layer.name: layer for layer in run_network(NETWORK, called).layers}
    for layer in run_network(NETWORK, of).layers:
        if layer.macs:
            assert layers[layer.name].busy_cycles["array"] >= 1000
    plan = plan_run(NETWORK, called)
    array_cycles = sum(mapping.totals.array_cycles for mapping in plan.schedule.mappings)
    assert simulate(plan.schedule, plan.hardware) == simulate_events(plan.schedule, plan.hardware)
    assert array_cycles >= 1000 * sum(layer.on_array for layer in plan.schedule.layers)
    assert accelsim.verify(NETWORK, called).proven


# --- what comes with each output channel


def test_offsets_take_the_bits_that_the_machine_says():
    wide = machine(**{"precision.offset_bits": 48})
    layer = conv(16, 8, (8, 8), bias=True)
    narrow, broad = (map_layer(layer, hardware) for hardware in (machine(), wide))
    read = [mapping.totals.counts.read_bytes(("dram",)) for mapping in (narrow, broad)]
    assert read[1] - read[0] == 16 * (48 - machine().precision.weights_bits) // 8
    assert accelsim.verify("mlperf_tiny_ic", wide).proven

"""What is kept is kept under all that it follows from: another value of any part of it is another key."""

import importlib
import sys
from dataclasses import fields, is_dataclass, replace

import pytest
from machines import MACHINE, with_engines
from parts import changed_parts
from read_once import load_network

from accelsim import AccelsimError, run_network
from accelsim.descriptions import Document, check, vary
from accelsim.descriptions.shipped import names
from accelsim.hardware import Hardware
from accelsim.hardware.cache import Cache as CacheBeforeMemory
from accelsim.mapping.options import MappingOptions
from accelsim.network.configuration import configure
from accelsim.network.description import NetworkDescription
from accelsim.network.given import GivenMapping, SizeBounds
from accelsim.network.layer import CodedParts, FusedOperator, Layer, Pooling
from accelsim.network.stages import Stage
from accelsim.reuse.cache import Cache
from accelsim.search import family
from accelsim.search.evaluate import SearchTask, run_cost
from accelsim.search.family import but_for_depth
from accelsim.search.space import with_depths
from accelsim.search.store import ResultKey, TaskKey

FULL_MACHINE = check(
    Document(
        "machine",
        {
            **MACHINE,
            "title": "A machine in which every key is given",
            "pe_array": {
                **MACHINE["pe_array"],
                "dataflows": {
                    **MACHINE["pe_array"]["dataflows"],
                    "weight_stationary": {"accumulators_per_column": 256, "packing": ["groups"]},
                },
            },
            "vector_unit": {
                **MACHINE.get("vector_unit", {}),
                "unfused": ["softmax"],
                "operations": {"add": 2},
            },
            "energy": {**MACHINE["energy"], "picojoules_per_unit": 1.5},
            "power": {"idle_mw": 1.0},
            "area": {
                "process": "65 nm",
                "word_bits": 16,
                "pe_mm2": 0.01,
                "register_file_mm2_per_kib": 0.02,
                "global_buffer_mm2_per_kib": 0.03,
                "rest_mm2": 0.5,
            },
            "assumed": {"clock_mhz": "made up"},
        },
        {},
    ),
    Hardware,
)
NO_COST_OF_A_MACHINE = ("name", "title", "source", "assumed", "area")
"""What is said of a machine that changes no cost, as long as its area leaks nothing."""
LEAKAGE = "area.leakage_mw_per_mm2"

FULL_NETWORK = check(
    Document(
        "network",
        {
            "name": "full",
            "title": "A network in which every key is given",
            "source": "made up for a test",
            "input": {"channels": 3, "height": 16, "width": 16},
            "parameters": {
                "filters": {"default": 8, "allowed": [4, 8, 16], "minimum": 1, "maximum": 64},
                "kernel": {"default": 3, "allowed": [1, 2, 3, 5], "minimum": 1, "maximum": 5},
            },
            "reported": {"top1": 60.0, "top5": 80.0, "params": 1.0, "macs": 1.0, "kept_params": 1.0}
            | {"stored_bytes": 1.0, "notes": "none", "accuracy": {"percent": 50.0, "metric": "mAP"}},
            "reported_at": [
                {"at": {"filters": 4}, "top1": 50.0, "notes": "none"}
                | {"accuracy": {"percent": 40.0, "metric": "mAP"}}
            ],
            "precision": {"weights_bits": 8, "activations_bits": 8, "partial_sums_bits": 24}
            | {"pruned_index_bits": 4},
            "compression": [{"layers": "b*", "weight_density": 0.5, "weight_bits": 4}],
            "assumed": {"batch": "made up, too"},
            "stages": [
                {"block": "depthwise_separable", "name": "a", "stage": "first", "repeat": 2}
                | {"out_channels": "=filters"},
                {"block": "conv", "name": "b", "stage": "second", "repeat": 1, "out_channels": 16}
                | {"kernel": "=kernel", "reads": ["input"]},
            ],
        },
        {},
    ),
    NetworkDescription,
)
NO_COST_OF_A_NETWORK = (
    "name",
    "title",
    "source",
    "assumed",
    "reported",
    "reported_at",
    *(f"parameters.filters.{key}" for key in ("allowed", "minimum", "maximum")),
    *(f"parameters.kernel.{key}" for key in ("allowed", "minimum", "maximum")),
    "stages.0.stage",
    "stages.1.stage",
)
"""What is said of a network that changes no cost: words, reports, and which values a parameter may take."""
IN_THE_DEPTHS = ("stages.0.repeat", "stages.1.repeat")


def task(network=None, hardware=FULL_MACHINE, **options):
    return SearchTask(configure(FULL_NETWORK) if network is None else network, hardware, **options)


def place(some):
    """The keys of a cost and of a sentence."""
    depths = tuple(stage.repeat for stage in some.network.stages if stage.repeat is not None)
    return ResultKey(TaskKey.of(some), depths).rows


def below(keys, parts):
    return any(keys == part or keys.startswith(f"{part}.") for part in parts)


ONE_VALUE_OF_A_MACHINE = (
    *("memories.0.size_bytes", "memories.0.banks", "memories.0.holds", "memories.1.holds"),
    *("memories.1.bandwidth", "memories.1.latency_cycles", "memories.1.prefetch", "memories.1.banks.bytes"),
    *("memories.0.keeps", "memories.1.keeps", "io.inputs", "io.outputs", "memories.1.banks.bank_bytes"),
    "memories.1.banks.padded",
    *("memories.0.bandwidth.bytes_per_second", "memories.0.latency_seconds", "memories.1.latency_seconds"),
    *(f"memories.{place}.energy.{key}" for place in (0, 1) for key in ("at_bytes", "exponent")),
    *("memories.0.leakage_mw_per_kib", "memories.0.compress", "memories.1.compress"),
    *("memories.1.burst_bytes", "memories.1.layout"),
    *("pe_array.dataflows.output_stationary.block_register", "pe_array.ports", "host", "control"),
    "cascade",
    *(f"memories.{place}.{key}" for place in (0, 1) for key in ("read", "write", "stops_array", "cache")),
    *("memories.0.arena_bytes", "memories.1.arena_bytes"),
)
"""The outermost memory holds everything and has the channel, in cycles; banks have shares or bytes; nothing
is kept, and no price is a law."""
IN_SECONDS = vary(
    FULL_MACHINE,
    **{"memories.0.bandwidth.bytes_per_second": 1e9, "memories.0.latency_seconds": 1e-7},
    **{"memories.1.energy": {"read": 6, "write": 6, "at_bytes": 4096, "exponent": 0.5}},
)
CHANGES_IN_SECONDS = {
    "memories.0.bandwidth.bytes_per_second": 2e9,
    "memories.0.latency_seconds": 2e-7,
    "memories.1.energy.at_bytes": 8192,
    "memories.1.energy.exponent": 0.4,
}
SAID_AT_ONCE = {
    "pe_array.dataflows.output_stationary.block_register": {"rows": 3, "columns": 3},
    "pe_array.ports": {side: {"words_in": 2, "words_out": 2} for side in ("rows", "columns")},
    "memories.0.compress": {"weights": 0.5},
    "host": {"name": "cpu", "takes": ["conv"], "macs_per_cycle": 1, "elements_per_cycle": 1},
    "control": {"cycles_per_tile": 1},
    "memories.0.cache": {"size_bytes": 4096},
    "memories.1.stops_array": ["inputs"],
}
"""Of a machine of which nothing is said: what is a mapping, if anything."""
ENGINES = with_engines(
    FULL_MACHINE,
    control={"cycles_per_tile": 10, "tiles_in_flight": 2, "completion_cycles": 3, "cycles_per_layer": 40},
    read={"bytes_per_cycle": 8, "latency_cycles": 30},
    write={"bytes_per_second": 4e9, "latency_seconds": 4e-8},
)
CHANGES_OF_ENGINES = {
    "control.cycles_per_tile": 11,
    "control.tiles_in_flight": 3,
    "control.completion_cycles": 4,
    "control.cycles_per_layer": 41,
    "control.reloads": True,
    "memories.0.read.bytes_per_cycle": 9,
    "memories.0.read.latency_cycles": 31,
    "memories.0.write.bytes_per_second": 5e9,
    "memories.0.write.latency_seconds": 5e-8,
}
"""Of a machine whose engines have rules of their own."""
CACHED = vary(
    FULL_MACHINE,
    **{"memories.0.burst_bytes": 1, "memories.0.layout": None, "memories.0.compress": None},
    **{"memories.0.cache": {"size_bytes": 4096}},
)
CHANGES_OF_A_CACHE = {
    "size_bytes": 8192,
    "line_bytes": 128,
    "ways": 4,
    "request_bytes": 32,
    "store_request_bytes": 32,
    "beat_bytes": 8,
    "hit_cycles": 5,
    "requests_in_flight": 3,
    "miss_cycles": 7,
    "misses_in_flight": 2,
    "line_cycles": 4,
    "warm": True,
    "energy": {"read": 1, "write": 2},
}
"""Of a machine with a cache before its memory off chip."""
POOLED = vary(FULL_MACHINE, **{"memories.1.banks": "pool", "memories.1.keeps": ["activations"]})
POOLED_CHANGES = {
    "memories.1.banks": {"memories.1.banks": FULL_MACHINE.memories[1].banks, "memories.1.keeps": []},
    "memories.1.keeps": {"memories.1.keeps": []},
    "io.inputs": {"io.inputs": FULL_MACHINE.memories[1].name},
    "io.outputs": {"io.outputs": FULL_MACHINE.memories[1].name},
    "cascade": {"cascade": {"layers": 4}},
    "arena": {"memories.1.arena_bytes": 65536},
}
MACHINES = dict(changed_parts(FULL_MACHINE, fixed=ONE_VALUE_OF_A_MACHINE))
NETWORKS = dict(
    changed_parts(FULL_NETWORK, "residual_basic", "separable_conv", "a", fixed=("stages.0.reads",))
)
"""The first row can read nothing but the image."""


@pytest.mark.parametrize("keys", MACHINES)
def test_every_part_of_a_machine_is_in_the_key_of_a_result(keys):
    (cost, words), (before, said_before) = place(task(hardware=MACHINES[keys])), place(task())
    no_cost = below(keys, NO_COST_OF_A_MACHINE) and keys != LEAKAGE
    assert (cost == before) == no_cost
    assert words != said_before


@pytest.mark.parametrize("key", CHANGES_IN_SECONDS)
def test_seconds_and_laws_of_size_are_in_the_key_of_a_result(key):
    changed = vary(IN_SECONDS, **{key: CHANGES_IN_SECONDS[key]})
    (cost, words), (before, said_before) = place(task(hardware=changed)), place(task(hardware=IN_SECONDS))
    assert cost != before
    assert words != said_before


def test_every_key_of_a_cache_is_changed_here():
    assert CHANGES_OF_A_CACHE.keys() == CacheBeforeMemory.model_fields.keys()


@pytest.mark.parametrize("key", CHANGES_OF_A_CACHE)
def test_what_is_said_of_a_cache_is_in_the_key_of_a_result(key):
    changed = vary(CACHED, **{f"memories.0.cache.{key}": CHANGES_OF_A_CACHE[key]})
    (cost, words), (before, said_before) = place(task(hardware=changed)), place(task(hardware=CACHED))
    assert cost != before
    assert words != said_before


@pytest.mark.parametrize("key", CHANGES_OF_ENGINES)
def test_rules_of_engines_are_in_the_key_of_a_result(key):
    changed = vary(ENGINES, **{key: CHANGES_OF_ENGINES[key]})
    (cost, words), (before, said_before) = place(task(hardware=changed)), place(task(hardware=ENGINES))
    assert cost != before
    assert words != said_before


@pytest.mark.parametrize("key", SAID_AT_ONCE)
def test_what_is_said_at_once_is_in_the_key_of_a_result(key):
    changed = vary(FULL_MACHINE, **{key: SAID_AT_ONCE[key]})
    (cost, words), (before, said_before) = place(task(hardware=changed)), place(task())
    assert cost != before
    assert words != said_before


def test_an_area_that_leaks_is_in_the_key_of_a_result():
    leaking = vary(FULL_MACHINE, **{"area.leakage_mw_per_mm2": 0.1})
    larger = vary(leaking, **{"area.rest_mm2": 1.0})
    costs = [place(task(hardware=hardware))[0] for hardware in (leaking, larger)]
    assert costs[0] != costs[1]


@pytest.mark.parametrize("changes", POOLED_CHANGES.values(), ids=POOLED_CHANGES)
def test_what_a_machine_keeps_is_in_the_key_of_a_result(changes):
    (cost, words), (before, said_before) = (
        place(task(hardware=vary(POOLED, **changes))),
        place(task(hardware=POOLED)),
    )
    assert cost != before
    assert words != said_before


def test_how_deep_a_cascade_may_be_is_in_the_key_of_a_result():
    deep, deeper = (vary(POOLED, cascade={"layers": layers}) for layers in (2, 3))
    assert place(task(hardware=deep))[0] != place(task(hardware=deeper))[0]


@pytest.mark.parametrize(
    "keys", [keys for keys in MACHINES if below(keys, NO_COST_OF_A_MACHINE) and keys != LEAKAGE]
)
def test_the_parts_of_a_machine_that_are_left_out_change_no_cost(keys):
    assert run_cost(task(hardware=MACHINES[keys]), Cache()) == run_cost(task(), Cache())


@pytest.mark.parametrize("keys", NETWORKS)
def test_every_part_of_a_network_is_in_the_key_of_a_result(keys):
    changed = task(configure(NETWORKS[keys]))
    (cost, words), (before, said_before) = place(changed), place(task())
    assert (cost == before) == below(keys, NO_COST_OF_A_NETWORK)
    assert words != said_before
    assert (TaskKey.of(changed).digest == TaskKey.of(task()).digest) == below(
        keys, (*NO_COST_OF_A_NETWORK, *IN_THE_DEPTHS)
    )


@pytest.mark.parametrize("keys", [keys for keys in NETWORKS if below(keys, NO_COST_OF_A_NETWORK)])
def test_the_parts_of_a_network_that_are_left_out_change_no_cost(keys):
    assert run_cost(task(configure(NETWORKS[keys])), Cache()) == run_cost(task(), Cache())


@pytest.mark.parametrize("option", [{"batch": 2}, {"dataflow": "weight_stationary"}, {"objective": "energy"}])
def test_every_option_is_in_the_key_of_a_result(option):
    assert place(task(**option))[0] != place(task())[0]


def test_names_of_stages_are_in_the_key_only_where_patterns_of_names_say_something():
    plain = vary(FULL_NETWORK, compression=[])
    renamed = vary(plain, **{"stages.0.name": "c"})
    assert place(task(configure(renamed)))[0] == place(task(configure(plain)))[0]
    assert run_cost(task(configure(renamed)), Cache()) == run_cost(task(configure(plain)), Cache())
    assert but_for_depth(configure(renamed)) == but_for_depth(configure(plain))


def a_stage_of_each_block():
    """Of every block that a shipped network has, and of a graph of operators."""
    graph = configure(check(Document("graph", GRAPH, {}), NetworkDescription))
    networks = [load_network(name) for name in names("networks")]
    stages = {}
    for network in (graph, *networks):
        for index, stage in enumerate(network.stages):
            stages.setdefault(type(stage.block).__name__, (network, index))
    return stages


GRAPH = {
    "name": "graph",
    "title": "Operators one by one",
    "source": "made up for a test",
    "input": {"channels": 4, "height": 8, "width": 8},
    "stages": [
        {
            "block": "graph",
            "name": "body",
            "operators": [
                {"operator": "conv", "name": "a", "inputs": ["input"], "out_channels": 8, "kernel": [3, 3]}
                | {"stride": [1, 1], "padding": [1, 1, 1, 1], "dilation": 1, "groups": 1, "stage": "first"}
                | {"shared": ["weights"]},
                {"operator": "max_pool", "name": "b", "inputs": ["input"], "kernel": 2, "stage": "second"},
            ],
        }
    ],
}
STAGES = a_stage_of_each_block()
ONE_VALUE = ("operators.0.inputs", "operators.0.operator")
"""The first of a graph's operators reads nothing but its input, and no other takes a convolution's keys."""


@pytest.mark.parametrize("kind", STAGES)
def test_every_argument_of_a_block_is_in_the_key_of_a_result(kind):
    network, index = STAGES[kind]
    stage: Stage = network.stages[index]
    before = place(SearchTask(network, FULL_MACHINE))[0]
    fields_of_block = type(stage.block).model_fields
    changes = dict(changed_parts(stage.block, "a", fixed=ONE_VALUE)) if fields_of_block else {}
    for keys, block in changes.items():
        stages = (*network.stages[:index], replace(stage, block=block), *network.stages[index + 1 :])
        assert place(SearchTask(replace(network, stages=stages), FULL_MACHINE))[0] != before, keys


def test_two_blocks_with_the_same_arguments_have_two_keys():
    stages = [{"block": kind, "name": "a"} for kind in ("dropout", "softmax")]
    networks = [
        configure(check(Document("graph", {**GRAPH, "stages": [stage]}, {}), NetworkDescription))
        for stage in stages
    ]
    first, second = (place(SearchTask(network, FULL_MACHINE)) for network in networks)
    assert first[0] != second[0]


FOREIGN = """
from pydantic import PositiveInt
from accelsim.network import operators
from accelsim.network.blocks import Block

class Foreign(Block):
    out_channels: PositiveInt

    def build(self, draft, source, at):
        return operators.conv(draft, at.name, source, out_channels=self.out_channels, kernel={kernel})
"""


def test_the_code_of_a_block_of_another_package_is_in_the_key_of_a_result(tmp_path, monkeypatch):
    network, blocks = configure(FULL_NETWORK), []
    monkeypatch.syspath_prepend(tmp_path)
    for kernel in (1, 3):
        (tmp_path / "foreign.py").write_text(FOREIGN.format(kernel=kernel))
        sys.modules.pop("foreign", None)
        importlib.invalidate_caches()
        blocks.append(importlib.import_module("foreign").Foreign(out_channels=16))
        stages = (replace(network.stages[0], block=blocks[-1]), *network.stages[1:])
        blocks[-1] = TaskKey.of(SearchTask(replace(network, stages=stages), FULL_MACHINE)).digest
    sys.modules.pop("foreign")
    assert blocks[0] != blocks[1]


def test_a_block_that_was_typed_in_is_another_in_each_process():
    names = {"__name__": "typed_in"}
    exec(FOREIGN.format(kernel=1), names)
    kind = names["Foreign"]
    assert family._kind(kind) == family._kind(kind)
    assert family._kind(kind) != family._kind.__wrapped__(kind)


def test_depths_are_in_the_key_of_a_result():
    network = configure(FULL_NETWORK)
    assert (
        place(SearchTask(with_depths(network, (3, 1)), FULL_MACHINE))[0]
        != place(SearchTask(network, FULL_MACHINE))[0]
    )


# --- cache, and files of mappings

GIVEN = GivenMapping(
    "weight_stationary",
    tile=(("K", 4),),
    order=("N", "G", "C", "FY", "FX", "K", "OY", "OX"),
    bounds=(("C", SizeBounds()),),
    homes=(("inputs", ("sram",)),),
    parameters=(("p", 1),),
    idle_rows=1,
    images="together",
    position="mine.yaml:1",
)
LAYER = Layer(
    "layer",
    "conv",
    K=8,
    C=4,
    OY=8,
    OX=8,
    FY=3,
    FX=3,
    G=2,
    IY=8,
    IX=8,
    pad_top=1,
    pad_left=1,
    weight_bits=8,
    weight_density=0.5,
    pruned_index_bits=4,
    activation_bits=8,
    partial_sum_bits=24,
    weight_ratio=0.5,
    output_density=0.5,
    coded=CodedParts(),
    fused=(FusedOperator("relu", "relu", vector_ops=512),),
    pooling=Pooling("pool", "max_pool", OY=4, OX=4, FY=2, FX=2, stride_y=2, stride_x=2),
    stage="body",
    given=GIVEN,
    given_pooling=GIVEN,
)
NO_PART_OF_A_MAPPING = (
    *("name", "stage", "params", "fused.0.name", "pooling.name"),
    *("given.position", "given_pooling.position"),
)
"""What is said of a layer that changes no mapping."""


GIVEN = ("given", "given_pooling")
"""What is said of a layer's mapping, or of its pooling's, mostly nothing: changed by a test of its own."""
WHAT_IS_GIVEN = {
    "dataflow": "weight_stationary",
    "tile": (("K", 4),),
    "order": ("N", "G", "K", "OY", "OX", "C", "FY", "FX"),
    "bounds": (("K", SizeBounds(least=2)),),
    "homes": (("inputs", ("dram",)),),
    "parameters": (("p", 2),),
    "idle_rows": 1,
    "images": "together",
}


def changed_fields(value):
    """(dotted names, the dataclass with another value there), for every field at every level."""
    for field in fields(value):
        held = getattr(value, field.name)
        if field.name in GIVEN:
            continue
        if is_dataclass(held):
            inner = ((field.name + "." + keys, part) for keys, part in changed_fields(held))
        elif isinstance(held, tuple) and held and not is_dataclass(held[0]):
            inner = ((field.name, held[1:]),)
        elif isinstance(held, tuple):
            assert held, f"{field.name} is empty: give it a value that can be changed"
            inner = ((f"{field.name}.0.{keys}", (part, *held[1:])) for keys, part in changed_fields(held[0]))
        elif isinstance(held, bool):
            inner = ((field.name, not held),)
        else:
            inner = ((field.name, held + "x" if isinstance(held, str) else held + 1),)
        yield from ((keys, replace(value, **{field.name: part})) for keys, part in inner)


LAYERS = dict(changed_fields(LAYER))


def test_all_that_may_be_given_of_a_mapping_is_given_here():
    assert {field.name for field in fields(GivenMapping) if field.compare} == WHAT_IS_GIVEN.keys()


@pytest.mark.parametrize("key", WHAT_IS_GIVEN)
@pytest.mark.parametrize("field", GIVEN)
def test_what_is_given_of_a_mapping_is_in_its_key(field, key, tmp_path):
    mappings = Cache(tmp_path / "mappings.sqlite").layers(FULL_MACHINE, MappingOptions()).mappings
    changed = replace(LAYER, **{field: GivenMapping(**{key: WHAT_IS_GIVEN[key]})})
    assert mappings.key(changed.nameless) != mappings.key(LAYER.nameless)
    assert changed.nameless != LAYER.nameless


@pytest.mark.parametrize("keys", LAYERS)
def test_every_part_of_a_layer_is_in_the_key_of_its_mapping(keys, tmp_path):
    mappings = Cache(tmp_path / "mappings.sqlite").layers(FULL_MACHINE, MappingOptions()).mappings
    changed = LAYERS[keys]
    same = keys in NO_PART_OF_A_MAPPING
    assert (mappings.key(changed.nameless) == mappings.key(LAYER.nameless)) == same
    assert (changed.nameless == LAYER.nameless) == same
    assert (changed.form == LAYER.form) == same


@pytest.mark.parametrize("keys", MACHINES)
def test_every_part_of_a_machine_is_in_the_key_of_a_mapping(keys, tmp_path):
    cache = Cache(tmp_path / "mappings.sqlite")
    before, changed = (
        cache.layers(hardware, MappingOptions()) for hardware in (FULL_MACHINE, MACHINES[keys])
    )
    assert before is not changed
    same = before.mappings.key(LAYER.nameless) == changed.mappings.key(LAYER.nameless)
    assert same == below(keys, ("name", "title", "source", "assumed"))


@pytest.mark.parametrize("option", [{"batch": 2}, {"dataflow": "weight_stationary"}, {"objective": "edp"}])
def test_every_option_is_in_the_key_of_a_mapping(option, tmp_path):
    cache = Cache(tmp_path / "mappings.sqlite")
    before, changed = (cache.layers(FULL_MACHINE, MappingOptions(**some)) for some in ({}, option))
    assert before.mappings.key(LAYER.nameless) != changed.mappings.key(LAYER.nameless)


@pytest.mark.parametrize("keys", NETWORKS)
def test_a_memory_takes_no_network_for_another(keys):
    cache = Cache()
    for description in (FULL_NETWORK, NETWORKS[keys]):
        network = configure(description)
        assert ran(network, cache) == ran(network, Cache())


def ran(network, cache):
    """What a run says: a result, or why there is none."""
    try:
        return run_network(network, FULL_MACHINE, cache=cache)
    except AccelsimError as error:
        return str(error)

"""Random networks on random machines: both engines say the same, and so does a run that remembers another."""

from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Final

from accelsim.descriptions import vary
from accelsim.errors import AccelsimError
from accelsim.hardware import Hardware
from accelsim.mapping.options import MappingOptions
from accelsim.network.load import load_network
from accelsim.reuse.cache import Cache
from accelsim.run import plan_run, run_network, run_plan
from fuzz.door import Door
from fuzz.doors.files import machine
from fuzz.judge import check_network, check_result, require
from fuzz.mutate import emitted, shown

_MOST_STEPS: Final = 6_000
"""Of a run whose events are gone through one by one; of longer ones only the fast engine is asked."""


@dataclass(frozen=True)
class Pair:
    """A network and a machine."""

    network: bytes
    base: str
    changes: dict[str, Any]
    batch: int


def _stage(random: Random, number: int) -> dict[str, Any]:
    """A row of a stage table whose arguments are legal one by one; they need not fit what is before."""
    channels = random.choice((4, 8, 12, 16, 24, 36, 64))
    row: dict[str, Any] = random.choice(
        (
            {"block": "conv", "out_channels": channels, "kernel": random.choice((1, 1, 2, 3, 5)),
             "stride": random.choice((1, 1, 2, 3)), "padding": random.choice((0, 1, "same")),
             "groups": random.choice((1, 1, 1, 2, 4)), "dilation": random.choice((1, 1, 2)),
             "bias": random.random() < 0.5, "activation": "relu"},
            {"block": "max_pool", "kernel": random.choice((2, 3)), "stride": random.choice((1, 2)),
             "rounding": random.choice(("floor", "ceil"))},
            {"block": "fire", "squeeze": 3, "expand1x1": channels, "expand3x3": 5},
            {"block": "sqnxt", "out_channels": channels, "stride": random.choice((1, 2)), "repeat": 2},
            {"block": "shufflenet_v2", "out_channels": 2 * channels, "repeat": random.choice((1, 2))},
            {"block": "inverted_residual", "out_channels": channels, "expansion": 2, "repeat": 2},
            {"block": "depthwise_separable", "out_channels": channels, "stride": random.choice((1, 2))},
            {"block": "residual_basic", "out_channels": channels, "stride": random.choice((1, 2))},
            {"block": "residual_bottleneck", "reduced_channels": 4, "out_channels": channels,
             "squeeze_excitation": random.random() < 0.5, "excitation_reduction": 2},
            {"block": "dense_layer", "growth": 3, "expansion": 2, "repeat": 3},
            {"block": "igcv3", "out_channels": channels, "groups": 2},
        )
    )  # fmt: skip
    return {**row, "name": f"stage{number}"}


def _make(random: Random) -> Pair:
    size = random.choice((5, 7, 8, 12, 16, 21))
    stages = [_stage(random, number) for number in range(random.choice((1, 2, 3, 4)))]
    if random.random() < 0.5:
        stages += [{"block": "fully_connected", "name": "fc", "out_features": random.choice((1, 10, 50))}]
    described = {
        "name": "random",
        "title": "",
        "source": "random",
        "input": {"channels": random.choice((1, 3, 8)), "height": size, "width": random.choice((size, 9))},
        "stages": stages,
    }
    return Pair(
        network=emitted(described).encode(),
        base=random.choice(("published", "small", "wide")),
        changes=_changes(random),
        batch=random.choice((1, 1, 1, 2, 3)),
    )


def _changes(random: Random) -> dict[str, Any]:
    """A few parameters of the machine."""
    possible = {
        "pe_array.rows": (1, 2, 3, 8, 9, 31, 128),
        "pe_array.columns": (1, 2, 3, 8, 9, 31, 128),
        "pe_array.port_words_per_column": (1, 2, 5),
        "pe_array.weight_stationary.accumulators_per_column": (1, 2, 17, 200),
        "pe_array.output_stationary.partial_sums_per_pe": (1, 2, 3, 8),
        "pe_array.output_stationary.weight_density": (0.1, 0.37, 1.0),
        "pe_array.output_stationary.block_register": ({"rows": 2, "columns": 9}, {"rows": 40, "columns": 7}),
        "pe_array.dataflows": (["weight_stationary"], ["output_stationary"]),
        "global_buffer.size_bytes": (300, 1000, 4097, 65536, 1 << 22),
        "dram.latency_cycles": (0, 1, 33, 1000),
        "dram.bandwidth_bytes_per_cycle": (0.1, 1.0, 3.3, 64.0),
        "dma.descriptors": (1, 2, 3, 16),
        "vector_unit": ({"lanes_per_column": 1}, {"lanes_per_column": 3}, {"lanes": 5}),
        "precision.weights_bits": (1, 7, 8, 32),
        "precision.activations_bits": (1, 3, 8, 32),
        "precision.partial_sums_bits": (8, 16, 31),
        "mapper.tiles": ("time", "energy", "edp"),
    }
    keys = random.sample(sorted(possible), random.choice((1, 2, 3, 5)))
    return {key: random.choice(possible[key]) for key in keys}


def _feed(pair: Pair) -> None:
    Path("network.yaml").write_bytes(pair.network)
    network = load_network("network.yaml")
    check_network(network)
    hardware = _hardware(pair)
    cache = Cache()
    fast = run_network(network, hardware, batch=pair.batch, cache=cache)
    check_result(fast)
    plan = plan_run(network, hardware, MappingOptions(batch=pair.batch), cache=cache)
    require(run_plan(plan) == fast, "another result from cache")
    if sum(mapping.totals.steps for mapping in plan.schedule.mappings) <= _MOST_STEPS:
        events = run_plan(replace(plan, cache=Cache().layers(hardware, plan.options)), "events")
        require(
            events == fast, "engines that differ", f"{fast.cycles} cycles fast, {events.cycles} by events"
        )


def _hardware(pair: Pair) -> Hardware:
    base = machine(pair.base)
    try:
        return vary(base, **pair.changes)
    except AccelsimError:  # a bank that does not hold two words
        return base


def _show(pair: Pair) -> str:
    network = shown({"network.yaml": pair.network})
    return f"{network}\n--- on {pair.base} with {pair.changes}, batch {pair.batch}"


DOOR: Final = Door("engines", _make, _feed, _show)

"""The inner parts one by one: `pip install -e ".[bench]"`, then `pytest benchmarks`.

Nothing is remembered from one round to the next, but where it says so.
"""

from collections.abc import Callable
from typing import Any, Protocol

import pytest

from accelsim.hardware import load_hardware
from accelsim.network.build import build
from accelsim.network.load import load_network
from accelsim.network.lowering import lower
from accelsim.planning.compiler import make_schedule
from accelsim.reuse.cache import Cache
from accelsim.run import run_network
from accelsim.simulation.engines import Engine, simulate
from workloads import HARDWARE, synthetic

NETWORKS = ("squeezenet_v1_1", "sqnxt23v5", "resnet152")


class Benchmark(Protocol):
    """What pytest-benchmark gives a test."""

    def __call__(self, function: Callable[..., Any], *args: object, **kwargs: object) -> Any: ...


@pytest.mark.parametrize("name", [*NETWORKS, "nasnet_a"])
def test_reading_a_description(benchmark: Benchmark, name: str) -> None:
    assert benchmark(load_network, name).name == name


@pytest.mark.parametrize("name", [*NETWORKS, "nasnet_a"])
def test_building_and_lowering(benchmark: Benchmark, name: str) -> None:
    network = load_network(name)
    assert len(benchmark(lambda: lower(build(network))))


@pytest.mark.parametrize("dataflow", ["auto", "weight_stationary", "output_stationary"])
def test_mapping_one_layer(benchmark: Benchmark, dataflow: str) -> None:
    graph, hardware = lower(build(synthetic())), load_hardware(HARDWARE)
    assert len(benchmark(make_schedule, graph, hardware, dataflow=dataflow).mappings) == 1


@pytest.mark.parametrize("name", NETWORKS)
def test_mapping_a_network(benchmark: Benchmark, name: str) -> None:
    graph = lower(build(load_network(name)))
    assert len(benchmark(make_schedule, graph, load_hardware(HARDWARE)).mappings) >= len(graph)


@pytest.mark.parametrize(
    ("engine", "name"), [*(("fast", name) for name in NETWORKS), ("events", "squeezenet_v1_1")]
)
def test_simulating_a_schedule(benchmark: Benchmark, engine: Engine, name: str) -> None:
    hardware = load_hardware(HARDWARE)
    schedule = make_schedule(lower(build(load_network(name))), hardware)
    assert benchmark(simulate, schedule, hardware, engine=engine).cycles > 0


@pytest.mark.parametrize("name", NETWORKS)
def test_a_run_with_everything_remembered(benchmark: Benchmark, name: str) -> None:
    network, hardware, cache = load_network(name), load_hardware(HARDWARE), Cache()
    expected = run_network(network, hardware, cache=cache)
    assert benchmark(run_network, network, hardware, cache=cache) == expected

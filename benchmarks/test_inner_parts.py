"""The inner parts one by one: `pip install -e ".[bench]"`, then `pytest benchmarks`.

No two rounds have the same machine, so that nothing is remembered from one to the next, but where it says so.
"""

from collections.abc import Callable
from typing import Any, Protocol

import pytest

from accelsim.hardware import Hardware
from accelsim.mapping.schedule import Schedule, make_schedule
from accelsim.network.build import build
from accelsim.network.description import load_network
from accelsim.network.graph import Graph
from accelsim.network.lowering import lower
from accelsim.run import run_network
from accelsim.simulation.simulate import Engine, simulate
from workloads import new_machine, synthetic

ROUNDS = 7
NETWORKS = ("squeezenet_v1_1", "sqnxt23v5", "resnet152")


class Benchmark(Protocol):
    """What pytest-benchmark gives a test."""

    def __call__(self, function: Callable[..., Any], *args: object) -> Any: ...

    def pedantic(self, target: Callable[..., Any], **options: object) -> Any: ...


def on_new_machines(
    benchmark: Benchmark, function: Callable[..., Any], setup: Callable[[Hardware], tuple[object, ...]]
) -> Any:
    """Time a function on what `setup` makes of a machine of its own, round after round."""

    def arguments() -> tuple[tuple[object, ...], dict[str, object]]:
        return setup(new_machine()), {}

    return benchmark.pedantic(function, setup=arguments, rounds=ROUNDS, warmup_rounds=1)


@pytest.mark.parametrize("name", [*NETWORKS, "nasnet_a"])
def test_reading_a_description(benchmark: Benchmark, name: str) -> None:
    assert benchmark(load_network, name).name == name


@pytest.mark.parametrize("name", [*NETWORKS, "nasnet_a"])
def test_building_and_lowering(benchmark: Benchmark, name: str) -> None:
    network = load_network(name)
    assert len(benchmark(lambda: lower(build(network))))


@pytest.mark.parametrize("dataflow", ["auto", "weight_stationary", "output_stationary"])
def test_mapping_one_layer(benchmark: Benchmark, dataflow: str) -> None:
    graph = lower(build(synthetic()))

    def map_it(hardware: Hardware) -> Schedule:
        return make_schedule(graph, hardware, dataflow=dataflow)

    assert len(on_new_machines(benchmark, map_it, lambda hardware: (hardware,)).mappings) == 1


@pytest.mark.parametrize("name", NETWORKS)
def test_mapping_a_network(benchmark: Benchmark, name: str) -> None:
    graph = lower(build(load_network(name)))
    schedule = on_new_machines(benchmark, make_schedule, lambda hardware: (graph, hardware))
    assert len(schedule.mappings) >= len(graph)


@pytest.mark.parametrize(
    ("engine", "name"), [*(("fast", name) for name in NETWORKS), ("events", "squeezenet_v1_1")]
)
def test_simulating_a_schedule(benchmark: Benchmark, engine: Engine, name: str) -> None:
    graph: Graph = lower(build(load_network(name)))

    def mapped(hardware: Hardware) -> tuple[Schedule, Hardware]:
        return make_schedule(graph, hardware), hardware

    def simulated(schedule: Schedule, hardware: Hardware) -> int:
        return simulate(schedule, hardware, engine=engine).cycles

    assert on_new_machines(benchmark, simulated, mapped) > 0


@pytest.mark.parametrize("name", NETWORKS)
def test_a_run_with_everything_remembered(benchmark: Benchmark, name: str) -> None:
    network, hardware = load_network(name), new_machine()
    expected = run_network(network, hardware)
    assert benchmark.pedantic(run_network, args=(network, hardware), rounds=ROUNDS) == expected

"""Results to report on, made by hand so that a test knows every number in them; and how laws are tried.

Laws always have the same examples, so that a run can be repeated, and as much time as the machine takes.
`HYPOTHESIS_PROFILE=explore pytest tests/laws` looks for counterexamples that nobody has seen yet.
"""

import gc
import os
from functools import partial

import pytest
from hypothesis import HealthCheck, settings
from machines import conv
from once import once

from accelsim.network.layer import Layer
from accelsim.network.shapes import layer_shape
from accelsim.patience import PATIENT
from accelsim.power import Energy
from accelsim.result import LayerResult, RunResult
from accelsim.traffic import MemoryResult, Traffic
from accelsim.validation.evaluate import shipped_hardware
from accelsim.validation.gap9 import load_gap9, reproduce_gap9
from accelsim.validation.published import load_published
from accelsim.validation.reproduction import compare_with, reproduce

gc.set_threshold(*PATIENT)  # as the command line does: tests find as little garbage

SLOW_TO_DRAW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=25,
    suppress_health_check=SLOW_TO_DRAW,
)
settings.register_profile(
    "explore",
    deadline=None,
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "1000")),
    suppress_health_check=SLOW_TO_DRAW,
)
settings.register_profile("few", settings.get_profile("repeatable"), max_examples=10)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

OPERANDS = ("inputs", "weights", "outputs", "residual")


def pytest_configure(config):
    """With `-n`, neighbours run in one process, which makes once what they share, until another is idle."""
    if config.getoption("dist", None) == "load":
        config.option.dist = "worksteal"


A_LAYER = LayerResult(
    name="conv1",
    stage="conv1",
    operator="conv",
    shape="64x3x5x5/2 -> 112x112",
    dataflow="weight_stationary",
    fused=("conv1.relu",),
    macs=60_211_200,
    params=4_928,
    cycles=400_000,
    start_cycle=0,
    end_cycle=400_000,
    utilization=0.588,
    bound_by="compute",
    energy=271e6,
    energy_by_component={"mac": 71e6, "dram": 200e6},
    dram_bytes=Traffic(500_000, 400_000),
    global_buffer_bytes=Traffic(3_000_000, 1_000_000),
    compulsory_dram_bytes=720_000,
    lower_bound_cycles=235_200,
    busy_cycles={"array": 380_000, "dram": 60_000, "vector": 20_000},
    waited_for={"inputs": 12_000, "outputs": 3_000},
    tiles=168,
    tile="K8 C3 Y16 X48 pixels_outer",
    form=conv(64, 3, (227, 227), kernel=(5, 5), stride=(2, 2)),
    memories={"dram": MemoryResult({"inputs": 500_000}, {"outputs": 400_000}, 200e6, home_of=OPERANDS)},
    tile_sizes={"N": 1, "G": 1, "K": 8, "C": 3, "OY": 16, "OX": 48, "FY": 5, "FX": 5},
    tile_order=("N", "G", "OY", "OX", "K", "C"),
)


def _network(*layers: LayerResult) -> RunResult:
    """A result of these layers, one after another, on a machine of 256 PEs at 1 GHz."""
    cycles = sum(layer.cycles for layer in layers)
    by_component: dict[str, float] = {}
    for layer in layers:
        for component, energy in layer.energy_by_component.items():
            by_component[component] = by_component.get(component, 0.0) + energy
    return RunResult(
        accelsim="0.1.0",
        network="net",
        hardware="machine",
        batch=1,
        clock_mhz=1000.0,
        cycles=cycles,
        macs=sum(layer.macs for layer in layers),
        params=sum(layer.params for layer in layers),
        utilization=sum(layer.utilization * layer.cycles for layer in layers) / cycles,
        energy=Energy(sum(by_component.values()), "MAC", by_component),
        dram_bytes=Traffic(
            sum(layer.dram_bytes.read for layer in layers), sum(layer.dram_bytes.write for layer in layers)
        ),
        global_buffer_bytes=Traffic(
            sum(layer.global_buffer_bytes.read for layer in layers),
            sum(layer.global_buffer_bytes.write for layer in layers),
        ),
        peak_global_buffer_bytes=118_784,
        lower_bound_cycles=sum(layer.lower_bound_cycles for layer in layers),
        layers=layers,
        memories={"dram": MemoryResult({}, {}, by_component.get("dram", 0.0), home_of=OPERANDS)},
    )


@pytest.fixture
def a_layer():
    """Makes a layer: conv1 of SqueezeNext, but for what is given."""
    return A_LAYER._replace


@pytest.fixture
def a_result():
    """Makes a result of layers."""
    return _network


@pytest.fixture
def a_deep_result(a_layer):
    """conv1, two stages of 66 layers each in blocks of three, and fc: 134 layers with long names."""
    names = ("projection", "depthwise_conv3x3", "expand")
    layers = [a_layer()]
    for stage in ("stage1", "stage2"):
        for block in range(1, 23):
            layers += [
                a_layer(
                    name=f"{stage}.block{block}.{name}", stage=stage, cycles=1_000 * block, bound_by="dram"
                )
                for name in names
            ]
    form = Layer("", "fully_connected", K=1000, C=1024, OY=1, OX=1)
    fc = a_layer(name="fc", stage="fc", operator="fully_connected", shape=str(layer_shape(form)), form=form)
    layers.append(fc)
    return _network(*layers)


@pytest.fixture(scope="session")
def published():
    """SqueezeNext's table of simulated hardware performance."""
    return load_published("squeezenext")


@pytest.fixture(scope="session")
def once_for_all(tmp_path_factory):
    """Computes what has a name, once for all workers of a test run."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    return partial(once, folder)


@pytest.fixture(scope="session")
def reproduction(published, once_for_all):
    """That table beside what is simulated now: 26 simulations."""
    return compare_with(published, once_for_all("squeezenext", lambda: reproduce(published).costs))


@pytest.fixture(scope="session")
def gap9(once_for_all):
    """GAP9's networks beside what is simulated now."""
    return once_for_all("gap9", lambda: reproduce_gap9(shipped_hardware(load_gap9().machine)))

"""Every network that ships, and every member of its family that a parameter makes, runs on both machines.

All of them are mapped as they are. Those that take seconds to simulate are simulated as they are, the others,
and the other members of a family, with a smaller image.
"""

from functools import cache

import pytest
from read_once import load_network

from accelsim.descriptions import shipped
from accelsim.hardware import load_hardware
from accelsim.network.build import build
from accelsim.network.graph import total_macs
from accelsim.network.lowering import lower
from accelsim.planning.compiler import make_schedule
from accelsim.run import run_network
from accelsim.simulation.engines import simulate

MACHINES = {name: load_hardware(name) for name in ("8x8_32k", "16x16_128k")}
NAMES = shipped.names("networks")
LARGE = {
    "condensenet",
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
    "igcv3",
    "nasnet_a",
    "pnasnet5",
    "resnet101",
    "resnet152",
    "resnext50",
    "resnext101",
    "se_shufflenet_v2_164",
    "senet154",
    "shufflenet_v2_50",
    "vgg16",
    "vgg19",
    "xception",
}
"""Networks that take seconds to simulate."""
SMALL_IMAGE = 64
"""Pixels; enough for every window of the large networks and of all families."""
LINEAGE = (
    "alexnet",
    "vgg16",
    "vgg19",
    "googlenet",
    "inception_v3",
    "resnet18",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50",
    "resnext101",
    "senet154",
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
    "condensenet@groups=4",
    "condensenet@groups=8",
    "squeezenet_v1_0",
    "squeezenet_v1_0_simple_bypass",
    "squeezenet_v1_0_complex_bypass",
    "squeezenet_v1_1",
    "tiny_darknet",
    "sqnxt23@width=1.0",
    "sqnxt23@width=1.5",
    "sqnxt23@width=2.0",
    "sqnxt34@width=1.0",
    "sqnxt34@width=1.5",
    "sqnxt34@width=2.0",
    "sqnxt44@width=1.0",
    "sqnxt44@width=1.5",
    "sqnxt44@width=2.0",
    "sqnxt23v2",
    "sqnxt23v3",
    "sqnxt23v4",
    "sqnxt23v5",
    "sqnxt23_2x",
    "sqnxt23v4_2x",
    "sqnxt23v5_2x",
    "sqnxt23_g",
    "mobilenet_v1@width=0.75,resolution=192",
    "conv_mobilenet",
    "shallow_mobilenet",
    "mobilenet_v2@width=0.75,resolution=192",
    "shufflenet_v1@groups=1",
    "shufflenet_v1@groups=2",
    "shufflenet_v1@groups=3",
    "shufflenet_v1@groups=4",
    "shufflenet_v1@groups=8",
    "shufflenet_v1@scale=0.5",
    "shufflenet_v1@se=true",
    "shufflenet_v2@width=1.5",
    "shufflenet_v2@se=true",
    "shufflenet_v2_star@width=0.5",
    "shufflenet_v2_50",
    "se_shufflenet_v2_164",
    "xception",
    "xception_small@width=0.5",
    "igcv3@width=0.7",
    "nasnet_a",
    "pnasnet5",
)
"""The networks of the lineage and their parameters, as a user asks for them."""
known = {machine: {} for machine in MACHINES}
"""Mappings, since networks of a family share most of their layers."""


@cache
def members(name):
    """What is reported of a family, and one member for each value that a parameter is allowed."""
    description = load_network(name).description
    found = [entry.at for entry in description.reported_at]
    for key, knob in description.parameters.items():
        found += [{key: value} for value in knob.allowed or () if value != knob.default]
        if isinstance(knob.default, bool):
            found.append({key: not knob.default})
    return {load_network(name, **at).name: at for at in found}


@pytest.mark.parametrize("name", LINEAGE)
def test_a_network_of_the_lineage_ships(name):
    assert total_macs(build(load_network(name))) > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_description_is_short(name):
    text = shipped.packaged("networks", name).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_has_a_member(name):
    varied = {key for at in members(name).values() for key in at}
    fixed = {
        key
        for key, knob in load_network(name).description.parameters.items()
        if knob.allowed == (knob.default,)
    }
    assert varied | fixed >= load_network(name).description.parameters.keys()


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", NAMES)
def test_a_network_runs(name, machine):
    if name in LARGE:
        mapped(load_network(name), machine)
        network = load_network(name, resolution=SMALL_IMAGE)
    else:
        network = load_network(name)
    result = run_network(network, MACHINES[machine])
    assert result.macs == total_macs(build(network))
    assert result.cycles == sum(layer.cycles for layer in result.layers) >= result.lower_bound_cycles
    assert 0 < result.utilization <= 1


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", [name for name in NAMES if members(name)])
def test_the_other_members_of_a_family_run(name, machine):
    for at in members(name).values():
        mapped(load_network(name, **at), machine)
        small = mapped(load_network(name, **{**at, "resolution": SMALL_IMAGE}), machine)
        activity = simulate(small, MACHINES[machine])
        assert activity.counts.macs == sum(mapping.totals.counts.macs for mapping in small.mappings) > 0


def mapped(network, machine):
    """The network's schedule, in which every layer has something to do."""
    executed = lower(build(network))
    schedule = make_schedule(executed, MACHINES[machine], mappings=known[machine])
    assert len(schedule.mappings) == len(executed)
    assert all(mapping.totals.steps > 0 for mapping in schedule.mappings)
    return schedule

"""Machines with a cache before their memory: what holds for every layer, tile, loop order and cache."""

import json
from itertools import product
from math import ceil

import hypothesis.strategies as st
from hypothesis import given
from machines import MACHINE, schedule
from strategies import cases, layers, reordered_cases

from accelsim.hardware import Hardware, dataflow_names
from accelsim.mapping.regions import visits
from accelsim.mapping.requests import _asked, tensors_of
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast
from accelsim.verification.layers import verify_mapping

_CACHES = st.builds(
    lambda sets, ways, request, store, cycles, in_flight, warm: {
        "size_bytes": 64 * sets * ways,
        "ways": ways,
        "request_bytes": request,
        "store_request_bytes": store,
        "hit_cycles": cycles,
        "requests_in_flight": in_flight,
        "miss_cycles": 2 * cycles,
        "misses_in_flight": in_flight,
        "warm": warm,
    },
    st.sampled_from([1, 2, 16, 64]),
    st.sampled_from([1, 2, 3, 8]),
    st.sampled_from([16, 32, 64]),
    st.sampled_from([16, 64]),
    st.sampled_from([0, 5, 24]),
    st.sampled_from([1, 3, 16]),
    st.booleans(),
)
_WAY = {"bytes_per_cycle": 16, "latency_cycles": 30}


@st.composite
def cached_machines(draw):
    """A machine of 8 bits with a cache, and sometimes control that has each step load all it needs."""
    ways = {"read": _WAY, "write": _WAY} if draw(st.booleans()) else {"bandwidth": {"bytes_per_cycle": 16}}
    control = {"cycles_per_tile": 20, "tiles_in_flight": 2, "reloads": draw(st.booleans())}
    described = {
        **MACHINE,
        "pe_array": {**MACHINE["pe_array"], "dataflows": {name: {} for name in dataflow_names()}},
        "precision": {"weights_bits": 8, "activations_bits": 8, "partial_sums_bits": 32},
        "memories": [{"name": "dram", **ways, "cache": draw(_CACHES)}, MACHINE["memories"][1]],
        **({"control": control} if draw(st.booleans()) else {}),
    }
    return Hardware.model_validate_json(json.dumps(described))


CASES = cases(hardware=cached_machines(), most_steps=60) | reordered_cases(
    hardware=cached_machines(), most_steps=60
)


@given(CASES)
def test_a_program_through_a_cache_is_proven_and_both_engines_run_it_alike(case):
    verify_mapping(case.layer, case.mapping, case.hardware, batch=case.batch)
    plan = schedule(case.mapping)
    activity = simulate_fast(plan, case.hardware)
    assert activity == simulate_events(plan, case.hardware)
    assert activity.counts == case.mapping.totals.counts


@given(CASES)
def test_no_transfer_is_faster_than_its_bytes(case):
    for step in case.mapping.steps():
        for operand, size in step.loads.items():
            assert step.crossing.load_cycles[operand] >= ceil(size / 16)
        assert (step.crossing.store_cycles or 0) >= ceil(step.store_bytes / 16)


@given(cases(layer=layers(), hardware=cached_machines(), most_steps=20))
def test_the_lines_that_are_asked_for_are_those_in_which_the_elements_lie(case):
    cache = case.hardware.memories[0].cache
    tensors = tensors_of(case.mapping.layer, case.images, case.hardware.precision)
    for visit in visits(case.mapping, case.images):
        for region in (*visit.loads, *([visit.stores] if visit.stores else [])):
            tensor = tensors[region.tensor]
            elements = product(*(range(*bounds) for bounds in region.ranges))
            lie = {
                (tensor.base + sum(map(int.__mul__, element, tensor.strides))) // 64 for element in elements
            }
            assert _asked(tensor, region.ranges, cache.request_bytes, cache).lines.tolist() == sorted(lie)

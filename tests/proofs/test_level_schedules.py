"""Networks on machines with a memory for tensors: what lies there is the best of all that there may be."""

from itertools import chain, combinations, product

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given, settings
from machines import machine, with_tensor_memory
from test_places_laws import networks

from accelsim import load_network, run_network
from accelsim.energy import total_energy
from accelsim.errors import MappingError
from accelsim.hardware import Operand
from accelsim.mapping.pool_knowledge import PoolKnowledge
from accelsim.mapping.pool_tiles import operands_of
from accelsim.mapping.staircase import Weights
from accelsim.network import lowered_network
from accelsim.planning import DoesNotFit
from accelsim.planning.compiler import make_schedule, map_network
from accelsim.planning.level_compiler import LevelCompiler
from accelsim.planning.programme.planner import plan_residency
from accelsim.reuse import Cache
from accelsim.run import options_for, plan_run
from accelsim.simulation import simulate
from accelsim.simulation.transitions import Transitions

OBJECTIVES = {"dram_bytes": Weights(dram_bytes=1), "energy": Weights(energy=1), "cycles": Weights(cycles=1)}


def compiler_of(hardware, options):
    return LevelCompiler(
        hardware, hardware.tensor_bank, options, Transitions(), PoolKnowledge(), layers_on=Cache().layers
    )


def subsets(elements):
    return chain.from_iterable(combinations(elements, count) for count in range(len(elements) + 1))


def cost_of(graph, hardware, options):
    """Of each layer and each set of its operands that lie in l2: cycles alone, energy, bytes of DRAM."""
    costs = {}
    for inside in subsets((Operand.INPUTS, Operand.OUTPUTS, Operand.RESIDUAL)):
        seen = hardware.with_places(dict.fromkeys(inside, "l2"))
        schedule = map_network(graph, seen, options)
        for layer, mapping in zip(schedule.layers, schedule.mappings, strict=True):
            counts = mapping.totals.counts
            costs[layer.name, frozenset(inside)] = {
                "cycles": mapping.estimated_cycles,
                "energy": float(total_energy(counts, hardware.prices)),
                "dram_bytes": counts.read_bytes(["dram"]) + counts.written_bytes(["dram"]),
            }
    return costs


def least_of_all_subsets(network, layers, hardware, costs, quantity):
    """Over all sets of tensors in l2 that it holds at each step, and that no step reads beside others."""
    ends = {True: hardware.input_place == "l2", False: hardware.output_place == "l2"}
    tensors, uses = network.tensors, network.uses
    last = [
        max([step for step, use in enumerate(uses) if index in (*use.reads, use.output)], default=0)
        for index in range(len(tensors))
    ]
    first = [
        min([step for step, use in enumerate(uses) if index == use.output], default=0)
        for index in range(len(tensors))
    ]
    last = [len(uses) - 1 if tensor.is_result else end for tensor, end in zip(tensors, last, strict=True)]
    may_be_inside = [
        [ends[True]] if tensor.is_image else [ends[False]] if tensor.is_result else [False, True]
        for tensor in tensors
    ]
    least = None
    for inside in product(*may_be_inside):
        total = 0
        for step, (layer, use) in enumerate(zip(layers, uses, strict=True)):
            held = sum(
                tensor.size_bytes
                for index, tensor in enumerate(tensors)
                if inside[index] and first[index] <= step <= last[index]
            )
            places = {
                Operand.INPUTS: {inside[index] for index in use.inputs},
                Operand.RESIDUAL: {inside[index] for index in use.residuals},
                Operand.OUTPUTS: {inside[use.output]},
            }
            if held > hardware.tensor_memory.size_bytes or any(len(where) > 1 for where in places.values()):
                break
            there = frozenset(operand for operand, where in places.items() if where == {True})
            total += costs[layer.name, there & frozenset(operands_of(layer))][quantity]
        else:
            least = total if least is None else min(least, total)
    return least


@settings(max_examples=settings.default.max_examples, deadline=None)
@given(networks(most_rows=5), st.integers(16, 600), st.sampled_from([(), ("inputs",), ("inputs", "outputs")]))
def test_a_plan_is_the_best_of_all_subsets_of_tensors(network, size_bytes, ends):
    hardware = with_tensor_memory(machine(), size_bytes, dict.fromkeys(ends, "l2"))
    options = options_for(network)
    graph = lowered_network(network).graph
    compiler = compiler_of(hardware, options)
    try:
        to_plan = compiler.network_to_plan(graph)
    except MappingError:
        assume(False)
    assume(len(to_plan.tensors.tensors) <= 10 and all(len(parts) == 1 for parts in to_plan.parts))
    costs = cost_of(graph, hardware, options)
    for quantity, weights in OBJECTIVES.items():
        plan = plan_residency(to_plan.tensors, compiler.places(), compiler.prices(to_plan, weights))
        least = least_of_all_subsets(to_plan.tensors, to_plan.layers, hardware, costs, quantity)
        if least is None:
            assert isinstance(plan, DoesNotFit)
        else:
            assert plan.price == pytest.approx(least, rel=1e-12)


VALUES = {
    "time": lambda run: run.cycles,
    "energy": lambda run: run.energy.total,
    "edp": lambda run: run.cycles * run.energy.total,
}


def nothing_kept(network, hardware, objective):
    """What it takes if every tensor lies in DRAM."""
    return run_network(network, hardware.with_places({}), objective=objective)


@settings(max_examples=settings.default.max_examples, deadline=None)
@given(networks(), st.integers(16, 2000), st.sampled_from(sorted(VALUES)))
def test_keeping_is_never_worse_than_keeping_nothing(network, size_bytes, objective):
    hardware = with_tensor_memory(machine(), size_bytes, bytes_per_cycle=2, latency_cycles=50)
    kept = run_network(network, hardware, objective=objective)
    value = VALUES[objective]
    assert value(kept) <= value(nothing_kept(network, hardware, objective)) * (1 + 1e-12)


def test_where_all_fits_only_weights_the_image_and_the_result_come_from_dram():
    network, hardware = load_network("sqnxt23v5"), with_tensor_memory(machine(), 16 << 20, energy=6)
    run = run_network(network, hardware, objective="energy")
    moved = run.memories["dram"].moved_bytes
    tensors = {tensor.name: tensor.size_bytes for tensor in run.memory_map.tensors}
    (result,) = [tensor.size_bytes for tensor in run.memory_map.tensors if tensor.is_result]
    assert moved["residual"] == 0
    assert moved["outputs"] == result
    assert moved["inputs"] >= tensors["image"] * 0.9
    written = run.memories["l2"].written_bytes["outputs"]
    assert written == sum(tensors.values()) - tensors["image"] - result


def test_a_schedule_of_other_runs_is_the_same():
    network, cache = load_network("squeezenet_v1_1@resolution=64"), Cache()
    hardware = with_tensor_memory(machine(), 40000)
    plans = [plan_run(network, hardware, cache=cache) for _ in range(2)]
    assert plans[0].schedule is plans[1].schedule
    fresh = make_schedule(lowered_network(network).graph, hardware)
    assert simulate(fresh, hardware) == simulate(plans[0].schedule, hardware)
    assert fresh.places == plans[0].schedule.places

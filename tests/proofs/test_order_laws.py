"""The order of least peak, for every network: all orders are tried here."""

from itertools import permutations

from hypothesis import given, settings
from test_residency_laws import networks

from accelsim import load_hardware, load_network
from accelsim.network import lowered_network
from accelsim.planning.programme.order import least_peak, steps_of_least_peak


def needs_of(network):
    """Of each step: the steps before it that write what it reads."""
    return [
        sum(1 << writer for writer in range(step) if network.uses[writer].output in use.reads)
        for step, use in enumerate(network.uses)
    ]


def peak_of(network, order):
    """The most that tensors take at once, counted anew for each step."""
    peak = 0
    for place, step in enumerate(order):
        begun = {network.uses[earlier].output for earlier in order[: place + 1]}
        to_come = [network.uses[later] for later in order[place:]]
        held = [
            tensor.size_bytes
            for index, tensor in enumerate(network.tensors)
            if (tensor.is_image or index in begun)
            and (tensor.is_result or any(index == use.output or index in use.reads for use in to_come))
        ]
        peak = max(peak, sum(held))
        assert network.uses[step] is to_come[0]
    return peak


def in_order(order, needs):
    return all(
        not needs[step] & ~sum(1 << earlier for earlier in order[:place]) for place, step in enumerate(order)
    )


@settings(max_examples=150)
@given(networks(most_steps=6))
def test_no_order_holds_less_at_once(network):
    needs = needs_of(network)
    peaks = [peak_of(network, order) for order in permutations(range(len(needs))) if in_order(order, needs)]
    found = steps_of_least_peak(network, needs)
    assert found.peak_bytes == found.bound_bytes == min(peaks) == peak_of(network, found.steps)
    assert in_order(found.steps, needs)


def test_branches_are_run_one_after_the_other():
    """GoogLeNet lists the branches of an inception layer by layer; branch by branch less is held."""
    graph, precision = (
        lowered_network(load_network("googlenet")).graph,
        load_hardware("npu_int8_2m").precision,
    )
    order = least_peak(graph, precision)
    assert order.peak_bytes == order.bound_bytes == 501_760
    assert sorted(node.name for node in order.graph.nodes) == sorted(node.name for node in graph.nodes)

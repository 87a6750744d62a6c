"""The running order in which least has to be held at once, for machines whose memory is what is short.

Layers may run in any order in which none runs before those that it reads. What lives between them depends on
it where a network has branches. An order is built up layer by layer; of all ways to run the same layers only
the one of least peak is followed, and a layer that takes nothing more than it gives back runs at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import nsmallest
from typing import Final, NamedTuple

from accelsim.hardware import Precision
from accelsim.network.executed import ExecutedGraph
from accelsim.planning.programme.stages import members, tensor_set
from accelsim.planning.tensors import NetworkTensors, network_tensors

MOST_SETS: Final = 500
"""Sets of layers that are followed after a step. Of the shipped networks nasnet_a and pnasnet5 reach some
thousands, which, if they are followed, lead to no smaller peak."""


@dataclass(frozen=True)
class LeastPeakOrder:
    """A graph in an order of its own, and what that holds at once.

    Example:
        >>> from accelsim.network import load_network, lowered_network
        >>> graph = lowered_network(load_network("squeezenet_v1_1")).graph
        >>> LeastPeakOrder(graph, peak_bytes=4096, bound_bytes=2048).bound_bytes
        2048
    """

    graph: ExecutedGraph
    """Its layers in that order."""
    peak_bytes: int
    """The most that tensors take at once, those that a layer reads and writes with all that live beside."""
    bound_bytes: int
    """No order holds less at once."""


class _Way(NamedTuple):
    """The best order of some layers: first by its peak, then by what it holds over all steps."""

    peak_bytes: int
    held_bytes: int
    """The sum over steps."""
    live_bytes: int
    """After the last step."""
    before: "_Way | None"
    step: int
    """The last."""
    ready: int
    """The steps that may come next."""


@dataclass(frozen=True)
class _Steps:
    """The steps of a network in sets: bits of integers."""

    network: NetworkTensors
    needs: tuple[int, ...]
    """Of each step: the steps that have to be done before."""

    @cached_property
    def successors(self) -> tuple[int, ...]:
        """Of each step: the steps that need it."""
        return tuple(
            [
                sum(1 << reader for reader, needed in enumerate(self.needs) if needed >> step & 1)
                for step in range(len(self.needs))
            ]
        )

    @cached_property
    def users(self) -> tuple[int, ...]:
        """Of each tensor: the steps that write or read it."""
        return tuple([sum(1 << step for step in {*life.writes, *life.reads}) for life in self.network.lives])

    @cached_property
    def roots(self) -> int:
        """The steps that need none."""
        return sum(1 << step for step, needed in enumerate(self.needs) if not needed)

    def ready_after(self, step: int, done: int, ready: int) -> int:
        """Which steps may come next, after one of those that might before it."""
        finished, following = done | 1 << step, ready & ~(1 << step)
        for reader in members(self.successors[step]):
            if not self.needs[reader] & ~finished:
                following |= 1 << reader
        return following

    def taken_bytes(self, step: int, done: int) -> int:
        """By the output of a step; nothing where an earlier one has begun it."""
        output = self.network.uses[step].output
        return 0 if self.writers[output] & done else self.network.tensors[output].size_bytes

    def given_back_bytes(self, step: int, done: int) -> int:
        """By tensors that nobody needs after a step."""
        use, finished = self.network.uses[step], done | 1 << step
        return sum(
            self.network.tensors[tensor].size_bytes
            for tensor in {*use.reads, use.output}
            if not self.network.tensors[tensor].is_result and not self.users[tensor] & ~finished
        )

    @cached_property
    def writers(self) -> tuple[int, ...]:
        """Of each tensor: the steps that write it."""
        return tuple([sum(1 << step for step in life.writes) for life in self.network.lives])

    @cached_property
    def bound_bytes(self) -> int:
        """What the largest step holds by itself, in whatever order."""
        tensors = self.network.tensors
        return max(
            sum(tensors[tensor].size_bytes for tensor in {*use.reads, use.output})
            for use in self.network.uses
        )


def least_peak(graph: ExecutedGraph, precision: Precision, batch: int = 1) -> LeastPeakOrder:
    """The order of a graph's layers in which least is held at once; between equals, least over all steps.

    Where more than `MOST_SETS` sets of layers are reached, those are followed whose orders are the best so
    far; the bound then is what the largest layer needs by itself.

    Args:
        graph: Layers in running order.
        precision: The machine's bits of elements, where the network does not say.
        batch: Images that run together.

    Returns:
        The graph in the new order, its peak, and a bound of the peaks of all orders. The order of the network
        itself is kept where none holds less.

    Example:
        >>> from accelsim import load_hardware, load_network
        >>> from accelsim.network import lowered_network
        >>> graph = lowered_network(load_network("squeezenet_v1_1")).graph
        >>> order = least_peak(graph, load_hardware("npu_int8_2m").precision)
        >>> order.peak_bytes == order.bound_bytes, order.graph == graph
        (True, True)
    """
    place = {node.name: step for step, node in enumerate(graph.nodes)}
    needs = [tensor_set([place[name] for name in node.predecessors]) for node in graph.nodes]
    found = steps_of_least_peak(network_tensors(graph, precision, batch), needs)
    nodes = tuple([graph.nodes[step] for step in found.steps])
    ordered = ExecutedGraph(nodes, graph.image_elements, graph.notes)
    return LeastPeakOrder(ordered, found.peak_bytes, found.bound_bytes)


class StepsInOrder(NamedTuple):
    """An order of steps."""

    steps: tuple[int, ...]
    peak_bytes: int
    bound_bytes: int
    """No order holds less at once."""


def steps_of_least_peak(network: NetworkTensors, needs: Sequence[int]) -> StepsInOrder:
    """As `least_peak`, of steps; each needs others, a set, to be done before it."""
    steps = _Steps(network, tuple(needs))
    image_bytes = sum(tensor.size_bytes for tensor in network.tensors if tensor.is_image)
    start = _Way(image_bytes, 0, image_bytes, None, -1, steps.roots)
    listed = _run(steps, start, range(len(needs)))
    if listed.peak_bytes == steps.bound_bytes:
        return StepsInOrder(tuple(range(len(needs))), listed.peak_bytes, listed.peak_bytes)
    found, all_followed = _best(steps, start, listed)
    best = found if found.peak_bytes < listed.peak_bytes else listed
    bound_bytes = best.peak_bytes if all_followed else steps.bound_bytes
    return StepsInOrder(tuple(_steps_of(best)), best.peak_bytes, bound_bytes)


def _after(steps: _Steps, way: _Way, done: int, step: int) -> _Way:
    """A way with one step more."""
    during = way.live_bytes + steps.taken_bytes(step, done)
    return _Way(
        max(way.peak_bytes, during),
        way.held_bytes + during,
        during - steps.given_back_bytes(step, done),
        way,
        step,
        steps.ready_after(step, done, way.ready),
    )


def _run(steps: _Steps, way: _Way, order: Sequence[int]) -> _Way:
    """Steps in an order that is given."""
    done = 0
    for step in order:
        way = _after(steps, way, done, step)
        done |= 1 << step
    return way


def _best(steps: _Steps, start: _Way, listed: _Way) -> tuple[_Way, bool]:
    """The way of least peak, and whether all sets of layers were followed that may lead to one."""
    ways, all_followed = {0: start}, True
    for _ in steps.needs:
        following: dict[int, _Way] = {}
        for done, way in ways.items():
            for step in _worth_trying(steps, way, done):
                after, finished = _after(steps, way, done, step), done | 1 << step
                rival = following.get(finished)
                if after.peak_bytes <= listed.peak_bytes and (rival is None or after[:2] < rival[:2]):
                    following[finished] = after
        all_followed = all_followed and len(following) <= MOST_SETS
        kept = nsmallest(MOST_SETS, following.items(), key=lambda entry: (*entry[1][:3], entry[0]))
        ways = dict(kept) if len(following) > MOST_SETS else following
        if not ways:  # the sets that were followed lead to no order as good as the network's own
            return listed, False
    return next(iter(ways.values())), all_followed


def _worth_trying(steps: _Steps, way: _Way, done: int) -> tuple[int, ...]:
    """The steps that may come next; one that gives back what it takes, and adds to no peak, is enough.

    To move such a step to the front of any order that follows makes nothing in between larger.
    """
    ready = members(way.ready)
    free_of_charge = max(way.peak_bytes, steps.bound_bytes)
    for step in ready:
        taken_bytes = steps.taken_bytes(step, done)
        if (
            way.live_bytes + taken_bytes <= free_of_charge
            and steps.given_back_bytes(step, done) >= taken_bytes
        ):
            return (step,)
    return ready


def _steps_of(way: _Way) -> list[int]:
    """In their order."""
    steps = []
    while way.before is not None:
        steps.append(way.step)
        way = way.before
    return steps[::-1]

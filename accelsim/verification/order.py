"""The order of layers: each waits for all that it reads, and is given as much as it reads.

What a layer reads has to be complete when its first step asks for it, so
it has to wait for each layer that made a part of it.
"""

from collections.abc import Iterator

from accelsim.mapping.schedule import Schedule
from accelsim.network.executed import ExecutedGraph, ExecutedNode
from accelsim.verification.mismatch import MismatchError, refuse


def order_mismatches(graph: ExecutedGraph, schedule: Schedule) -> dict[str, str]:
    """What is wrong with the order of a schedule's layers: a sentence for each layer that it is wrong for."""
    last_part: dict[str, int] = {}
    sentences: dict[str, str] = {}
    end = 0
    for node, parts in parts_of(graph, schedule):
        end = parts.stop
        try:
            _check(node, schedule, parts, last_part)
        except MismatchError as mismatch:
            sentences[node.name] = str(mismatch)
        last_part[node.name] = parts.stop - 1
    for layer in schedule.layers[end:]:
        sentences[layer.name] = "is scheduled, and is no layer of the network"
    return sentences


def parts_of(graph: ExecutedGraph, schedule: Schedule) -> Iterator[tuple[ExecutedNode, range]]:
    """Each layer of the graph, and where in the schedule it is: itself, and a pooling that follows it."""
    names = [layer.name for layer in schedule.layers]
    index = 0
    for node in graph.nodes:
        pooling = node.layer.pooling
        unfused = pooling is not None and names[index + 1 : index + 2] == [pooling.name]
        yield node, range(index, index + 1 + unfused)
        index += 1 + unfused


def _check(node: ExecutedNode, schedule: Schedule, parts: range, last_part: dict[str, int]) -> None:
    first, layer = parts.start, node.layer
    if first >= len(schedule.layers):
        refuse("is not scheduled")
    if schedule.layers[first].name != layer.name:
        refuse(f"is scheduled where {schedule.layers[first].name} should be")
    for producer in node.predecessors:
        if producer not in last_part:
            refuse(f"reads the outputs of {producer}, which runs after it")
        if last_part[producer] not in schedule.waits_for[first]:
            refuse(f"reads the outputs of {producer}, but does not wait for it")
    for part in parts[1:]:
        if part - 1 not in schedule.waits_for[part]:
            refuse(f"pools the outputs of {layer.name}, but does not wait for it")
    inputs = node.network_input_elements + sum(read.input_elements for read in node.reads)
    if inputs != layer.input_elements:
        refuse(f"reads {layer.input_elements} elements of inputs, its producers leave {inputs}")
    residual = node.network_residual_elements + sum(read.residual_elements for read in node.reads)
    if residual != layer.residual_elements:
        refuse(f"reads {layer.residual_elements} elements of second operands, its producers leave {residual}")

"""The order of layers: each waits for all that it reads, and is given as much as it reads.

What a layer reads has to be complete when its first step asks for it, so
it has to wait for each layer that made a part of it.
"""

from collections.abc import Iterator

from accelsim.mapping.schedule import Schedule
from accelsim.network.executed import ExecutedGraph, ExecutedNode
from accelsim.verification.difference import Difference
from accelsim.verification.mismatch import Mismatch, MismatchError, refuse


def order_mismatches(graph: ExecutedGraph, schedule: Schedule) -> dict[str, Mismatch]:
    """What is wrong with the order of a schedule's layers, by the names of those that it is wrong for."""
    last_part: dict[str, int] = {}
    mismatches: dict[str, Mismatch] = {}
    end = 0
    for node, parts in parts_of(graph, schedule):
        end = parts.stop
        try:
            _check(node, schedule, parts, last_part)
        except MismatchError as error:
            mismatches[node.name] = error.mismatch
        last_part[node.name] = parts.stop - 1
    for layer in schedule.layers[end:]:
        mismatches[layer.name] = Mismatch(Difference.NOT_OF_NETWORK)
    return mismatches


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
        refuse(Difference.NOT_SCHEDULED)
    if schedule.layers[first].name != layer.name:
        refuse(Difference.OUT_OF_ORDER, layer=schedule.layers[first].name)
    for producer in node.predecessors:
        if producer not in last_part:
            refuse(Difference.READS_LATER_LAYER, producer=producer)
        if last_part[producer] not in schedule.waits_for[first]:
            refuse(Difference.DOES_NOT_WAIT, producer=producer)
    for part in parts[1:]:
        if part - 1 not in schedule.waits_for[part]:
            refuse(Difference.POOLING_DOES_NOT_WAIT, layer=layer.name)
    inputs = node.network_input_elements + sum(read.input_elements for read in node.reads)
    if inputs != layer.input_elements:
        refuse(Difference.OTHER_INPUTS, read=layer.input_elements, left=inputs)
    residual = node.network_residual_elements + sum(read.residual_elements for read in node.reads)
    if residual != layer.residual_elements:
        refuse(Difference.OTHER_RESIDUAL, read=layer.residual_elements, left=residual)
    weights = node.network_weight_elements + sum(read.weight_elements for read in node.reads)
    if layer.multiplies_activations and weights != layer.weights:
        refuse(Difference.OTHER_WEIGHTS, read=layer.weights, left=weights)

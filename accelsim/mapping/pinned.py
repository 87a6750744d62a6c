"""Pinned weights: what they take of the pool, and how a layer runs in the inference in which they come."""

from collections.abc import Collection
from dataclasses import replace

from accelsim.hardware import Hardware, Operand
from accelsim.mapping.footprint import Footprint
from accelsim.mapping.mapping import Choice, Mapping
from accelsim.mapping.program import mappings
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.search import as_executed
from accelsim.mapping.tile import whole_image
from accelsim.network.layer import Layer


def pinned_bytes(layer: Layer, hardware: Hardware) -> int:
    """What the weights and offsets of a layer take where they stay: all of them in one piece."""
    footprint, whole = Footprint.of(layer, hardware.precision), whole_image(layer)
    return int(footprint.weights(whole) + footprint.biases(whole))


def first_mappings(
    steady: Schedule, pinned: Collection[int], batch: int, hardware: Hardware
) -> tuple[Mapping, ...]:
    """Mappings of a schedule in the first inference, in which pinned weights come; none if none are pinned.

    Args:
        steady: The schedule where pinned weights are in place.
        pinned: The layers whose weights they are; of one that runs stripe by stripe, the first stripe brings
            them.
        batch: Images that run together.
        hardware: The machine.
    """
    if not pinned:
        return ()
    entries = pinned if steady.striped is None else [steady.striped.entries_of[layer][0] for layer in pinned]
    first: dict[int, Mapping] = {}
    mappings = list(steady.mappings)
    for entry in entries:
        mapping = mappings[entry]
        if id(mapping) not in first:
            _, images = as_executed(steady.layers[entry], batch)
            first[id(mapping)] = first_use(mapping, images, hardware)
        mappings[entry] = first[id(mapping)]
    return tuple(mappings)


def first_use(mapping: Mapping, images: int, hardware: Hardware) -> Mapping:
    """The same tiles in the same order: the weights of each are loaded by the first step that uses them."""
    choice = Choice(
        mapping.layer,
        mapping.dataflow,
        mapping.tile,
        mapping.order,
        mapping.estimated_cycles,
        mapping.idle_rows,
        mapping.moved | {Operand.WEIGHTS},
        mapping.placed,
        mapping.parameters,
    )
    (first,) = mappings([choice], images, hardware)
    return replace(first, room_bytes=mapping.room_bytes)

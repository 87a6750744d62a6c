"""Pinned weights: what they take of the pool, and how a layer runs in the inference in which they come."""

from dataclasses import replace

from accelsim.hardware import Hardware, Operand
from accelsim.mapping.footprint import Footprint
from accelsim.mapping.mapping import Choice, Mapping
from accelsim.mapping.program import mappings
from accelsim.mapping.tile import whole_image
from accelsim.network.layer import Layer


def pinned_bytes(layer: Layer, hardware: Hardware) -> int:
    """What the weights and offsets of a layer take where they stay: all of them in one piece."""
    footprint, whole = Footprint.of(layer, hardware.precision), whole_image(layer)
    return int(footprint.weights(whole) + footprint.biases(whole))


def first_use(mapping: Mapping, images: int, hardware: Hardware) -> Mapping:
    """The mapping of a layer whose weights lie in the pool, in the inference in which they come there.

    Args:
        mapping: With weights in place: those of each tile are loaded by the first step that uses them.
        images: That the mapping's own layer goes through.
        hardware: The machine.

    Returns:
        The same tiles in the same order, in as much room.
    """
    choice = Choice(
        mapping.layer,
        mapping.dataflow,
        mapping.tile,
        mapping.order,
        mapping.estimated_cycles,
        mapping.idle_rows,
        mapping.moved | {Operand.WEIGHTS},
        mapping.placed,
    )
    (first,) = mappings([choice], images, hardware)
    return replace(first, room_bytes=mapping.room_bytes)

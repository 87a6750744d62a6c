"""First use: how a layer runs in the first inference, in which the weights that are to stay have to come."""

from dataclasses import replace

from accelsim.hardware import Hardware, Operand
from accelsim.mapping.mapping import Choice, Mapping
from accelsim.mapping.program import mappings


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

"""Every door, by its name."""

from typing import Final

from fuzz.door import AnyDoor
from fuzz.doors import (
    command_lines,
    energy_tables,
    engines,
    expressions,
    machines,
    networks,
    onnx_models,
    other_models,
    overlays,
    processes,
    shipped,
    stores,
    sweeps,
)

DOORS: Final[dict[str, AnyDoor]] = {
    door.name: door
    for door in (
        networks.DOOR,
        machines.DOOR,
        overlays.DOOR,
        sweeps.DOOR,
        energy_tables.DOOR,
        onnx_models.DOOR,
        other_models.DOOR,
        command_lines.DOOR,
        expressions.DOOR,
        engines.DOOR,
        shipped.DOOR,
        stores.DOOR,
        processes.DOOR,
    )
}

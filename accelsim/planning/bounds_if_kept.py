"""Lower bounds of networks whose tensors all stay on chip, so that only weights, image and results move."""

import math
from collections import Counter
from collections.abc import Sequence

from accelsim.hardware import Hardware
from accelsim.hardware.host import HOST
from accelsim.mapping.bounds import (
    compulsory_input_bytes,
    compulsory_output_bytes,
    lower_bound_if_kept_cycles,
)
from accelsim.mapping.schedule import Schedule
from accelsim.reuse.cache import LayerCosts


def lower_bound_if_kept(
    schedule: Schedule, costs: Sequence[LayerCosts], hardware: Hardware, batch: int
) -> int | None:
    """The lower bound of a network of which all tensors stay on chip; None where they cannot.

    Args:
        schedule: Of the network.
        costs: Of each of its layers.
        hardware: The machine.
        batch: Images that run together.

    Returns:
        Cycles that no schedule goes below.
    """
    if schedule.memory_map is None or not hardware.keeps("activations"):
        return None
    image_bytes, result_bytes = _image_bytes(schedule, hardware, batch), _result_bytes(schedule, hardware)
    weight_bytes = sum([of_layer.least_weight_bytes for of_layer in costs])
    array_cycles = least_together(schedule, [of_layer.least_array_cycles for of_layer in costs])
    activation_bytes = image_bytes + sum(result_bytes.values())
    return lower_bound_if_kept_cycles(hardware, array_cycles, weight_bytes, activation_bytes)


def least_together(schedule: Schedule, least_cycles: Sequence[int]) -> int:
    """What layers take at least one after the other; the host and the array may work at the same time."""
    by_unit = Counter[bool]()
    for mapping, cycles in zip(schedule.mappings, least_cycles, strict=True):
        by_unit[mapping.dataflow == HOST] += cycles
    return max(by_unit.values())


def lower_bounds_if_kept(
    schedule: Schedule, costs: Sequence[LayerCosts], hardware: Hardware, batch: int
) -> list[int | None]:
    """The same of each layer by itself, in running order.

    Of a result that several layers write, the first of them stores its own part, and of the others it is not
    said which part is theirs.
    """
    if schedule.memory_map is None or not hardware.keeps("activations"):
        return [None] * len(schedule.layers)
    image_bytes, result_bytes = _image_bytes(schedule, hardware, batch), _result_bytes(schedule, hardware)
    bounds: list[int | None] = []
    for layer, of_layer in zip(schedule.layers, costs, strict=True):
        stored_bytes = 0
        if layer.name in result_bytes:
            stored_bytes = min(result_bytes[layer.name], compulsory_output_bytes(layer, hardware, batch))
        read_bytes = 0 if bounds else image_bytes
        array_cycles, weight_bytes = of_layer.least_array_cycles, of_layer.least_weight_bytes
        activation_bytes = read_bytes + stored_bytes
        bounds.append(lower_bound_if_kept_cycles(hardware, array_cycles, weight_bytes, activation_bytes))
    return bounds


def _image_bytes(schedule: Schedule, hardware: Hardware, batch: int) -> int:
    """What has to come of the image: only what the first layer reads is sure to."""
    if hardware.input_place not in hardware.names_off_chip:
        return 0
    return compulsory_input_bytes(schedule.layers[0], hardware, batch)


def _result_bytes(schedule: Schedule, hardware: Hardware) -> dict[str, int]:
    """What has to go outside of results, by the first layer that writes each."""
    if schedule.memory_map is None or hardware.output_place not in hardware.names_off_chip:
        return {}
    images, tensors = schedule.images_in_turn, schedule.memory_map.tensors
    # Which layers write it is not said here: of a coded one it is at least the part that codes leave of any.
    coded = [layer.coded for layer in schedule.layers if layer.coded is not None]
    part = min([float(parts.outputs) for parts in coded], default=1.0)
    sizes = {tensor.name: images * tensor.size_bytes for tensor in tensors if tensor.is_result}
    return {name: math.floor(min(part, 1.0) * size) for name, size in sizes.items()} if coded else sizes

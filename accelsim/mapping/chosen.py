"""The mappings of a schedule as rules of a mapping file, so that they can be changed and given back."""

import json
from collections.abc import Iterator
from glob import escape
from typing import Any

from accelsim.hardware import Hardware, Operand
from accelsim.hardware.host import HOST
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.given_file import MappingRule
from accelsim.mapping.given_search import LETTERS, extents_of
from accelsim.mapping.letters import tile_order, tile_sizes
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.pool_tiles import operands_of
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.search import as_executed
from accelsim.network.layer import Layer


def chosen_rules(
    schedule: Schedule, hardware: Hardware, options: MappingOptions = MappingOptions()
) -> list[MappingRule]:
    """A rule for each layer of a schedule, with all that its mapping is.

    Of layers that run stripe by stripe there is none: a rule is about a layer as a whole.

    Args:
        schedule: As a machine's compiler made it, or as it was told to.
        hardware: The machine.
        options: How the network was mapped; given back with the same, the rules make the same schedule.

    Returns:
        Rules in running order.

    Example:
        >>> from accelsim.run import plan_run
        >>> plan = plan_run("squeezenet_v1_1", "16x16_128k")
        >>> rules = chosen_rules(plan.schedule, plan.hardware)
        >>> rules[1].layers, rules[1].dataflow, rules[1].order
        ('fire2.squeeze1x1', 'weight_stationary', ('N', 'G', 'K', 'OY', 'OX', 'C'))
    """
    striped = schedule.striped
    return [
        MappingRule.model_validate_json(json.dumps(_rule(step, schedule, hardware, options)))
        for step in range(len(schedule.layers))
        if striped is None or striped.entries[step].cascade is None
    ]


def _rule(step: int, schedule: Schedule, hardware: Hardware, options: MappingOptions) -> dict[str, Any]:
    layer, mapping = schedule.layers[step], schedule.mappings[step]
    images = 1 if schedule.images_in_turn > 1 else options.batch
    rule: dict[str, Any] = {
        "layers": escape(layer.name),
        "dataflow": mapping.dataflow,
        "tile": dict(_sizes(layer, mapping, images)),
        "order": list(tile_order(mapping)),
    }
    if schedule.places:
        rule["homes"] = dict(_homes(step, schedule, hardware))
    if mapping.parameters:
        rule["parameters"] = dict(mapping.parameters)
    if mapping.idle_rows or (options.objective and layer.on_array and hardware.tensor_bank is None):
        rule["idle_rows"] = mapping.idle_rows
    if options.batch > 1 and hardware.keeps("activations") and hardware.tensor_memory is None:
        rule["images"] = "in_turn" if schedule.images_in_turn > 1 else "together"
    return rule


def _sizes(layer: Layer, mapping: Mapping, images: int) -> Iterator[tuple[str, int]]:
    """Sizes along loops, without those that a rule has by itself: one image, all taps, all of one."""
    _, executed_images = as_executed(layer, images)
    extents, sizes = extents_of(mapping.layer, executed_images), tile_sizes(mapping)
    several = mapping.dataflow not in (VECTOR, HOST) and dataflow_of(mapping.dataflow).takes_images
    for letter in LETTERS:
        by_itself = {"N": None if several else 1, "FY": extents["FY"], "FX": extents["FX"]}.get(letter)
        if extents[letter] > 1 and sizes[letter] != by_itself:
            yield letter, sizes[letter]


def _homes(step: int, schedule: Schedule, hardware: Hardware) -> Iterator[tuple[str, str | list[str]]]:
    """The memory of each operand that a layer has, or two where it moves and lies on chip as well."""
    layer, mapping, places = schedule.layers[step], schedule.mappings[step], schedule.places[step]
    bank = hardware.tensor_bank
    assert bank is not None  # else there are no places to choose
    for operand in operands_of(layer):
        home, beside = places[operand], hardware.home(operand)
        in_two = operand in mapping.moved & mapping.placed and operand is not Operand.WEIGHTS
        yield operand.value, [beside.name, bank.memory] if in_two and beside is not None else home

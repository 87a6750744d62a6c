"""The mappings of a schedule as rules of a mapping file, so that they can be changed and given back."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import escape
from typing import Any

from accelsim.hardware import Hardware, Operand
from accelsim.hardware.host import HOST
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.given_file import CascadeRule, MappingRule, Rule
from accelsim.mapping.given_search import LETTERS, extents_of
from accelsim.mapping.given_stripes import for_stripe
from accelsim.mapping.letters import tile_order, tile_sizes
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.pool_tiles import operands_of
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.search import as_executed
from accelsim.mapping.stripes import Cascade, Striped
from accelsim.network.layer import Layer


def chosen_rules(
    schedule: Schedule, hardware: Hardware, options: MappingOptions = MappingOptions()
) -> list[Rule]:
    """Rules for each layer of a schedule, with all that its mapping is.

    Before those for layers that run stripe by stripe is one that says so. These have a rule from each stripe
    on that has another mapping than the ones before.

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
    return list(_Chosen(schedule, hardware, options).rules())


@dataclass(frozen=True)
class _Chosen:
    """What was chosen of a schedule."""

    schedule: Schedule
    hardware: Hardware
    options: MappingOptions

    @property
    def images(self) -> int:
        """That go through a layer together."""
        return 1 if self.schedule.images_in_turn > 1 else self.options.batch

    def rules(self) -> Iterator[Rule]:
        """Of all layers, in running order."""
        striped = self.schedule.striped
        if striped is None:
            yield from [_rule(self._of_layer(entry)) for entry in range(len(self.schedule.layers))]
            return
        of_first = {stripes.cascade.first: stripes.cascade for stripes in striped.cascades}
        for step, entries in enumerate(striped.entries_of):
            if step in of_first:
                yield _of_cascade(of_first[step], striped)
            yield from self._of_stripes(entries)

    def _of_stripes(self, entries: Sequence[int]) -> Iterator[MappingRule]:
        """Of a layer by its entries: of the first one, and of each that is not as the rule before has it."""
        before = self._of_layer(entries[0])
        rule = _rule(before)
        told = rule.given()
        yield rule
        for entry in entries[1:]:
            values = self._of_mapping(entry)
            extents = extents_of(self.schedule.mappings[entry].layer, self.images)
            of_stripe = for_stripe(told, self.schedule.layers[entry])
            tile = {letter: size for letter, size in of_stripe.tile if extents[letter] > 1}
            if tile == values["tile"] and all(
                before.get(key) == values.get(key) for key in ("dataflow", "order", "parameters")
            ):
                continue
            assert self.schedule.striped is not None  # else a layer is one entry
            stripe = self.schedule.striped.entries[entry].stripe
            assert stripe is not None
            before, rule = values, _rule({**values, "from_stripe": stripe.stripe + 1})
            told = rule.given()
            yield rule

    def _of_layer(self, entry: int) -> dict[str, Any]:
        """Of a layer, or of its first stripe with what is of all of them."""
        rule, mapping = self._of_mapping(entry), self.schedule.mappings[entry]
        options, hardware = self.options, self.hardware
        if self.schedule.places:
            rule["homes"] = dict(_homes(entry, self.schedule, hardware))
        if mapping.idle_rows or (
            options.objective and self.schedule.layers[entry].on_array and hardware.tensor_bank is None
        ):
            rule["idle_rows"] = mapping.idle_rows
        if options.batch > 1 and hardware.keeps("activations") and hardware.tensor_memory is None:
            rule["images"] = "in_turn" if self.schedule.images_in_turn > 1 else "together"
        return rule

    def _of_mapping(self, entry: int) -> dict[str, Any]:
        """What the mapping of an entry is by itself."""
        layer, mapping = self.schedule.layers[entry], self.schedule.mappings[entry]
        rule: dict[str, Any] = {
            "layers": escape(layer.name),
            "dataflow": mapping.dataflow,
            "tile": dict(_sizes(layer, mapping, self.images)),
            "order": list(tile_order(mapping)),
        }
        return {**rule, "parameters": dict(mapping.parameters)} if mapping.parameters else rule


def _rule(values: dict[str, Any]) -> MappingRule:
    """Of values as a file has them."""
    return MappingRule.model_validate_json(json.dumps(values))


def _of_cascade(cascade: Cascade, striped: Striped) -> CascadeRule:
    names = {step: striped.layers[step].name for step in cascade.steps}
    return CascadeRule(
        cascade=tuple(names.values()),
        stripe_rows=cascade.stripe_rows,
        weights_stay=tuple([names[step] for step in sorted(cascade.resident)]),
    )


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

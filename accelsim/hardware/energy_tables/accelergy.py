"""Accelergy's tables: ERT.yaml (energy), ART.yaml (area), their summaries, flattened_architecture.yaml.

Wu, Emer, Sze, Accelergy, ICCAD 2019. Energies are in pJ for an action, areas in um2 for a component. Files of
versions 0.3 and 0.4 list what those of 0.2 have by its name:

    ERT: {version: 0.4, tables: [{name: chip.glb, actions: [{name: read, arguments: {}, energy: 2.1}]}]}
    ERT: {version: 0.2, tables: {chip.glb: {read: [{arguments: {}, energy: 2.1}]}}}
    ERT_summary: {version: 0.4, table_summary: [{name: chip.glb, actions: [{name: read, max_energy: 2.1}]}]}
    ART: {version: 0.4, tables: [{name: chip.glb, area: 61000}]}
    architecture: {version: 0.4, local: [{name: chip.glb, attributes: {width: 64}}]}
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from accelsim.descriptions import Document, KeyPath, Mistake
from accelsim.descriptions.document import one_of
from accelsim.descriptions.limits import MAX_PRICE_WORD_BITS
from accelsim.errors import DescriptionError
from accelsim.hardware.energy_tables.components import ActionEnergy, Component
from accelsim.hardware.energy_tables.matching import plain_name

_ENERGY_TABLES: Final = (
    ("ERT", "tables"),
    ("ERT_summary", "table_summary"),
    ("ERT_summary", "ERT summaries"),
)
_AREA_TABLES: Final = (("ART", "tables"), ("ART_summary", "table_summary"))
_ARCHITECTURES: Final = (("architecture", "local"), ("flattened_architecture", "components"))
"""The key of a file and the one below it that its entries stand under."""
_ENERGY: Final = ("energy", "max_energy", "max energy")
_WIDTHS: Final = ("memory_width", "width", "datawidth")
"""Attributes that say of how many bits an access is; a storage of version 0.2 has all three."""


class _Entry(NamedTuple):
    """An entry of a list of named ones, or of a mapping: a component, or an action."""

    name: str
    path: KeyPath
    value: Any


def read_components(document: Document) -> list[Component]:
    """The components of an energy reference table, or of its summary.

    Raises:
        DescriptionError: The file is none, or an entry has no energy.
    """
    _refuse_areas(document)
    return [
        Component(entry.name, _location(document, entry.path), dict(_actions(document, entry)))
        for entry in _table(document, _ENERGY_TABLES, "an energy reference table of Accelergy")
    ]


def read_areas(document: Document) -> dict[str, float]:
    """The area of each component of an area reference table [um2]."""
    return {
        entry.name: _number(document, entry.path, entry.value, ("area",))
        for entry in _table(document, _AREA_TABLES, "an area reference table of Accelergy")
    }


def read_widths(document: Document, components: Iterable[str]) -> dict[str, int]:
    """Bits of an access, by plain names, of those components of which a flattened architecture says it."""
    names = {plain_name(component) for component in components}
    entries = _table(document, _ARCHITECTURES, "a flattened architecture of Accelergy")
    widths = {
        plain_name(entry.name): _width(document, (*entry.path, "attributes"), entry.value)
        for entry in entries
        if plain_name(entry.name) in names
    }
    return {name: width for name, width in widths.items() if width is not None}


def version_of(document: Document) -> str:
    """`Accelergy 0.4`, or `Accelergy` where a file does not say which."""
    (table,) = list(document.data.values())[:1] or [None]
    version = table.get("version") if isinstance(table, dict) else None
    return f"Accelergy {version}" if isinstance(version, int | float | str) else "Accelergy"


def _refuse_areas(document: Document) -> None:
    for key, _ in _AREA_TABLES:
        if key in document.data:
            raise document.error([Mistake((key,), "is a table of areas: --area takes it")])


def _table(document: Document, places: Sequence[tuple[str, str]], noun: str) -> Iterator[_Entry]:
    """The entries of a file, wherever the formats of its kind have them."""
    if document.mistakes:
        raise document.error(document.mistakes)
    for key, inner in places:
        table = document.data.get(key)
        if isinstance(table, dict) and inner in table:
            yield from _entries(document, (key, inner), table[inner])
            return
    keys = one_of(f"{key} with {inner}" for key, inner in places)
    raise DescriptionError.about(document.label, f"must be {noun}: a mapping {keys}")


def _entries(document: Document, path: KeyPath, value: Any) -> Iterator[_Entry]:
    """Named entries: of a list, or of a mapping, whose values may be lists of one name's."""
    if isinstance(value, dict):
        for name, inside in value.items():
            several = inside if isinstance(inside, list) else [inside]
            for index, entry in enumerate(several):
                yield _Entry(name, (*path, name, index) if several is inside else (*path, name), entry)
        return
    if not isinstance(value, list):
        raise document.error([Mistake(path, "must be a list of entries with names")])
    for index, entry in enumerate(value):
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str):
            raise document.error([Mistake((*path, index), "must be a mapping with a name")])
        yield _Entry(name, (*path, index), entry)


def _actions(document: Document, component: _Entry) -> Iterator[tuple[str, ActionEnergy]]:
    """The most costly of each action's arguments."""
    in_list = isinstance(component.value, dict) and "actions" in component.value
    path = (*component.path, "actions") if in_list else component.path
    actions = component.value["actions"] if in_list else component.value
    own_width = _width(document, (*component.path, "attributes"), component.value)
    costs: dict[str, ActionEnergy] = {}
    for action in _entries(document, path, actions):
        energy_pj = _number(document, action.path, action.value, _ENERGY)
        bits = _width(document, (*action.path, "arguments"), action.value) or own_width
        before = costs.get(action.name)
        if before is None or energy_pj > before.energy_pj:
            costs[action.name] = ActionEnergy(energy_pj, bits)
    yield from costs.items()


def _number(document: Document, path: KeyPath, value: Any, keys: Sequence[str]) -> float:
    """The number under one of some keys."""
    for key in keys:
        if isinstance(value, dict) and key in value:
            number = value[key]
            if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < math.inf:
                raise document.error([Mistake((*path, key), "must be a number from 0 on")])
            return float(number)
    raise document.error([Mistake(path, f"must be a mapping with {one_of(keys)}")])


def _width(document: Document, path: KeyPath, value: Any) -> int | None:
    """What attributes or arguments say of the bits of an access."""
    inside = value.get(path[-1]) if isinstance(value, dict) else None
    if not isinstance(inside, Mapping):
        return None
    for key in _WIDTHS:
        if key in inside:
            width = inside[key]
            if isinstance(width, float) and width.is_integer():
                width = int(width)
            if isinstance(width, bool) or not isinstance(width, int) or not 1 <= width <= MAX_PRICE_WORD_BITS:
                sentence = f"must be a whole number of bits from 1 to {MAX_PRICE_WORD_BITS}"
                raise document.error([Mistake((*path, key), sentence)])
            return width
    return None


def _location(document: Document, path: KeyPath) -> str:
    return f"{document.label}:{document.line(path)}"

"""Components: what a reference table says that their actions cost, whatever tool has written it."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from accelsim.descriptions.document import one_of
from accelsim.errors import AccelsimError
from accelsim.hardware.energy_tables.figures import (
    ARRAY_PRICES,
    OPERATIONS,
    Figure,
    Unit,
    Value,
    key_of,
    rounded,
)
from accelsim.hardware.energy_tables.matching import plain_name

_READ: Final = ("read", "access")
_WRITE: Final = ("write", "update", "fill", "access")
"""Accelergy's storage of version 0.2 is filled from outside and updated from within."""
_OPERATION: Final = (
    "compute",
    "mac_random",
    "mac",
    "multiply",
    "add",
    "transfer_random",
    "transfer",
    "access",
)
_AT_REST: Final = ("idle", "leak")
"""Actions of a cycle in which nothing happens."""


class ActionEnergy(NamedTuple):
    """What an action costs [pJ], with the most costly of its arguments.

    Timeloop takes the same one of an energy reference table (`Topology::Specs::ParseAccelergyERT`).
    """

    energy_pj: float
    bits: int | None = None
    """That it moves, where the table says."""


class Component(NamedTuple):
    """A component of a table, with its actions by name."""

    name: str
    location: str
    """FILE:LINE."""
    actions: Mapping[str, ActionEnergy]


def component_figure(price: str, component: Component, unit: Unit, bits: int | None, file: str) -> Figure:
    """What a component's actions make a price.

    Args:
        price: Of the machine.
        component: Whose actions they are.
        unit: Of the machine.
        bits: Of an access, where the user or the architecture says.
        file: The table, in words on what it does not say.

    Returns:
        The price; with what is assumed where nothing says how wide an access is.

    Raises:
        AccelsimError: The component has no such action.
    """
    if price in OPERATIONS:
        action = _action(component, _OPERATION)
        value = unit.operation(component.actions[action].energy_pj)
        return Figure(key_of(price), value, f"{plain_name(component.name)}: {action}")
    names = _moves(price, component)
    moved = {name: bits or component.actions[name].bits for name in names}
    words = [unit.word(component.actions[name].energy_pj, moved[name] or unit.word_bits) for name in names]
    own_name, mean = plain_name(component.name), "mean of " if price == "register_file" else ""
    widths = one_of(str(width) for width in sorted({width or unit.word_bits for width in moved.values()}))
    origin = f"{own_name}: {mean}{', '.join(dict.fromkeys(names))}, {widths} bits"
    if None not in moved.values():
        return Figure(key_of(price), _of_words(price, words), origin)
    assumed = f"an access of {own_name} is taken to be of {unit.word_bits} bits: {file} does not say"
    return Figure(key_of(price), _of_words(price, words), f"{origin} (assumed)", assumed)


def _of_words(price: str, words: Sequence[float]) -> Value:
    """A price of what words cost: of a memory by direction, of what has one price for both their mean."""
    if price in ARRAY_PRICES:
        return rounded(sum(words) / len(words))
    return dict(zip(("read", "write"), words, strict=True))


def _moves(price: str, component: Component) -> Sequence[str]:
    """The actions whose energies a price of a word is made of: a read and a write, or one for both."""
    if price == "inter_pe":
        return (_action(component, _OPERATION),)
    return (_action(component, _READ), _action(component, _WRITE))


def _action(component: Component, names: Sequence[str]) -> str:
    """The first of some names that a component has an action of; its only action where it has but one."""
    named = [name for name in names if name in component.actions]
    active = [name for name in component.actions if name not in _AT_REST]
    if named or len(active) == 1:
        return (named or active)[0]
    raise AccelsimError(
        f"{component.location}: {component.name}: must have one of the actions {one_of(names)}, "
        f"has {', '.join(component.actions) or 'none'}"
    )

"""Matching: which component of a table is which price of the machine, as the user says or as names tell."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from accelsim.descriptions import unknown
from accelsim.descriptions.document import one_of
from accelsim.errors import AccelsimError
from accelsim.hardware.energy_tables.figures import price_names
from accelsim.hardware.machine import Hardware

_BRACKETS: Final = re.compile(r"\[[^\]]*\]")
_MAC: Final = ("mac",)
_REGISTER_FILE: Final = ("psum", "accu", "register", "regfile", "_rf", "rf")
_ON_CHIP: Final = ("glb", "global", "sram", "shared")
_OFF_CHIP: Final = ("dram", "flash")
"""Words in names of components, as the examples of Accelergy and Timeloop call them. What moves words between
PEs and what finishes outputs has no name there that tells it from all else: the user says it."""
_NETWORK: Final = "noc"
"""In names of networks on chip, which are called after the memories that they serve."""


@dataclass(frozen=True)
class Choices:
    """What the user says of a table.

    Attributes:
        components: By price, the component that it is of: its whole name, or the end of it.
        bits: By price, of an access.

    Example:
        >>> Choices({"sram": "chip.glb"}, {"sram": 64}).bits
        {'sram': 64}
    """

    components: Mapping[str, str] = field(default_factory=dict)
    bits: Mapping[str, int] = field(default_factory=dict)


class Match(NamedTuple):
    """Which component each price is of; and of which several it might be."""

    components: Mapping[str, str]
    ambiguous: Mapping[str, Sequence[str]]


def plain_name(component: str) -> str:
    """A component's name without what says how many there are: `chip.PE.mac` for `chip.PE[0..15].mac`."""
    return _BRACKETS.sub("", component)


def match(hardware: Hardware, components: Sequence[str], choices: Choices) -> Match:
    """The component of each price: the one that was chosen, or else the only one that is called so.

    Args:
        hardware: The machine.
        components: Of the table.
        choices: Those of the user.

    Raises:
        AccelsimError: A choice names no price of the machine, or no component of the table.
    """
    check_prices(hardware, (*choices.components, *choices.bits))
    chosen = {price: _named(price, name, components) for price, name in choices.components.items()}
    free = [component for component in components if component not in chosen.values()]
    by_price = {
        price: [component for component in free if _is_called(component, words, price)]
        for price, words in _words(hardware).items()
        if price not in chosen
    }
    only = {price: named[0] for price, named in by_price.items() if len(named) == 1}
    ambiguous = {price: named for price, named in by_price.items() if len(named) > 1}
    order = price_names(hardware)
    return Match(dict(sorted((only | chosen).items(), key=lambda item: order.index(item[0]))), ambiguous)


def check_prices(hardware: Hardware, prices: Iterable[str]) -> None:
    """Refuse what is no price of the machine."""
    for price in prices:
        if price not in price_names(hardware):
            raise AccelsimError(f"{price}: {unknown(price, 'price', price_names(hardware))}")


def _words(hardware: Hardware) -> dict[str, Sequence[str]]:
    """By price, parts of the names of its component; a memory's where no other could be meant, too."""
    on_chip, off_chip = hardware.on_chip, hardware.off_chip
    return {
        "mac": _MAC,
        "register_file": _REGISTER_FILE,
        **{memory.name: (_OFF_CHIP if len(off_chip) == 1 else ()) for memory in off_chip},
        **{memory.name: (_ON_CHIP if len(on_chip) == 1 else ()) for memory in on_chip},
    }


def _is_called(component: str, words: Sequence[str], price: str) -> bool:
    """Whether the last part of a component's name is that of a price, or has one of its words."""
    name = plain_name(component).rpartition(".")[2].lower()
    if _NETWORK in name:
        return name == price
    return name == price or any(name == word or (len(word) > 2 and word in name) for word in words)


def _named(price: str, name: str, components: Sequence[str]) -> str:
    """The component of a name, or of the end of one."""
    plain = plain_name(name)
    exact = [component for component in components if name in (component, plain_name(component))]
    named = exact or [component for component in components if plain_name(component).endswith(f".{plain}")]
    if len(named) > 1:
        raise AccelsimError(f"{price}={name}: is the end of several names: must be {one_of(named)}")
    if not named:
        raise AccelsimError(f"{price}={name}: {unknown(name, 'component', components)}")
    return named[0]

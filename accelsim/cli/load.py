"""Names from the command line -> networks and machines, every mistake reported at once."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol, TypeVar

import typer

from accelsim.errors import AccelsimError

if TYPE_CHECKING:
    from accelsim.hardware import Hardware
    from accelsim.network.description import Network


class _Named(Protocol):
    @property
    def name(self) -> str: ...


NamedT = TypeVar("NamedT", bound=_Named)


def only(names: list[str], option: str) -> list[str]:
    """The names, which must be one."""
    if len(names) > 1:
        raise typer.BadParameter("run takes one; `accelsim compare` takes several", param_hint=option)
    return names


def load(
    networks: Iterable[str], machines: Iterable[str]
) -> tuple[dict[str, "Network"], dict[str, "Hardware"]]:
    """Networks and machines under their own names, or as they were given where two have one name."""
    from accelsim.hardware import load_hardware
    from accelsim.network.description import load_network

    mistakes: list[str] = []
    loaded = (_labelled(networks, load_network, mistakes), _labelled(machines, load_hardware, mistakes))
    if mistakes:
        raise AccelsimError("\n".join(mistakes))
    return loaded


def _labelled(given: Iterable[str], read: Callable[[str], NamedT], mistakes: list[str]) -> dict[str, NamedT]:
    found: dict[str, NamedT] = {}
    for text in dict.fromkeys(given):
        try:
            found[text] = read(text)
        except AccelsimError as error:
            mistakes += error.lines
    names = [value.name for value in found.values()]
    return {value.name if names.count(value.name) == 1 else text: value for text, value in found.items()}

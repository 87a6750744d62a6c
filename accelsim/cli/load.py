"""Names from the command line -> networks and machines, every mistake reported at once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import typer

from accelsim.cli.output import say
from accelsim.errors import AccelsimError

if TYPE_CHECKING:
    from accelsim.hardware import Hardware
    from accelsim.network.description import Network


class _Named(Protocol):
    @property
    def name(self) -> str: ...


OptionT = TypeVar("OptionT")
NamedT = TypeVar("NamedT", bound=_Named)


def only(values: Sequence[OptionT], option: str) -> Sequence[OptionT]:
    """What was given, which must not be more than one."""
    if len(values) > 1:
        raise typer.BadParameter("takes one; `accelsim compare` takes several", param_hint=option)
    return values


def load(
    networks: Iterable[str], machines: Iterable[str], overlays: Iterable[Path] = (), *, quiet: bool
) -> tuple[dict[str, "Network"], dict[str, "Hardware"]]:
    """Networks and machines under their own names, or as they were given where two have one name.

    Overlay files are only read here, so that what is wrong with them is said with all the rest.
    """
    from accelsim.hardware import load_hardware
    from accelsim.network.load import load_network

    mistakes: list[str] = []
    loaded = (_labelled(networks, load_network, mistakes), _labelled(machines, load_hardware, mistakes))
    for file in overlays:
        with _noted(mistakes):
            _check_overlay(file)
    _raise_all(mistakes)
    say_of_format1(machines, quiet)
    return loaded


def say_of_format1(machines: Iterable[str], quiet: bool) -> None:
    """A line for each machine's file that is of the first format."""
    from accelsim.descriptions import parse, shipped
    from accelsim.hardware.format1 import is_format1, may_be_format1

    for name in () if quiet else dict.fromkeys(machines):
        file = shipped.find("hardware", name)
        if may_be_format1(file.read_text(encoding="utf-8")) and is_format1(parse(file).data):
            say(f"{name}: is of format 1, which is read for ever; `accelsim convert {file}` writes format 2")


def _check_overlay(file: Path) -> None:
    """Raise what is wrong with an overlay file by itself."""
    from accelsim.network.overlay import read_overlay

    read_overlay(file)


def with_overlays(networks: dict[str, "Network"], overlays: Iterable[Path]) -> dict[str, "Network"]:
    """Every network with the bits and zeros of every file, as NETWORK+FILE."""
    from accelsim.network.overlay import overlaid

    mistakes: list[str] = []
    variants: dict[str, Network] = {}
    for name, network in networks.items():
        for file in dict.fromkeys(overlays):
            label = f"{name}+{file.stem}"
            with _noted(mistakes):
                variants[f"{name}+{file}" if label in variants else label] = overlaid(network, file)
    _raise_all(mistakes)
    return variants


@contextmanager
def _noted(mistakes: list[str]) -> Iterator[None]:
    """Adds to the mistakes what goes wrong within."""
    try:
        yield
    except AccelsimError as error:
        mistakes += error.lines


def _raise_all(mistakes: list[str]) -> None:
    if mistakes:
        raise AccelsimError("\n".join(dict.fromkeys(mistakes)))


def _labelled(texts: Iterable[str], read: Callable[[str], NamedT], mistakes: list[str]) -> dict[str, NamedT]:
    by_text: dict[str, NamedT] = {}
    for text in dict.fromkeys(texts):
        with _noted(mistakes):
            by_text[text] = read(text)
    names = [value.name for value in by_text.values()]
    labelled = {
        value.name if names.count(value.name) == 1 else text: value for text, value in by_text.items()
    }
    return labelled if len(labelled) == len(by_text) else by_text  # a name may be what another was given as

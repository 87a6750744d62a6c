"""Arguments of the functions that users call from Python, checked where they come in.

Types say what is meant, and nobody is held to them: a value of another kind would be computed with until
something deep within stumbles over it. Here it is a sentence, as in a file or on the command line.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from accelsim.descriptions import in_words, native
from accelsim.errors import AccelsimError, DescriptionError

KindT = TypeVar("KindT")


def whole_number(name: str, value: object, smallest: int | None = None, largest: int | None = None) -> int:
    """A whole number as Python's own integer; numpy's are whole numbers, too."""
    number = native(value)
    whole = isinstance(number, int) and not isinstance(number, bool)
    if not (whole and (smallest is None or number >= smallest) and (largest is None or number <= largest)):
        at_least = "" if smallest is None else f", at least {smallest}"
        bounds = at_least if largest is None else f" from {smallest} to {largest}"
        raise AccelsimError(f"{name} = {in_words(value)}: must be a whole number{bounds}")
    return int(number)


def whole_number_or_none(
    name: str, value: object, smallest: int | None = None, largest: int | None = None
) -> int | None:
    """A whole number, or None, which means what the function says."""
    return None if value is None else whole_number(name, value, smallest, largest)


def positive_number(name: str, value: object) -> float:
    """A number above zero that is finite."""
    number = native(value)
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    if not (is_number and 0 < number <= sys.float_info.max):
        raise AccelsimError(f"{name} = {in_words(value)}: must be a positive number")
    return float(number)


def check_choice(name: str, value: object, allowed: Sequence[str | None]) -> None:
    """Refuse what is none of a few words."""
    comparable = value is None or isinstance(value, str)
    if not (comparable and value in allowed):
        raise AccelsimError(f"{name} = {in_words(value)}: must be one of {', '.join(map(str, allowed))}")


def of_kind(name: str, value: object, kind: type[KindT]) -> KindT:
    """A value of a class of accelsim's own."""
    if not isinstance(value, kind):
        raise AccelsimError(f"{name} = {in_words(value)}: must be a {kind.__name__}")
    return value


def value_or_named(
    name: str, argument: object, kind: type[KindT], load: Callable[[str | Path], KindT], example: str
) -> KindT:
    """A value of a class of accelsim's own, or the one that is loaded by the name or path in its place."""
    if isinstance(argument, kind):
        return argument
    if isinstance(argument, str | Path):
        return load(argument)
    raise DescriptionError(
        f"{name} = {in_words(argument)}: must be a {kind.__name__}, or a name or path of one, "
        f"such as {example!r}"
    )


def check_path(name: str, value: object, noun: str) -> None:
    """Refuse what is no path, given as one or as text."""
    if not isinstance(value, str | Path):
        raise AccelsimError(f"{name} = {in_words(value)}: must be the path of {noun}")


def check_text(name: str, value: object, noun: str) -> None:
    """Refuse what is no text."""
    if not isinstance(value, str):
        raise AccelsimError(f"{name} = {in_words(value)}: must be {noun}")


def check_texts(name: str, value: object, noun: str) -> None:
    """Refuse what is no list of texts; a single text is none, though it has letters to go through."""
    items = value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else [None]
    if not all(isinstance(item, str) for item in items):
        raise AccelsimError(f"{name} = {in_words(value)}: must be a list of {noun}")


def check_function(name: str, value: object, argument: str) -> None:
    """Refuse what cannot be called; `argument` is what it is called with."""
    if not callable(value):
        raise AccelsimError(f"{name} = {in_words(value)}: must be a function, which is told {argument}")

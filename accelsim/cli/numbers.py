"""Options that are numbers within bounds: read here, and refused in the same words in every command.

Typer reads numbers, too, and says what is wrong with them in words of its own, which differ from release to
release.
"""

import re
from collections.abc import Callable
from typing import Any, Final

import typer

from accelsim.descriptions.limits import MAX_REPORTED
from accelsim.descriptions.shipped import shortened

_WHOLE: Final = re.compile(r"[-+]?\d{1,19}", re.ASCII)
_NUMBER: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,4})?", re.IGNORECASE | re.ASCII)
_COUNT: Final = re.compile(r"([-+]?\d+(?:\.\d*)?(?:e\+?\d{1,2})?)([kmg]?)", re.IGNORECASE | re.ASCII)
_SUFFIXES: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_NO_NUMBERS: Final = frozenset({"nan", "inf", "-inf"})
_MOST_SHOWN: Final = 24
"""Characters of a number that is shown as it was given."""


def whole_number(*names: str, least: int, most: int, text: str, metavar: str = "N") -> Any:
    """An option that takes a whole number.

    Args:
        names: Of the option.
        least: That may be given.
        most: The same.
        text: The help, which says the bounds besides.
        metavar: What stands for the number in the help.

    Returns:
        What typer's annotations take.
    """
    words = f"must be a whole number from {least} to {most}"

    def read(given: str | int) -> int:
        said = str(given).strip()
        number = int(said) if _WHOLE.fullmatch(said) else None
        if number is None or not least <= number <= most:
            raise typer.BadParameter(f"{_as_given(said)} {words}")
        return number

    return _option(names, metavar, read, f"{text} From {least} to {most}.")


def count(*names: str, least: int, text: str) -> Any:
    """An option that takes a count as `1.0M`, `720k`, `1e6` or `720000`, as `whole_number` is one."""
    words = f"must be a number such as 720000, 720k, 1.0M or 1e6, from {least} to {MAX_REPORTED:.0e}"

    def read(given: str | int) -> int:
        said = str(given).strip()
        match = _COUNT.fullmatch(said)
        number = float(match[1]) * _SUFFIXES[match[2].lower()] if match else -1.0
        if not least <= number <= MAX_REPORTED:
            raise typer.BadParameter(f"{_as_given(said)} {words}")
        return int(number)

    return _option(names, "COUNT", read, text)


def positive_number(*names: str, most: float, text: str, metavar: str) -> Any:
    """An option that takes a number above zero, as `whole_number` is one."""
    words = f"must be a number above 0, at most {most:g}"

    def read(given: str | float) -> float:
        said = str(given).strip()
        number = float(said) if _NUMBER.fullmatch(said) else 0.0
        if not number and _NUMBER.fullmatch(said) and re.search("[1-9]", re.split("e", said.lower())[0]):
            raise typer.BadParameter(f"{_as_given(said)} is too small to be told from 0: {words}")
        if not 0 < number <= most:
            raise typer.BadParameter(f"{_as_given(said)} {words}")
        return number

    return _option(names, metavar, read, text)


def _option(names: tuple[str, ...], metavar: str, read: Callable[[Any], object], text: str) -> Any:
    return typer.Option(*names, metavar=metavar, parser=read, help=text)


def _as_given(said: str) -> str:
    """A number as it is written; what is none in quotes, and neither longer than there is room."""
    is_number = _NUMBER.fullmatch(said) or said.lower() in _NO_NUMBERS
    return said if is_number and len(said) <= _MOST_SHOWN else repr(shortened(said))

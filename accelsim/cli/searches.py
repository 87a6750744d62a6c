"""What the searches have in common: how their numbers are written, and what their JSON is."""

import re
from typing import Annotated, Any, Final, TypeAlias

import typer

from accelsim.cli.numbers import whole_number
from accelsim.descriptions.limits import MAX_REPEAT, MAX_REPORTED, MAX_SAMPLES
from accelsim.descriptions.shipped import shortened

_SUFFIXES: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
TopOption: TypeAlias = Annotated[
    int, whole_number("--top", least=1, most=MAX_SAMPLES, text="How many of the best to show.")
]


def count(text: str) -> int:
    """`1.0M`, `720k`, `1e6` or `720000` as a whole number."""
    match = re.fullmatch(r"(\d+(?:\.\d*)?(?:e\+?\d{1,2})?)([kmg]?)", text.strip().lower())
    if match is None:
        raise typer.BadParameter(f"{shortened(text)!r} must be a number such as 720000, 720k, 1.0M or 1e6")
    if (number := float(match[1]) * _SUFFIXES[match[2]]) > MAX_REPORTED:
        raise typer.BadParameter(f"{shortened(text)!r} must be at most {MAX_REPORTED:.0e}")
    return int(number)


def fixed(texts: list[str]) -> dict[str, int]:
    """`stage4=1` as the stage's name and its depth."""
    depths: dict[str, int] = {}
    for text in texts:
        name, _, depth = text.rpartition("=")
        if not name or not depth.isdecimal() or len(depth) > len(str(MAX_REPEAT)):
            sentence = f"{shortened(text)!r} must be STAGE=BLOCKS such as stage4=1, of at most {MAX_REPEAT}"
            raise typer.BadParameter(sentence, param_hint="--fix")
        if name in depths:
            raise typer.BadParameter(f"{name} is given twice", param_hint="--fix")
        depths[name] = int(depth)
    return depths


def values_of_searches(results: list[dict[str, Any]]) -> dict[str, Any]:
    """What one machine's search found, or a list of what those of several did."""
    return results[0] if len(results) == 1 else {"searches": results}

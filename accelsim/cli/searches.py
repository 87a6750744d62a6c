"""What the searches have in common: how their numbers are written, and what their JSON is."""

from typing import Annotated, Any, TypeAlias

import typer

from accelsim.cli.numbers import whole_number
from accelsim.descriptions.limits import MAX_REPEAT, MAX_SAMPLES
from accelsim.descriptions.shipped import shortened

TopOption: TypeAlias = Annotated[
    int, whole_number("--top", least=1, most=MAX_SAMPLES, text="How many of the best to show.")
]


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

"""Changes of a network of operators one by one: their names, what they do not keep, what cannot change."""

from collections.abc import Iterator
from typing import Any, Final

from accelsim.descriptions.phrases import counted
from accelsim.network.channel_ties import Stop, TiedChannels
from accelsim.report.text.table import Column, Style, si, table, wrapped
from accelsim.search.changes import Change, graph_change
from accelsim.search.explain import Explanation
from accelsim.search.redesign import longer_side
from accelsim.search.words import change_words, names_words

_HEAD: Final = "Changes of the network: --write NAME=FILE writes one as YAML that `accelsim run` takes."
NOT_KEPT: Final = (
    "Image and result keep their channels, the accuracy is not kept: what it comes to is not known, and the "
    "weights have to be trained again."
)
"""Of every change of a network's form."""
SHOWN: Final = 3
"""Reasons why channels stay that are given, those of most layers first."""


def redesign_lines(explained: Explanation, style: Style) -> Iterator[str]:
    """The changes of a network of operators by the names that `--write` takes, and which channels stay.

    Args:
        explained: Of such a network.
        style: What the place that it goes to can show.
    """
    outcomes = [outcome for outcome in explained.outcomes if graph_change(outcome.remedy.change)]
    before = explained.result
    if outcomes:
        yield from wrapped(_HEAD, style)
        columns = [
            Column("NAME", [outcome.remedy.name for outcome in outcomes], "left"),
            Column("change", [change_words(outcome.remedy.change) for outcome in outcomes], "left", least=16),
            Column("params", [_difference(outcome.result.params - before.params) for outcome in outcomes]),
            Column("MACs", [_difference(outcome.result.macs - before.macs) for outcome in outcomes]),
        ]
        yield from table(columns, style.width)
        yield from wrapped(NOT_KEPT, style)
    staying = _staying(explained)
    for stop, numbers in staying[:SHOWN]:
        makers = [maker for number in numbers for maker in number.makers]
        counts = ", ".join(dict.fromkeys(str(number.count) for number in numbers[:SHOWN]))
        more = ", ..." if len(numbers) > SHOWN else ""
        yield from wrapped(
            f"channels of {names_words(makers)} ({counts}{more}) stay: {stop}", style, indent=2
        )
    if len(staying) > SHOWN:
        yield f"... and others stay, for {counted(len(staying) - SHOWN, 'reason')} more"


def _difference(count: int) -> str:
    if not count:
        return "0"
    return f"{'+' if count > 0 else '-'}{si(abs(count))}"


def _staying(explained: Explanation) -> list[tuple[Stop, list[TiedChannels]]]:
    """Numbers of channels that are no multiples of the array and stay so, by their reasons."""
    if explained.design is None:
        return []
    by_stop: dict[Stop, list[TiedChannels]] = {}
    for number in explained.design.that_stay(longer_side(explained.hardware)):
        assert number.stop is not None  # of one that stays
        by_stop.setdefault(number.stop, []).append(number)
    return sorted(by_stop.items(), key=lambda item: -sum(len(number.makers) for number in item[1]))


def redesign_values(change: Change) -> dict[str, Any]:
    """Plain values of a change of a network of operators; nothing of any other change."""
    redesign = graph_change(change)
    if redesign is None:
        return {}
    values = {
        "channels": dict(redesign.channels),
        "groups": dict(redesign.groups),
        "kernels": {name: list(kernel) for name, kernel in redesign.kernels},
        "resolution": redesign.resolution,
    }
    return {"change": {key: value for key, value in values.items() if value}, "not_kept": NOT_KEPT}


def staying_values(explained: Explanation) -> dict[str, Any]:
    """Which channels of a network of operators stay, and why; nothing of one with a stage table."""
    if explained.design is None:
        return {}
    return {
        "channels_that_stay": [
            {"layers": list(number.makers), "channels": number.count, "reason": str(stop)}
            for stop, numbers in _staying(explained)
            for number in numbers
        ]
    }

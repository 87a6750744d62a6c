"""Names of nodes -> names of rows and networks: short, no two alike, fit for a terminal and a pattern."""

import re
from collections.abc import Iterable
from itertools import zip_longest
from typing import Final

from accelsim.importers.model import ModelNode, visible

INPUT: Final = "input"
"""What rows call the tensor that the network is given."""


class Names:
    """Names that are taken. Each further one of a name has the next number; none is tried twice."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._numbers: dict[str, int] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._taken

    def take(self, name: str) -> str:
        """The name, or the name with the first number after it that makes it a new one."""
        free, number = name, self._numbers.get(name, 1)
        while free in self._taken:
            number += 1
            free = f"{name}_{number}"
        self._numbers[name] = number
        self._taken.add(free)
        return free

    def give_back(self, name: str) -> None:
        """Let a name be taken again."""
        self._taken.discard(name)
        self._numbers.pop(name, None)


def network_name(text: str) -> str:
    """A name as a network may have it: a word of letters, digits, _ and -."""
    word = re.sub(r"[^A-Za-z0-9_\-]", "_", text) or "model"
    return word if re.match(r"[A-Za-z_]", word) else f"_{word}"


def row_names(nodes: Iterable[ModelNode]) -> list[str]:
    """A name for each node, no two alike: its own without what exporters repeat, or that of its output.

    `/features/features.3/conv/conv.0/Conv` is `features.3/conv.0/Conv`.
    """
    taken = Names([INPUT])
    names = [
        taken.take(short_name(node.name) or short_name(next(filter(None, node.outputs), "")) or node.operator)
        for node in nodes
    ]
    for index, name in enumerate(names):
        before, _, last = name.rpartition(".")
        if last.isdecimal() and before in taken:  # what a copy made for the other would be called
            names[index] = taken.take(f"{before}_{last}")
    return names


def short_name(name: str) -> str:
    """A name without what exporters repeat: `/features/features.3/conv/Conv` is `features.3/conv/Conv`."""
    parts = [part for part in name.split("/") if part]
    telling = [
        part
        for part, after in zip_longest(parts, parts[1:], fillvalue="")
        if not after.startswith(f"{part}.")
    ]
    return visible("/".join(telling)).lstrip("=").strip()[:200]

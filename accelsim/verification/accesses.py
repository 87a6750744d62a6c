"""Accesses: what was read and written, by memory and operand, as it happened."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Literal

Access = Literal["read", "written", "moved"]


class Accesses:
    """Accesses of each memory by operand: bytes of DRAM and buffer, words of registers and hops."""

    def __init__(self) -> None:
        self._counts: defaultdict[tuple[str, Access, str], int] = defaultdict(int)

    def count(self, memory: str, access: Access, operand: str, amount: int) -> None:
        """So many more."""
        if amount:
            self._counts[memory, access, operand] += amount

    def add(self, counts: Mapping[tuple[str, Access, str], int]) -> None:
        """Those of one step."""
        for key, amount in counts.items():
            self.count(*key, amount)

    def to_dict(self) -> dict[str, dict[str, dict[str, int]]]:
        """`{"dram": {"read": {"inputs": 1024}}}`, in alphabetical order."""
        nested: dict[str, dict[str, dict[str, int]]] = {}
        for (memory, access, operand), amount in sorted(self._counts.items()):
            nested.setdefault(memory, {}).setdefault(access, {})[operand] = amount
        return nested

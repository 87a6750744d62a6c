"""Numbers and names in sentences: what agrees with how many there are."""

from collections.abc import Sequence


def counted(count: int, noun: str, plural: str = "") -> str:
    """`1 layer`, `3 layers`, `2 entries`: a number and what it counts; plurals not given end in an s."""
    return f"{count} {noun}" if count == 1 else f"{count} {plural or f'{noun}s'}"


def all_of(names: Sequence[str]) -> str:
    """`inputs`, `inputs and outputs`, `inputs, weights and outputs`."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def memory_word(name: str) -> str:
    """`DRAM` for `dram`, `weight memory` for `weight_memory`: a machine's memory in a sentence; `DRAM read`
    for one of its channels, `dram.read`.
    """
    memory, _, way = name.partition(".")
    word = "DRAM" if memory == "dram" else memory.replace("_", " ")
    return f"{word} {way}" if way else word


def these(names: Sequence[str], noun: str) -> str:
    """`the 112 layers, which are conv1 to fc`."""
    if len(names) == 1:
        return f"its {noun}s, of which there is one, {names[0]}"
    return f"the {len(names)} {noun}s, which are {names[0]} to {names[-1]}"

"""Dotted keys through plain values: `pe_array.rows`, `stages.2.repeat`, `memories.sram.size_bytes`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from accelsim.descriptions.document import value_at

MOST_DIGITS = 10
"""Of a place in a list."""


def place_of(data: Any, key: str) -> tuple[str | int, ...]:
    """The path of a dotted key through the data, as far as there is one."""
    return tuple(_steps(data, key.split(".")))


def value_of(data: Any, key: str) -> tuple[bool, Any]:
    """Whether there is a value at a dotted key, and which.

    Args:
        data: Plain values.
        key: What stands in a list goes by its place or by its name.

    Returns:
        Whether there is one, and the value; None where there is none.

    Example:
        >>> value_of({"memories": [{"name": "sram", "size_bytes": 64}]}, "memories.sram.size_bytes")
        (True, 64)
    """
    steps = place_of(data, key)
    return value_at(data, steps) if len(steps) == key.count(".") + 1 else (False, None)


def put(data: Any, key: str, value: Any) -> bool:
    """Set the value at a dotted key.

    Args:
        data: Plain values, which are changed.
        key: What stands in a list goes by its place or by its name.
        value: The new one.

    Returns:
        False where there is nothing that could hold it.

    Example:
        >>> data = {"stages": [{"repeat": 2}]}
        >>> put(data, "stages.0.repeat", 3), put(data, "stages.1.repeat", 3), data
        (True, False, {'stages': [{'repeat': 3}]})
    """
    steps = place_of(data, key)
    holder = _holder(data, steps[:-1])
    if len(steps) <= key.count(".") or holder is None:
        return False
    last = steps[-1]
    if isinstance(holder, list) and not (isinstance(last, int) and last < len(holder)):
        return False
    holder[last] = value
    return True


def dotted_keys(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every key of nested values, with dots; items of a list go by their names."""
    for key, value in values.items():
        yield prefix + key, value
        named = isinstance(value, list) and all(isinstance(item, Mapping) for item in value)
        inside = {item["name"]: item for item in value} if named else value
        if isinstance(inside, Mapping):
            yield from dotted_keys(inside, f"{prefix}{key}.")


def _holder(data: Any, steps: Sequence[str | int]) -> Any:
    """The list or mapping that is reached by some steps, or None; a mapping that was left out is made."""
    for step in steps:
        exists, inside = value_at(data, (step,))
        if not exists:
            return None
        if inside is None:
            inside = data[step] = {}
        data = inside
    return data if isinstance(data, list | dict) else None


def _steps(data: Any, keys: Sequence[str]) -> Iterator[str | int]:
    """Dotted keys as steps through the data: a number where there is a list."""
    for key in keys:
        step = _list_step(data, key) if isinstance(data, list) else key
        yield step
        exists, inside = value_at(data, (step,))
        if not exists:
            return
        data = {} if inside is None else inside


def _list_step(items: list[Any], key: str) -> str | int:
    """The place in a list that a number is, or that the item of a name has."""
    if key.isdecimal() and len(key) < MOST_DIGITS:
        return int(key)
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    return names.index(key) if key in names else key

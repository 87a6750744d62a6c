"""Every part of a description, each changed by itself: whatever field is added joins by itself."""

from collections.abc import Collection, Iterator
from typing import Any, TypeVar

from accelsim.descriptions import Description, vary
from accelsim.errors import DescriptionError

DescriptionT = TypeVar("DescriptionT", bound=Description)


def changed_parts(
    description: DescriptionT, *more: str, fixed: Collection[str] = ()
) -> Iterator[tuple[str, DescriptionT]]:
    """(dotted keys, the description with another value there), for every value at every level.

    Fails where a part is empty, so that the caller fills it, or where no other value is allowed. `more` are
    words that may be allowed beside those that the schema names, `fixed` keys that have one value only.
    """
    words = [*sorted(_words(type(description).model_json_schema())), *more]
    for keys, value in _values(description.model_dump(mode="json"), "", fixed):
        yield keys, _changed(description, keys, value, words)


def _words(schema: Any) -> set[str]:
    """Every word that a schema names as a choice."""
    if isinstance(schema, list):
        return set().union(*map(_words, schema))
    if not isinstance(schema, dict):
        return set()
    own = {word for word in (*schema.get("enum", ()), schema.get("const")) if isinstance(word, str)}
    return own.union(*map(_words, schema.values()))


def _values(value: Any, keys: str, fixed: Collection[str]) -> Iterator[tuple[str, Any]]:
    if keys in fixed:
        return
    inner: dict[Any, Any] | None = None
    if isinstance(value, dict):
        inner = value
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        inner = dict(enumerate(value))
    if inner is None:
        assert value not in ([], {}), f"{keys} is empty: give it a value that can be changed"
        yield keys, value
        return
    assert inner, f"{keys} is empty: give it a value that can be changed"
    for key, part in inner.items():
        yield from _values(part, f"{keys}.{key}" if keys else str(key), fixed)


def _changed(description: DescriptionT, keys: str, value: Any, words: list[str]) -> DescriptionT:
    for other in _others(value, words):
        try:
            changed = vary(description, **{keys: other})
        except DescriptionError:
            continue
        if changed != description:
            return changed
    raise AssertionError(f"{keys} = {value!r}: nothing else is allowed there: give it another value")


def _others(value: Any, words: list[str]) -> Iterator[Any]:
    """Values that may be allowed in the place of one."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1, 2 * value)
    elif isinstance(value, float):
        yield from (value * 0.9, value * 1.1, value + 1)
    elif isinstance(value, str):
        yield from (f"{value}+1" if value.startswith("=") else f"{value}x", *words, 1)
    elif isinstance(value, list):
        yield from (value[:-1], value[::-1], [*value, value[-1]])
        for place, part in enumerate(value):
            yield from ([*value[:place], other, *value[place + 1 :]] for other in _others(part, words))
    else:
        yield from (1, 2, 0.5, True, "word", *words)

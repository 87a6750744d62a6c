"""pydantic's errors -> sentences: what is allowed in a place, in words, read from the JSON schema."""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from accelsim.descriptions.document import KeyPath, Mistake, one_of, shown, unknown, value_at
from accelsim.descriptions.keys import place_of, value_of
from accelsim.descriptions.phrases import counted

MOST_MAPPINGS: Final = 8
"""Kinds of mappings that may stand in one place, of which a sentence lists all keys."""


def mistakes_of(error: ValidationError, data: Any, kind: type[BaseModel]) -> list[Mistake]:
    """What pydantic found, a sentence for each place.

    Args:
        error: Of a description's validation.
        data: What was validated.
        kind: The description.

    Returns:
        Mistakes by their places in the data; the sentences are read from the JSON schema of `kind`.

    Example:
        >>> from accelsim.hardware import Precision
        >>> try:
        ...     Precision.model_validate_json('{"weights_bits": 0}')
        ... except ValidationError as error:
        ...     print(mistakes_of(error, {"weights_bits": 0}, Precision)[0].sentence)
        must be a whole number from 1 to 64
    """
    schema = _schema_of(kind)
    sentences: dict[KeyPath, str] = {}
    for detail in error.errors(include_url=False):
        path = _real_path(data, detail["loc"], absent=detail["type"] in {"missing", "mistake"})
        if detail["type"] == "missing" and path and isinstance(path[-1], int):
            path = path[:-1]  # a list that is too short is one mistake of the list
        sentences.setdefault(path, _sentence(detail, path, schema))
    # Where a value may be one thing or another, pydantic reports against each: keep the innermost.
    inner = {path[:length] for path in sentences for length in range(len(path))}
    return [Mistake(path, sentence) for path, sentence in sentences.items() if path not in inner or not path]


def refusal(title: str, mistakes: Iterable[Mistake]) -> ValidationError:
    """What a validator raises so that pydantic reports each mistake at its own place below the field.

    Args:
        title: Of what is validated.
        mistakes: By their places below it.

    Returns:
        An error to raise; `mistakes_of` gives the mistakes back.

    Example:
        >>> refusal("memories", [Mistake((0, "holds"), "must hold everything")]).error_count()
        1
    """
    details = [
        InitErrorDetails(
            type=PydanticCustomError("mistake", "{sentence}", {"sentence": mistake.sentence}),
            loc=mistake.path,
            input=None,
        )
        for mistake in mistakes
    ]
    return ValidationError.from_exception_data(title, details)


def may_hold(kind: type[BaseModel], data: Any, key: str) -> bool:
    """Whether a description with these data has a value at a dotted key, or could be given one there.

    Args:
        kind: Of the description.
        data: Its plain values.
        key: With dots.

    Returns:
        Whether.

    Example:
        >>> from accelsim.hardware import Hardware
        >>> may_hold(Hardware, {}, "area.rest_mm2"), may_hold(Hardware, {}, "area.colour")
        (True, False)
    """
    if value_of(data, key)[0]:
        return True
    steps = place_of(data, key)
    in_lists = [length for length, step in enumerate(steps, 1) if isinstance(step, int)]
    schema, path = _schema_of(kind), (*steps, *key.split(".")[len(steps) :])
    of_the_data = all(value_at(data, steps[:length])[0] for length in in_lists)
    return of_the_data and bool(_schema_at(schema, schema, path, any_key=False))


def absent(kind: type[BaseModel], path: KeyPath) -> str:
    """What to say of a key that an earlier format of a file needs, as the fields have it now.

    Args:
        kind: What the file describes.
        path: Of the key.

    Returns:
        A sentence: missing, and what it must be.

    Example:
        >>> from accelsim.hardware import Precision
        >>> absent(Precision, ("weights_bits",))
        'missing, must be a whole number from 1 to 64'
    """
    schema = _schema_of(kind)
    return f"missing, must be {_allowed(_schema_at(schema, schema, path), schema)}"


@cache
def _schema_of(kind: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema, which is as long in the making as a hundred descriptions; nobody changes it."""
    return kind.model_json_schema()


def _real_path(data: Any, location: Sequence[str | int], absent: bool) -> KeyPath:
    """Pydantic's location without the names of union members that it mixes in.

    The last part may be absent from the data where the mistake is that it is.
    """
    path: list[str | int] = []
    last = len(location) - 1
    for index, part in enumerate(location):
        found, value = value_at(data, (part,))
        if found:
            data = value
        elif not (absent and index == last):
            continue
        path.append(part)
    return tuple(path)


def _sentence(detail: Any, path: KeyPath, schema: dict[str, Any]) -> str:
    kind = detail["type"]
    if kind == "mistake":
        return str(detail["ctx"]["sentence"])
    if kind in {"value_error", "assertion_error"}:
        return str(detail["ctx"]["error"])
    if kind == "extra_forbidden":
        return unknown(str(path[-1]), "key", _properties(_schema_at(schema, schema, path[:-1]), schema))
    if "[key]" in detail["loc"][-1:] and (
        names := _listed_keys(_schema_at(schema, schema, path[:-1]), schema)
    ):
        return unknown(str(path[-1]), "key", names)
    allowed = (
        _allowed(_schema_at(schema, schema, path), schema) if kind != "finite_number" else "a finite number"
    )
    if kind == "missing" and isinstance(detail["loc"][-1], str):
        return f"missing, must be {allowed}" if allowed else "missing"
    return f"must be {allowed}" if allowed else str(detail["msg"])


def _properties(schema: dict[str, Any], root: dict[str, Any]) -> list[str]:
    """The keys of a mapping that a schema describes, alone or beside others."""
    of_members = [_resolved(member, root).get("properties", {}) for member in (schema, *_members(schema))]
    return list(dict.fromkeys(chain.from_iterable(of_members)))


def _listed_keys(schema: dict[str, Any], root: dict[str, Any]) -> list[str]:
    """The keys that a mapping may have whose keys a schema lists."""
    for member in (schema, *_members(schema)):
        names: list[str] = _resolved(_resolved(member, root).get("propertyNames", {}), root).get("enum", [])
        if names:
            return names
    return []


def _members(schema: dict[str, Any]) -> list[dict[str, Any]]:
    members: list[dict[str, Any]] = schema.get("anyOf") or schema.get("oneOf") or []
    return members


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def _schema_at(
    schema: dict[str, Any], root: dict[str, Any], path: KeyPath, *, any_key: bool = True
) -> dict[str, Any]:
    """The JSON schema of the value at a path; empty where nothing is known of it.

    `any_key` takes any key of a mapping whose keys the schema does not list.
    """
    schema = _resolved(schema, root)
    if not path:
        return schema
    head, rest = path[0], path[1:]
    for member in _members(schema):
        if member_schema := _schema_at(member, root, path, any_key=any_key):
            return member_schema
    if isinstance(head, int):
        prefix = schema.get("prefixItems", [])
        inner = prefix[head] if head < len(prefix) else schema.get("items")
    else:
        listed = _resolved(schema.get("propertyNames", {}), root).get("enum", ())
        additional = schema.get("additionalProperties") if any_key or head in listed else None
        inner = schema.get("properties", {}).get(head) or additional
    return _schema_at(inner, root, rest, any_key=any_key) if isinstance(inner, dict) else {}


def _allowed(schema: dict[str, Any], root: dict[str, Any]) -> str:
    """What a JSON schema allows, in words; empty where words fail."""
    words = _alternatives(schema, root)
    # Leaving a key out says null, so nobody who wrote a value meant to hear of it.
    words = [word for word in words if word != "null"] or words
    return one_of(words) if words else ""


def _alternatives(schema: dict[str, Any], root: dict[str, Any]) -> list[str]:
    schema = _resolved(schema, root)
    if members := [_resolved(member, root) for member in _members(schema)]:
        mappings = [member for member in members if member.get("type") == "object"]
        if len(mappings) <= MOST_MAPPINGS:
            return [word for member in members for word in _alternatives(member, root)]
        others = [
            word for member in members if member not in mappings for word in _alternatives(member, root)
        ]
        return [_allowed_mappings(mappings), *others]
    if "const" in schema:
        return [shown(schema["const"])]
    if "enum" in schema:
        return [shown(value) for value in schema["enum"]]
    word = _allowed_list(schema, root) if schema.get("type") == "array" else _allowed_plain(schema)
    return [word] if word else []


def _allowed_mappings(schemas: list[dict[str, Any]]) -> str:
    """What all of many kinds of mappings have."""
    first, *rest = (schema.get("properties", {}) for schema in schemas)
    return (
        f"a mapping with the keys {', '.join(key for key in first if all(key in keys for keys in rest))}, ..."
    )


def _allowed_plain(schema: dict[str, Any]) -> str:
    """What the schema of a value that holds no list or choice allows."""
    keys = ", ".join(schema.get("properties", {}))
    words = {
        "integer": "a whole number" + _bounds(schema, step=1),
        "number": "a number" + _bounds(schema, step=0),
        "string": schema.get("description") or ("text, not empty" if "minLength" in schema else "text"),
        "boolean": "true or false",
        "null": "null",
        "object": f"a mapping with the keys {keys}" if keys else "a mapping",
    }
    return str(words.get(schema.get("type", ""), ""))


def _allowed_list(schema: dict[str, Any], root: dict[str, Any]) -> str:
    items = schema.get("prefixItems") or [schema.get("items", {})]
    inner = one_of(word for item in items if (word := _allowed(item, root))) if items[0] else ""
    least, largest = schema.get("minItems", 0), schema.get("maxItems")
    count = (
        f"of {counted(least, 'value')}" if least == largest else f"of at least {least}" if least > 1 else ""
    )
    count = "that is not empty" if least == 1 else count
    if largest is not None and least != largest:
        count = f"of {least} to {largest} values" if least else f"of at most {counted(largest, 'value')}"
    return " ".join(part for part in ("a list", count, f"(each {inner})" if inner else "") if part)


def _bounds(schema: dict[str, Any], step: int) -> str:
    """` of at least 1`, ` from 0 to 1`, ` greater than 0`; a whole number greater than 0 is at least 1."""
    least, largest = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if step and above is not None:
        least, above = above + step, None
    if step and below is not None:
        largest, below = below - step, None
    if least is not None and largest is not None:
        return f" from {least:.12g} to {largest:.12g}"
    limits = (("of at least", least), ("greater than", above), ("of at most", largest), ("less than", below))
    words = [f"{word} {limit:.12g}" for word, limit in limits if limit is not None]
    return " " + " and ".join(words) if words else ""

"""YAML -> checked, frozen value, or one line for each thing wrong with the file.

A file passes three gates, and the mistakes of all of them are reported together: the YAML syntax tree,
which knows lines and repeated keys; the fields of a `Description`; and whatever a description checks
about its fields together. `vary` and `dump` let a search change a description as data and write it out.
"""

import difflib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from accelsim.errors import DescriptionError

MAX_FILE_BYTES = 1 << 20
"""A network or a machine takes a few kilobytes; a megabyte is some other file."""
MAX_DEPTH = 20
"""Levels of nesting; no description has more than five, and deeper trees would exhaust the stack."""
MAX_VALUES = 20_000
"""Values after aliases are expanded, so that a file of a few lines cannot fill the memory."""
MOST_NAMES: Final = 40
"""Allowed names that a message lists all of; of more, it lists some."""
SOME_NAMES: Final = 12

KeyPath = tuple[str | int, ...]
DescriptionT = TypeVar("DescriptionT", bound="Description")

Bits: TypeAlias = Annotated[int, Field(ge=1, le=64)]
"""Bits of an element."""
Fraction: TypeAlias = Annotated[float, Field(gt=0, le=1)]
"""A part of something that is there."""


class Description(BaseModel):
    """What a YAML file may say: nothing unknown, no silent conversion, not to be changed afterwards."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        defer_build=True,  # a run uses a few of all blocks; the others need not be ready at import
    )


@dataclass(frozen=True)
class Mistake:
    """One thing wrong: where, and a sentence that says what is allowed there."""

    path: KeyPath
    sentence: str
    line: int | None = None
    """The line, where it is not the one on which the path first stands (a repeated key)."""


@dataclass(frozen=True)
class Document:
    """A YAML file as plain values, with the line on which each of them stands."""

    label: str
    """What to call it in a message: the path as the user gave it."""
    data: dict[str, Any]
    lines: Mapping[KeyPath, int]
    mistakes: tuple[Mistake, ...] = ()
    """What the syntax tree itself showed: repeated keys, tags that mean nothing here."""

    def line(self, path: KeyPath) -> int | None:
        """The line of the value, or of the innermost value around it that the file has."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def sentence(self, mistake: Mistake) -> str:
        """`FILE:LINE: key.path = value: what is allowed`."""
        line = mistake.line or self.line(mistake.path)
        place = self.label if line is None else f"{self.label}:{line}"
        found, value = _value_at(self.data, mistake.path)
        key = ".".join(str(part) for part in mistake.path)
        # A repeated key has two values, of which the document holds the first: neither is shown.
        subject = f"{key} = {shown(value)}" if key and found and mistake.line is None else key
        return ": ".join(part for part in (place, subject, mistake.sentence) if part)

    def error(self, mistakes: Iterable[Mistake]) -> DescriptionError:
        """All mistakes as one error, in the order of the file, no line twice."""
        ordered = sorted(mistakes, key=lambda mistake: mistake.line or self.line(mistake.path) or 0)
        return DescriptionError("\n".join(dict.fromkeys(self.sentence(mistake) for mistake in ordered)))


def read(path: str | Path, kind: type[DescriptionT]) -> DescriptionT:
    """The description that a YAML file holds; `DescriptionError` has a line for each mistake."""
    return check(parse(path), kind)


def check(document: Document, kind: type[DescriptionT]) -> DescriptionT:
    """The values of a document as a description of the given kind."""
    mistakes = list(document.mistakes)
    try:
        # As JSON, because strict JSON is what a file may say: a list is a tuple, but "16" is no number.
        description = kind.model_validate_json(json.dumps(document.data, default=_plain))
    except ValidationError as error:
        mistakes += mistakes_of(error, document.data, kind)
    if mistakes:
        raise document.error(mistakes)
    return description


def vary(description: DescriptionT, **changes: Any) -> DescriptionT:
    """A new description in which the values at dotted keys are changed, checked like a file.

    >>> vary(hardware, **{"pe_array.rows": 8, "global_buffer_bytes": 65536})  # doctest: +SKIP
    """
    data = description.model_dump(mode="json")
    label = str(getattr(description, "name", type(description).__name__))
    lost = [Mistake((key,), "no such key") for key in changes if not _put(data, key.split("."), changes[key])]
    if lost:
        raise Document(label, dict(changes), {}).error(lost)
    return check(Document(label, data, {}), type(description))


def dump(description: Description) -> str:
    """YAML text that reads back as an equal description; values that are defaults are left out."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None  # innermost lists and mappings on one line: a stage row stays a row
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # annotated None by ruamel
    yaml.width = 4096
    text = io.StringIO()
    yaml.dump(description.model_dump(mode="json", exclude_defaults=True), text)
    return text.getvalue()


# --- YAML text -> plain values, each with its line


def parse(path: str | Path) -> Document:
    """The plain values of a YAML file; `DescriptionError` when it cannot be read as a mapping."""
    return parse_text(_text(Path(path)), str(path))


def parse_text(text: str, label: str) -> Document:
    """The plain values of YAML text; `label` is what messages call it."""
    root = _compose(text, label)
    if root is None:
        raise DescriptionError(f"{label}:1: is empty: must be a mapping of keys to values")
    if not isinstance(root, MappingNode):
        what = "a list" if isinstance(root, SequenceNode) else shown(root.value)
        line = root.start_mark.line + 1
        raise DescriptionError(f"{label}:{line}: is {what}: must be a mapping of keys to values")
    reader = _TreeReader(label)
    data = reader.mapping(root, ())
    return Document(label, data, reader.lines, tuple(reader.mistakes))


def _text(path: Path) -> str:
    """The text of a file, or the reason why there is none."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise DescriptionError(
                f"{path}: is larger than {MAX_FILE_BYTES} bytes: must be a short YAML file"
            )
        content = path.read_bytes()
    except FileNotFoundError:
        raise DescriptionError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise DescriptionError(f"{path}: is a directory: must be a YAML file") from None
    except (OSError, ValueError) as error:
        raise DescriptionError(f"{path}: cannot be read: {error}") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DescriptionError(
            f"{path}:{line}: is not UTF-8 text (byte {content[error.start]:#04x})"
        ) from None


class _TooDeepError(Exception):
    """A tree that is too deep to walk."""


class _ShallowComposer(Composer):
    """ruamel's composer, which is recursive, stopped before a hostile file exhausts the stack."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _TooDeepError
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _compose(text: str, label: str) -> Node | None:
    """The YAML syntax tree, in which every node knows its line."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _ShallowComposer
    try:
        root: Node | None = yaml.compose(text)
    except _TooDeepError:
        raise DescriptionError(f"{label}: is nested more than {MAX_DEPTH} levels deep") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise DescriptionError(f"{label}:{line}: is not YAML: {_syntax_sentence(error)}") from None
    except YAMLError as error:
        # The only unmarked one is the reader's, about a control character; its text is several lines.
        position = getattr(error, "position", 0)
        line = text.count("\n", 0, position) + 1
        code = getattr(error, "character", 0)
        raise DescriptionError(f"{label}:{line}: is not YAML: character {code:#04x} is not allowed") from None
    return root


def _syntax_sentence(error: MarkedYAMLError) -> str:
    problem = " ".join(str(error.problem or error.context).split())
    if "'\\t'" in problem:
        return "a tab cannot indent or start a value: use spaces"
    if "another document" in problem:
        return "there is more than one document in the file"
    return problem


_INTEGER_BASES: Final = {"0x": 16, "0o": 8, "0b": 2}


def _integer(text: str) -> int:
    digits = text.replace("_", "").lower()
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    return sign * int(digits, _INTEGER_BASES.get(digits[:2], 10))


def _float(text: str) -> float:
    return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))


class _TreeReader:
    """Walks a syntax tree once and notes lines, repeated keys and whatever is no plain value."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.lines: dict[KeyPath, int] = {}
        self.mistakes: list[Mistake] = []
        self.values = 0

    def value(self, node: Node, path: KeyPath) -> Any:
        self.values += 1
        if self.values > MAX_VALUES or len(path) > MAX_DEPTH:
            line = node.start_mark.line + 1
            limits = f"{MAX_DEPTH} levels or {MAX_VALUES} values"
            raise DescriptionError(f"{self.label}:{line}: has more than {limits}, aliases expanded")
        if isinstance(node, MappingNode):
            return self.mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.item(child, (*path, index)) for index, child in enumerate(node.value)]
        return self.scalar(node, path)

    def item(self, node: Node, path: KeyPath) -> Any:
        self.lines[path] = node.start_mark.line + 1
        return self.value(node, path)

    def mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        self.lines.setdefault(path, node.start_mark.line + 1)
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self.mistakes.append(Mistake(path, "a key must be a word", line))
                continue
            key = key_node.value
            if key in data:
                first = self.lines[(*path, key)]
                self.mistakes.append(Mistake((*path, key), f"repeated key, first on line {first}", line))
                continue
            self.lines[(*path, key)] = line
            data[key] = self.value(value_node, (*path, key))
        return data

    def scalar(self, node: Node, path: KeyPath) -> Any:
        text: str = node.value
        kind = str(node.tag).removeprefix("tag:yaml.org,2002:")
        try:
            match kind:
                case "str" | "timestamp":
                    return text
                case "int":
                    return _integer(text)
                case "float":
                    return _float(text)
                case "bool":
                    return text.lower() == "true"
                case "null":
                    return None
        except ValueError:  # digits beyond what Python turns into a number
            pass
        self.mistakes.append(Mistake(path, f"cannot be read as {kind}: must be a plain value"))
        return text


# --- pydantic's errors -> sentences


def mistakes_of(error: ValidationError, data: Any, kind: type[BaseModel]) -> list[Mistake]:
    """What pydantic found, a sentence for each place; `data` is what it was given."""
    schema = kind.model_json_schema()
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
    """What a validator raises so that pydantic reports each mistake at its own place below the field."""
    details = [
        InitErrorDetails(
            type=PydanticCustomError("mistake", "{sentence}", {"sentence": mistake.sentence}),
            loc=mistake.path,
            input=None,
        )
        for mistake in mistakes
    ]
    return ValidationError.from_exception_data(title, details)


def _real_path(data: Any, location: Sequence[str | int], absent: bool) -> KeyPath:
    """Pydantic's location without the names of union members that it mixes in.

    The last part may be absent from the data where the mistake is that it is.
    """
    path: list[str | int] = []
    last = len(location) - 1
    for index, part in enumerate(location):
        found, value = _value_at(data, (part,))
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
        parent = _schema_at(schema, schema, path[:-1])
        return unknown(str(path[-1]), "key", parent.get("properties", {}))
    if kind == "finite_number":
        return "must be a finite number"
    allowed = _allowed(_schema_at(schema, schema, path), schema)
    if kind == "missing" and isinstance(detail["loc"][-1], str):
        return f"missing, must be {allowed}" if allowed else "missing"
    return f"must be {allowed}" if allowed else str(detail["msg"])


def unknown(name: str, what: str, legal: Iterable[str]) -> str:
    """`no such key, did you mean 'rows'? allowed are columns, rows`."""
    names = list(legal)
    if not names:
        return f"no such {what}"
    near = difflib.get_close_matches(name, names, n=SOME_NAMES)
    guess = f", did you mean {near[0]!r}?" if near else ":"
    if len(names) <= MOST_NAMES:
        return f"no such {what}{guess} allowed are {', '.join(names)}"
    some = list(dict.fromkeys((*near, *names)))[:SOME_NAMES]
    return f"no such {what}{guess} allowed are {', '.join(some)}, ... ({len(names)} in all)"


def one_of(values: Iterable[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    *most, last = dict.fromkeys(values)
    return f"{', '.join(most)} or {last}" if most else last


def shown(value: Any) -> str:
    """A value as a message shows it: as in YAML, shortened."""
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[0]}...{text[-1]}" if text[0] in "[{" else text[:57] + "..."


def _members(schema: dict[str, Any]) -> list[dict[str, Any]]:
    members: list[dict[str, Any]] = schema.get("anyOf") or schema.get("oneOf") or []
    return members


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def _schema_at(schema: dict[str, Any], root: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    """The JSON schema of the value at a path; empty where nothing is known of it."""
    schema = _resolved(schema, root)
    if not path:
        return schema
    head, rest = path[0], path[1:]
    for member in _members(schema):
        if found := _schema_at(member, root, path):
            return found
    if isinstance(head, int):
        prefix = schema.get("prefixItems", [])
        inner = prefix[head] if head < len(prefix) else schema.get("items")
    else:
        inner = schema.get("properties", {}).get(head) or schema.get("additionalProperties")
    return _schema_at(inner, root, rest) if isinstance(inner, dict) else {}


def _allowed(schema: dict[str, Any], root: dict[str, Any]) -> str:
    """What a JSON schema allows, in words; empty where words fail."""
    words = _alternatives(schema, root)
    # Leaving a key out says null, so nobody who wrote a value meant to hear of it.
    words = [word for word in words if word != "null"] or words
    return one_of(words) if words else ""


def _alternatives(schema: dict[str, Any], root: dict[str, Any]) -> list[str]:
    schema = _resolved(schema, root)
    if members := _members(schema):
        return [word for member in members for word in _alternatives(member, root)]
    if "const" in schema:
        return [shown(schema["const"])]
    if "enum" in schema:
        return [shown(value) for value in schema["enum"]]
    word = _allowed_list(schema, root) if schema.get("type") == "array" else _allowed_plain(schema)
    return [word] if word else []


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
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    count = f"of {least} values" if least == most else f"of at least {least}" if least > 1 else ""
    count = "that is not empty" if least == 1 else count
    return " ".join(part for part in ("a list", count, f"(each {inner})" if inner else "") if part)


def _bounds(schema: dict[str, Any], step: int) -> str:
    """` of at least 1`, ` from 0 to 1`, ` greater than 0`; a whole number greater than 0 is at least 1."""
    least, most = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if step and above is not None:
        least, above = above + step, None
    if step and below is not None:
        most, below = below - step, None
    if least is not None and most is not None:
        return f" from {least} to {most}"
    limits = (("of at least", least), ("greater than", above), ("of at most", most), ("less than", below))
    words = [f"{word} {limit}" for word, limit in limits if limit is not None]
    return " " + " and ".join(words) if words else ""


# --- paths through plain values


def _plain(value: Any) -> Any:
    """What a program may give to `vary` beside what a file can say: descriptions and numpy's numbers."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{value!r} cannot stand in a description")


def _value_at(data: Any, path: KeyPath) -> tuple[bool, Any]:
    for part in path:
        inside = isinstance(data, dict) and part in data
        inside = inside or (isinstance(data, list) and isinstance(part, int) and part < len(data))
        if not inside:
            return False, None
        data = data[part]
    return True, data


def _steps(data: Any, keys: Sequence[str]) -> Iterator[str | int]:
    """Dotted keys as steps through the data: a number where there is a list."""
    for key in keys:
        step: str | int = int(key) if isinstance(data, list) and key.isdecimal() else key
        yield step
        found, data = _value_at(data, (step,))
        if not found:
            return


def _put(data: Any, keys: Sequence[str], value: Any) -> bool:
    """Set the value at dotted keys; False when there is nothing that could hold it."""
    steps = tuple(_steps(data, keys))
    found, holder = _value_at(data, steps[:-1])
    if len(steps) < len(keys) or not found:
        return False
    last = steps[-1]
    if isinstance(holder, list) and not (isinstance(last, int) and last < len(holder)):
        return False
    if not isinstance(holder, list | dict):
        return False
    holder[last] = value  # type: ignore[index]
    return True

"""YAML text -> plain values, each with its line; and what the syntax tree itself shows to be wrong."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from accelsim.descriptions.document import Document, KeyPath, Mistake, shown
from accelsim.errors import DescriptionError

MAX_FILE_BYTES = 1 << 20
"""A network or a machine takes a few kilobytes; a megabyte is some other file."""
MAX_DEPTH = 20
"""Levels of nesting; no description has more than five, and deeper trees would exhaust the stack."""
MAX_VALUES = 20_000
"""Values after aliases are expanded, so that a file of a few lines cannot fill the memory."""
MAX_DIGITS: Final = 40
"""Of a number: every bound has fewer, and Python neither reads nor writes more than 4,300."""


def parse(path: str | Path) -> Document:
    """The plain values of a YAML file, each with its line.

    Args:
        path: Of the file.

    Returns:
        A document, to be checked; what its syntax tree shows to be wrong is in `mistakes`.

    Raises:
        DescriptionError: It cannot be read as a mapping.

    Example:
        >>> parse("hardware/16x16_128k.yaml").data["name"]
        '16x16_128k'
    """
    return parse_text(text_of(Path(path)), str(path))


def parse_text(text: str, label: str) -> Document:
    """The plain values of YAML text, each with its line.

    Args:
        text: What a file would hold.
        label: What messages call it.

    Returns:
        A document, as `parse`.

    Raises:
        DescriptionError: It cannot be read as a mapping.

    Example:
        >>> parse_text("name: tiny\\nname: small", "t.yaml").mistakes[0].sentence
        'repeated key, first on line 1'
    """
    root = _compose(text, label)
    if root is None:
        raise DescriptionError.about(f"{label}:1", "is empty: must be a mapping of keys to values")
    if not isinstance(root, MappingNode):
        noun = "a list" if isinstance(root, SequenceNode) else shown(root.value)
        line = root.start_mark.line + 1
        raise DescriptionError.about(f"{label}:{line}", f"is {noun}: must be a mapping of keys to values")
    reader = _TreeReader(label)
    data = reader.mapping(root, ())
    return Document(label, data, reader.lines, tuple(reader.mistakes))


def parse_list(path: str | Path, noun: str) -> tuple[Document, ...]:
    """The items of a YAML file that is a list, a document each.

    Args:
        path: Of the file.
        noun: What an item is: `rules, each with layers`.

    Returns:
        Documents, to be checked one by one.

    Raises:
        DescriptionError: It cannot be read as a list of mappings.

    Example:
        >>> parse_list("absent.yaml", "rules")
        Traceback (most recent call last):
        ...
        accelsim.errors.DescriptionError: absent.yaml: no such file
    """
    label, text = str(path), text_of(Path(path))
    root = _compose(text, label)
    if not isinstance(root, SequenceNode):
        found = "empty" if root is None else "a mapping of keys to values"
        found = shown(root.value) if isinstance(root, ScalarNode) else found
        line = 1 if root is None else root.start_mark.line + 1
        raise DescriptionError.about(f"{label}:{line}", f"is {found}: must be a list of {noun}")
    reader, documents = _TreeReader(label), []
    for item in root.value:
        reader.lines, reader.mistakes = {}, []
        if not isinstance(item, MappingNode):
            line = item.start_mark.line + 1
            value = "a list" if isinstance(item, SequenceNode) else shown(item.value)
            raise DescriptionError.about(f"{label}:{line}", f"is {value}: must be one of {noun}")
        data = reader.mapping(item, ())
        documents.append(Document(label, data, reader.lines, tuple(reader.mistakes)))
    return tuple(documents)


def is_list(path: str | Path) -> bool:
    """Whether a YAML file is a list. Raises DescriptionError where it is no mapping either.

    Example:
        >>> is_list("hardware/16x16_128k.yaml")
        False
    """
    root = _compose(text_of(Path(path)), str(path))
    if root is None or isinstance(root, ScalarNode):
        found, line = ("empty", 1) if root is None else (shown(root.value), root.start_mark.line + 1)
        sentence = f"is {found}: must be a mapping of keys to values, or a list of rules for mappings"
        raise DescriptionError.about(f"{path}:{line}", sentence)
    return isinstance(root, SequenceNode)


def text_of(path: Path, noun: str = "YAML file") -> str:
    """The text of a file, or the reason why there is none."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            sentence = f"is larger than {MAX_FILE_BYTES} bytes: must be a short {noun}"
            raise DescriptionError.about(path, sentence)
        content = path.read_bytes()
    except FileNotFoundError:
        raise DescriptionError.about(path, "no such file") from None
    except IsADirectoryError:
        raise DescriptionError.about(path, f"is a directory: must be a {noun}") from None
    except (OSError, ValueError) as error:
        raise DescriptionError.about(path, f"cannot be read: {error}") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        sentence = f"is not UTF-8 text (byte {content[error.start]:#04x})"
        raise DescriptionError.about(f"{path}:{line}", sentence) from None


class _TooDeepError(Exception):
    """A tree that is too deep to walk."""


class _TooManyError(Exception):
    """A tree of more nodes than a file of so many values has."""


class _ShallowComposer(Composer):
    """ruamel's composer, recursive and slow, stopped before a hostile file exhausts the stack, or an hour."""

    depth = 0
    nodes = 0

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.warn_double_anchors = False  # YAML lets a later anchor replace an earlier one: not worth a word

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _TooDeepError
        self.nodes += 1
        if self.nodes > 2 * MAX_VALUES:  # values and their keys
            raise _TooManyError
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
        raise DescriptionError.about(label, f"is nested more than {MAX_DEPTH} levels deep") from None
    except _TooManyError:
        raise DescriptionError.about(label, f"has more than {MAX_VALUES} values") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise DescriptionError.about(f"{label}:{line}", f"is not YAML: {_syntax_sentence(error)}") from None
    except YAMLError as error:
        # The only unmarked one is the reader's, about a control character; its text is several lines.
        position = getattr(error, "position", 0)
        line = text.count("\n", 0, position) + 1
        code = getattr(error, "character", 0)
        raise DescriptionError.about(
            f"{label}:{line}", f"is not YAML: character {code:#04x} is not allowed"
        ) from None
    return root


def _syntax_sentence(error: MarkedYAMLError) -> str:
    problem = " ".join(str(error.problem or error.context).split())
    if "'\\t'" in problem:
        return "a tab cannot indent or start a value: use spaces"
    if "another document" in problem:
        return "there is more than one document in the file"
    return problem


_INTEGER_BASES: Final = {"0x": 16, "0o": 8, "0b": 2}
_HALF_OF_A_CHARACTER: Final = re.compile("[\\ud800-\\udfff]")


class _TooLongError(ValueError):
    """A number of more digits than any bound has."""


def _integer(text: str) -> int:
    digits = text.replace("_", "").lower()
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    base = _INTEGER_BASES.get(digits[:2], 10)
    if len(digits.lstrip("0" if base == 10 else "0xob")) > MAX_DIGITS:
        raise _TooLongError
    return sign * int(digits, base)


def _float(text: str) -> float:
    return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))


_PLAIN: Final[dict[str, Callable[[str], Any]]] = {
    "str": str,
    "timestamp": str,
    "int": _integer,
    "float": _float,
    "bool": lambda text: text.lower() == "true",
    "null": lambda _: None,
}
"""What YAML's own kinds of scalars are as plain values."""


class _TreeReader:
    """Walks a syntax tree once and notes lines, repeated keys and whatever is no plain value."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.lines: dict[KeyPath, int] = {}
        self.mistakes: list[Mistake] = []
        self.values = 0

    def value(self, node: Node, path: KeyPath) -> Any:
        self._count(node, path)
        if isinstance(node, MappingNode):
            return self.mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.item(child, (*path, index)) for index, child in enumerate(node.value)]
        return self.scalar(node, path)

    def _count(self, node: Node, path: KeyPath) -> None:
        """Note that there is one more value, or mistake in place of one; DescriptionError if too many."""
        self.values += 1
        if self.values > MAX_VALUES or len(path) > MAX_DEPTH:
            line = node.start_mark.line + 1
            limits = f"{MAX_DEPTH} levels or {MAX_VALUES} values"
            raise DescriptionError.about(f"{self.label}:{line}", f"has more than {limits}, aliases expanded")

    def item(self, node: Node, path: KeyPath) -> Any:
        self.lines[path] = node.start_mark.line + 1
        return self.value(node, path)

    def mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        self.lines.setdefault(path, node.start_mark.line + 1)
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self._count(key_node, path)
                self.mistakes.append(Mistake(path, "a key must be a word", line))
                continue
            key = self._encodable(key_node.value, path)
            if key in data:
                self._count(value_node, path)
                first = self.lines[(*path, key)]
                self.mistakes.append(Mistake((*path, key), f"repeated key, first on line {first}", line))
                continue
            self.lines[(*path, key)] = line
            data[key] = self.value(value_node, (*path, key))
        return data

    def scalar(self, node: Node, path: KeyPath) -> Any:
        kind = str(node.tag).removeprefix("tag:yaml.org,2002:")
        text = self._encodable(node.value, path)
        try:
            if kind in _PLAIN:
                return _PLAIN[kind](text)
            sentence = f"cannot be read as {kind}: must be a plain value"
        except _TooLongError:
            sentence = f"must be a number of at most {MAX_DIGITS} digits"
        except ValueError:  # digits of another script, say
            sentence = f"cannot be read as {kind}: must be a plain value"
        self.mistakes.append(Mistake(path, sentence))
        return text

    def _encodable(self, text: str, path: KeyPath) -> str:
        """The text, without the halves of characters that an escape may write and no file can hold."""
        if not text.isascii() and _HALF_OF_A_CHARACTER.search(text):
            self.mistakes.append(Mistake(path, "must be text that can be written as UTF-8"))
            return _HALF_OF_A_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", text)
        return text

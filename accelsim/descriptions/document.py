"""Document: plain values with the lines on which they stand, and sentences about what is wrong with them."""

import difflib
import json
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from typing import Any, Final, NamedTuple

from pydantic import BaseModel

from accelsim.errors import Complaint, DescriptionError

MOST_MISTAKES: Final = 50
"""Mistakes that an error has a line for: who makes more has another file in mind."""
MOST_NAMES: Final = 40
"""Allowed names that a message lists all of; of more, it lists some."""
SOME_NAMES: Final = 12
MOST_LISTED: Final = 600
"""Characters of all names that a message lists: the names of layers may be long."""
MOST_CHARACTERS: Final = 60
"""Of a value or a name that a message shows."""
KeyPath = tuple[str | int, ...]
"""Where a value stands: the keys, and the indexes in lists, that lead to it."""


class Mistake(NamedTuple):
    """One thing wrong: where, and a sentence that says what is allowed there.

    Attributes:
        path: Of the value, or of the key that is wrong.
        sentence: What is allowed there.

    Example:
        >>> Mistake(("pe_array", "rows"), "must be a whole number from 1 to 4096")
        Mistake(path=('pe_array', 'rows'), sentence='must be a whole number from 1 to 4096', line=None)
    """

    path: KeyPath
    sentence: str
    line: int | None = None
    """The line, where it is not the one on which the path first stands (a repeated key)."""


class Document(NamedTuple):
    """A YAML file as plain values, with the line on which each of them stands.

    Attributes:
        data: The values by their keys.
        lines: By the path of a value.

    Example:
        >>> from accelsim.descriptions.reader import parse_text
        >>> document = parse_text("name: tiny\\npe_array: {rows: 0}", "tiny.yaml")
        >>> document.data["pe_array"], document.lines["pe_array", "rows"]
        ({'rows': 0}, 2)
        >>> document.sentence(Mistake(("pe_array", "rows"), "must be at least 1"))
        'tiny.yaml:2: pe_array.rows = 0: must be at least 1'
    """

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
        return str(self.complaint(mistake))

    def complaint(self, mistake: Mistake) -> Complaint:
        """The same in its parts."""
        line = mistake.line or self.line(mistake.path)
        position = self.label if line is None else f"{self.label}:{line}"
        exists, value = value_at(self.data, mistake.path)
        key = ".".join(shortened(str(part)) for part in mistake.path)
        # A repeated key has two values, of which the document holds the first: neither is shown.
        text = shown(value) if exists and mistake.line is None else ""
        return Complaint(mistake.sentence, position, key, text)

    def error(self, mistakes: Iterable[Mistake]) -> DescriptionError:
        """All mistakes as one error, in the order of the file, no line twice."""
        ordered = sorted(mistakes, key=lambda mistake: mistake.line or self.line(mistake.path) or 0)
        complaints = dict.fromkeys(self.complaint(mistake) for mistake in ordered[:MOST_MISTAKES])
        if (left_out := len(ordered) - MOST_MISTAKES) > 0:
            sentence = f"and {left_out} more mistake{'s' if left_out > 1 else ''}"
            complaints[Complaint(sentence, self.label)] = None
        return DescriptionError.of(*complaints)


def _as_it_is(path: KeyPath) -> KeyPath:
    return path


class Upgrade(NamedTuple):
    """The data of a file as the fields of a description have it.

    Attributes:
        data: The values by the keys that the description has.

    Example:
        >>> Upgrade({"rows": 8}).as_written(("rows",))
        ('rows',)
    """

    data: dict[str, Any]
    as_written: Callable[[KeyPath], KeyPath] = _as_it_is
    """From the place of a value among the fields to its place in the file."""
    mistakes: tuple[Mistake, ...] = ()
    """By their places in the file."""


def unknown(name: str, noun: str, legal: Iterable[str], in_all: int = 0) -> str:
    """What to say of a name that there is none of.

    Args:
        name: As it was given.
        noun: What it should have been the name of.
        legal: The names that there are, or the first of them.
        in_all: How many there are, where `legal` are only the first of them.

    Returns:
        The end of a message: with the nearest name, and the names that are allowed.

    Example:
        >>> unknown("row", "key", ["columns", "rows"])
        "no such key, did you mean 'rows'? allowed are columns, rows"
    """
    names = list(legal)
    if not names:
        return f"no such {noun}"
    near = difflib.get_close_matches(name, names, n=SOME_NAMES) if len(name) <= MOST_CHARACTERS else []
    guess = f", did you mean {near[0]!r}?" if near else ":"
    candidates = names if len(names) <= MOST_NAMES else list(dict.fromkeys((*near, *names)))[:SOME_NAMES]
    lengths = accumulate(len(candidate) + len(", ") for candidate in candidates)
    listed = [
        candidate for candidate, length in zip(candidates, lengths, strict=True) if length <= MOST_LISTED
    ] or candidates[:1]
    in_all = max(in_all, len(names))
    rest = f", ... ({in_all} in all)" if len(listed) < in_all else ""
    return f"no such {noun}{guess} allowed are {', '.join(listed)}{rest}"


def one_of(values: Iterable[str]) -> str:
    """Alternatives in a sentence, each once.

    Args:
        values: One at least.

    Returns:
        `a`, `a or b`, `a, b or c`.

    Example:
        >>> one_of(["time", "energy", "edp"])
        'time, energy or edp'
    """
    *first, last = dict.fromkeys(values)
    return f"{', '.join(first)} or {last}" if first else last


def shown(value: Any) -> str:
    """A value as a message shows it: as in YAML, shortened.

    Args:
        value: Of a file, or of a program.

    Returns:
        Text of at most some sixty characters.

    Example:
        >>> shown("8x8"), shown([1, 2]), shown(None)
        ("'8x8'", '[1, 2]', 'null')
    """
    if isinstance(value, str):
        return repr(shortened(value))
    try:
        text = json.dumps(value, default=plain)
    except (TypeError, ValueError):  # what only a program can give
        return in_words(value)
    return f"{text[0]}...{text[-1]}" if len(text) > MOST_CHARACTERS and text[0] in "[{" else shortened(text)


def in_words(value: Any) -> str:
    """A value of a program as a message shows it: as Python writes it, on one line, shortened.

    Args:
        value: Anything.

    Returns:
        Text of at most some sixty characters.

    Example:
        >>> in_words({"a": (1, 2)})
        "{'a': (1, 2)}"
    """
    return repr(shortened(value)) if isinstance(value, str) else shortened(" ".join(_written(value).split()))


def _written(value: Any) -> str:
    """A value as Python writes it; its kind where Python does not, as of whole numbers of 5,000 digits."""
    try:
        return repr(value)
    except ValueError:
        return f"<{type(value).__name__}>"


def shortened(text: str) -> str:
    """The beginning of a text that a message has no room for.

    Args:
        text: Of any length.

    Returns:
        The text, or its beginning and three dots: 60 characters at most.

    Example:
        >>> shortened("conv1"), len(shortened("conv1" * 100))
        ('conv1', 60)
    """
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 3] + "..."


def native(value: Any) -> Any:
    """A number of numpy as Python has it; anything else as it is, such as an array of several.

    Args:
        value: Anything.

    Returns:
        The same value, of a type of Python's own where it is a number.

    Example:
        >>> import numpy as np
        >>> native(np.int64(8)), native("8")
        (8, '8')
    """
    return value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value


def plain(value: Any) -> Any:
    """What a program may give to `vary` beside what a file can say: descriptions and numpy's numbers.

    Args:
        value: What JSON has no form for.

    Returns:
        Plain values.

    Raises:
        TypeError: It can stand in no file.

    Example:
        >>> import numpy as np
        >>> plain(np.float64(0.5))
        0.5
    """
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if (number := native(value)) is not value:
        return number
    raise TypeError(f"{value!r} cannot stand in a description")


def value_at(data: Any, path: KeyPath) -> tuple[bool, Any]:
    """Whether there is a value at a path through plain values, and which."""
    for part in path:
        inside = isinstance(data, dict) and part in data
        inside = inside or (isinstance(data, list) and isinstance(part, int) and part < len(data))
        if not inside:
            return False, None
        data = data[part]
    return True, data

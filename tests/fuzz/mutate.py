"""Seeds of YAML, changed at random: mostly as a person gets a value wrong, sometimes as nobody would."""

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

from ruamel.yaml import YAML

CORPUS: Final = Path(__file__).parent / "corpus"


class Raw(str):
    """Text that stands in a file without quotes, whatever it means there."""

    __slots__ = ()


NUMBERS: Final = (
    0, 1, -1, 2, 3, 4, 5, 7, 8, 13, 16, 31, 64, 100, 255, 256, 1000, 4096, 8192, 65536, 10**6, 10**9,
    2**31 - 1, 2**31, 2**63 - 1, 2**63, 10**18, 10**30, -(2**63), 0.0, -0.0, 0.5, 0.999999, 1.5, 1e-9,
    1e-300, 5e-324, 1e18, 1e300, 1.7e308, -0.5, float("inf"), float("nan"),
)  # fmt: skip
WORDS: Final = (
    "", " ", "x", "conv", "input", "relu", "same", "auto", "é", "\u202e", "\x1b[31m", "a\nb", "=1+1",
    "@", "=", "*", "[", "=width", "1", "1.0", "true", "null", "-", "..", "/dev/null", "none", "\0",
    "a" * 300, "=1/0", "=9**9", "=round(1, -999)", "={1: 2}[3]", "=[1, 2]", "=resolution*1e9", "='a'",
    "=not width",
)  # fmt: skip
TOKENS: Final = (
    "~", "0x1f", "0xffffffffffffffffffffffff", "0o17", "0b101", "017", "1_000", "1e3", "1e400",
    "-1e400", ".inf", "-.inf", ".nan", "+5", "5.", ".5", "yes", "off", "2024-01-01", "12:30:45",
    "!!python/object:os.system x", "!!binary aGVsbG8=", "!!set {a, b}", "!!float 3", "!!int x",
    "!local 1", "&a 1", "*a", "<<", "{<<: *a}", "[", "{", "]", "'", '"', "? a", "- 1", "#", "%YAML 1.1",
    "---", "...", "\t1", "|\n  text", ">-\n  text", "9" * 5000, "-" + "9" * 400, "0x" + "f" * 4000,
    "1" + "0" * 400 + ".5", "[" * 50, "{a: " * 30, "\ufeff", "\x07", "\x85",
)  # fmt: skip
FRAGMENTS: Final = (
    "\n", ":", ": ", "- ", "  ", "\t", "{", "}", "[", "]", ",", "#", "&a ", "*a", "!!", "'", '"', "|",
    ">", "?", "@", "`", "%", "\x00", "\x1b", "\ud7ff", "\u2028", "---\n", "...\n", "<<: ", "0", "-",
    "=",
)  # fmt: skip


@cache
def seeds(folder: str) -> tuple[dict[str, Any], ...]:
    """The files of a folder of the corpus, as plain values, in the order of their names."""
    yaml = YAML(typ="safe", pure=True)
    return tuple(yaml.load(file.read_text()) for file in sorted((CORPUS / folder).glob("*.yaml")))


def file_like(folder: str, random: Random) -> bytes:
    """A file that started as one of the corpus."""
    documents = seeds(folder)
    data = deepcopy(random.choice(documents))
    for _ in range(random.choice((0, 1, 1, 1, 1, 2, 2, 3))):
        change_value(data, random, documents)
    text = emitted(data)
    for _ in range(random.choice((0, 0, 0, 0, 0, 0, 0, 0, 1, 2))):
        text = random.choice(_TEXT_CHANGES)(text, random)
    content = text.encode("utf-8", "surrogatepass")
    return _damaged(content, random) if random.random() < 0.02 else content


# --- values


def change_value(data: dict[str, Any], random: Random, documents: Sequence[Any]) -> None:
    """Change one value or key of a document."""
    if places := _places(data):
        container, key = random.choice(places)
        random.choice(_VALUE_CHANGES)(container, key, random, documents)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every value of a document, as the container that it is in and its key there."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    places = [(value, key) for key in keys]
    return places + [place for key in keys for place in _places(value[key])]


def _any_value(random: Random) -> Any:
    return random.choice(
        (
            random.choice(NUMBERS),
            random.choice(NUMBERS),
            random.choice(WORDS),
            Raw(random.choice(TOKENS)),
            random.choice((True, False, None, [], {}, [1], [1, 2], [1, 2, 3, 4], {"a": 1}, [[]], [None])),
            random.randrange(1, 40),
        )
    )


def _replace(container: Any, key: Any, random: Random, _documents: Sequence[Any]) -> None:
    container[key] = _any_value(random)


def _vary(container: Any, key: Any, random: Random, documents: Sequence[Any]) -> None:
    """A value of the same type: one that another place has, or a small number."""
    value = container[key]
    alike = [
        inner[name] for inner, name in _places(random.choice(documents)) if type(inner[name]) is type(value)
    ]
    small: tuple[Any, ...] = ()
    if isinstance(value, float):
        small = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 3.0, 17.3)
    elif isinstance(value, int) and not isinstance(value, bool):
        small = tuple(range(1, 25))
    container[key] = deepcopy(random.choice((*alike, *small, *small, value)))


def _shift(container: Any, key: Any, random: Random, documents: Sequence[Any]) -> None:
    value = container[key]
    if isinstance(value, bool):
        container[key] = not value
    elif isinstance(value, int | float):
        changed = (value + 1, value - 1, -value, 2 * value, value * 10, value * 1000, value / 2, value / 3)
        container[key] = random.choice(changed)
        if random.random() < 0.5 and isinstance(value, int):
            container[key] = int(container[key])
    else:
        _replace(container, key, random, documents)


def _delete(container: Any, key: Any, _random: Random, _documents: Sequence[Any]) -> None:
    del container[key]


def _copy(container: Any, key: Any, random: Random, documents: Sequence[Any]) -> None:
    """A value of another place, or another file."""
    source, its_key = random.choice(_places(random.choice(documents)))
    container[key] = deepcopy(source[its_key])


def _repeat(container: Any, key: Any, random: Random, documents: Sequence[Any]) -> None:
    if isinstance(container, list):
        container.insert(random.randrange(len(container) + 1), deepcopy(container[key]))
    else:
        _copy(container, key, random, documents)


def _swap(container: Any, key: Any, random: Random, _documents: Sequence[Any]) -> None:
    other = random.choice(list(container) if isinstance(container, dict) else range(len(container)))
    container[key], container[other] = container[other], container[key]


def _rename(container: Any, key: Any, random: Random, documents: Sequence[Any]) -> None:
    if not isinstance(container, dict):
        _repeat(container, key, random, documents)
        return
    value = container.pop(key)
    keys = [name for document in documents for holder, name in _places(document) if isinstance(holder, dict)]
    container[random.choice((str(key)[1:], f"{key}s", random.choice(WORDS), random.choice(keys)))] = value


def _wrap(container: Any, key: Any, random: Random, _documents: Sequence[Any]) -> None:
    for _ in range(random.choice((1, 1, 2, 30))):
        container[key] = random.choice(([container[key]], {"a": container[key]}))


_VALUE_CHANGES: Final = (
    _vary, _vary, _vary, _vary, _vary, _vary, _replace, _replace, _shift, _shift, _shift, _delete,
    _copy, _repeat, _repeat, _swap, _rename, _wrap,
)  # fmt: skip


# --- text


def emitted(value: Any, indent: int = 0) -> str:
    """A document as YAML: a key or an item a line, deeper ones on one line."""
    pad = "  " * indent
    if isinstance(value, dict) and value and indent < 3:
        return "".join(f"{pad}{_scalar(key)}:{_below(inner, indent)}" for key, inner in value.items())
    if isinstance(value, list) and value and indent < 3:
        return "".join(f"{pad}- {_flow(inner)}\n" for inner in value)
    return f"{pad}{_flow(value)}\n"


def _below(value: Any, indent: int) -> str:
    if isinstance(value, dict | list) and value and indent < 2:
        return "\n" + emitted(value, indent + 1)
    return f" {_flow(value)}\n"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, float):
        return json.dumps(value).replace("NaN", ".nan").replace("Infinity", ".inf")
    return json.dumps(value)


def _at_a_line(change: Callable[[list[str], int, Random], None]) -> Callable[[str, Random], str]:
    def changed(text: str, random: Random) -> str:
        lines = text.splitlines(keepends=True) or [""]
        change(lines, random.randrange(len(lines)), random)
        return "".join(lines)

    return changed


def _insert(text: str, random: Random) -> str:
    position = random.randrange(len(text) + 1)
    return text[:position] + random.choice(FRAGMENTS) + text[position:]


def _cut(text: str, random: Random) -> str:
    start = random.randrange(len(text) + 1)
    return text[:start] + text[start + random.choice((1, 1, 2, 10, 100, len(text))) :]


def _doubled_line(lines: list[str], position: int, random: Random) -> None:
    lines[position] *= random.choice((2, 2, 3, 500))


def _lost_line(lines: list[str], position: int, _random: Random) -> None:
    del lines[position]


def _moved_line(lines: list[str], position: int, random: Random) -> None:
    lines.insert(random.randrange(len(lines)), lines.pop(position))


def _indented_line(lines: list[str], position: int, random: Random) -> None:
    lines[position] = random.choice((" ", "  ", "\t", "- ")) + lines[position]


def _aliases(text: str, random: Random) -> str:
    """A few lines that stand for very many values."""
    width, depth = random.choice(((2, 3), (9, 6), (9, 12), (2, 40)))
    rows = ["a0: &a0 [1, 2, 3]"]
    rows += [f"a{row}: &a{row} [{', '.join([f'*a{row - 1}'] * width)}]" for row in range(1, depth)]
    return text + "\n".join(rows) + "\n"


_TEXT_CHANGES: Final = (
    _insert, _insert, _insert, _cut, _cut, _at_a_line(_doubled_line), _at_a_line(_lost_line),
    _at_a_line(_moved_line), _at_a_line(_indented_line), _aliases,
)  # fmt: skip


def _damaged(content: bytes, random: Random) -> bytes:
    """A few bytes changed, as a bad disk would."""
    changed = bytearray(content)
    for _ in range(random.choice((1, 3, 20))):
        if changed:
            changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def shown(files: Mapping[str, bytes]) -> str:
    """Files as text."""
    parts = [f"--- {name}\n{content.decode('utf-8', 'backslashreplace')}" for name, content in files.items()]
    return "\n".join(parts)

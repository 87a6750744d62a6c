"""Expressions of stage tables: of their grammar, and of characters."""

import math
from random import Random
from typing import Any, Final

from accelsim.descriptions.limits import MAX_VALUE
from accelsim.network.expressions import FUNCTIONS, ExpressionError, Value, evaluate
from fuzz.door import Door
from fuzz.judge import require
from fuzz.mutate import FRAGMENTS

_NAMES: Final[dict[str, Value]] = {
    "width": 0.75,
    "resolution": 224,
    "groups": 3,
    "thin": True,
    "bypass": "identity",
    "least": -(10**12),
}
_SEEDS: Final = (
    "=round_to_multiple(32*width, 8)",
    "={0.5: 48, 0.75: 116, 1.5: 176}[width]",
    "=max(int(64*width), 8)",
    "=bypass if thin else 'none'",
    "=[1, 2, 3, 4][groups] // 2",
    "=round(16*width) + round(16*width) % 2",
    "=1 < groups <= 3 and not thin or resolution != 224",
)
_ATOMS: Final = (
    *_NAMES, "0", "1", "-1", "2", "0.5", "1e12", "1e300", "-1e-300", "999999999", "-999999999",
    "-999999999", "10**9", "0x10", "1_0", "True", "None", "...", "'a'", "'1'", "''", "b'a'",
    "f'{width}'", "1j", "[]", "{}", "()", "inf", "nan", "x", "__import__", "9" * 150, "[1, 2]",
    "{1: 2}", "{'identity': 3}", "{[1]: 2}", "*groups", "**{}",
)  # fmt: skip
_OPERATORS: Final = (
    "+", "-", "*", "/", "//", "%", "**", "<<", ">>", "@", "|", "&", "^", "<", "<=", "==", "!=", "is",
    "in", "not in", "and", "or", ",", ":=",
)  # fmt: skip
_CALLED: Final = (
    *FUNCTIONS, *FUNCTIONS, "round", "len", "str", "pow", "sum", "width.real", "(lambda: 1)", "''.join",
)  # fmt: skip


def _term(random: Random, depth: int) -> str:
    """Something of the grammar, or near it."""
    if depth == 0 or random.random() < 0.2:
        return random.choice(_ATOMS)

    def inner() -> str:
        return _term(random, depth - 1)

    match random.randrange(8):
        case 0 | 1 | 2:
            return f"{inner()} {random.choice(_OPERATORS)} {inner()}"
        case 3 | 4:
            arguments = ", ".join(inner() for _ in range(random.choice((0, 1, 1, 2, 2, 3))))
            return f"{random.choice(_CALLED)}({arguments})"
        case 5:
            return f"{inner()} if {inner()} else {inner()}"
        case 6:
            table = random.choice((f"[{inner()}, {inner()}]", f"{{{inner()}: {inner()}}}", inner()))
            return f"{table}[{inner()}]"
        case _:
            return random.choice(("({})", "-{}", "not {}", "~{}", "+{}")).replace("{}", inner())


def _make(random: Random) -> str:
    if random.random() < 0.7:
        return f"={_term(random, random.choice((1, 2, 2, 3, 4)))}"
    text = random.choice(_SEEDS)
    for _ in range(random.choice((1, 1, 2, 5))):
        position = random.randrange(len(text) + 1)
        length = random.choice((0, 0, 1, 3))
        text = text[:position] + random.choice((*FRAGMENTS, *_ATOMS)) + text[position + length :]
    return random.choice((text, text, text, "=" + "(" * 90 + text, "=" + "-" * 150 + "1", text * 9))


def _feed(text: str) -> None:
    _check(evaluate(text, _NAMES))


def _check(value: Any) -> None:
    """Raise NonsenseError where a value is none that a stage table may have."""
    if isinstance(value, dict):
        _check([*value.keys(), *value.values()])
    elif isinstance(value, list):
        for inner in value:
            _check(inner)
    else:
        require(isinstance(value, int | float | str), "a value of another kind", repr(value))
        small = isinstance(value, str) or (math.isfinite(value) and abs(value) <= MAX_VALUE)
        require(small, "a number that is too large", repr(value))


DOOR: Final = Door("expression", _make, _feed, repr, refusals=(ExpressionError,))

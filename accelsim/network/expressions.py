"""Arithmetic in a stage table: `"=round_to_multiple(32*width, 8)"` becomes 24 when width is 0.75.

A string that starts with "=" is an expression of the network's parameters. It is evaluated over Python's
syntax tree with a whitelist, so that a YAML file from anywhere can do arithmetic and nothing else.
"""

import ast
import math
import operator
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from accelsim.descriptions.limits import MAX_VALUE

Value = int | float | bool | str
"""What a parameter may be, and an expression of parameters may give."""

MAX_LENGTH: Final = 200
"""Characters; a rule for channels takes a tenth of that. It bounds how deep an expression is nested, too."""
MAX_PLACES: Final = 12
"""Decimal places (or, negative, powers of ten) to which a number may be rounded: as many as it may have."""


class ExpressionError(ValueError):
    """An expression that cannot be evaluated: the text says which part and what is allowed."""


def is_expression(value: object) -> bool:
    """Whether a value of a stage table is to be evaluated rather than taken as it stands."""
    return isinstance(value, str) and value.startswith("=")


def evaluate(text: str, names: Mapping[str, Value]) -> Any:
    """The value of an expression, with or without its leading "="; whole floats come out as int."""
    value = _value(_parse(text.removeprefix("=").strip()), names)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def round_to_multiple(value: float, multiple: int) -> int:
    """The nearest multiple, at least one, and never below 90% of the value.

    The rule by which MobileNetV2 (`_make_divisible` of its release) and its successors scale channels.
    """
    nearest = max(multiple, int(value + multiple / 2) // multiple * multiple)
    return nearest + multiple if nearest < 0.9 * value else nearest


def round_to_places(value: float, digits: int | None = None) -> Any:
    """`round`, to as many places as numbers have: the powers of ten beyond take Python hours."""
    if digits is not None and abs(digits) > MAX_PLACES:
        raise ValueError(f"rounds to {digits} places, must be from {-MAX_PLACES} to {MAX_PLACES}")
    return round(value, digits)


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "abs": abs,
    "ceil": math.ceil,
    "floor": math.floor,
    "int": int,
    "max": max,
    "min": min,
    "round": round_to_places,
    "round_to_multiple": round_to_multiple,
}

_BINARY: Final[Mapping[type[ast.AST], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: Final[Mapping[type[ast.AST], Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


@lru_cache(maxsize=4096)
def _parse(text: str) -> ast.expr:
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"is longer than {MAX_LENGTH} characters")
    try:
        with warnings.catch_warnings():  # about backslashes in texts, for those who write Python
            warnings.simplefilter("ignore")
            return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError("is not an expression") from None


def _value(node: ast.expr, names: Mapping[str, Value]) -> Any:
    rule = _RULES.get(type(node))
    if rule is None:
        raise ExpressionError(f"{ast.unparse(node)!r} is not allowed in an expression")
    try:
        value = rule(node, names)
    except ExpressionError:
        raise
    except (ArithmeticError, TypeError, ValueError) as error:
        raise ExpressionError(f"{ast.unparse(node)!r} has no value: {error}") from None
    if isinstance(value, int | float) and not abs(value) <= MAX_VALUE:
        raise ExpressionError(f"{ast.unparse(node)!r} is larger than {MAX_VALUE:.0e}")
    return value


def _constant(node: ast.Constant, _names: Mapping[str, Value]) -> Any:
    if isinstance(node.value, int | float | str):
        return node.value
    raise ExpressionError(f"{ast.unparse(node)!r} is not allowed in an expression")


def _name(node: ast.Name, names: Mapping[str, Value]) -> Any:
    if node.id in names:
        return names[node.id]
    raise ExpressionError(f"{node.id!r} is no parameter: there are {', '.join(sorted(names)) or 'none'}")


def _binary(node: ast.BinOp, names: Mapping[str, Value]) -> Any:
    left, right = _value(node.left, names), _value(node.right, names)
    if type(node.op) not in _BINARY:
        raise ExpressionError(f"{ast.unparse(node)!r} is not allowed: use + - * / // %")
    if not (isinstance(left, int | float) and isinstance(right, int | float)):
        raise ExpressionError(f"{ast.unparse(node)!r} calculates with text or a list")
    return _BINARY[type(node.op)](left, right)


def _unary(node: ast.UnaryOp, names: Mapping[str, Value]) -> Any:
    value = _value(node.operand, names)
    if isinstance(node.op, ast.Not):
        return not value
    if isinstance(node.op, ast.USub):
        return -value
    raise ExpressionError(f"{ast.unparse(node)!r} is not allowed in an expression")


def _boolean(node: ast.BoolOp, names: Mapping[str, Value]) -> Any:
    values = [_value(part, names) for part in node.values]
    return all(values) if isinstance(node.op, ast.And) else any(values)


def _comparison(node: ast.Compare, names: Mapping[str, Value]) -> Any:
    values = [_value(part, names) for part in (node.left, *node.comparators)]
    if not all(type(op) in _COMPARE for op in node.ops):
        raise ExpressionError(f"{ast.unparse(node)!r} is not allowed: use == != < <= > >=")
    return all(
        _COMPARE[type(op)](left, right) for op, left, right in zip(node.ops, values, values[1:], strict=False)
    )


def _choice(node: ast.IfExp, names: Mapping[str, Value]) -> Any:
    return _value(node.body if _value(node.test, names) else node.orelse, names)


def _call(node: ast.Call, names: Mapping[str, Value]) -> Any:
    function = FUNCTIONS.get(node.func.id) if isinstance(node.func, ast.Name) else None
    if function is None or node.keywords:
        raise ExpressionError(f"{ast.unparse(node)!r} is no known function: there are {', '.join(FUNCTIONS)}")
    return function(*(_value(argument, names) for argument in node.args))


def _table(node: ast.Dict, names: Mapping[str, Value]) -> Any:
    if None in node.keys:
        raise ExpressionError(f"{ast.unparse(node)!r} is not allowed in an expression")
    keys = [_value(key, names) for key in node.keys if key is not None]
    return dict(zip(keys, (_value(value, names) for value in node.values), strict=True))


def _sequence(node: ast.List | ast.Tuple, names: Mapping[str, Value]) -> Any:
    return [_value(part, names) for part in node.elts]


def _entry(node: ast.Subscript, names: Mapping[str, Value]) -> Any:
    table, key = _value(node.value, names), _value(node.slice, names)
    if isinstance(table, dict):
        if key not in table:
            raise ExpressionError(f"no entry for {key!r}: there are {', '.join(map(repr, table))}")
        return table[key]
    if isinstance(table, list) and isinstance(key, int) and 0 <= key < len(table):
        return table[key]
    raise ExpressionError(f"{ast.unparse(node)!r} has no such entry")


_RULES: Final[Mapping[type[ast.expr], Callable[[Any, Mapping[str, Value]], Any]]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.Compare: _comparison,
    ast.IfExp: _choice,
    ast.Call: _call,
    ast.Dict: _table,
    ast.List: _sequence,
    ast.Tuple: _sequence,
    ast.Subscript: _entry,
}

"""An ONNX file without the numbers of its large constants, before anything is made of it.

Weights are most of a file, and nobody looks at them; parsed, they would be in memory twice. The encoding of
protocol buffers says how long each field is, so they are left out without a look: a message is fields, each a
tag (its number and how it is encoded) and a value. Only what is longer than a small constant is looked into.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

LARGEST_SMALL_BYTES: Final = 1 << 20
"""Of a field that is kept as it is: 65,536 numbers of the longest encoding take less."""
_MOST_DEPTH: Final = 100
"""Of messages within messages, as protobuf itself allows."""
_VARINT, _FIXED_64, _LENGTH, _FIXED_32 = 0, 1, 2, 5
_NUMBERS: Final = "numbers"

Fields: TypeAlias = Mapping[int, Any]
"""Of a message's kind: what some of its fields are, by number."""
_TENSOR: Final[Fields] = dict.fromkeys((4, 5, 6, 7, 9, 10, 11), _NUMBERS)
"""float_data, int32_data, string_data, int64_data, raw_data, double_data, uint64_data."""
_GRAPH: Final[dict[int, Any]] = {5: _TENSOR}
"""node, initializer, sparse_initializer (onnx.proto3)."""
_ATTRIBUTE: Final[Fields] = {5: _TENSOR, 6: _GRAPH, 10: _TENSOR, 11: _GRAPH}
_NODE: Final[Fields] = {5: _ATTRIBUTE}
_GRAPH.update({1: _NODE, 15: {1: _TENSOR, 2: _TENSOR}})
_MODEL: Final[Fields] = {7: _GRAPH, 25: {7: _NODE}}


def without_large_constants(content: memoryview) -> bytes:
    """The bytes of a model, without fields that hold the numbers of large constants.

    Args:
        content: The file.

    Returns:
        A model that says the same of all else.

    Raises:
        ValueError: These are no fields, or not all of them.

    Example:
        >>> raw_data = bytes([9 << 3 | 2, 128, 128, 64]) + bytes(1 << 20)
        >>> tensor = bytes([1 << 3, 64]) + raw_data + bytes([9 << 3 | 2, 128, 128, 128, 1]) + bytes(1 << 21)
        >>> within = lambda field, inner: bytes([field << 3 | 2, *_varint(len(inner))]) + inner
        >>> model = within(7, within(5, tensor))
        >>> len(model), len(without_large_constants(memoryview(model)))
        (3145749, 1048590)
    """
    return b"".join(_message(content, 0, len(content), _MODEL, depth=0))


def _message(content: memoryview, begin: int, end: int, fields: Fields, depth: int) -> list[Any]:
    """The pieces of a message that are kept."""
    if depth > _MOST_DEPTH:
        raise ValueError("messages within messages")
    pieces: list[Any] = []
    kept_from = position = begin
    while position < end:
        tag_at = position
        tag, position = _number(content, position, end)
        encoding = tag & 7
        if encoding == _VARINT:
            _, position = _number(content, position, end)
        elif encoding in {_FIXED_64, _FIXED_32}:
            position += 8 if encoding == _FIXED_64 else 4
        elif encoding == _LENGTH:
            length, inner_at = _number(content, position, end)
            position = inner_at + length
            kind = fields.get(tag >> 3)
            if length > LARGEST_SMALL_BYTES and kind is not None and position <= end:
                pieces.append(content[kept_from:tag_at])
                kept_from = position
                if kind != _NUMBERS:
                    inner = _message(content, inner_at, position, kind, depth + 1)
                    pieces += [_varint(tag), _varint(sum(map(len, inner))), *inner]
        else:
            raise ValueError("an encoding that there is not")
        if position > end:
            raise ValueError("a field ends behind its message")
    pieces.append(content[kept_from:end])
    return pieces


def _number(content: memoryview, position: int, end: int) -> tuple[int, int]:
    """Seven bits a byte, the lowest first, and where the next field begins."""
    number = shift = 0
    while position < end and shift < 64:
        byte = content[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
        shift += 7
    raise ValueError("a number does not end")


def _varint(number: int) -> bytes:
    """A number, seven bits a byte."""
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])

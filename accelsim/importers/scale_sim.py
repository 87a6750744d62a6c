"""A SCALE-Sim topology -> a network of layers that read nothing of each other.

The format is that of scalesim 3.0.0 (topology_utils.py). A topology is a CSV file: a line for each layer,
which says the input that it reads, padding included, its filters, and the stride; or for each matrix product
M, N and K. It says nothing of who reads whom: each layer has an input of its own here, as it has there.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from accelsim.errors import Complaint, DescriptionError, NetworkError
from accelsim.importers.model import Dims, Imported, visible
from accelsim.importers.names import INPUT, Names, network_name

MAX_FILE_BYTES: Final = 1 << 24
"""Of a topology: some hundred thousand layers."""
MAX_LAYERS: Final = 10_000
_MOST_DIGITS: Final = 15
_MOST_LETTERS: Final = 40
"""Of a cell that a message shows."""
DEPTHWISE: Final = "DP"
"""What SCALE-Sim knows depthwise convolutions by: the letters anywhere in a name."""
_CONVOLUTION: Final = ("ifmapheight", "ifmapwidth", "filterheight", "filterwidth", "channels", "numfilter")
_PRODUCT: Final = ("m", "n", "k")


@dataclass(frozen=True)
class _Row:
    """A line: its number, the layer's name, and its sizes."""

    line: int
    name: str
    numbers: tuple[int, ...]
    density: float | None


def read_scale_sim(path: Path) -> Imported:
    """The layers of a SCALE-Sim topology.

    Args:
        path: A CSV file whose first line names the columns.

    Returns:
        What a network's YAML would hold.

    Raises:
        AccelsimError: With a line for each thing that is wrong.

    Example:
        >>> read_scale_sim(Path("absent.csv"))
        Traceback (most recent call last):
        ...
        accelsim.errors.DescriptionError: absent.csv: no such file
    """
    lines = _lines(path)
    header = [_word(cell) for cell in next(lines, (0, []))[1]]
    products = tuple(header[1:4]) == _PRODUCT
    if not products and tuple(header[1:7]) != _CONVOLUTION:
        raise DescriptionError.about(
            path,
            "is no SCALE-Sim topology: its first line must be Layer name, IFMAP Height, IFMAP Width, Filter "
            "Height, Filter Width, Channels, Num Filter, Strides, or Layer, M, N, K,",
        )
    strides = 0 if products else 2 if "stridewidth" in header else 1
    rows = _rows(path, lines, len(_PRODUCT) if products else len(_CONVOLUTION) + strides)
    return _imported(path, [_product(row) if products else _convolution(row) for row in rows], rows)


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The cells of every line that has some, with the line's number."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise DescriptionError.about(path, f"is larger than {MAX_FILE_BYTES:,} bytes: is no topology")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DescriptionError.about(path, "no such file") from None
    except OSError as error:
        raise DescriptionError.about(path, f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise DescriptionError.about(path, "is no SCALE-Sim topology: it is not text") from None
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            cells = [cell.strip() for cell in next(csv.reader([line]), [])]
        except csv.Error as error:
            raise DescriptionError.about(f"{path}:{number}", f"is no line of a CSV file: {error}") from None
        if any(cells):
            yield number, cells


def _word(cell: str) -> str:
    return "".join(letter for letter in cell.lower() if letter.isalpha())


def _rows(path: Path, lines: Iterator[tuple[int, list[str]]], numbers: int) -> list[_Row]:
    """A row for each line; every line that is none is a mistake."""
    rows: list[_Row] = []
    mistakes: list[Complaint] = []
    for line, (name, *cells) in lines:
        try:
            sizes = tuple(_size(cell) for cell in cells[:numbers])
            if len(sizes) < numbers:
                raise ValueError(f"has {len(sizes)} numbers after the name: must have {numbers}")
            density = _density(next(iter(cells[numbers:]), ""))
        except ValueError as error:
            mistakes.append(Complaint(str(error), f"{path}:{line}"))
            continue
        rows.append(_Row(line, name, sizes, density))
        if len(rows) > MAX_LAYERS:
            raise DescriptionError.about(path, f"has more than {MAX_LAYERS:,} layers")
    if mistakes:
        raise NetworkError.of(*mistakes[:100])
    if not rows:
        raise DescriptionError.about(path, "has no layers")
    return rows


def _size(cell: str) -> int:
    if not (cell.isascii() and cell.isdecimal() and len(cell) <= _MOST_DIGITS and int(cell)):
        raise ValueError(f"{visible(cell)[:_MOST_LETTERS]!r} must be a whole number from 1")
    return int(cell)


def _density(cell: str) -> float | None:
    """N:M as a part of the weights; None where the line says nothing, or that all are there."""
    if not cell:
        return None
    kept, _, block = cell.partition(":")
    numbers = [_size(part.strip()) for part in (kept, block)]
    if numbers[0] > numbers[1]:
        raise ValueError(f"{visible(cell)[:_MOST_LETTERS]!r} keeps more weights than there are")
    return numbers[0] / numbers[1] if numbers[0] < numbers[1] else None


def _convolution(row: _Row) -> tuple[Dims, dict[str, Any]]:
    """The input of a convolution, and its arguments; SCALE-Sim rounds the number of its outputs up."""
    height, width, rows, columns, channels, filters, *strides = row.numbers
    stride = (strides[0], strides[-1])
    bottom, right = (
        -(size - taps) % step
        for size, taps, step in zip((height, width), (rows, columns), stride, strict=True)
    )
    depthwise = DEPTHWISE in row.name
    arguments: dict[str, Any] = {
        "out_channels": channels * filters if depthwise else filters,
        "kernel": [rows, columns],
        "stride": list(stride),
        "groups": channels if depthwise else 1,
    }
    if (bottom, right) != (0, 0) and (height >= rows and width >= columns):
        arguments["padding"] = [0, bottom, 0, right]
    return (channels, height, width), arguments


def _product(row: _Row) -> tuple[Dims, dict[str, Any]]:
    """M x K times K x N: M pixels of K channels."""
    rows, columns, inner = row.numbers
    return (inner, rows, 1), {"out_channels": columns}


def _imported(path: Path, layers: Sequence[tuple[Dims, dict[str, Any]]], rows: Sequence[_Row]) -> Imported:
    names = Names([INPUT])
    operators: list[dict[str, Any]] = []
    compression: list[dict[str, Any]] = []
    for row, (shape, arguments) in zip(rows, layers, strict=True):
        name = names.take(visible(row.name).lstrip("=") or f"line{row.line}")
        source = INPUT
        if operators:
            source = names.take(f"{name}.input")
            channels, height, width = shape
            sizes = {"channels": channels, "height": height, "width": width}
            operators.append({"name": source, "operator": "input", "inputs": [], **sizes})
        operators.append({"name": name, "stage": name, "operator": "conv", "inputs": [source], **arguments})
        if row.density is not None:
            compression.append({"layers": _pattern(name), "weight_density": row.density})
    channels, height, width = layers[0][0]
    data: dict[str, Any] = {
        "name": network_name(path.stem),
        "title": f"{visible(path.stem)}, imported",
        "source": f"{path}: SCALE-Sim topology, {len(rows)} layers, each with an input of its own",
        "input": {"channels": channels, "height": height, "width": width},
        "stages": [{"block": "graph", "name": "model", "operators": operators}],
    }
    return Imported(str(path), data | ({"compression": compression} if compression else {}), {})


def _pattern(name: str) -> str:
    """A pattern that only this name fits."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)

"""Numbers for people, and tables of plain text that fit a width.

Written out rather than left to rich: a report has to fit 80 columns to the character, to be the same in
a file, in a pipe and in a locale without Unicode, and to be there without 0.1 s of imports
(docs/decisions/text-tables.md).
"""

import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from accelsim.descriptions.phrases import counted

_SUFFIXES: Final = ("", "k", "M", "G", "T", "P", "E")
_LEAST: Final = 0.005
"""What is less would be written as `0.00`."""
_MOST: Final = 1e6
"""Ratios from here on are powers of ten."""
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_FULL: Final = "█"
_CONTROLS: Final = (*range(0x0A), *range(0x0B, 0x20), *range(0x7F, 0xA0))
_LINES: Final = (0x2028, 0x2029)
_DIRECTIONS: Final = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SURROGATES: Final = tuple(range(0xD800, 0xE000))  # of file names that are no Unicode
_UNSEEN: Final = dict.fromkeys((*_CONTROLS, *_LINES, *_DIRECTIONS, *_SURROGATES), "\N{REPLACEMENT CHARACTER}")
BOLD: Final = "\x1b[1m"
PLAIN: Final = "\x1b[0m"
LABEL_WIDTH: Final = 15
"""Characters of the names of sums and sources."""


def printable(text: str) -> str:
    r"""The text without what would move a terminal's cursor, change its colours or turn its direction round.

    Args:
        text: Names from files, say, with anything in them.

    Returns:
        The text in which line breaks stay and each other character that is no text becomes one that says so.

    Example:
        >>> printable("conv1\x1b[2J") == "conv1\N{REPLACEMENT CHARACTER}[2J"
        True
    """
    return text.translate(_UNSEEN)


def on_one_line(text: str) -> str:
    """The same, for a name that has to stay within its line."""
    return printable(text).replace("\n", " ")


def si(value: float) -> str:
    """Three digits and a suffix, five characters at most.

    Args:
        value: Any number.

    Returns:
        `0`, `0.25`, `999`, `1.00k`, `12.3M`, `2.01G`; in powers of ten from 1,000 E on, and of what would
        read as nothing: `4e-05`.

    Example:
        >>> si(1_233_984)
        '1.23M'
    """
    return "".join(digits_and_suffix(value))


def digits_and_suffix(value: float) -> tuple[str, str]:
    """What `si` writes, in its two parts: `("12.3", "M")`."""
    if not math.isfinite(value):
        return str(value), ""
    if value == int(value) and abs(value) < 1000:
        return str(int(value)), ""
    if abs(value) < _LEAST:
        return f"{value:.0e}", ""
    for power, suffix in enumerate(_SUFFIXES):
        digits = three_digits(value / 1000**power)
        if abs(float(digits)) < 1000:
            return digits, suffix
    return f"{value:.0e}", ""


def quantity(value: float, unit: str) -> str:
    """A number with its unit.

    Args:
        value: In the unit.
        unit: `B`, `MAC/s`.

    Returns:
        `8.75 MB`, `90 B`.

    Example:
        >>> quantity(8_750_000, "B")
        '8.75 MB'
    """
    digits, suffix = digits_and_suffix(value)
    return f"{digits} {suffix}{unit}"


def three_digits(value: float) -> str:
    """`1.23`, `12.3`, `123`: the point moves where rounding carries a digit."""
    for decimals in (2, 1):
        text = f"{value:.{decimals}f}"
        if len(text.lstrip("-")) <= 4:
            return text
    return f"{value:.0f}"


def scientific(value: float) -> str:
    """Three digits and a power of ten, of what is too large or too small for a suffix: `3.83e+302`."""
    return f"{value:.2e}"


def ratio(value: float, decimals: int = 2) -> str:
    """How many times one is the other: `1.25`; in powers of ten where that would be a row of digits, or none.

    Args:
        value: Any number.
        decimals: Behind the point.

    Returns:
        Ten characters at most.

    Example:
        >>> ratio(1.25), ratio(0.9876, decimals=3), ratio(2e60), ratio(3e-9)
        ('1.25', '0.988', '2.00e+60', '3.00e-09')
    """
    plain = not value or 10.0**-decimals / 2 <= abs(value) < _MOST
    return f"{value:.{decimals}f}" if plain else scientific(value)


def kibibytes(size: int) -> str:
    """The size of a memory, which comes in powers of two: `128 KiB`, `6.5 KiB`, `90 bytes`."""
    if size < 1024:
        return counted(size, "byte")
    kib = size / 1024
    return f"{kib:.4g} KiB" if kib < 10_000 else f"{kib / 1024:.4g} MiB"


def percent(fraction: float) -> str:
    """A fraction as a percentage.

    Args:
        fraction: 1 is all.

    Returns:
        `0.4%`, `38.5%`, `100%`.

    Example:
        >>> percent(0.385)
        '38.5%'
    """
    return f"{percent_digits(fraction)}%"


def percent_digits(fraction: float) -> str:
    """A percentage under a header that says so, four characters at most: `0.4`, `38.5`, `100`.

    More than a thousand times the whole is a power of ten: `1e+09`.
    """
    if 100 * abs(fraction) >= 1e5:
        return f"{100 * fraction:.0e}"
    text = f"{100 * fraction:.1f}"
    return text if len(text) <= 4 else f"{100 * fraction:.0f}"


def bar(fraction: float, width: int, *, ascii_only: bool) -> str:
    """A bar that is full at 1, in eighths of a character or in `#`."""
    filled = min(max(fraction, 0.0), 1.0) * width
    if ascii_only:
        return "#" * round(filled)
    eighths = round(filled * 8)
    return _FULL * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def shortened(text: str, width: int) -> str:
    """The text, or its beginning and end around a `~` where it is longer than the width."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 3
    return text[: width - 1 - tail] + "~" + text[len(text) - tail :]


class Style(NamedTuple):
    """What the terminal or file that a text goes to can show.

    Example:
        >>> Style(width=120, bold=True).strong("conv1")
        '\\x1b[1mconv1\\x1b[0m'
    """

    width: int = 80
    """Characters of a line."""
    ascii_only: bool = False
    """Whether bars are of `#` instead of blocks."""
    bold: bool = False
    """Whether headings are in bold, by the sequences of terminals."""

    def strong(self, text: str) -> str:
        """The text in bold, where there is bold."""
        text = on_one_line(text)
        return f"{BOLD}{text}{PLAIN}" if self.bold else text

    def rendered(self, text: str) -> str:
        """A whole text as this place shows it: what is bold stays so, whatever else is no text goes."""
        if not self.bold:
            return printable(text)
        parts = re.split(f"({re.escape(BOLD)}|{re.escape(PLAIN)})", text)
        return "".join(part if part in (BOLD, PLAIN) else printable(part) for part in parts)


def wrapped(text: str, style: Style, indent: int = 0) -> list[str]:
    """The text in lines that fit, those after the first indented."""
    return textwrap.wrap(text, style.width, subsequent_indent=" " * indent, break_on_hyphens=False)


def labelled(name: str, text: str, style: Style) -> list[str]:
    """A name, and beside it what it stands for, on as many lines as that takes."""
    return wrapped(f"{name:<{LABEL_WIDTH - 1}} {text}", style, indent=LABEL_WIDTH)


def headline(name: str, title: str, style: Style) -> list[str]:
    """The name and title of a network or a machine, on as many lines as that takes."""
    return [style.strong(line) for line in wrapped(f"{name}: {title}" if title else name, style)]


class Column(NamedTuple):
    """A column of a table: what stands in it, and what may become of it where space is short.

    Example:
        >>> Column("cycles", ["1.23M", "90"]).width
        6
    """

    header: str
    """Above the cells."""
    cells: Sequence[str]
    """One a row."""
    align: Literal["left", "right"] = "right"
    """At which side cells that are shorter than others begin or end."""
    rank: int = 0
    """Columns of rank 0 are always there; the others are added, lowest rank first, while they fit."""
    least: int | None = None
    """To how many characters the cells may be shortened; None: not at all."""
    gap: int = 1
    """Spaces before it."""

    @property
    def width(self) -> int:
        """What its longest cell takes."""
        return max(map(len, (self.header, *self.cells)))


def table(columns: Iterable[Column], width: int) -> list[str]:
    """Header and rows; no line is longer than `width` unless columns of rank 0 that cannot shrink are."""
    chosen = fitting(list(columns), width)
    widths = _widths(chosen, width)
    lines = [_line([column.header for column in chosen], chosen, widths)]
    lines += [_line(cells, chosen, widths) for cells in zip(*(c.cells for c in chosen), strict=True)]
    return lines


def fitting(columns: Sequence[Column], width: int) -> list[Column]:
    """As many columns as fit with their full text, in the order given: those that `table` shows."""
    ranks = sorted({column.rank for column in columns} - {0})
    chosen = [column for column in columns if column.rank == 0]
    for rank in ranks:
        columns_of_rank = [column for column in columns if column.rank <= rank]
        if sum(column.gap + column.width for column in columns_of_rank) - columns_of_rank[0].gap > width:
            break
        chosen = columns_of_rank
    return chosen


def _widths(columns: list[Column], width: int) -> list[int]:
    """Full widths, of which the columns that may be shortened give up what is too much, the widest first."""
    widths = [column.width for column in columns]
    excess = sum(widths) + sum(column.gap for column in columns[1:]) - width
    for _ in range(excess):  # a character at a time; of equally wide columns the last gives first
        spare = [
            (widths[index], index)
            for index, column in enumerate(columns)
            if column.least is not None and widths[index] > column.least
        ]
        if not spare:
            break
        widths[max(spare)[1]] -= 1
    return widths


def _line(cells: Sequence[str], columns: list[Column], widths: list[int]) -> str:
    parts: list[str] = []
    for cell, column, width in zip(cells, columns, widths, strict=True):
        text = shortened(on_one_line(cell), width)
        parts.append(" " * column.gap if parts else "")
        parts.append(text.ljust(width) if column.align == "left" else text.rjust(width))
    return "".join(parts).rstrip()

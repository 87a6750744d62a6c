"""docs/performance.md: whatever was measured stands between two markers, and a benchmark writes it there."""

import re
from collections.abc import Sequence
from pathlib import Path

from accelsim import __version__
from accelsim.report.files.writing import write
from timing import machine

DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"


def write_part(name: str, text: str, command: str) -> None:
    """Put the text of a part into the document, with the command that made it."""
    write(DOCUMENT, with_part(DOCUMENT.read_text(encoding="utf-8"), name, text, command))


def with_part(document: str, name: str, text: str, command: str) -> str:
    """The document with new text between the markers of a part."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    pattern = f"(?s){re.escape(begin)}.*?{re.escape(end)}"
    if len(re.findall(pattern, document)) != 1:
        raise SystemExit(f"{DOCUMENT.name} must have `{begin}` ... `{end}` once")
    made_by = f"Made by `{command}` with accelsim {__version__} on {machine()}."
    return re.sub(pattern, lambda _: f"{begin}\n{made_by}\n\n{text.strip()}\n\n{end}", document)


def markdown(headers: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table, padded to be read as text too; the first `left` columns hold words."""
    widths = [max(3, *map(len, column)) for column in zip(headers, *rows, strict=True)]
    lines = [
        [
            _padded(cell, width, index < left)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in (headers, *rows)
    ]
    rule = ["-" * width if index < left else "-" * (width - 1) + ":" for index, width in enumerate(widths)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))


def seconds(value: float) -> str:
    """A time with three digits, in the unit that suits it."""
    if value >= 1:
        return f"{value:.3g} s" if value < 100 else f"{value:.0f} s"
    return f"{value * 1e3:.3g} ms" if value >= 1e-3 else f"{value * 1e6:.3g} us"


def times(value: float) -> str:
    """A ratio with three digits."""
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _padded(cell: str, width: int, left: bool) -> str:
    return cell.ljust(width) if left else cell.rjust(width)

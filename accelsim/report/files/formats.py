"""The same data as JSON and as CSV."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from accelsim.report.text.table import printable

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
"""With which the text of a cell begins that spreadsheets calculate."""


def to_json(values: Any) -> str:
    """JSON text that ends in a newline; names keep their order."""
    return json.dumps(values, indent=2, allow_nan=False) + "\n"


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """CSV text with a header; a name that only some of the rows have is empty in the others."""
    names = dict.fromkeys(name for row in rows for name in row)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(names), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _harmless(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _harmless(value: Any) -> Any:
    """A text that no spreadsheet takes for a formula and no terminal for a command; numbers stay."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if value.startswith(_FORMULA_STARTS) else text

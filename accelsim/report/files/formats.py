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
    """Plain values as JSON text that ends in a newline; names keep their order.

    Args:
        values: What `RunResult.to_dict` gives, say; numbers are finite.

    Returns:
        The text, indented by two spaces.

    Example:
        >>> print(to_json({"cycles": 1200}), end="")
        {
          "cycles": 1200
        }
    """
    return json.dumps(values, indent=2, allow_nan=False) + "\n"


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV text with a header.

    Args:
        rows: Values by the names of columns; one that only some of the rows have is empty in the others.

    Returns:
        The text, in which no cell begins like a formula.

    Example:
        >>> print(to_csv([{"layer": "conv1", "cycles": 1200}, {"layer": "=1+1"}]), end="")
        layer,cycles
        conv1,1200
        '=1+1,
    """
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

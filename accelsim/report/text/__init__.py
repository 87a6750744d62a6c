"""Numbers, words and tables of plain text: what all of the report writes with."""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.report.text.energies import duration, engineering
    from accelsim.report.text.table import Column, Style, percent, printable, quantity, si

__all__ = [
    "Column",
    "Style",
    "duration",
    "engineering",
    "percent",
    "printable",
    "quantity",
    "si",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "energies": (
            "duration",
            "engineering",
        ),
        "table": (
            "Column",
            "Style",
            "percent",
            "printable",
            "quantity",
            "si",
        ),
    },
)

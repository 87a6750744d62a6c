"""Answers as files: formats, traces, and writing that leaves nothing half-written."""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.report.files.formats import to_csv, to_json
    from accelsim.report.files.trace import Timeline, chosen_layers, write_trace
    from accelsim.report.files.writing import OutputError, check_writable, write

__all__ = [
    "OutputError",
    "Timeline",
    "check_writable",
    "chosen_layers",
    "to_csv",
    "to_json",
    "write",
    "write_trace",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "formats": (
            "to_csv",
            "to_json",
        ),
        "trace": (
            "Timeline",
            "chosen_layers",
            "write_trace",
        ),
        "writing": (
            "OutputError",
            "check_writable",
            "write",
        ),
    },
)

"""A machine's file of an earlier format as the text of one of this format."""

from typing import Final

from accelsim.descriptions import Document, check, yaml_text
from accelsim.errors import DescriptionError
from accelsim.hardware import format1
from accelsim.hardware.machine import Hardware

WIDTH: Final = 110
"""Of a line of text."""


def converted(document: Document) -> str:
    """The text of a file of format 2 that describes the same machine.

    Args:
        document: A file of format 1.

    Returns:
        YAML. What the file says under `source` and `assumed` is in it; its comments are not, nor what it says
        of dataflows that its array does not run (`format1.not_run`).

    Raises:
        DescriptionError: The file is not valid, or of format 2 already.
    """
    check(document, Hardware)
    if not format1.is_format1(document.data):
        raise DescriptionError(f"{document.label}: is of format 2 already")
    data = Hardware.upgraded(document.data).data
    if "assumed" in data:
        gone = format1.not_run(document.data)
        data["assumed"] = {
            key: reason
            for key, reason in data["assumed"].items()
            if not any(format1.is_of_dataflow(key, name) for name in gone)
        }
    return yaml_text({key: data[key] for key in Hardware.model_fields if key in data}, WIDTH)

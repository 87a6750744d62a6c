"""Constants of an ONNX file that stand in files beside it: within its folder, and read only where few.

A file names others by relative paths. Whatever it says, nothing outside of its folder is opened, not by links
either; large constants are never read, and a file that is not there is as if its constants were large.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from accelsim.errors import NetworkError
from accelsim.importers.model import visible

if TYPE_CHECKING:
    import onnx

_MOST_LETTERS = 100


def check_external(proto: "onnx.ModelProto", path: Path) -> None:
    """Refuse a model whose constants are in files outside of its folder.

    Raises:
        NetworkError: Names the first constant, and the file.
    """
    checked = set[str]()
    for tensor in _external(proto.graph):
        location = _entries(tensor).get("location", "")
        if location not in checked:
            checked.add(location)
            if not _is_within(location, path.parent):
                constant, file = visible(tensor.name), visible(location)[:_MOST_LETTERS]
                sentence = (
                    f"the constant {constant!r} is in {file!r}: must be a file within the model's folder"
                )
                raise NetworkError.about(path, sentence)


def external_array(tensor: "onnx.TensorProto", folder: Path) -> Any:
    """The numbers of a small constant that stand in another file; None where they are not there."""
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415

    entries = _entries(tensor)
    location = entries.get("location", "")
    if not _is_within(location, folder) or not (folder / location).is_file():
        return None
    elements = 1
    for size in tensor.dims:
        elements *= size
    try:
        bytes_each = helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        with (folder / location).open("rb") as file:
            file.seek(int(entries.get("offset", "0")))
            content = file.read(min(elements * bytes_each, int(entries.get("length", elements * bytes_each))))
        inline = TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims, raw_data=content)
        return numpy_helper.to_array(inline)
    except Exception:  # what onnx raises where the numbers do not fit the shape, and what is no offset
        return None


def _external(graph: "onnx.GraphProto") -> Iterator["onnx.TensorProto"]:
    """All constants that stand in other files."""
    from onnx import TensorProto  # noqa: PLC0415

    waiting = [graph]
    while waiting:
        current = waiting.pop()
        tensors = [*current.initializer]
        for node in current.node:
            for attribute in node.attribute:
                tensors += [attribute.t] if attribute.HasField("t") else []
                waiting += [attribute.g] if attribute.HasField("g") else []
                waiting += attribute.graphs
        yield from (tensor for tensor in tensors if tensor.data_location == TensorProto.EXTERNAL)


def _entries(tensor: "onnx.TensorProto") -> dict[str, str]:
    return {entry.key: entry.value for entry in tensor.external_data}


def _is_within(location: str, folder: Path) -> bool:
    """Whether a path leads to no place outside of a folder, by its words and by links."""
    words = (PurePosixPath(location), PureWindowsPath(location))
    if not location or any(path.anchor or ".." in path.parts for path in words):
        return False
    try:
        return (folder / location).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a null character, links that go round in a circle
        return False

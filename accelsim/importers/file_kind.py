"""What a file is that holds no network which can be read: by its first bytes, or by its name."""

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_HEAD_BYTES: Final = 64
_TORCH: Final = (
    "a PyTorch file: load the module in Python and give it to accelsim.from_torch, or let torch.onnx.export "
    "write it as .onnx"
)
_KERAS: Final = "a Keras model: let tf.lite.TFLiteConverter write it as .tflite, or tf2onnx as .onnx"
_TENSORFLOW: Final = (
    "a TensorFlow graph: let tf.lite.TFLiteConverter write it as .tflite, or tf2onnx as .onnx"
)
_WEIGHTS: Final = "weights without a network: the tool that wrote them can write the network as .onnx"
_BY_SUFFIX: Final = {
    ".pb": _TENSORFLOW,
    ".pbtxt": _TENSORFLOW,
    ".h5": _KERAS,
    ".keras": _KERAS,
    ".pt": _TORCH,
    ".pth": _TORCH,
    ".pt2": _TORCH,
    ".safetensors": _WEIGHTS,
    ".gguf": _WEIGHTS,
    ".npz": _WEIGHTS,
    ".caffemodel": "a Caffe model: MMdnn or caffe2onnx can write it as .onnx",
    ".mlmodel": "a Core ML model: the tool that wrote it can write it as .onnx",
    ".ort": "a model in the format of ONNX Runtime: the .onnx file that it was made of can be read",
    ".engine": "a TensorRT engine: the .onnx file that it was made of can be read",
    ".pdmodel": "a Paddle model: paddle2onnx can write it as .onnx",
}


def kind(head: bytes) -> str | None:
    """What the first bytes of a file say that it is; None where they say nothing.

    Example:
        >>> kind(bytes([28, 0, 0, 0]) + b"TFL3")
        'a TensorFlow Lite model'
    """
    if head[4:8] == b"TFL3":
        return "a TensorFlow Lite model"
    if head[4:8] == b"ORTM":
        return _BY_SUFFIX[".ort"]
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return _KERAS
    if head.startswith(b"GGUF") or (head[8:9] == b"{" and head[5:8] == b"\0\0\0"):
        return _WEIGHTS
    return None


def first_bytes(path: Path) -> bytes:
    """Of a file; nothing where there is none, or it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except (OSError, ValueError):
        return b""


def foreign(path: Path) -> str:
    """What a file is that is no description of a network, in a sentence; empty where nothing says so.

    Example:
        >>> foreign(Path("net.h5")).split(":")[0]
        'is a Keras model'
    """
    head = first_bytes(path)
    what = kind(head) or (_zipped(path) if head.startswith(b"PK\x03\x04") else None)
    what = what or _by_name(path)
    return f"is {what}" if what else ""


def other_model(path: Path, suffix: str) -> str:
    """What a file is that is not what its name says, in a sentence; empty where it may be that."""
    head = first_bytes(path)
    what = kind(head) or (_zipped(path) if head.startswith(b"PK\x03\x04") else None)
    if what is None:
        return ""
    if what == "a TensorFlow Lite model":
        return "" if suffix == ".tflite" else f"is {what}: let its name end in .tflite"
    return f"is {what}"


def _by_name(path: Path) -> str | None:
    if (path / "saved_model.pb").is_file():
        return "a TensorFlow SavedModel: let tf.lite.TFLiteConverter write it as .tflite, or tf2onnx as .onnx"
    return _BY_SUFFIX.get(path.suffix.lower())


def _zipped(path: Path) -> str | None:
    """What an archive is, by the names in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _of_names(archive.namelist())
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return None


def _of_names(names: Iterable[str]) -> str | None:
    last = {name.rpartition("/")[2] for name in names}
    if last & {"data.pkl", "archive_format", "serialized_exported_program.json"}:
        return _TORCH
    if "model.weights.h5" in last:
        return _KERAS
    return _WEIGHTS if any(name.endswith(".npy") for name in last) else None

"""Where descriptions are found: a file, `./networks/NAME.yaml`, or the ones that ship with accelsim."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, TypeAlias

from accelsim.errors import DescriptionError

Kind: TypeAlias = Literal["networks", "hardware"]
"""The folder that holds the descriptions, here and in the package."""

ONNX_SUFFIX: Final = ".onnx"
TFLITE_SUFFIX: Final = ".tflite"
TOPOLOGY_SUFFIX: Final = ".csv"
MODEL_SUFFIXES: Final = (ONNX_SUFFIX, TFLITE_SUFFIX, TOPOLOGY_SUFFIX)
"""What the name of a file ends in that holds a network of another tool."""

MOST_CHARACTERS: Final = 100
"""Of a name that a message shows."""
_WORDS: dict[Kind, str] = {"networks": "network", "hardware": "hardware"}
_OTHERS: dict[Kind, tuple[Kind, str]] = {
    "networks": ("hardware", "is a machine, not a network: --hw takes it"),
    "hardware": ("networks", "is a network, not a machine: --net takes it"),
}
"""The other kind, and what to say of a name of it."""


def find(kind: Kind, name: str | Path) -> Path:
    """The file that a name stands for: a path that exists, `./KIND/NAME.yaml`, or the shipped NAME.

    A name may have folders, as `guidelines/channel_width`.
    """
    path = Path(name)
    if kind == "hardware" and path.suffix.lower() in MODEL_SUFFIXES:
        raise DescriptionError.about(shortened(str(name)), _OTHERS[kind][1])
    if is_file(path) or path.suffix.lower() in {".yaml", ".yml", *MODEL_SUFFIXES}:
        return path
    if file := named(kind, str(name)):
        return file
    other_kind, sentence = _OTHERS[kind]
    if named(other_kind, str(name).partition("@")[0]):
        raise DescriptionError.about(name, sentence)
    if len(path.parts) > 1:
        return path
    if str(name) and exists(path):
        sentence = f"is a directory: must be a YAML file or the name of a {_WORDS[kind]}"
        raise DescriptionError.about(shortened(str(name)), sentence)
    raise DescriptionError.about(shortened(str(name)) or repr(str(name)), _unknown(kind, str(name)))


def named(kind: Kind, name: str) -> Path | None:
    """The file of that name in the first folder that has one; paths of files are no names."""
    files = (folder / f"{name}.yaml" for folder in _folders(kind))
    return next((file for file in files if is_file(file)), None)


def is_file(path: Path) -> bool:
    """Whether there is a file of that name; no name is too long or too strange to ask."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # longer than 255 bytes, say
        return False


def exists(path: Path) -> bool:
    """Whether there is a file or a folder of that name; no name is too long or too strange to ask."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def near(name: str, names: Iterable[str]) -> list[str]:
    """Known names that somebody may have meant; long texts are none, and take long to compare."""
    return difflib.get_close_matches(name, names, n=3) if len(name) <= MOST_CHARACTERS else []


def shortened(name: str) -> str:
    """A name as a message shows it."""
    return name if len(name) <= MOST_CHARACTERS else f"{name[: MOST_CHARACTERS - 3]}..."


def names(kind: Kind) -> tuple[str, ...]:
    """Every name that `find` knows, in alphabetical order."""
    return tuple(sorted({file.stem for folder in _folders(kind) for file in folder.glob("*.yaml")}))


def packaged(kind: Kind, name: str) -> Path:
    """The file of that name among those that ship with accelsim, whatever the working folder holds."""
    return _packaged_folder(kind) / f"{name}.yaml"


def _folders(kind: Kind) -> tuple[Path, ...]:
    """Where names are looked up, in this order."""
    return (Path(kind), _packaged_folder(kind))


def _packaged_folder(kind: Kind) -> Path:
    package = Path(__file__).parents[1]
    in_wheel = package / "shipped_files" / kind
    return in_wheel if in_wheel.is_dir() else package.parent / kind  # the latter in a source checkout


def _unknown(kind: Kind, name: str) -> str:
    meant = near(name, names(kind))
    guess = f", did you mean {', '.join(meant)}?" if meant else ":"
    return f"no such {_WORDS[kind]}{guess} `accelsim list {kind}` shows all, and a path to a YAML file works"

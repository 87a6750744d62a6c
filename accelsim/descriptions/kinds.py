"""Kinds of YAML files: what a file describes, judged by the keys that only files of its kind have."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from accelsim.errors import DescriptionError

if TYPE_CHECKING:
    from accelsim.descriptions import Document


class FileKind(StrEnum):
    """What a file may describe."""

    NETWORK = "network"
    MACHINE = "machine"
    OVERLAY = "overlay"
    SWEEP = "sweep"


_OWN_KEYS: Final[Mapping[FileKind, frozenset[str]]] = {
    FileKind.NETWORK: frozenset(
        {"stages", "preset_of", "input", "parameters", "reported", "reported_at", "compression"}
    ),
    FileKind.MACHINE: frozenset(
        {
            "clock_mhz",
            "precision",
            "pe_array",
            "global_buffer",
            "dram",
            "dma",
            "vector_unit",
            "mapper",
            "energy",
            "area",
        }
    ),
    FileKind.SWEEP: frozenset(
        {
            "networks",
            "hardware",
            "hardware_parameters",
            "network_parameters",
            "objectives",
            "constraints",
            "batch",
            "dataflow",
        }
    ),
}
"""Keys that no other kind has, but for an overlay: both of its own are another's, too."""
_OF_OVERLAYS: Final = frozenset({"precision", "compression"})
_USE: Final = {
    FileKind.NETWORK: "--net takes it",
    FileKind.MACHINE: "--hw takes it",
    FileKind.OVERLAY: "--overlay takes it, beside a network",
    FileKind.SWEEP: "`accelsim sweep` takes it",
}
_ARTICLE: Final = {FileKind.OVERLAY: "an"}


def kind_of(document: "Document") -> FileKind | None:
    """What a file describes; None where its keys do not tell."""
    keys = document.data.keys()
    other_keys = [(keys & own_keys) - _OF_OVERLAYS for own_keys in _OWN_KEYS.values()]
    if keys & _OF_OVERLAYS and "name" not in keys and not any(other_keys):
        return FileKind.OVERLAY
    (first, kind), (second, _) = _ranked(document)[:2]
    return kind if first > second else None


def _ranked(document: "Document") -> list[tuple[int, FileKind]]:
    """How many keys of its own each kind has in a file, most first."""
    return sorted(
        ((len(document.data.keys() & own_keys), kind) for kind, own_keys in _OWN_KEYS.items()), reverse=True
    )


def check_kind(document: "Document", expected: FileKind) -> None:
    """Say in one line that a file describes something else, instead of a line for each of its keys.

    Raises:
        DescriptionError: what it is, and what takes it.
    """
    kind = kind_of(document)
    # One key of another kind may be a slip; two of them, or an overlay's, are another file.
    sure = kind is FileKind.OVERLAY or _ranked(document)[0][0] > 1
    if kind is not None and kind is not expected and sure:
        sentence = f"is {article(kind)} {kind}, not {article(expected)} {expected}: {_USE[kind]}"
        raise DescriptionError.about(document.label, sentence)


def article(kind: FileKind) -> str:
    """`a` or `an`."""
    return _ARTICLE.get(kind, "a")

"""What executing a schedule on integers came to, as text."""

from collections.abc import Iterator, Sequence
from typing import Final

from accelsim.descriptions.phrases import counted
from accelsim.report.text.table import Column, Style, si, table, wrapped
from accelsim.verification.outcome import LayerVerification, Verification

_LEGEND: Final = (
    "All steps are walked: what is in the buffer when it is read, bytes, room and counts. Integers are "
    "computed for all tiles of a layer, or of a large one for the first, the last, each kind of edge and 32 "
    "that are drawn (sampled). Layers of one form run once. MACs of layers without multiplications: elements "
    "in windows."
)
_OPERANDS: Final = ("inputs", "weights", "residual", "outputs")
_UNITS: Final = {"register_file": "words", "inter_pe": "words"}
"""Of the other memories bytes are counted."""


def verification_report(verified: Verification, style: Style) -> str:
    """What executing a schedule came to, as `accelsim verify` prints it.

    Args:
        verified: What was executed and how, and what differs.
        style: What the place that it goes to can show.

    Returns:
        What was executed, what moved, and whether all of it is as it should be; ends in a newline.

    Example:
        >>> import accelsim
        >>> from accelsim.report.text import Style
        >>> verified = accelsim.verify("mobilenet_v1@width=0.25,resolution=128", "16x16_128k", layers=["fc"])
        >>> print(verification_report(verified, Style()).splitlines()[0])
        mobilenet_v1@width=0.25,resolution=128 on 16x16_128k: proven
    """
    batch = f", batch of {verified.batch}" if verified.batch > 1 else ""
    lines = [style.strong(f"{verified.network} on {verified.hardware}{batch}: {_verdict(verified)}"), ""]
    for columns in (_extents(verified), _traffic(verified)):
        head, *body = table(columns, style.width)
        lines += [style.strong(head), *body, ""]
    return "\n".join([*lines, *wrapped(_LEGEND, style)]) + "\n"


def _verdict(verified: Verification) -> str:
    if verified.proven:
        return "proven"
    differing = len(verified.mismatches)
    of_all = f"{differing} of {counted(len(verified.layers), 'layer')}"
    return f"{of_all} {'differs' if differing == 1 else 'differ'}"


def _extents(verified: Verification) -> list[Column]:
    """A row for layers that were computed as a whole, and one for those of which tiles were drawn."""
    groups: dict[str, list[LayerVerification]] = {}
    for layer in verified.layers:
        groups.setdefault("differs" if layer.mismatch else layer.extent, []).append(layer)
    members = list(groups.values())
    return [
        Column("tiles", list(groups), "left"),
        Column("layers", [str(len(layers)) for layers in members]),
        Column("run", [str(sum(layer.like is None for layer in layers)) for layers in members]),
        Column("steps", [si(sum(layer.steps for layer in layers)) for layers in members]),
        Column("MACs", [si(sum(layer.macs for layer in layers)) for layers in members]),
        Column("on integers", [si(sum(layer.computed_macs for layer in layers)) for layers in members]),
    ]


def _traffic(verified: Verification) -> list[Column]:
    """What was counted of each memory, by operand."""
    accesses = sorted(
        {
            (memory, access)
            for layer in verified.layers
            for memory, counts in layer.traffic.items()
            for access in counts
        }
    )
    columns = [
        Column("memory", [memory.replace("_", " ") for memory, _ in accesses], "left"),
        Column("", [f"{access} [{_UNITS.get(memory, 'B')}]" for memory, access in accesses], "left"),
    ]
    return columns + [
        Column(operand, list(_amounts(verified.layers, accesses, operand))) for operand in _OPERANDS
    ]


def _amounts(
    layers: Sequence[LayerVerification], accesses: Sequence[tuple[str, str]], operand: str
) -> Iterator[str]:
    for memory, access in accesses:
        amount = sum(layer.traffic.get(memory, {}).get(access, {}).get(operand, 0) for layer in layers)
        yield si(amount) if amount else "-"

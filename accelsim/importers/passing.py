"""Nodes that cannot be rows, where they are let pass at a price: rows of the operator `foreign`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from accelsim.importers.context import NodeContext, Outputs
from accelsim.importers.model import visible
from accelsim.importers.request import Unsupported
from accelsim.importers.tensors import NodeError, by, named

NAMINGS: Final = {
    0: "",
    1: "C",
    2: "NC",
    3: "NCW",
    4: "NCHW",
    5: "NHCWW",
}
"""What the dimensions of a tensor are taken for, by their number."""
WITHOUT_BATCH: Final = {1: "C", 2: "CW", 3: "CHW", 4: "CHWW", 5: "CHHWW"}
"""The same of tensors that do not begin with the batch."""
_SHOWN: Final = 3
"""Nodes of one operator that are named."""


def passed(node: NodeContext, outputs: Sequence[str], batch: int, mode: Unsupported) -> Outputs:
    """A row for each output that is read: all inputs are read for it, and each element is an operation.

    Args:
        node: The node.
        outputs: Of its outputs, those that are read.
        batch: Of the network.
        mode: `host` or `elementwise`.

    Raises:
        NodeError: A shape is not known, or is that of no tensor of a network.
    """
    inputs = node.activations()
    made: Outputs = {}
    for number, output in enumerate(outputs):
        dims = node.dims(output)
        if 0 in dims:
            raise NodeError(f"puts out {by(dims)}: nothing")
        letters = (NAMINGS if dims[:1] == (batch,) else WITHOUT_BATCH).get(len(dims), "")
        if dims and not letters:
            raise NodeError(f"puts out {by(dims)}: tensors of up to 5 dimensions can be")
        extents = dict.fromkeys("CHW", 1)
        for letter, size in zip(letters, dims, strict=True):
            if letter != "N":
                extents[letter] *= size
        shape = (extents["C"], extents["H"], extents["W"])
        tensor = node.row(
            "foreign",
            inputs,
            shape,
            suffix=f".output{number + 1}" if number else "",
            channels=shape[0],
            height=shape[1],
            width=shape[2],
            unit="host" if mode == "host" else "vector",
            function=visible(node.node.operator)[:200],
        )
        made[output] = replace(tensor, view=named(letters, dims))
    return made


def nodes_in_words(names: Sequence[str]) -> str:
    """`a, b, c and 2 more`."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def passed_in_words(passed_nodes: dict[str, list[str]], mode: Unsupported) -> str:
    """What every result says of nodes that were let pass."""
    listed = "; ".join(
        f"{len(names)} {operator} ({nodes_in_words(names)})" for operator, names in passed_nodes.items()
    )
    where = (
        "the host where the machine has one, else of the vector unit" if mode == "host" else "the vector unit"
    )
    price = f"an operation of {where} for each output, without multiplications, without weights"
    return f"no operators here, priced as {price}: {listed}"

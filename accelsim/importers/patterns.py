"""Nodes that are one operator together: exporters write swish as a sigmoid and a product.

A pattern is a tree: ("Mul", X, ("Sigmoid", X)) is a product of some tensor and of that tensor's sigmoid. X
stands for a tensor, always the same one; C for any constant. Sums and products match in both orders. What is
inside a pattern must be read by the pattern only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from math import prod
from typing import Any, Final, TypeAlias

from accelsim.importers.model import Model, ModelNode

Pattern: TypeAlias = "str | tuple[Any, ...]"

X: Final = "x"
C: Final = "constant"
_CLAMPED: Final = ("Clip", ("Add", X, C))
_ERF: Final = ("Add", ("Erf", ("Div", X, C)), C)
_ERF_BY_PRODUCT: Final = ("Add", ("Erf", ("Mul", X, C)), C)

PATTERNS: Final[tuple[tuple[str, Pattern], ...]] = (
    ("HardSwish", ("Mul", X, ("HardSigmoid", X))),
    ("HardSwish", ("Mul", X, ("Div", _CLAMPED, C))),
    ("HardSwish", ("Mul", X, ("Mul", _CLAMPED, C))),
    ("HardSwish", ("Div", ("Mul", X, _CLAMPED), C)),
    ("HardSwish", ("Mul", ("Mul", X, _CLAMPED), C)),
    ("Swish", ("Mul", X, ("Sigmoid", X))),
    ("Mish", ("Mul", X, ("Tanh", ("Softplus", X)))),
    *(
        ("Gelu", pattern)
        for erf in (_ERF, _ERF_BY_PRODUCT)
        for pattern in (
            ("Mul", ("Mul", X, erf), C),
            ("Mul", ("Mul", X, C), erf),
            ("Mul", X, ("Mul", erf, C)),
        )
    ),
    ("HardSigmoid", ("Div", _CLAMPED, C)),
    ("HardSigmoid", ("Mul", _CLAMPED, C)),
)
"""The larger before those that are parts of them."""
_COMMUTATIVE: Final = {"Add", "Mul"}
_OPERANDS: Final = {"Clip": 1}
"""Operators whose further inputs are settings."""


def put_together(model: Model) -> Model:
    """The model with each pattern as one node, and constants that are added to matrix products as biases."""
    for operator, pattern in PATTERNS:
        model = _replaced(model, operator, pattern)
    return _with_biases(model)


@dataclass(frozen=True)
class _Match:
    """The tensor that X stands for, and the nodes within."""

    x: str | None = None
    nodes: tuple[ModelNode, ...] = ()


def _replaced(model: Model, operator: str, pattern: Pattern) -> Model:
    # By identity: nodes of a file may be equal in all that they say.
    gone: set[int] = set()
    instead: dict[int, ModelNode] = {}
    for node in model.nodes:
        if id(node) in gone:
            continue
        for match in _matches_at(model, node, pattern, _Match()):
            if match.x is not None:
                instead[id(node)] = ModelNode(node.name, operator, (match.x,), node.outputs)
                gone.update(id(inner) for inner in match.nodes if inner is not node)
                break
    if not instead:
        return model
    nodes = tuple(instead.get(id(node), node) for node in model.nodes if id(node) not in gone)
    return replace(model, nodes=nodes)


def _matches_at(model: Model, node: ModelNode, pattern: Pattern, match: _Match) -> Iterator[_Match]:
    """Every way in which a pattern ends at a node."""
    operator, operands = pattern[0], pattern[1:]
    inputs = node.inputs[: _OPERANDS.get(operator, len(node.inputs))]
    if node.operator != operator or model.problems.keys() & set(node.outputs) or len(inputs) != len(operands):
        return
    orders = permutations(inputs) if operator in _COMMUTATIVE else (inputs,)
    for order in orders:
        yield from _matches_of_all(model, order, operands, _Match(match.x, (*match.nodes, node)))


def _matches_of_all(
    model: Model, names: Sequence[str], patterns: Sequence[Pattern], match: _Match
) -> Iterator[_Match]:
    if not patterns:
        yield match
        return
    for extended in _matches_of(model, names[0], patterns[0], match):
        yield from _matches_of_all(model, names[1:], patterns[1:], extended)


def _matches_of(model: Model, name: str, pattern: Pattern, match: _Match) -> Iterator[_Match]:
    """Every way in which a tensor is what a pattern says."""
    if pattern == C:
        if name in model.constants:
            yield match
    elif pattern == X:
        if name not in model.constants and match.x in {None, name}:
            yield _Match(name, match.nodes)
    elif name in model.producers and model.readers[name] == 1:
        yield from _matches_at(model, model.producers[name], pattern, match)


def _with_biases(model: Model) -> Model:
    """Sums of a convolution or matrix product, which has no bias, and a constant for each output channel."""
    gone: set[int] = set()
    instead: dict[int, ModelNode] = {}
    for node in model.nodes:
        whole = node.operator == "Add" and len(node.inputs) == 2
        for tensor, constant in permutations(node.inputs) if whole else ():
            product = model.producers.get(tensor)
            if product is None or model.readers[tensor] != 1 or constant not in model.constants:
                continue
            if _is_bias(model, product, constant):
                inputs = (*product.inputs[:2], constant)
                instead[id(node)] = replace(product, inputs=inputs, outputs=node.outputs)
                gone.add(id(product))
    nodes = tuple(instead.get(id(node), node) for node in model.nodes if id(node) not in gone)
    return replace(model, nodes=nodes)


def _is_bias(model: Model, product: ModelNode, constant: str) -> bool:
    weights, offsets = model.shapes.get(product.input(1), ()), model.shapes.get(constant, ())
    if product.operator not in {"Conv", "Gemm", "MatMul"} or product.input(2) or not weights:
        return False
    if model.constants.isdisjoint(product.inputs[:2]):  # what is added to a product of activations is a mask
        return False
    if product.operator == "Conv":
        after = len(weights) - 2  # the axes of the plane follow the channels
        return prod(offsets) == weights[0] and offsets[-1 - after :] == (weights[0], *[1] * after)
    outputs = weights[0] if product.attributes.get("transB") else weights[-1]
    return prod(offsets) == outputs and offsets[-1:] == (outputs,)

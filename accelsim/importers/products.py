"""Matrix products as rows: of weights, and of two activations."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import prod
from typing import Any, TypeAlias

from accelsim.importers.arranging import arranged, expanded, is_all_of, with_rank
from accelsim.importers.atoms import Atoms, C, H, N, W, axes_of, flat, regrouped, whole
from accelsim.importers.axes import permuted
from accelsim.importers.context import NodeContext, Outputs, Rule
from accelsim.importers.tensors import ModelTensor, NodeError, broadcasts, by


def gemm(node: NodeContext) -> Outputs:
    """Gemm: a matrix product whose operands may be transposed."""
    if not node.is_constant(1) and not node.is_constant(0):
        first, second = node.tensor(0), node.tensor(1)
        if node.attribute("transA", 0):
            first = permuted(first, [1, 0])
        if node.attribute("transB", 0):
            second = permuted(second, [1, 0])
        return node.becomes(_product_of_two(node, first, second))
    at, other = (1, 0) if node.is_constant(1) else (0, 1)
    weights = node.weights(at)
    _check_matrix(weights)
    is_transposed = [bool(node.attribute("transA", 0)), bool(node.attribute("transB", 0))]
    if at == 1:
        inputs, outputs = weights[::-1] if is_transposed[1] else weights
        axis, result = (0, [1, 0]) if is_transposed[0] else (1, [0, 1])
    else:
        outputs, inputs = weights[::-1] if is_transposed[0] else weights
        axis, result = (1, [1, 0]) if is_transposed[1] else (0, [0, 1])
    tensor = node.tensor(other)
    if at == 1 and not is_transposed[0]:  # of any number of dimensions, of which the last is multiplied
        axis, result = len(tensor.view) - 1, [*range(len(tensor.view))]
    output = permuted(by_weights(node, tensor, axis, inputs, outputs, weights_at=at, bias_at=2), result)
    if node.has_offsets(2) and not broadcasts(offsets := node.weights(2, "offsets"), output.dims):
        raise NodeError(f"has offsets of {by(offsets)} for outputs of {by(output.dims)}")
    return node.becomes(output)


def _check_matrix(weights: Sequence[int]) -> None:
    if len(weights) != 2:
        raise NodeError(f"has weights of {by(weights)}: a matrix is supported")


def matmul(first: int = 0, second: int = 1, bias: int | None = 2) -> Rule:
    """A rule for MatMul and its kin: where operands and bias stand among the inputs."""

    def rule(node: NodeContext) -> Outputs:
        if not node.is_constant(first) and not node.is_constant(second):
            return node.becomes(_product_of_two(node, node.tensor(first), node.tensor(second)))
        if node.is_constant(second):
            at, tensor, axis = second, node.tensor(first), -1
            *groups, inputs, outputs = _as_matrix(node.weights(second), column=True)
        else:
            at, tensor, axis = first, node.tensor(second), -2
            *groups, outputs, inputs = _as_matrix(node.weights(first), column=False)
        if prod(groups) > 1:
            output = _in_groups(node, tensor, groups, axis, (inputs, outputs), at)
            return node.becomes(_with_dims(node, output))
        axis = max(len(tensor.view) + axis, 0)
        output = by_weights(node, tensor, axis, inputs, outputs, weights_at=at, bias_at=bias)
        return node.becomes(_with_dims(node, output))

    return rule


def _as_matrix(weights: Sequence[int], *, column: bool) -> Sequence[int]:
    """A vector is a matrix of one row, or of one column."""
    if len(weights) == 1:
        return (weights[0], 1) if column else (1, weights[0])
    return weights


def _with_dims(node: NodeContext, tensor: ModelTensor) -> ModelTensor:
    """The tensor with as many dimensions of one element as the model's has."""
    dims = node.output_dims
    view = regrouped(flat(tensor.view), dims)
    if tensor.dims == dims or view is None:
        return tensor
    return replace(tensor, view=view)


Dimensions: TypeAlias = list[list[int]]
"""Of each dimension of a model's tensor: those of the tensor whose batch is by itself."""


def _with_batch_apart(tensor: ModelTensor) -> tuple[ModelTensor, Dimensions]:
    """The tensor with images in dimensions of their own, and which of its dimensions each was."""
    view: list[Atoms] = []
    dimensions: Dimensions = []
    for atoms in tensor.view:
        parts = [tuple(part) for _, part in groupby(atoms, key=lambda atom: atom.axis == N)] or [()]
        dimensions.append([*range(len(view), len(view) + len(parts))])
        view += parts
    return replace(tensor, view=tuple(view)), dimensions


def _put_together(tensor: ModelTensor, dimensions: Dimensions) -> ModelTensor:
    """The tensor with as many dimensions as the model's has."""
    view = tuple([flat(tensor.view[index] for index in part) for part in dimensions])
    return replace(tensor, view=view)


def by_weights(
    node: NodeContext, tensor: ModelTensor, axis: int, inputs: int, outputs: int, **positions: Any
) -> ModelTensor:
    """Of everything in the tensor, or of the channels of each pixel; of each image alike."""
    apart, dimensions = _with_batch_apart(tensor)
    if len(dimensions[axis]) == 1 and len(apart.view) > len(tensor.view):
        made = _of_each_pixel(node, apart, dimensions[axis][0], inputs, outputs, **positions)
        return _put_together(made, dimensions)
    return _of_each_pixel(node, tensor, axis, inputs, outputs, **positions)


def _of_each_pixel(
    node: NodeContext, tensor: ModelTensor, axis: int, inputs: int, outputs: int, **positions: Any
) -> ModelTensor:
    if tensor.dims[axis] != inputs:
        raise NodeError(f"has weights for {inputs} inputs, is given {tensor.dims[axis]}")
    others = [i for i, atoms in enumerate(tensor.view) if i != axis and N not in axes_of(atoms)]
    only = not any(tensor.view[index] for index in others)
    everything = len(tensor.view) <= 2 or axes_of(tensor.view[axis]) - {C}
    if only and everything and N not in axes_of(tensor.view[axis]):
        output = node.array_row(
            "fully_connected", tensor, (outputs, 1, 1), **_split(positions), out_features=outputs
        )
        return replace(output, view=_replaced(tensor, axis, whole(C, outputs)))
    if not (is_all_of(tensor, C, [axis]) and is_all_of(tensor, "HW", others)):
        *rows, columns = others or [axis]
        tensor = arranged(node, tensor, [axis], rows, [columns] if others else [], ordered=False)
    output = node.array_row(
        "conv", tensor, (outputs, *tensor.shape[1:]), **_split(positions), out_channels=outputs
    )
    return replace(output, view=_replaced(tensor, axis, whole(C, outputs)))


def _split(positions: dict[str, Any]) -> dict[str, Any]:
    return {"weights": positions["weights_at"], "bias": positions["bias_at"]}


def _replaced(tensor: ModelTensor, index: int, atoms: Atoms) -> tuple[Atoms, ...]:
    return (*tensor.view[:index], atoms, *tensor.view[index + 1 :])


def _in_groups(
    node: NodeContext, tensor: ModelTensor, groups: Sequence[int], axis: int, sizes: tuple[int, int], at: int
) -> ModelTensor:
    """A product of several matrices of weights: a convolution.

    Along a dimension that matrices and the input have, each part of the input has a matrix of its own: these
    are groups. Along one that only matrices have, all of them multiply the same input: these are output
    channels. Along one that only the input has, one matrix multiplies all of it: these are pixels.
    """
    inputs, outputs = sizes
    rank = max(len(groups) + 2, len(tensor.view))
    tensor = with_rank(tensor, rank)
    matrices = (*[1] * (rank - 2 - len(groups)), *groups)
    axis = rank + axis
    pairs = [*zip(matrices, tensor.dims, strict=False)]
    fitting = all(1 in pair or pair[0] == pair[1] for pair in pairs)
    if not fitting or tensor.dims[axis] != inputs:
        raise NodeError(f"has {prod(groups)} matrices of {inputs} x {outputs} for {by(tensor.dims)}")
    several = [index for index, count in enumerate(matrices) if count > 1]
    if any(N in axes_of(tensor.view[index]) for index in several):
        raise NodeError("has a matrix for each image of a batch: import it with one image (@batch=1)")
    shared = [index for index in several if tensor.dims[index] > 1]
    added = [index for index in several if tensor.dims[index] == 1]
    made = outputs * prod(matrices[index] for index in added)
    if shared:
        rows = [index for index in range(rank - 2) if index not in several and _is_seen(tensor, index)]
        placed = arranged(node, tensor, [*shared, axis], rows, [2 * rank - 3 - axis])
        count = prod(tensor.dims[index] for index in shared)
        shape = (count * made, *placed.shape[1:])
        output = node.array_row(
            "conv", placed, shape, weights=at, bias=None, out_channels=shape[0], groups=count
        )
        view = [*placed.view]
    else:
        output = by_weights(node, tensor, axis, inputs, made, weights_at=at, bias_at=None)
        view = [*output.view]
    channels = [*shared, *added]
    parts = regrouped(whole(C, output.shape[0]), [*(matrices[index] for index in channels), outputs]) or ()
    for index, atoms in zip([*channels, axis], parts, strict=True):
        view[index] = atoms
    return replace(output, view=tuple(view))


def _is_seen(tensor: ModelTensor, index: int) -> bool:
    """Whether a dimension has elements of one image beside each other."""
    return tensor.dims[index] > 1 and N not in axes_of(tensor.view[index])


# --- two activations


def _product_of_two(node: NodeContext, first: ModelTensor, second: ModelTensor) -> ModelTensor:
    rank = max(len(first.view), len(second.view), 2)
    if min(len(first.view), len(second.view)) < 2:
        raise NodeError(f"multiplies {by(first.dims)} and {by(second.dims)}: both must be matrices")
    first, second = with_rank(first, rank), with_rank(second, rank)
    batch = tuple(max(a, b) for a, b in zip(first.dims[: rank - 2], second.dims[: rank - 2], strict=True))
    first = expanded(node, first, (*batch, *first.dims[rank - 2 :]), suffix=".first")
    second = expanded(node, second, (*batch, *second.dims[rank - 2 :]), suffix=".second")
    first, dimensions = _with_batch_apart(first)
    second, others = _with_batch_apart(second)
    if dimensions != others:
        raise NodeError(f"multiplies different images of a batch: {by(first.dims)} and {by(second.dims)}")
    rank = len(first.view)
    made = contracted(node, first, second, range(rank - 2), rank - 2, rank - 1, rank - 2, rank - 1)
    return _put_together(made, dimensions)


def contracted(
    node: NodeContext,
    first: ModelTensor,
    second: ModelTensor,
    batch: Sequence[int],
    rows: int,
    inner: int,
    inner_of_second: int,
    columns: int,
    *,
    suffix: str = "",
) -> ModelTensor:
    """A product of the matrices of two tensors, for each place along the dimensions `batch` of both.

    Heads of attention are groups of channels, so that nothing has to move for them: queries and keys have
    (heads, features) as channels and tokens as pixels, and so have values and what is put out. A product may
    also be seen as the transpose of another; that one of the two is taken for which less has to move.
    """
    if first.dims[inner] != second.dims[inner_of_second]:
        raise NodeError(f"multiplies {by(first.dims)} and {by(second.dims)}, whose inner dimensions differ")
    if first.batch > 1 and any(
        (N in axes_of(first.view[index])) != (N in axes_of(second.view[index])) for index in batch
    ):
        raise NodeError("multiplies different images of a batch")
    groups = [index for index in batch if N not in axes_of(first.view[index])]
    usual = _Roles(first, second, tuple(groups), rows, inner, inner_of_second, columns)
    roles = min(usual, usual.turned(), key=lambda roles: roles.moved)
    return _multiplied(node, roles, suffix)


@dataclass(frozen=True)
class _Roles:
    """Which of two tensors is multiplied pixel by pixel (`first`), by which (`second`)."""

    first: ModelTensor
    second: ModelTensor
    groups: tuple[int, ...]
    rows: int
    inner: int
    inner_of_second: int
    columns: int

    def turned(self) -> "_Roles":
        """The other one by this one: the transpose of their product, whose dimensions stay where they are."""
        return _Roles(
            self.second,
            self.first,
            self.groups,
            self.columns,
            self.inner_of_second,
            self.inner,
            self.rows,
        )

    @property
    def by_pixels(self) -> bool:
        """Whether the second tensor has what is summed as its pixels."""
        return not self._second_begins_with(self.inner_of_second) and self._second_begins_with(self.columns)

    @property
    def first_in_place(self) -> bool:
        """Whether the first tensor has what is summed as its channels, of each group, and rows as pixels."""
        channels = flat(self.first.view[index] for index in (*self.groups, self.inner))
        return channels == self.first.axes[C] and is_all_of(self.first, "HW", [self.rows])

    @property
    def moved(self) -> int:
        """Elements that change places before the tensors can be multiplied."""
        axes = self.second.axes
        own, pixels = self.inner_of_second, self.columns
        if self.by_pixels:
            own, pixels = pixels, own
        in_place = self._second_begins_with(own) and self.second.view[pixels] == flat((axes[H], axes[W]))
        parts = ((self.first, self.first_in_place), (self.second, in_place))
        return sum(prod(tensor.shape) for tensor, is_in_place in parts if not is_in_place)

    def _second_begins_with(self, index: int) -> bool:
        """Whether groups, and that dimension in each, are the channels of the second tensor."""
        channels = flat(self.second.view[dimension] for dimension in (*self.groups, index))
        return channels == self.second.axes[C]


def _multiplied(node: NodeContext, roles: _Roles, suffix: str) -> ModelTensor:
    first, second, groups = roles.first, roles.second, roles.groups
    count = prod(first.dims[index] for index in groups)
    if not roles.first_in_place:
        first = arranged(node, first, [*groups, roles.inner], [], [roles.rows])
    channels, pixels = roles.inner_of_second, roles.columns
    if roles.by_pixels:
        channels, pixels = pixels, channels
    second = arranged(node, second, [*groups, channels], [], [pixels], in_turn=True)
    outer = second.dims[roles.columns]
    shape = (count * outer, *first.shape[1:])
    contract = "pixels" if roles.by_pixels else "channels"
    output = node.row("product", [first, second], shape, suffix=suffix, groups=count, contract=contract)
    sizes = [*(first.dims[index] for index in groups), outer]
    view = [*first.view]
    parts = regrouped(whole(C, shape[0]), sizes) or ()
    for index, atoms in zip([*groups, roles.inner], parts, strict=True):
        view[index] = atoms
    return replace(output, view=tuple(view))


def einsum(node: NodeContext) -> Outputs:
    """Einsum of two activations, where it is a matrix product for each place along some dimensions."""
    equation = str(node.attribute("equation", "")).replace(" ", "")
    terms, arrow, result = equation.partition("->")
    operands = terms.split(",")
    if len(operands) != 2 or not arrow or "." in equation or len(node.node.inputs) != 2:
        raise NodeError(
            f"equation = {equation!r}: products of two tensors with an explicit result are supported"
        )
    if node.is_constant(0) or node.is_constant(1):
        raise NodeError(f"equation = {equation!r} with a constant: let the exporter write MatMul")
    tensors = [node.tensor(0), node.tensor(1)]
    for letters, tensor in zip(operands, tensors, strict=True):
        if len(set(letters)) != len(letters) or len(letters) != len(tensor.view):
            raise NodeError(f"equation = {equation!r}: {letters!r} does not name the dimensions of its input")
    left, right = operands
    batch = [letter for letter in left if letter in right and letter in result]
    inner = [letter for letter in left if letter in right and letter not in result]
    rows = [letter for letter in left if letter not in right]
    columns = [letter for letter in right if letter not in left]
    if len(inner) != 1 or len(rows) != 1 or len(columns) != 1 or set(result) != {*batch, *rows, *columns}:
        raise NodeError(
            f"equation = {equation!r}: one dimension has to be summed, and each tensor has one of its own"
        )
    first = permuted(tensors[0], [left.index(letter) for letter in (*batch, *rows, *inner)])
    second = permuted(tensors[1], [right.index(letter) for letter in (*batch, *inner, *columns)])
    last = len(batch)
    output = contracted(node, first, second, range(last), last, last + 1, last, last + 1)
    order = [*batch, *rows, *columns]
    return node.becomes(permuted(output, [order.index(letter) for letter in result]))

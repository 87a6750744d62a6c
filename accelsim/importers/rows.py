"""A model -> the rows of a network's YAML; every node that cannot be one is a mistake of its own.

A tensor of a model is a tensor of a network seen through its axes: transposing, flattening and splitting
rename them and cost nothing; what moves channels becomes a shuffle. Rows and columns of padding wait for the
convolution or pooling that reads them.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from math import prod
from typing import Any, Final, TypeAlias

from accelsim.errors import NetworkError
from accelsim.importers.model import Dims, Imported, Model, ModelNode, UnknownValueError
from accelsim.importers.patterns import put_together

Padding: TypeAlias = tuple[int, int, int, int]
"""Top, bottom, left, right."""

NO_PADDING: Final = (0, 0, 0, 0)
N, C, H, W = "N", "C", "H", "W"
GROUP, MEMBER = "G", "M"
"""The channels, seen as groups of members."""
ALL: Final = "A"
"""Everything but the batch, flattened."""
IMAGE: Final = (N, C, H, W)
INPUT: Final = "input"


class _NodeError(Exception):
    """Why a node cannot be a row."""


@dataclass(frozen=True)
class _Tensor:
    """A tensor of the model: the row that makes it, and what has been done to its axes since."""

    row: str
    shape: Dims
    """(channels, height, width) of what the row puts out."""
    axes: tuple[str, ...]
    """What each dimension of the model's tensor is."""
    groups: int = 1
    """Where the channels are seen as groups of members."""
    padding: Padding = NO_PADDING
    """Still to be applied; negative where rows or columns are to be left out."""

    @property
    def sizes(self) -> dict[str, int]:
        """The extent of each axis but the batch."""
        channels, height, width = self.shape
        return {
            C: channels,
            H: height,
            W: width,
            GROUP: self.groups,
            MEMBER: channels // self.groups,
            ALL: prod(self.shape),
        }


def imported(model: Model) -> Imported:
    """The model as the data of a network's YAML; NetworkError has a line for each node that has no row."""
    return _Conversion(put_together(_pruned(model))).result()


def _pruned(model: Model) -> Model:
    """Without the nodes that the outputs do not depend on, and without those that are constant."""
    wanted = set(model.outputs)
    nodes: list[ModelNode] = []
    for node in reversed(model.nodes):
        if wanted & set(node.outputs) and not model.constants.issuperset(filter(None, node.outputs)):
            nodes.append(node)
            wanted.update(node.inputs)
    return replace(model, nodes=tuple(reversed(nodes)))


@dataclass
class _Conversion:
    """The state of one conversion: rows so far, and what each tensor of the model is."""

    model: Model
    rows: list[dict[str, Any]] = field(default_factory=list)
    shapes: dict[str, Dims] = field(default_factory=dict)
    tensors: dict[str, _Tensor | None] = field(default_factory=dict)
    """None where a mistake has been noted already."""
    mistakes: list[str] = field(default_factory=list)
    remedy: str = ""
    """What would help against some of them."""

    def result(self) -> Imported:
        """What came of it; NetworkError with every mistake."""
        image = self._image()
        names = row_names(self.model.nodes)
        for node, name in zip(self.model.nodes, names, strict=True):
            self._convert(node, name)
        self._outputs()
        if self.mistakes or image is None:
            lines = dict.fromkeys([*self.mistakes, self.remedy] if self.remedy else self.mistakes)
            raise NetworkError("\n".join(lines))
        stages = self._stages()
        for row in self.rows:
            row["stage"] = stages[row["name"]]
        channels, height, width = image
        data = {
            "name": network_name(self.model.name),
            "title": f"{self.model.name}, imported",
            "source": self.model.source,
            "input": {"channels": channels, "height": height, "width": width},
            "stages": [{"block": "graph", "name": "model", "operators": self.rows}],
        }
        return Imported(self.model.label, data, self.shapes)

    # Ends

    def _image(self) -> Dims | None:
        """The shape of the one input."""
        label = self.model.label
        read = [name for name in self.model.inputs if self.model.readers[name]]
        if len(read) != 1:
            found = f"has {len(read)} inputs ({', '.join(read)})" if read else "reads no input"
            self.mistakes.append(f"{label}: {found}: a network has to have one, the image")
            return None
        dims = self.model.shapes[read[0]]
        axes = self._input_axes(read[0], dims)
        if axes is None:
            self.mistakes.append(
                f"{label}: input {read[0]!r} has the shape {_by(dims)}: must be batch x channels x height x "
                "width, batch x channels x length or batch x features"
            )
            return None
        sizes = dict(zip(axes, dims, strict=True))
        shape = (sizes[C], sizes.get(H, 1), sizes.get(W, 1))
        self.tensors[read[0]] = _Tensor(INPUT, shape, axes)
        return shape

    def _input_axes(self, name: str, dims: Dims) -> tuple[str, ...] | None:
        """Channels come first, but for an image that is only ever transposed to that."""
        readers = [node for node in self.model.nodes if name in node.inputs]
        if len(dims) == 4 and all(
            node.operator == "Transpose" and tuple(node.attributes.get("perm", ())) == (0, 3, 1, 2)
            for node in readers
        ):
            return (N, H, W, C)
        return {2: (N, C), 3: (N, C, W), 4: IMAGE}.get(len(dims))

    def _outputs(self) -> None:
        """Rows for outputs that the network reads itself."""
        read = {name for row in self.rows for name in row["inputs"]}
        for name in dict.fromkeys(self.model.outputs):
            tensor = self.tensors.get(name)
            if tensor is None:
                if name not in self.tensors:
                    self._complain("", f"output {name!r} is made by no node from the input")
            elif tensor.padding != NO_PADDING:
                self._complain("", f"output {name!r} is padded or cut after the last layer: not supported")
            elif tensor.row in read and tensor.row != INPUT:
                names = {row["name"] for row in self.rows}
                self._row(_free(f"{tensor.row}.output", names), "network_output", [tensor], tensor.shape)

    def _stages(self) -> dict[str, str]:
        """The part of the network that each row belongs to: by height x width, a gate with what it gates."""
        stages: dict[str, Dims] = {}
        readers: dict[str, Dims] = {}
        """The largest stage in which a row is read."""
        for row in reversed(self.rows):
            size = self.shapes[row["name"]][1:]
            stage = max(size, readers.get(row["name"], size)) if size == (1, 1) else size
            stages[row["name"]] = stage
            readers.update({name: max(stage, readers.get(name, stage)) for name in row["inputs"]})
        return {name: _by(stage).replace(" ", "") for name, stage in stages.items()}

    # Nodes

    def _convert(self, node: ModelNode, name: str) -> None:
        for output in filter(None, node.outputs):
            self.tensors[output] = None
        known = [self.tensors.get(tensor, ...) for tensor in node.inputs]
        if None in known:
            return  # made by a node that has been complained about
        rule = _RULES.get(node.operator)
        try:
            if rule is None:
                raise _NodeError(self._unsupported(node.operator))
            self.tensors.update(rule(_Node(self, node, name)))
        except (_NodeError, UnknownValueError) as error:
            self._complain(f"{node.name or name} ({node.operator})", str(error))

    def _unsupported(self, operator: str) -> str:
        if operator in {"If", "Loop", "Scan"}:
            return "control flow is not supported: a network has to do the same for every image"
        names = self.model.supported or sorted(_RULES)
        self.remedy = f"{self.model.label}: supported operators are {', '.join(names)}"
        return "is no supported operator"

    def _complain(self, place: str, sentence: str) -> None:
        self.mistakes.append(": ".join(part for part in (self.model.label, place, sentence) if part))

    def _row(
        self, name: str, operator: str, inputs: Sequence[_Tensor], shape: Dims, **arguments: Any
    ) -> _Tensor:
        row = {"name": name, "stage": "", "operator": operator, "inputs": [each.row for each in inputs]}
        short = {key: _shortened(value) for key, value in arguments.items()}
        self.rows.append(
            row | {key: value for key, value in short.items() if _USUAL.get((operator, key)) != value}
        )
        self.shapes[name] = shape
        return _Tensor(name, shape, IMAGE)


_USUAL: Final[Mapping[tuple[str, str], Any]] = {
    ("conv", "kernel"): 1,
    ("conv", "stride"): 1,
    ("conv", "padding"): 0,
    ("conv", "dilation"): 1,
    ("conv", "groups"): 1,
    ("conv", "bias"): False,
    **{
        (operator, key): value
        for operator in ("max_pool", "average_pool")
        for key, value in (("stride", 1), ("padding", 0), ("rounding", "floor"))
    },
}
"""Arguments that a row need not mention."""


def _shortened(value: Any) -> Any:
    """One number instead of several that are alike."""
    return value[0] if isinstance(value, list) and len(set(value)) == 1 else value


# --- names


def network_name(text: str) -> str:
    """A name as a network may have it: a word of letters, digits, _ and -."""
    word = re.sub(r"[^A-Za-z0-9_\-]", "_", text) or "model"
    return word if re.match(r"[A-Za-z_]", word) else f"_{word}"


def row_names(nodes: Iterable[ModelNode]) -> list[str]:
    """A name for each node, no two alike: its own without what exporters repeat, or that of its output.

    `/features/features.3/conv/conv.0/Conv` is `features.3/conv.0/Conv`.
    """
    several = list(nodes)
    taken = {INPUT}
    found: list[str] = []
    for node in several:
        own = _short(node.name) or _short(next(filter(None, node.outputs), "")) or node.operator
        found.append(_free(own, taken))
        taken.add(found[-1])
    for place, name in enumerate(found):
        before, _, last = name.rpartition(".")
        if last.isdecimal() and before in taken:  # what a copy made for the other would be called
            found[place] = _free(f"{before}_{last}", taken)
            taken.add(found[place])
    return found


def _short(name: str) -> str:
    parts = [part for part in name.split("/") if part]
    kept = [
        part
        for part, after in zip_longest(parts, parts[1:], fillvalue="")
        if not after.startswith(f"{part}.")
    ]
    return "/".join(kept).lstrip("=").strip()[:200]


def _free(name: str, taken: Iterable[str]) -> str:
    """The name, or the name with the first number after it that makes it a new one."""
    used = set(taken)
    free, number = name, 1
    while free in used:
        number += 1
        free = f"{name}_{number}"
    return free


# --- one node


@dataclass(frozen=True)
class _Node:
    """A node, with what a rule may ask and do."""

    conversion: _Conversion
    node: ModelNode
    name: str

    # What it reads

    def attribute(self, key: str, default: Any = None) -> Any:
        return self.node.attributes.get(key, default)

    def is_constant(self, index: int) -> bool:
        return self.node.input(index) in self.conversion.model.constants

    def tensor(self, index: int = 0, *, padded: bool = False) -> _Tensor:
        """An input that depends on the image, all padding applied unless the rule takes care of it."""
        name = self.node.input(index)
        tensor = self.conversion.tensors.get(name)
        if tensor is None:
            if name in self.conversion.model.constants:
                raise _NodeError(f"its input {name!r} is a constant, must be made from the image")
            raise _NodeError(f"reads {name!r}, which no node before it makes")
        if tensor.padding != NO_PADDING and not padded:
            raise _NodeError(
                f"reads {name!r}, which is padded or cut along height or width: only convolutions and "
                "poolings can"
            )
        return tensor

    def image(self, index: int = 0, *, padded: bool = False) -> _Tensor:
        """An input whose axes are batch, channels, height and width, or which has one pixel."""
        tensor = self.tensor(index, padded=padded)
        if tensor.axes not in {IMAGE, (N, C, W)} and not (
            tensor.axes[:2] == (N, C) and len(tensor.axes) == 2
        ):
            self.not_the_axes(tensor)
        return tensor

    def not_the_axes(self, tensor: _Tensor) -> None:
        words = {N: "batch", C: "channels", H: "height", W: "width", ALL: "everything", GROUP: "groups"}
        found = " x ".join(words.get(axis, "channels of a group") for axis in tensor.axes)
        raise _NodeError(f"its input is {found}: must be batch x channels x height x width")

    def tensors(self) -> list[_Tensor]:
        """All inputs, which must depend on the image."""
        return [self.tensor(index) for index in range(len(self.node.inputs))]

    def weights(self, index: int) -> Dims:
        """The shape of an input that must be a constant."""
        name = self.node.input(index)
        if name not in self.conversion.model.constants:
            raise _NodeError(f"its weights {name!r} are computed from the image: must be constants")
        return self.dims(name)

    def dims(self, name: str) -> Dims:
        dims = self.conversion.model.shapes.get(name)
        if dims is None:
            raise _NodeError(
                f"the shape of {name!r} is not known: let the exporter write shapes that are fixed"
            )
        return dims

    @property
    def output_dims(self) -> Dims:
        return self.dims(self.node.outputs[0])

    def values(self, index: int, key: str = "") -> tuple[float, ...] | None:
        """Numbers from an attribute (as in older models) or a constant input; None where there are none."""
        if key and (given := self.attribute(key)) is not None:
            return tuple(given) if isinstance(given, Sequence) else (given,)
        name = self.node.input(index)
        if not name:
            return None
        if name not in self.conversion.model.constants:
            raise _NodeError(
                f"its {key or 'setting'} {name!r} is computed from the image: must be a constant"
            )
        return self.conversion.model.value(name)

    def integers(self, index: int, key: str = "") -> list[int] | None:
        found = self.values(index, key)
        return None if found is None else [int(value) for value in found]

    # What it becomes

    def becomes(self, tensor: _Tensor) -> dict[str, _Tensor]:
        """The first output; the others (masks, statistics) mean nothing at inference."""
        return {self.node.outputs[0]: tensor}

    def row(
        self, operator: str, inputs: Sequence[_Tensor], shape: Dims, *, suffix: str = "", **arguments: Any
    ) -> _Tensor:
        return self.conversion._row(self.name + suffix, operator, inputs, shape, **arguments)

    def same_shape(self, operator: str, tensor: _Tensor, **arguments: Any) -> dict[str, _Tensor]:
        """An operator after which all axes are what they were."""
        made = self.row(operator, [tensor], tensor.shape, **arguments)
        return self.becomes(replace(tensor, row=made.row))


_Made: TypeAlias = dict[str, _Tensor]


def _by(dims: Iterable[int]) -> str:
    return " x ".join(map(str, dims))


# --- rules: windows


@dataclass(frozen=True)
class _Window:
    """Kernel, stride and dilation as (vertical, horizontal); a row of pixels is one pixel high."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: Padding | str


def _window(node: _Node, tensor: _Tensor, kernel: Sequence[int]) -> _Window:
    axes = len(kernel)
    if axes not in {1, 2} or len(tensor.axes) != axes + 2:
        raise _NodeError(f"slides over {axes} axes of a tensor with {len(tensor.axes)}: 1 or 2 are supported")
    size = _two(kernel)
    stride = _two(node.attribute("strides") or [1] * axes)
    dilation = _two(node.attribute("dilations") or [1] * axes)
    waiting = tensor.padding
    mode = node.attribute("auto_pad") or "NOTSET"
    if mode == "SAME_UPPER" and waiting == NO_PADDING:
        return _Window(size, stride, dilation, "same")
    if mode.startswith("SAME"):
        own = _same(tensor, _Window(size, stride, dilation, waiting), lower=mode == "SAME_LOWER")
    elif mode == "NOTSET":
        begin_end = node.attribute("pads") or [0] * 2 * axes
        top, left = _two(begin_end[:axes], fill=0)
        bottom, right = _two(begin_end[axes:], fill=0)
        own = (top, bottom, left, right)
    else:  # VALID
        own = NO_PADDING
    top, bottom, left, right = (ours + theirs for ours, theirs in zip(own, waiting, strict=True))
    return _Window(size, stride, dilation, (top, bottom, left, right))


def _two(values: Sequence[int], fill: int = 1) -> tuple[int, int]:
    vertical, horizontal = values if len(values) == 2 else (fill, values[0])
    return int(vertical), int(horizontal)


def _same(tensor: _Tensor, window: _Window, *, lower: bool) -> Padding:
    """As much padding as makes the output size / stride, the odd one last, or first if `lower` is asked."""
    found: list[int] = []
    for axis in range(2):
        size = tensor.shape[1 + axis] + sum(window.padding[2 * axis : 2 * axis + 2])  # type: ignore[arg-type]
        stride, reach = window.stride[axis], (window.kernel[axis] - 1) * window.dilation[axis] + 1
        total = max((-(-size // stride) - 1) * stride + reach - size, 0)
        half = total // 2
        found += [total - half, half] if lower else [half, total - half]
    top, bottom, left, right = found
    return top, bottom, left, right


def _conv(node: _Node) -> _Made:
    return _convolution(node, node.image(padded=True), node.weights(1), bias=bool(node.node.input(2)))


def _quantised_conv(node: _Node) -> _Made:
    return _convolution(node, node.image(padded=True), node.weights(3), bias=bool(node.node.input(8)))


def _convolution(node: _Node, tensor: _Tensor, weights: Dims, *, bias: bool) -> _Made:
    window, groups = _window(node, tensor, weights[2:]), node.attribute("group", 1)
    if weights[1] * groups != tensor.shape[0]:
        raise _NodeError(f"has weights for {weights[1] * groups} channels, its input has {tensor.shape[0]}")
    made = node.row(
        "conv",
        [tensor],
        _picture(node.output_dims),
        out_channels=weights[0],
        **_arguments(window),
        dilation=list(window.dilation),
        groups=groups,
        bias=bias,
    )
    return node.becomes(replace(made, axes=tensor.axes))


def _arguments(window: _Window) -> dict[str, Any]:
    padding = window.padding if isinstance(window.padding, str) else list(window.padding)
    return {"kernel": list(window.kernel), "stride": list(window.stride), "padding": padding}


def _picture(dims: Dims) -> Dims:
    """(channels, height, width) of a tensor with the batch first, and two axes or one of the picture."""
    return (dims[1], *((1,) * (4 - len(dims))), *dims[2:])


def _pool(operator: str) -> Callable[[_Node], _Made]:
    def rule(node: _Node) -> _Made:
        tensor = node.image(padded=True)
        window = _window(node, tensor, node.attribute("kernel_shape") or ())
        if window.dilation != (1, 1):
            raise _NodeError(f"has dilations {list(window.dilation)}: poolings without are supported")
        rounding = "ceil" if node.attribute("ceil_mode", 0) else "floor"
        shape = _picture(node.output_dims)
        made = node.row(operator, [tensor], shape, **_arguments(window), rounding=rounding)
        return node.becomes(replace(made, axes=tensor.axes))

    return rule


def _global_pool(node: _Node) -> _Made:
    tensor = node.image()
    made = node.row("global_average_pool", [tensor], (tensor.shape[0], 1, 1))
    return node.becomes(replace(made, axes=tensor.axes))


def _global_max_pool(node: _Node) -> _Made:
    tensor = node.image()
    made = node.row("max_pool", [tensor], (tensor.shape[0], 1, 1), kernel=list(tensor.shape[1:]))
    return node.becomes(replace(made, axes=tensor.axes))


def _reduce(node: _Node) -> _Made:
    """A mean or maximum over the whole picture."""
    tensor = node.tensor()
    rank = len(tensor.axes)
    given = node.integers(1, "axes")
    axes = {tensor.axes[axis % rank] for axis in (range(rank) if given is None else given)}
    if axes - {H, W} or not axes >= {axis for axis in (H, W) if tensor.sizes[axis] > 1}:
        raise _NodeError("is supported over height and width together, nothing else")
    if node.node.operator == "ReduceMean":
        made = node.row("global_average_pool", [tensor], (tensor.shape[0], 1, 1))
    else:
        kernel = list(tensor.shape[1:])
        made = node.row("max_pool", [tensor], (tensor.shape[0], 1, 1), kernel=kernel)
    keeps = node.attribute("keepdims", 1)
    return node.becomes(
        replace(made, axes=tensor.axes if keeps else tuple(axis for axis in tensor.axes if axis not in axes))
    )


# --- rules: matrix products


def _gemm(node: _Node) -> _Made:
    if node.attribute("transA", 0):
        raise _NodeError("transposes its input (transA = 1): must be 0")
    weights = node.weights(1)
    rows, columns = weights[::-1] if node.attribute("transB", 0) else weights
    return _matrix_product(node, node.tensor(), rows, columns, bias=bool(node.node.input(2)))


def _matmul(node: _Node) -> _Made:
    if not (node.is_constant(0) or node.is_constant(1)):
        raise _NodeError("multiplies two tensors that depend on the image: one has to be a constant")
    weights = node.weights(1)
    if len(weights) != 2:
        raise _NodeError(f"has weights of {_by(weights)}: a matrix is supported")
    return _matrix_product(node, node.tensor(), *weights, bias=bool(node.node.input(2)))


def _quantised_matmul(node: _Node) -> _Made:
    weights = node.weights(3)
    if len(weights) != 2:
        raise _NodeError(f"has weights of {_by(weights)}: a matrix is supported")
    return _matrix_product(node, node.tensor(), *weights, bias=False)


def _matrix_product(node: _Node, tensor: _Tensor, inputs: int, outputs: int, *, bias: bool) -> _Made:
    """Of everything in the tensor, or of the channels of each pixel."""
    last = tensor.axes[-1]
    if tensor.sizes.get(last) != inputs:
        raise _NodeError(f"has weights for {inputs} inputs, is given {tensor.sizes.get(last)}")
    if len(tensor.axes) == 2:
        made = node.row("fully_connected", [tensor], (outputs, 1, 1), out_features=outputs, bias=bias)
        return node.becomes(replace(made, axes=(N, C)))
    if last != C or GROUP in tensor.axes:
        node.not_the_axes(tensor)
    made = node.row("conv", [tensor], (outputs, *tensor.shape[1:]), out_channels=outputs, bias=bias)
    return node.becomes(replace(made, axes=tensor.axes))


# --- rules: elements


def _batch_norm(node: _Node) -> _Made:
    return node.same_shape("batch_norm", node.image())


def _lrn(node: _Node) -> _Made:
    return node.same_shape("lrn", node.image(), size=node.attribute("size"))


def _softmax(node: _Node) -> _Made:
    return node.same_shape("softmax", node.tensor())


def _activation(function: str) -> Callable[[_Node], _Made]:
    return lambda node: node.same_shape("activation", node.tensor(), function=function)


def _clip(node: _Node) -> _Made:
    low, high = node.values(1, "min"), node.values(2, "max")
    functions: dict[Any, str] = {((0.0,), (6.0,)): "relu6", ((0.0,), None): "relu"}
    function = functions.get((low, high), "clip")
    return node.same_shape("activation", node.tensor(), function=function)


def _combine(node: _Node) -> _Made:
    """A sum or product of tensors, or of a tensor and a constant."""
    operator = "multiply" if node.node.operator in {"Mul", "Div"} else "add"
    inputs = [node.tensor(index) for index in range(len(node.node.inputs)) if not node.is_constant(index)]
    if len(inputs) == 1:
        if len(node.output_dims) != len(inputs[0].axes):
            raise _NodeError("a constant gives its result more dimensions than its input has")
        return node.same_shape("activation", inputs[0], function="linear")
    first = max(inputs, key=lambda each: prod(each.shape))
    for other in inputs:
        gate = operator == "multiply" and other.shape == (first.shape[0], 1, 1)
        if (other.shape != first.shape and not gate) or not _aligned(first, other):
            raise _NodeError(
                f"cannot combine {_by(first.shape)} and {_by(other.shape)}: must be alike, or a product "
                "with one factor for each channel"
            )
    ordered = sorted(inputs, key=lambda each: each.shape != first.shape)
    if operator == "multiply" and len(ordered) != 2:
        raise _NodeError(f"multiplies {len(ordered)} tensors: two are supported")
    made = node.row(operator, ordered, first.shape)
    return node.becomes(replace(first, row=made.row))


def _aligned(first: _Tensor, other: _Tensor) -> bool:
    """Whether the same axes meet; it does not matter what an axis of one element is called."""
    if len(first.axes) != len(other.axes) or first.groups != other.groups:
        return len(first.axes) == len(other.axes) and prod(other.shape) == 1
    pairs = zip(first.axes, other.axes, strict=True)
    return all(a == b or first.sizes.get(a) == other.sizes.get(b) == 1 for a, b in pairs)


# --- rules: channels that move


def _concat(node: _Node) -> _Made:
    inputs = node.tensors()
    first = inputs[0]
    axis = node.attribute("axis", 1) % len(first.axes)
    if len(inputs) == 1:
        return node.becomes(first)
    if any(each.axes != first.axes or each.groups > 1 for each in inputs):
        raise _NodeError("concatenates tensors with different axes: must all be channels x height x width")
    if first.axes[axis] != C:
        raise _NodeError(f"concatenates along dimension {axis}: only channels can")
    shape = (sum(each.shape[0] for each in inputs), *first.shape[1:])
    return node.becomes(replace(node.row("concat", inputs, shape), axes=first.axes))


def _split(node: _Node) -> _Made:
    tensor = node.tensor()
    _cuts_channels(tensor, node.attribute("axis", 0))
    made: _Made = {}
    first = 0
    for index, output in enumerate(node.node.outputs):
        channels = node.dims(output)[node.attribute("axis", 0)]
        if node.conversion.model.readers[output]:
            made[output] = _channels_of(node, tensor, first, channels, suffix=f".part{index + 1}")
        first += channels
    return made


def _cuts_channels(tensor: _Tensor, axis: int) -> None:
    if tensor.axes[axis % len(tensor.axes)] != C:
        raise _NodeError(f"takes a part of dimension {axis}: only of the channels, one can")


def _channels_of(node: _Node, tensor: _Tensor, first: int, channels: int, suffix: str = "") -> _Tensor:
    if (first, channels) == (0, tensor.shape[0]):
        return tensor
    shape = (channels, *tensor.shape[1:])
    made = node.row("channel_slice", [tensor], shape, suffix=suffix, first=first, channels=channels)
    return replace(made, axes=tensor.axes)


def _slice(node: _Node) -> _Made:
    """Successive channels, or fewer rows and columns: padding of less than nothing."""
    tensor = node.tensor(padded=True)
    rank = len(tensor.axes)
    starts, ends = node.integers(1, "starts"), node.integers(2, "ends")
    axes = node.integers(3, "axes") or list(range(len(starts or ())))
    steps = node.integers(4, "steps") or [1] * len(axes)
    if starts is None or ends is None or set(steps) != {1}:
        raise _NodeError("takes every so many elements: steps of 1 are supported")
    padding = dict(zip(("top", "bottom", "left", "right"), tensor.padding, strict=True))
    before_after = {H: ("top", "bottom"), W: ("left", "right")}
    for axis, start, end in zip((axis % rank for axis in axes), starts, ends, strict=True):
        letter = tensor.axes[axis]
        before, after = before_after.get(letter, ("", ""))
        size = tensor.sizes.get(letter, 0) + padding.get(before, 0) + padding.get(after, 0)
        first, last = _bounded(start, size), _bounded(end, size)
        if letter in before_after:
            padding[before] -= first
            padding[after] -= size - last
        elif letter == C and tensor.groups == 1:
            tensor = _channels_of(node, tensor, first, last - first)
        elif letter != N:
            raise _NodeError(f"takes a part of dimension {axis}: only of channels, height or width, one can")
    top, bottom, left, right = padding.values()
    return node.becomes(replace(tensor, padding=(top, bottom, left, right)))


def _bounded(place: int, size: int) -> int:
    return min(max(place + size if place < 0 else place, 0), size)


def _gather(node: _Node) -> _Made:
    """Channels in another order, or successive ones."""
    tensor, axis = node.tensor(), node.attribute("axis", 0)
    _cuts_channels(tensor, axis)
    order = node.integers(1) or []
    first, channels = order[0] if order else 0, tensor.shape[0]
    if order == list(range(first, first + len(order))) and len(node.output_dims) == len(tensor.axes):
        return node.becomes(_channels_of(node, tensor, first, len(order)))
    if sorted(order) != list(range(channels)):
        raise _NodeError("picks single channels: only all of them in another order, or successive ones")
    return node.same_shape("channel_permutation", tensor)


# --- rules: axes with other names


def _transpose(node: _Node) -> _Made:
    tensor = node.tensor()
    order = node.attribute("perm") or list(reversed(range(len(tensor.axes))))
    return node.becomes(replace(tensor, axes=tuple(tensor.axes[axis] for axis in order)))


def _reshape(node: _Node) -> _Made:
    """Flattening, dimensions of one, channels seen as groups; groups that changed places are a shuffle."""
    tensor, dims = node.tensor(), node.output_dims
    if dims[1:] == tuple(tensor.sizes[axis] for axis in tensor.axes[1:]):
        return node.becomes(tensor)
    if tensor.axes[1:3] in {(GROUP, MEMBER), (MEMBER, GROUP)} and dims[1] == tensor.shape[0]:
        tensor = _merged(node, tensor)
    channels, *picture = tensor.shape
    ones = tuple(size for size in dims[1:] if size > 1)
    if tensor.axes[0] != N or prod(dims[1:]) != prod(tensor.shape):
        raise _cannot_reshape(tensor, dims)
    if dims[1:] == tensor.shape and tensor.axes[1:] in {(ALL,), (C, H, W)}:
        return node.becomes(replace(tensor, axes=IMAGE))
    in_order = tensor.axes[1:] in {(C,), (ALL,), (C, H, W), (C, W)} or max(picture) == 1
    if in_order and len(dims) == 2:
        return node.becomes(replace(tensor, axes=(N, C if max(picture) == 1 else ALL)))
    if in_order and ones == tuple(size for size in tensor.shape if size > 1) and len(dims) <= 4:
        return node.becomes(replace(tensor, axes=_with_ones(tensor, dims)))
    if (
        tensor.axes == IMAGE
        and len(dims) == 5
        and dims[1] * dims[2] == channels
        and dims[3:] == tensor.shape[1:]
    ):
        return node.becomes(replace(tensor, axes=(N, GROUP, MEMBER, H, W), groups=dims[1]))
    raise _cannot_reshape(tensor, dims)


def _cannot_reshape(tensor: _Tensor, dims: Dims) -> _NodeError:
    found = " x ".join(str(tensor.sizes.get(axis, dims[0])) for axis in tensor.axes)
    return _NodeError(
        f"reshapes {found} to {_by(dims)}: only flattening, dimensions of 1 and shuffles of channels are "
        "supported"
    )


def _with_ones(tensor: _Tensor, dims: Dims) -> tuple[str, ...]:
    """Axes of dimensions that are those of the tensor, but for some of one element."""
    left = [axis for axis in (C, H, W) if tensor.sizes[axis] > 1]
    ones = [axis for axis in (C, H, W) if tensor.sizes[axis] == 1]
    return (N, *(left.pop(0) if size > 1 else ones.pop(0) for size in dims[1:]))


def _merged(node: _Node, tensor: _Tensor) -> _Tensor:
    """The channels as one axis again."""
    axes = (N, C, *tensor.axes[3:])
    if tensor.axes[1:3] == (GROUP, MEMBER):
        return replace(tensor, axes=axes, groups=1)
    made = node.row("channel_shuffle", [tensor], tensor.shape, groups=tensor.groups)
    return replace(made, axes=axes)


def _alias(node: _Node) -> _Made:
    return node.becomes(node.tensor(padded=True))


def _pad(node: _Node) -> _Made:
    tensor = node.tensor(padded=True)
    rank = len(tensor.axes)
    pads = node.integers(1, "pads" if node.attribute("pads") else "paddings") or []
    axes = [axis % rank for axis in node.integers(3) or range(rank)]
    padding = dict(zip((H, W), (list(tensor.padding[:2]), list(tensor.padding[2:])), strict=True))
    for place, axis in enumerate(axes):
        before, after = pads[place], pads[place + len(axes)]
        letter = tensor.axes[axis]
        if letter in padding:
            padding[letter][0] += before
            padding[letter][1] += after
        elif before or after:
            raise _NodeError(f"pads dimension {axis}: only height and width can be padded")
    top, bottom, left, right = *padding[H], *padding[W]
    return node.becomes(replace(tensor, padding=(top, bottom, left, right)))


def _resize(node: _Node) -> _Made:
    tensor = node.image()
    channels, height, width = _picture(node.output_dims)
    if channels != tensor.shape[0]:
        raise _NodeError(
            f"resizes the channels from {tensor.shape[0]} to {channels}: only height and width can be"
        )
    if (height, width) == tensor.shape[1:]:
        return node.becomes(tensor)
    mode = node.attribute("mode", "nearest")
    made = node.row("resize", [tensor], (channels, height, width), size=(height, width), interpolation=mode)
    return node.becomes(replace(made, axes=tensor.axes))


_RULES: Final[Mapping[str, Callable[[_Node], _Made]]] = {
    "Conv": _conv,
    "QLinearConv": _quantised_conv,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "QLinearMatMul": _quantised_matmul,
    "BatchNormalization": _batch_norm,
    "MaxPool": _pool("max_pool"),
    "AveragePool": _pool("average_pool"),
    "GlobalAveragePool": _global_pool,
    "GlobalMaxPool": _global_max_pool,
    "ReduceMean": _reduce,
    "ReduceMax": _reduce,
    "LRN": _lrn,
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    "Clip": _clip,
    "Relu": _activation("relu"),
    "LeakyRelu": _activation("leaky_relu"),
    "PRelu": _activation("leaky_relu"),
    "Elu": _activation("elu"),
    "Selu": _activation("elu"),
    "Celu": _activation("elu"),
    "Softplus": _activation("softplus"),
    "Sigmoid": _activation("sigmoid"),
    "HardSigmoid": _activation("hard_sigmoid"),
    "Tanh": _activation("tanh"),
    "Swish": _activation("swish"),
    "HardSwish": _activation("hard_swish"),
    "Gelu": _activation("gelu"),
    "Mish": _activation("mish"),
    "Add": _combine,
    "Sub": _combine,
    "Sum": _combine,
    "Mul": _combine,
    "Div": _combine,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Gather": _gather,
    "Transpose": _transpose,
    "Reshape": _reshape,
    "Flatten": _reshape,
    "Squeeze": _reshape,
    "Unsqueeze": _reshape,
    "Pad": _pad,
    "Resize": _resize,
    "Upsample": _resize,
    "Identity": _alias,
    "Dropout": _alias,
    "Cast": _alias,
    "QuantizeLinear": _alias,
    "DequantizeLinear": _alias,
}
"""How each operator of ONNX becomes rows; one that is not here is a mistake, never left out."""

"""A model -> the rows of a network's YAML; every node that cannot be one is a mistake of its own.

A tensor of a model is a tensor of a network seen through its axes: transposing, flattening and splitting
rename them and cost nothing; what moves channels becomes a shuffle. Rows and columns of padding wait for the
convolution or pooling that reads them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, Final, TypeAlias

from accelsim.errors import Complaint, NetworkError
from accelsim.importers.model import Dims, Imported, Model, ModelNode, UnknownValueError, visible
from accelsim.importers.names import INPUT, Names, network_name, row_names, short_name
from accelsim.importers.precision import ArrayBits, precision_of

PaddingSides: TypeAlias = tuple[int, int, int, int]
"""Top, bottom, left, right."""

NO_PADDING: Final = (0, 0, 0, 0)
N, C, H, W = "N", "C", "H", "W"
GROUP, MEMBER = "G", "M"
"""The channels, seen as groups of members."""
ALL: Final = "A"
"""Everything but the batch, flattened."""
IMAGE: Final = (N, C, H, W)
WORDS: Final = {
    N: "batch",
    C: "channels",
    H: "height",
    W: "width",
    GROUP: "groups",
    MEMBER: "channels of a group",
    ALL: "everything",
}
MOST_MISTAKES: Final = 200
"""That are listed one by one: of all nodes of a network that is not too large, but not of any file."""

Outputs: TypeAlias = "dict[str, ModelTensor]"
"""What each output of a node is."""
Rule: TypeAlias = "Callable[[NodeContext], Outputs]"


class NodeError(Exception):
    """Why a node cannot be a row."""


@dataclass(frozen=True)
class ModelTensor:
    """A tensor of the model: the row that makes it, and what has been done to its axes since."""

    row: str
    shape: Dims
    """(channels, height, width) of what the row puts out."""
    axes: tuple[str, ...]
    """What each dimension of the model's tensor is."""
    groups: int = 1
    """Where the channels are seen as groups of members."""
    padding: PaddingSides = NO_PADDING
    """Still to be applied; negative where rows or columns are to be left out."""
    batch: int = 1
    bits: int | None = None
    """Of its elements, where the model stores them in less than 32."""

    @property
    def sizes(self) -> dict[str, int]:
        """The extent of each axis, without padding that has still to be applied."""
        channels, height, width = self.shape
        return {
            N: self.batch,
            C: channels,
            H: height,
            W: width,
            GROUP: self.groups,
            MEMBER: channels // self.groups,
            ALL: prod(self.shape),
        }

    @property
    def dims(self) -> Dims:
        """The shape that the model's tensor has if this is what it is."""
        top, bottom, left, right = self.padding
        padded = {H: top + bottom, W: left + right}
        return tuple(self.sizes[axis] + padded.get(axis, 0) for axis in self.axes)


@dataclass
class Conversion:
    """The state of one conversion: rows so far, and what each tensor of the model is."""

    model: Model
    rules: Mapping[str, Rule]
    """How each operator becomes rows."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    shapes: dict[str, Dims] = field(default_factory=dict)
    tensors: dict[str, ModelTensor | None] = field(default_factory=dict)
    """None where a mistake has been noted already."""
    mistakes: list[Complaint] = field(default_factory=list)
    remedy: str = ""
    """What would help against some of them."""
    batch: int = 1
    bits: dict[str, ArrayBits] = field(default_factory=dict)
    """Of what the convolutions and matrix products read."""
    counted: set[str] = field(default_factory=set)
    """Constants whose elements are parameters of a row so far."""
    names: Names = field(default_factory=Names)

    def result(self) -> Imported:
        """What came of it; NetworkError with every mistake."""
        image = self._image()
        names = row_names(self.model.nodes)
        for node, name in zip(self.model.nodes, names, strict=True):
            self._convert(node, name)
        self._outputs()
        if not (self.mistakes or self.rows):
            self._complain("", "has nothing to execute: its nodes only rename axes or change nothing")
        if self.mistakes or image is None:
            raise NetworkError.of(*self._complaints())
        stages = self._stages()
        for row in self.rows:
            row["stage"] = stages[row["name"]]
        channels, height, width = image
        precision = precision_of(self.bits)
        data = {
            "name": network_name(self.model.name),
            "title": f"{visible(self.model.name)}, imported",
            "source": ", ".join(part for part in (self.model.source, precision.words) if part),
            "input": {"channels": channels, "height": height, "width": width},
            "batch": self.batch,
            **precision.data,
            "stages": [{"block": "graph", "name": "model", "operators": self.rows}],
        }
        return Imported(self.model.label, data, self.shapes)

    def _complaints(self) -> list[Complaint]:
        """What is wrong, no line twice, and what would help."""
        label, complaints = self.model.label, list(dict.fromkeys(self.mistakes))
        if len(complaints) > MOST_MISTAKES:
            omitted = f"... and {len(complaints) - MOST_MISTAKES:,} mistakes more"
            complaints = [*complaints[:MOST_MISTAKES], Complaint(omitted, label)]
        return [*complaints, Complaint(self.remedy, label)] if self.remedy else complaints

    # Ends

    def _image(self) -> Dims | None:
        """The shape of the first input that is read; each further one becomes a row."""
        read = [name for name in self.model.inputs if self.model.readers[name]]
        self.tensors.update(dict.fromkeys(self.model.inputs))
        if not read:
            self._complain("", "reads no input: a network has to have one, the image")
            return None
        shapes = [self._input(name, first=name == read[0]) for name in read]
        return shapes[0]

    def _input(self, name: str, *, first: bool) -> Dims | None:
        """The shape of an input, once it is a tensor; None where it can be none."""
        dims = self.model.shapes.get(name, ())
        axes = self._input_axes(name, dims)
        if axes is None or 0 in dims:
            self._complain(
                "",
                f"input {name!r} has the shape {by(dims)}: must be batch x channels x height x "
                "width, batch x channels x length or batch x features",
            )
            return None
        sizes = dict(zip(axes, dims, strict=True))
        channels, height, width = shape = (sizes[C], sizes.get(H, 1), sizes.get(W, 1))
        row = INPUT
        if first:
            self.batch = sizes[N]
        else:
            arguments = {"channels": channels, "height": height, "width": width}
            row = self.row(short_name(name) or "further_input", "network_input", [], shape, **arguments).row
        bits = self.model.bits.get(name)
        self.tensors[name] = ModelTensor(row, shape, axes, batch=sizes[N], bits=bits)
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
                self.row(f"{tensor.row}.output", "network_output", [tensor], tensor.shape)

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
        return {name: by(stage).replace(" ", "") for name, stage in stages.items()}

    # Nodes

    def _convert(self, node: ModelNode, name: str) -> None:
        for output in filter(None, node.outputs):
            self.tensors[output] = None
        sources = [self.tensors.get(tensor, ...) for tensor in node.inputs]
        if None in sources:
            return  # made by a node that has been complained about
        rule = self.rules.get(node.operator)
        try:
            if rule is None:
                raise NodeError(self._unsupported(node.operator))
            self.tensors.update(self._checked(node, rule(NodeContext(self, node, name))))
        except (NodeError, UnknownValueError) as error:
            self._complain(f"{node.name or name} ({node.operator})", str(error))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # Attributes and constants may be anything: what a rule takes for granted need not hold.
            problems = (
                self.model.problems[output] for output in node.outputs if output in self.model.problems
            )
            sentence = f"has attributes or inputs that contradict each other: {error!r}"
            self._complain(f"{node.name or name} ({node.operator})", next(problems, sentence))

    def _checked(self, node: ModelNode, results: Outputs) -> Outputs:
        """What a rule made, which must be every output that is read, in the shape that the model gives it."""
        tensors = {}
        for index, output in enumerate(node.outputs):
            if output in results:
                dims = self.model.shapes.get(output)
                if dims is None:
                    raise NodeError(self.unknown_shape(output))
                if 0 in dims:
                    raise NodeError(f"puts out {by(dims)}: nothing")
                if results[output].dims != dims:
                    raise NodeError(f"puts out {by(dims)} in the model, {by(results[output].dims)} here")
                bits = self.model.bits.get(output, results[output].bits)
                tensors[output] = replace(results[output], bits=bits)
            elif output and self.model.readers[output]:
                raise NodeError(f"its output {index + 1}, {output!r}, is read: not supported")
        return tensors

    def unknown_shape(self, name: str) -> str:
        """Why a tensor has no shape."""
        usual = "let the exporter write shapes that are fixed"
        return f"the shape of {name!r} is not known: {self.model.problems.get(name, usual)}"

    def _unsupported(self, operator: str) -> str:
        if operator in {"If", "Loop", "Scan"}:
            return "control flow is not supported: a network has to do the same for every image"
        names = self.model.supported or sorted(self.rules)
        self.remedy = f"supported operators are {', '.join(names)}"
        return "is no supported operator"

    def _complain(self, node: str, sentence: str) -> None:
        sentence = f"{node}: {sentence}" if node else sentence
        self.mistakes.append(Complaint(sentence, self.model.label))

    def row(
        self, name: str, operator: str, inputs: Sequence[ModelTensor], shape: Dims, **arguments: Any
    ) -> ModelTensor:
        """Add a row that puts out `shape`."""
        name = self.names.take(name)
        row = {"name": name, "stage": "", "operator": operator, "inputs": [tensor.row for tensor in inputs]}
        self.rows.append(row | {key: _shortened(value) for key, value in arguments.items()})
        self.shapes[name] = shape
        return ModelTensor(name, shape, IMAGE, batch=self.batch)


def _shortened(value: Any) -> Any:
    """One number instead of several that are alike."""
    return value[0] if isinstance(value, list) and len(set(value)) == 1 else value


# --- one node


@dataclass(frozen=True)
class NodeContext:
    """A node, with what a rule may ask and do."""

    conversion: Conversion
    node: ModelNode
    name: str

    # What it reads

    def attribute(self, key: str, default: Any = None) -> Any:
        """An attribute, or what it is where it is not given."""
        return self.node.attributes.get(key, default)

    def is_constant(self, index: int) -> bool:
        """Whether an input does not depend on the image."""
        return self.node.input(index) in self.conversion.model.constants

    def tensor(self, index: int = 0, *, padded: bool = False) -> ModelTensor:
        """An input that depends on the image, all padding applied unless the rule takes care of it."""
        name = self.node.input(index)
        tensor = self.conversion.tensors.get(name)
        if tensor is None:
            if name in self.conversion.model.constants:
                raise NodeError(f"its input {name!r} is a constant, must be made from the image")
            raise NodeError(f"reads {name!r}, which no node before it makes")
        if tensor.padding != NO_PADDING and not padded:
            raise NodeError(
                f"reads {name!r}, which is padded or cut along height or width: only convolutions and "
                "poolings can"
            )
        return tensor

    def image(self, index: int = 0, *, padded: bool = False) -> ModelTensor:
        """An input whose axes are batch, channels, height and width, or which has one pixel."""
        tensor = self.tensor(index, padded=padded)
        if tensor.axes not in {IMAGE, (N, C, W)} and not (
            tensor.axes[:2] == (N, C) and len(tensor.axes) == 2
        ):
            self.not_the_axes(tensor)
        return tensor

    def not_the_axes(self, tensor: ModelTensor, allowed_axes: Sequence[str] = IMAGE) -> None:
        """Refuse a tensor for its axes."""
        actual, allowed = (" x ".join(WORDS[axis] for axis in axes) for axes in (tensor.axes, allowed_axes))
        raise NodeError(f"its input is {actual}: must be {allowed}")

    def tensors(self) -> list[ModelTensor]:
        """All inputs, which must depend on the image."""
        return [self.tensor(index) for index in range(len(self.node.inputs))]

    def weights(self, index: int, noun: str = "weights") -> Dims:
        """The shape of an input that must be a constant."""
        name = self.node.input(index)
        if name not in self.conversion.model.constants:
            raise NodeError(f"its {noun} {name!r} are computed from the image: must be constants")
        return self.dims(name)

    def has_offsets(self, index: int) -> bool:
        """Whether there is an input that is added to each channel, which must be a constant."""
        if not self.node.input(index):
            return False
        self.weights(index, "offsets")
        return True

    def shared(self, **roles: int) -> tuple[str, ...]:
        """Roles whose constants, given by place, are no further parameters: counted before, or not there."""
        counted = self.conversion.counted
        shared = []
        for role, index in roles.items():
            name = self.node.input(index)
            origin = self.conversion.model.origins.get(name, name)
            if not name or origin in counted:
                shared.append(role)
            counted.add(origin)
        return tuple(shared)

    def dims(self, name: str) -> Dims:
        """The shape of a tensor of the model."""
        dims = self.conversion.model.shapes.get(name)
        if dims is None:
            raise NodeError(self.conversion.unknown_shape(name))
        return dims

    @property
    def output_dims(self) -> Dims:
        """The shape that the model gives the first output."""
        return self.dims(self.node.outputs[0])

    def values(self, index: int, key: str = "") -> tuple[float, ...] | None:
        """Numbers from an attribute (as in older models) or a constant input; None where there are none."""
        if key and (value := self.attribute(key)) is not None:
            return tuple(value) if isinstance(value, Sequence) else (value,)
        name = self.node.input(index)
        if not name:
            return None
        if name not in self.conversion.model.constants:
            raise NodeError(f"its {key or 'setting'} {name!r} is computed from the image: must be a constant")
        return self.conversion.model.value(name)

    def integers(self, index: int, key: str = "") -> list[int] | None:
        """As `values`, but whole numbers."""
        values = self.values(index, key)
        return None if values is None else [int(value) for value in values]

    # What it becomes

    def becomes(self, tensor: ModelTensor) -> dict[str, ModelTensor]:
        """The first output; others (masks, statistics) must not be read."""
        return {self.node.outputs[0]: tensor}

    def array_row(
        self,
        operator: str,
        tensor: ModelTensor,
        shape: Dims,
        *,
        weights: int,
        bias: int | None,
        **arguments: Any,
    ) -> ModelTensor:
        """Add a convolution or matrix product; weights and bias are places of inputs."""
        has_bias = bias is not None and self.has_offsets(bias)
        roles = {"weights": weights}
        if bias is not None and has_bias:
            roles["bias"] = bias
        output = self.row(operator, [tensor], shape, **arguments, bias=has_bias, shared=self.shared(**roles))
        weight_bits = self.conversion.model.bits.get(self.node.input(weights))
        self.conversion.bits[output.row] = ArrayBits(weight_bits, tensor.bits)
        return output

    def row(
        self, operator: str, inputs: Sequence[ModelTensor], shape: Dims, *, suffix: str = "", **arguments: Any
    ) -> ModelTensor:
        """Add a row called after the node."""
        return self.conversion.row(self.name + suffix, operator, inputs, shape, **arguments)

    def same_shape(self, operator: str, tensor: ModelTensor, **arguments: Any) -> dict[str, ModelTensor]:
        """An operator after which all axes are what they were."""
        output = self.row(operator, [tensor], tensor.shape, **arguments)
        return self.becomes(replace(tensor, row=output.row, bits=None))


def by(dims: Iterable[int]) -> str:
    """`3 x 224 x 224`."""
    return " x ".join(map(str, dims))

"""A model -> the rows of a network's YAML; every node that cannot be one is a mistake of its own.

What the axes of an input are is not in a file. They are named in each way that a tensor of its rank may have,
the usual one first, until nothing has to be moved for the sake of a name: a reader decides, a convolution for
one, whose input has channels second.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, Final

from accelsim.errors import Complaint, NetworkError
from accelsim.importers.arranging import settled
from accelsim.importers.atoms import N
from accelsim.importers.context import NodeContext, Outputs, Rule
from accelsim.importers.model import (
    MOST_LETTERS,
    Dims,
    Imported,
    Model,
    ModelNode,
    UnknownValueError,
    visible,
)
from accelsim.importers.names import INPUT, Names, network_name, row_names
from accelsim.importers.notes import with_notes
from accelsim.importers.passing import nodes_in_words, passed, passed_in_words
from accelsim.importers.precision import ArrayBits, precision_of
from accelsim.importers.request import Unsupported
from accelsim.importers.tensors import ModelTensor, NodeError, by, named

MOST_MISTAKES: Final = 200
"""That are listed one by one: of all nodes of a network that is not too large, but not of any file."""
OF_SHAPES: Final = {"ConstantOfShape", "NonZero", "Range", "Shape", "Size"}
"""Operators that are computed where the shape of what they read is known, and are no rows."""
NAMINGS: Final[Mapping[int, tuple[str, ...]]] = {
    1: ("C", "W"),
    2: ("NC", "WC", "CW"),
    3: ("NCW", "NWC", "CHW", "HWC"),
    4: ("NCHW", "NHWC"),
    5: ("NHCWW", "NWWHC"),
}
"""What the dimensions of an input may be, by their number."""


def converted(model: Model, rules: Mapping[str, Rule], unsupported: Unsupported = "refuse") -> Imported:
    """The model as the data of a network's YAML, its inputs named so that the least has to be moved.

    Args:
        model: Nodes with the operators of ONNX.
        rules: How each operator becomes rows.
        unsupported: What becomes of nodes that cannot be rows.

    Raises:
        NetworkError: With a line for each node that cannot be a row.

    Example:
        >>> relu = ModelNode("relu", "Relu", ("x",), ("y",))
        >>> shapes = {"x": (1, 3, 8, 8), "y": (1, 3, 8, 8)}
        >>> ends = {"inputs": ("x",), "outputs": ("y",)}
        >>> weights = {"constants": frozenset(), "value": lambda name: ()}
        >>> model = Model("net", "net", "an example", (relu,), **ends, shapes=shapes, **weights)
        >>> rule = lambda node: node.same_shape("activation", node.tensor(), function="relu")
        >>> converted(model, {"Relu": rule}).data["stages"][0]["operators"][0]["name"]
        'relu'
    """
    best: Conversion | None = None
    for names in _namings(model):
        conversion = Conversion(model, rules, names, unsupported)
        conversion.convert()
        if best is None or conversion.cost < best.cost:
            best = conversion
        if best.cost == (False, 0, 0):
            break
    assert best is not None  # there is a first naming
    return best.result()


def _namings(model: Model) -> Iterator[dict[str, str]]:
    """What the dimensions of each input may be: the usual, then for one input after the other what else."""
    inputs = [name for name in model.inputs if model.readers[name]]
    usual = {name: _usual_first(model, name) for name in inputs}
    yield {name: letters[0] for name, letters in usual.items()}
    for other in inputs:
        for letters in usual[other][1:]:
            yield {name: letters if name == other else usual[name][0] for name in inputs}
    if len(inputs) > 1:
        for letters_of_all in zip(*(usual[name][1:] for name in inputs), strict=False):
            yield dict(zip(inputs, letters_of_all, strict=True))


def _usual_first(model: Model, name: str) -> Sequence[str]:
    """Channels come second, but for an image that is only ever transposed to that."""
    namings = NAMINGS.get(len(model.shapes.get(name, ())), ("",))
    readers = [node for node in model.nodes if name in node.inputs]
    transposed = len(namings[0]) == 4 and all(
        node.operator == "Transpose" and tuple(node.attributes.get("perm", ())) == (0, 3, 1, 2)
        for node in readers
    )
    return (namings[1], namings[0], *namings[2:]) if transposed else namings


@dataclass
class Conversion:
    """The state of one conversion: rows so far, and what each tensor of the model is."""

    model: Model
    rules: Mapping[str, Rule]
    """How each operator becomes rows."""
    names_of_axes: Mapping[str, str]
    """A letter for each dimension of each input."""
    unsupported: Unsupported = "refuse"
    """What becomes of nodes that cannot be rows."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    shapes: dict[str, Dims] = field(default_factory=dict)
    tensors: dict[str, ModelTensor | None] = field(default_factory=dict)
    """None where a mistake has been noted already."""
    mistakes: list[Complaint] = field(default_factory=list)
    without_rule: dict[str, list[str]] = field(default_factory=dict)
    """Nodes that nothing here is an operator of, by their operator."""
    passed: dict[str, list[str]] = field(default_factory=dict)
    """Nodes that were let pass at a price, by their operator."""
    image: Dims = (1, 1, 1)
    """(channels, height, width) of the first input."""
    batch: int = 1
    bits: dict[str, ArrayBits] = field(default_factory=dict)
    """Of what the convolutions and matrix products read."""
    counted: set[str] = field(default_factory=set)
    """Constants whose elements are parameters of a row so far."""
    names: Names = field(default_factory=lambda: Names([INPUT]))
    moved: int = 0
    """Elements that change places only because a reader wants them elsewhere."""
    settings: set[str] = field(default_factory=set)
    """Scales and zero points that are computed as the network runs: no rows are made of them."""

    def convert(self) -> None:
        """Go through all nodes."""
        self._inputs()
        for node, name in zip(self.model.nodes, row_names(self.model.nodes), strict=True):
            self._convert(node, name)
        self._outputs()
        if not (self.mistakes or self.without_rule or self.rows):
            self._complain("", "has nothing to execute: its nodes only rename axes or change nothing")

    @property
    def cost(self) -> tuple[bool, int, int]:
        """What speaks against the names of the inputs: nodes that cannot be rows, and what is moved."""
        return bool(self.mistakes or self.without_rule), sum(map(len, self.passed.values())), self.moved

    def result(self) -> Imported:
        """What came of it; NetworkError with every mistake."""
        if self.mistakes or self.without_rule:
            raise NetworkError.of(*self._complaints())
        stages = self._stages()
        for row in self.rows:
            row["stage"] = stages[row["name"]]
        channels, height, width = self.image
        precision = precision_of(self.bits)
        data = {
            "name": network_name(self.model.name),
            "title": f"{visible(self.model.name)}, imported",
            "source": ", ".join(filter(None, (self.model.source, self._batch_words(), precision.words))),
            "input": {"channels": channels, "height": height, "width": width},
            "batch": self.batch,
            **precision.data,
            "stages": [{"block": "graph", "name": "model", "operators": self.rows}],
        }
        notes = (passed_in_words(self.passed, self.unsupported),) if self.passed else ()
        return with_notes(Imported(self.model.label, data, self.shapes), notes)

    def _batch_words(self) -> str:
        """What is to be said of the batch; nothing where the first dimension is no images."""
        first = next(name for name in self.model.inputs if self.model.readers[name])
        return self.model.batch if self.names_of_axes[first][:1] == N else ""

    def _complaints(self) -> list[Complaint]:
        """What is wrong, no line twice, and what would help."""
        label = self.model.label
        complaints = [
            *(Complaint(_none(operator, names), label) for operator, names in self.without_rule.items()),
            *dict.fromkeys(self.mistakes),
        ]
        if len(complaints) > MOST_MISTAKES:
            omitted = f"... and {len(complaints) - MOST_MISTAKES:,} mistakes more"
            complaints = [*complaints[:MOST_MISTAKES], Complaint(omitted, label)]
        if not self.without_rule:
            return complaints
        names = self.model.supported or tuple(self.rules)
        lists = f"docs/how-to/import-a-model.md lists the {len(names)} operators that are supported"
        return [*complaints, Complaint(f"{self._help()}; {lists}", label)]

    def _help(self) -> str:
        """What would help against nodes that nothing here is an operator of."""
        nodes = [node for node in self.model.nodes if node.operator not in self.rules]
        unknown = nodes[0]
        before = (self.model.producers.get(name) for name in unknown.inputs)
        last = next((node.name or node.outputs[0] for node in before if node is not None), "NODE")
        ends = f"--until {last} ends before"
        if shapeless := next(filter(self._is_shapeless, nodes), None):
            name = visible(shapeless.operator)
            return f"{ends}; --unsupported cannot let {name} pass: its output has no known shape"
        return f"{ends}, --unsupported host or elementwise lets such nodes pass at a price"

    def _is_shapeless(self, node: ModelNode) -> bool:
        """Whether a node puts out what is read and has no shape that is known."""
        read = [output for output in node.outputs if output and self.model.readers[output]]
        return any(output not in self.model.shapes for output in read)

    # Ends

    def _inputs(self) -> None:
        """What the network is given: the first is the input of the block, others are rows."""
        read = [name for name in self.model.inputs if self.model.readers[name]]
        self.tensors.update(dict.fromkeys(self.model.inputs))
        if not read:
            self._complain("", "reads no input: a network has to have one, the image")
        for index, name in enumerate(read):
            dims = self.model.shapes.get(name, ())
            letters = self.names_of_axes[name]
            if not letters or 0 in dims:
                self._complain(
                    "",
                    f"input {name!r} {self._shape_words(name)}: must have 1 to 5 dimensions, as batch x "
                    "channels x height x width, batch x channels x length or batch x features",
                )
                continue
            extents = {
                axis: prod(size for letter, size in zip(letters, dims, strict=True) if letter == axis)
                for axis in "NCHW"
            }
            if index == 0:
                self.batch = extents["N"]
            elif extents["N"] != self.batch:
                self._complain(
                    "", f"input {name!r} has a batch of {extents['N']}, input {read[0]!r} one of {self.batch}"
                )
                continue
            shape = (extents["C"], extents["H"], extents["W"])
            self.tensors[name] = replace(
                self._source(name, shape, first=index == 0),
                view=named(letters, dims),
                bits=self.model.bits.get(name),
            )

    def _shape_words(self, name: str) -> str:
        """What there is to say of the shape of an input."""
        if name not in self.model.shapes:
            return "has no shape that is known"
        dims = self.model.shapes[name]
        return f"has the shape {by(dims)}" if dims else "is a single number, of shape []"

    def _source(self, name: str, shape: Dims, *, first: bool) -> ModelTensor:
        if not first:
            channels, height, width = shape
            return self.row(visible(name), "input", [], shape, channels=channels, height=height, width=width)
        self.image = shape
        return ModelTensor(INPUT, shape, (), batch=self.batch)

    def _outputs(self) -> None:
        """Rows for outputs that the network reads itself."""
        read = {name for row in self.rows for name in row["inputs"]}
        for name in dict.fromkeys(self.model.outputs):
            tensor = self.tensors.get(name)
            if tensor is None:
                if name not in self.tensors:
                    self._complain("", f"output {name!r} is made by no node from the input")
                continue
            if tensor.waits:
                node = ModelNode(name, "Pad", (), (name,))
                tensor = settled(NodeContext(self, node, visible(name)), tensor)
            if tensor.row in read and tensor.row != INPUT:
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
        sources = [self.tensors.get(name, ...) for name in node.inputs if name not in self.settings]
        if all(name in self.settings or name in self.model.constants for name in node.inputs if name):
            self.settings.update(node.outputs)
            return
        rule = self.rules.get(node.operator)
        if rule is None and None in sources and node.operator in OF_SHAPES:
            return  # of a tensor whose shape nobody knows, as nothing here makes it
        if rule is None and self.unsupported == "refuse":
            self.without_rule.setdefault(visible(node.operator), []).append(node.name or name)
            return
        if None in sources:
            return  # made by a node that has been complained about
        before = len(self.rows)
        try:
            if rule is None:
                raise NodeError("is no supported operator")
            self.tensors.update(self._checked(node, rule(NodeContext(self, node, name))))
        except (NodeError, UnknownValueError) as error:
            self._refuse(node, name, str(error), before)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            # Attributes and constants may be anything: what a rule takes for granted need not hold.
            problems = (
                self.model.problems[output] for output in node.outputs if output in self.model.problems
            )
            sentence = f"has attributes or inputs that contradict each other: {self._given(node)}"
            self._refuse(node, name, next(problems, sentence), before)

    def _given(self, node: ModelNode) -> str:
        """The shapes of a node's inputs, and its attributes, in a line."""
        shapes = [self.model.shapes.get(name) for name in node.inputs]
        inputs = [by(dims) or "one number" for dims in shapes if dims is not None]
        attributes = [f"{key} = {value}" for key, value in node.attributes.items()]
        given = "; ".join([f"inputs of {', '.join(inputs)}" if inputs else "no known inputs", *attributes])
        return visible(given)[:MOST_LETTERS]

    def _refuse(self, node: ModelNode, name: str, sentence: str, rows_before: int) -> None:
        """Let a node pass that cannot be a row, or complain about it, without the rows that it has made."""
        for row in self.rows[rows_before:]:
            self.shapes.pop(row["name"])
            self.bits.pop(row["name"], None)
            self.names.give_back(row["name"])
        del self.rows[rows_before:]
        if self.unsupported != "refuse":
            outputs = [output for output in node.outputs if output and self.model.readers[output]]
            try:
                self.tensors.update(
                    passed(NodeContext(self, node, name), outputs, self.batch, self.unsupported)
                )
            except NodeError as error:
                sentence = f"{sentence}; it cannot pass either: {error}"
            else:
                self.passed.setdefault(visible(node.operator), []).append(node.name or name)
                return
        self._complain(f"{node.name or name} ({node.operator})", sentence)

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
            elif output and self.model.readers[output] and output not in self.settings:
                raise NodeError(f"its output {index + 1}, {output!r}, is read: not supported")
        return tensors

    def unknown_shape(self, name: str) -> str:
        """Why a tensor has no shape."""
        usual = "let the exporter write shapes that are fixed"
        return f"the shape of {name!r} is not known: {self.model.problems.get(name, usual)}"

    def _complain(self, node: str, sentence: str) -> None:
        sentence = f"{node}: {sentence}" if node else sentence
        self.mistakes.append(Complaint(sentence, self.model.label))

    def row(
        self, name: str, operator: str, inputs: Sequence[ModelTensor], shape: Dims, **arguments: Any
    ) -> ModelTensor:
        """Add a row that puts out `shape`."""
        name = self.names.take(name)
        row = {"name": name, "stage": "", "operator": operator, "inputs": [tensor.row for tensor in inputs]}
        if operator == "rearrange":
            self.moved += prod(shape)
        self.rows.append(row | {key: _shortened(value) for key, value in arguments.items()})
        self.shapes[name] = shape
        return ModelTensor(name, shape, (), batch=self.batch)


def _none(operator: str, names: Sequence[str]) -> str:
    """What is said of the nodes of an operator that there is none of here."""
    if operator in {"If", "Loop", "Scan"}:
        sentence = "control flow is not supported: a network has to do the same for every image"
    else:
        sentence = "is no supported operator" if len(names) == 1 else "are no supported operators"
    count = f", {len(names)} nodes" if len(names) > 1 else ""
    return f"{nodes_in_words(names)} ({operator}{count}): {sentence}"


def _shortened(value: Any) -> Any:
    """One number instead of several that are alike."""
    return value[0] if isinstance(value, list) and len(set(value)) == 1 else value

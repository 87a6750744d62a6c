"""The tensors of an ONNX graph: types and shapes, node after node, and the values of small constants.

Each node's outputs are inferred by the package onnx from its inputs, in the order of the file, so a mistake
is that of its node. Where a shape follows from numbers, those are computed: all sizes being fixed, the shape
of a tensor is a constant. What is computed is bounded before it is: a node is only run where its operator
computes sizes and settings, and where what it reads and makes is as small as those are.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from accelsim.errors import NetworkError
from accelsim.importers.model import (
    NARROW,
    SAME_ELEMENTS,
    Dims,
    UnknownValueError,
    first_line,
    operator_name,
    words_of,
)
from accelsim.importers.onnx_foreign import LIKE_THEIR_INPUT, QUANTISERS, in_onnx, type_of_attention
from accelsim.importers.onnx_graphs import (
    LEFT_OUT,
    as_array,
    drop_windows_in_padding,
    outputs_of,
    renamed,
    with_placeholders,
)
from accelsim.importers.onnx_inputs import Inputs

if TYPE_CHECKING:
    import onnx

LARGE: Final = 1 << 16
"""Elements of a constant beyond which it is not a list of sizes, settings or channels."""
MOST_COMPUTED: Final = 1 << 24
"""Elements of all constants that are computed: 256 of the largest, in less than a second."""
MOST_AXES: Final = 64
"""No tensor has more: a reshape to thousands of axes is a mistake."""

_SIZED_BY_VALUES: Final = {
    "CenterCropPad", "ConstantOfShape", "Expand", "OneHot", "Pad", "Range", "Reshape", "Resize", "Slice",
    "Split", "SplitToSequence", "Squeeze", "Tile", "TopK", "Unsqueeze", "Upsample", "ReduceL1", "ReduceL2",
    "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum",
    "ReduceSumSquare",
}  # fmt: skip
"""Operators whose outputs have sizes that depend on the numbers in their inputs."""
_COMPUTED: Final = {
    "Abs", "Add", "And", "ArgMax", "ArgMin", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr",
    "BitwiseXor", "Cast", "CastLike", "Ceil", "Clip", "Concat", "ConstantOfShape", "CumSum",
    "DequantizeLinear", "Div", "Equal", "Exp", "Expand", "EyeLike", "Flatten", "Floor", "Gather",
    "GatherElements", "GatherND", "Greater", "GreaterOrEqual", "Identity", "Less", "LessOrEqual", "Log",
    "Max", "Mean", "Min", "Mod", "Mul", "Neg", "NonZero", "Not", "OneHot", "Or", "Pad", "Pow",
    "QuantizeLinear", "Range", "Reciprocal", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd",
    "ReduceSum", "Relu", "Reshape", "Round", "ScatterElements", "ScatterND", "Shape", "Sign", "Size",
    "Slice", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tile", "Transpose", "Trilu", "Unsqueeze", "Where",
    "Xor",
}  # fmt: skip
"""Operators that sizes and settings are computed with; each takes time in proportion to its elements."""
_SLOW: Final = {"GatherElements", "GatherND", "ScatterElements", "ScatterND"}
"""Of those: the ones that onnx computes element by element, in Python."""
SLOW_FACTOR: Final = 256
"""How many elements of others take as long as one of them."""
_POSITIVE: Final = {"blocksize", "dilations", "group", "kernel_shape", "num_outputs", "strides"}
"""Attributes that count or step."""


@dataclass
class OnnxTensors:
    """All that is known of the tensors of a graph whose inputs have fixed sizes."""

    proto: "onnx.ModelProto"
    label: str
    inputs: Inputs
    nodes: list["onnx.NodeProto"] = field(default_factory=list)
    """Those of the graph; in the place of an If whose condition is constant, those of its branch."""
    types: dict[str, "onnx.TypeProto"] = field(default_factory=dict)
    """Of constants, inputs, and of what each node makes, as far as onnx can tell."""
    constants: set[str] = field(default_factory=set)
    """What does not depend on the inputs; shapes do not, since those of the inputs are fixed."""
    problems: dict[str, str] = field(default_factory=dict)
    """Of tensors without a shape: what is wrong with the node that makes them."""
    bits: dict[str, int] = field(default_factory=dict)
    """Of the elements of tensors that are stored in less than 32."""
    origins: dict[str, str] = field(default_factory=dict)
    """For constants that are another one in another form: that one."""
    _stored: dict[str, Any] = field(default_factory=dict)
    """Small constants of the file, None for large ones: tensors, or what Constant nodes have instead."""
    _makers: dict[str, "onnx.NodeProto"] = field(default_factory=dict)
    _arrays: dict[str, Any] = field(default_factory=dict)
    """Constants that have been evaluated; None where that is not possible."""
    _computed: int = 0

    def __post_init__(self) -> None:
        graph = self.proto.graph
        for tensor in graph.initializer:
            self._store(tensor.name, tensor)
        for sparse in graph.sparse_initializer:
            self._note_constant(sparse.values.name, sparse.values.data_type, sparse.dims)
        for name, kind in self.inputs.types.items():
            self._note(name, kind)
        for node in self._flattened(graph.node):
            self.nodes.append(node)
            if operator_name(node) == "Constant":
                self._store_constant(node)
            else:
                self._add(node)

    # --- what others ask

    @cached_property
    def shapes(self) -> dict[str, Dims]:
        """Those that are numbers throughout."""
        shapes = ((name, _dims(kind)) for name, kind in self.types.items())
        return {name: dims for name, dims in shapes if dims is not None}

    def value(self, name: str) -> tuple[float, ...]:
        """The numbers of a constant."""
        array = self._array(name)
        if array is None or array.dtype.kind not in "biuf":
            raise UnknownValueError(f"the value of {name!r} is not in the file, too large, or not numbers")
        return tuple(array.ravel().tolist())

    # --- constants of the file

    def _store(self, name: str, tensor: "onnx.TensorProto") -> None:
        self._note_constant(name, tensor.data_type, tensor.dims)
        if prod(tensor.dims) > LARGE:
            for content in ("raw_data", "float_data", "int32_data", "int64_data", "double_data"):
                tensor.ClearField(content)  # as large as the file, and nobody asks for it
            self._arrays[name] = None
        else:
            self._stored[name] = tensor

    def _store_constant(self, node: "onnx.NodeProto") -> None:
        """What a Constant node puts out, as if it were a constant of the graph."""
        from onnx import helper, numpy_helper  # noqa: PLC0415

        (output, *_) = node.output
        (attribute, *_) = node.attribute
        value = helper.get_attribute_value(attribute)
        if attribute.name == "value":
            self._store(output, value)
        elif attribute.name == "sparse_value":
            self._note_constant(output, value.values.data_type, value.dims)
        elif attribute.name in {"value_int", "value_ints", "value_float", "value_floats"}:
            import numpy as np  # noqa: PLC0415

            kind = np.int64 if "int" in attribute.name else np.float32
            self._store(output, numpy_helper.from_array(np.array(value, dtype=kind)))
        else:
            self.constants.add(output)

    def _note_constant(self, name: str, element_type: int, dims: Iterable[int]) -> None:
        from onnx import helper  # noqa: PLC0415

        sizes = list(dims)
        if any(size < 0 for size in sizes):
            shape = " x ".join(map(str, sizes))
            raise NetworkError.about(self.label, f"the constant {name!r} is {shape}: no size may be negative")
        self.constants.add(name)
        self._note(name, helper.make_tensor_type_proto(element_type, sizes))

    def _note(self, name: str, kind: "onnx.TypeProto") -> None:
        self.types[name] = kind
        bits = _bits().get(kind.tensor_type.elem_type)
        if bits is not None:
            self.bits[name] = bits

    # --- branches

    def _flattened(self, nodes: Iterable["onnx.NodeProto"]) -> Iterator["onnx.NodeProto"]:
        """The nodes in order, as many as are noted by then: a condition is computed of those before."""
        for node in nodes:
            branch = self._branch(node) if operator_name(node) == "If" else None
            if branch is None:
                yield from in_onnx(node)
                self._note_quantised(node)
                continue
            for tensor in branch.initializer:
                self._store(tensor.name, tensor)
            yield from self._flattened(branch.node)

    def _branch(self, node: "onnx.NodeProto") -> "onnx.GraphProto | None":
        """The branch that an If always takes, with names of the graph around it; None where that depends."""
        value = self._array(node.input[0]) if node.input[0] in self.constants else None
        branches = {attribute.name: attribute.g for attribute in node.attribute}
        if value is None or value.size != 1 or branches.keys() != {"then_branch", "else_branch"}:
            return None
        branch = branches["then_branch" if bool(value.ravel()[0]) else "else_branch"]
        own = [tensor.name for tensor in branch.initializer]
        own += [output for inner in branch.node for output in inner.output if output]
        names = {name: f"{node.name or node.output[0]}/{name}" for name in own}
        outputs = [output.name for output in branch.output]
        names |= {inner: outer for inner, outer in zip(outputs, node.output, strict=False) if inner in names}
        return renamed(branch, names, outputs, node)

    def _note_quantised(self, node: "onnx.NodeProto") -> None:
        """Note how many bits a node of another domain leaves, which it says in an input."""
        at = QUANTISERS.get(operator_name(node), 0)
        if at == 0:
            return
        value = self._array(node.input[at]) if at is not None and len(node.input) > at else None
        bits = 1 if at is None else 0 if value is None or value.size != 1 else int(value.ravel()[0])
        if 0 < bits < NARROW:
            self.bits[node.output[0]] = bits

    # --- what nodes make

    def _add(self, node: "onnx.NodeProto") -> None:
        """Note what a node makes."""
        inputs = [name for name in node.input if name]
        inside = any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute)
        sized = bool(inputs) and _dims(self.types.get(inputs[0])) is not None
        is_shape = sized and operator_name(node) in {"Shape", "Size"}
        constant = is_shape or (not inside and self.constants.issuperset(inputs))
        self._makers.update((output, node) for output in node.output if output)
        if not inside and self.types.keys() >= set(inputs):
            try:
                self._infer(node)
            except Exception as error:  # what onnx raises where a node contradicts itself
                self.problems.update(dict.fromkeys(node.output, first_line(error)))
        if constant:
            self._note_computed(node)

    def _infer(self, node: "onnx.NodeProto") -> None:
        """Note the types of the outputs."""
        if operator_name(node) in LIKE_THEIR_INPUT:
            self._note(node.output[0], self.types[node.input[0]])
            return
        if made := type_of_attention(node, [_dims(self.types.get(name)) for name in node.input], self.types):
            self._note(node.output[0], made)
            return
        schema = self._schema(node)
        if schema is None:
            if all(output in self._claims for output in node.output if output):
                for output in filter(None, node.output):
                    self._note(output, self._claims[output])
                return
            raise ValueError(f"{words_of(node)} makes it, an operator that the package onnx does not know")
        _check_counts(node)
        settings: Iterable[str] = ()
        if node.op_type in _SIZED_BY_VALUES:
            settings = node.input
            self._check_settings(node)
        types = self._inferred(node, schema, settings)
        if any(_dims(kind) is None for kind in types.values()):
            types = self._inferred(node, schema, node.input)
        if any(attribute.name == "ceil_mode" and attribute.i for attribute in node.attribute):
            drop_windows_in_padding(node, _dims(self.types.get(node.input[0])), types)
        for name, kind in types.items():
            dims = _dims(kind)
            if any(dim.dim_value < 0 for dim in kind.tensor_type.shape.dim):
                sizes = " x ".join(str(dim.dim_value) for dim in kind.tensor_type.shape.dim)
                raise ValueError(f"it would be {sizes}")
            if dims is not None and len(dims) > MOST_AXES:
                raise ValueError(f"{name!r} has {len(dims)} axes: at most {MOST_AXES} are possible")
            self._note(name, kind if dims is not None or name not in self._claims else self._claims[name])

    def _check_settings(self, node: "onnx.NodeProto") -> None:
        """Refuse sizes that are too many: older releases of onnx make an axis of each, even unseen."""
        for name in node.input[0 if node.op_type == "ConstantOfShape" else 1 :]:
            dims = _dims(self.types.get(name))
            if dims is not None and prod(dims) > LARGE:
                raise ValueError(f"{name!r} has {prod(dims):,} elements: at most {LARGE:,} are read")

    def _schema(self, node: "onnx.NodeProto") -> Any:
        """What onnx knows of the operator; None where it is not ONNX's, or of no opset that is known."""
        from onnx import defs  # noqa: PLC0415

        opset = self._opsets.get("" if node.domain == "ai.onnx" else node.domain)
        if opset is None:
            return None
        try:
            return defs.get_schema(node.op_type, opset, "" if node.domain == "ai.onnx" else node.domain)
        except Exception:  # of a class of its own, which older releases of onnx do not name
            return None

    def _inferred(
        self, node: "onnx.NodeProto", schema: Any, settings: Iterable[str]
    ) -> dict[str, "onnx.TypeProto"]:
        import numpy as np  # noqa: PLC0415
        from onnx import TensorProto, helper, numpy_helper, shape_inference  # noqa: PLC0415

        values = {name: self._array(name) for name in settings if name in self.constants}
        kinds = {name: self.types[name] for name in node.input if name}
        if node.op_type == "Resize" and "" in node.input:
            node = with_placeholders(node)
            kinds[LEFT_OUT] = helper.make_tensor_type_proto(TensorProto.FLOAT, [0])
            values[LEFT_OUT] = np.empty(0, dtype=np.float32)
        types: dict[str, onnx.TypeProto] = shape_inference.infer_node_outputs(
            schema,
            node,
            kinds,
            {
                name: numpy_helper.from_array(value, name)
                for name, value in values.items()
                if value is not None
            },
            opset_imports=[helper.make_opsetid(domain, version) for domain, version in self._opsets.items()],
        )
        return types

    def _note_computed(self, node: "onnx.NodeProto") -> None:
        """Note outputs that do not depend on the network's input."""
        outputs = [output for output in node.output if output]
        self.constants.update(outputs)
        if operator_name(node) in SAME_ELEMENTS and node.input and outputs:
            source = node.input[0]
            self.origins[outputs[0]] = self.origins.get(source, source)
            if outputs[0] not in self.bits and source in self.bits:
                self.bits[outputs[0]] = self.bits[source]

    @cached_property
    def _opsets(self) -> dict[str, int]:
        return {
            "" if entry.domain == "ai.onnx" else entry.domain: entry.version
            for entry in self.proto.opset_import
        }

    @cached_property
    def _claims(self) -> dict[str, "onnx.TypeProto"]:
        """What the file says of shapes: for operators whose old versions onnx does not infer."""
        if self.inputs.changed:
            return {}
        infos = (*self.proto.graph.value_info, *self.proto.graph.output)
        return {info.name: info.type for info in infos if _dims(info.type) is not None}

    # --- values

    def _array(self, name: str) -> Any:
        """The value of a constant, evaluated if need be; None where it is large or not in the file.

        What it is computed from comes first, without recursion: chains of nodes may be long.
        """
        waiting = [name]
        while waiting:
            current = waiting[-1]
            if current not in self._arrays:
                sources = self._sources(current)
                if missing := [source for source in sources if source not in self._arrays]:
                    waiting += missing
                    continue
                self._evaluate(current)
            waiting.pop()
        return self._arrays[name]

    def _sources(self, name: str) -> list[str]:
        """What a constant is computed from; nothing where it is not computed at all."""
        node = self._makers.get(name)
        if node is None or not self._may_run(node) or node.op_type in {"Shape", "Size"}:
            return []
        return [source for source in node.input if source]

    def _may_run(self, node: "onnx.NodeProto") -> bool:
        """Whether a node computes settings, of which there are few enough."""
        if operator_name(node) not in _COMPUTED:
            return False
        if not self.constants.issuperset(output for output in node.output if output):
            return False
        if node.op_type in {"NonZero", "Shape", "Size"}:  # as many as the input has elements or axes
            return True
        return sum(self._elements(output) for output in node.output if output) <= LARGE

    def _elements(self, name: str) -> int:
        dims = _dims(self.types.get(name))
        return LARGE + 1 if dims is None else prod(dims)

    def _evaluate(self, name: str) -> None:
        """Note the value of a constant whose sources have been evaluated."""
        self._arrays[name] = None
        node = self._makers.get(name)
        if name in self._stored:
            self._arrays[name] = as_array(self._stored[name], Path(self.label).parent)
        elif node is not None and self._may_run(node):
            self._arrays.update(self._shape(node) if node.op_type == "Shape" else self._run(node))

    def _shape(self, node: "onnx.NodeProto") -> dict[str, Any]:
        """What a Shape node puts out."""
        import numpy as np  # noqa: PLC0415

        dims = _dims(self.types.get(node.input[0]))
        if dims is None:
            return {}
        bounds = {attribute.name: attribute.i for attribute in node.attribute}
        return {node.output[0]: np.array(dims[bounds.get("start", 0) : bounds.get("end")], dtype=np.int64)}

    def _run(self, node: "onnx.NodeProto") -> dict[str, Any]:
        """The outputs of one node; nothing where one of its inputs is unknown."""
        import numpy as np  # noqa: PLC0415

        if node.op_type == "Size":
            dims = _dims(self.types.get(node.input[0]))
            return {} if dims is None else {node.output[0]: np.array(prod(dims), dtype=np.int64)}
        arrays = {source: self._arrays[source] for source in node.input if source}
        if any(array is None for array in arrays.values()):
            return {}
        elements = sum(array.size for array in arrays.values())
        self._computed += elements * (SLOW_FACTOR if node.op_type in _SLOW else 1)
        if self._computed > MOST_COMPUTED:
            return {}
        try:
            return outputs_of(node, arrays, self._opsets.get("", 1))
        except Exception:  # whatever keeps onnx from evaluating it: the value stays unknown
            return {}


def _check_counts(node: "onnx.NodeProto") -> None:
    """Refuse what onnx divides by, or reads without end: counts below 1, equations of no letters."""
    for attribute in node.attribute:
        if attribute.name == "equation" and not re.fullmatch(rb"[A-Za-z\s.,]*(->[A-Za-z\s.]*)?", attribute.s):
            raise ValueError(f"equation = {attribute.s.decode(errors='replace')!r} is none of Einsum")
        values = [*attribute.ints] or [attribute.i]
        if attribute.name in _POSITIVE and min(values) < 1:
            raise ValueError(f"{attribute.name} = {', '.join(map(str, values))}: must be at least 1")


def _dims(kind: "onnx.TypeProto | None") -> Dims | None:
    """A shape that consists of numbers."""
    if kind is None or not kind.HasField("tensor_type") or not kind.tensor_type.HasField("shape"):
        return None
    sizes = kind.tensor_type.shape.dim
    if not all(dim.HasField("dim_value") and dim.dim_value >= 0 for dim in sizes):
        return None
    return tuple(dim.dim_value for dim in sizes)


@cache
def _bits() -> dict[int, int]:
    """Bits of each type of element that has less than 32, as its name says."""
    from onnx import TensorProto  # noqa: PLC0415

    matches = {
        number: re.fullmatch(r"(?:U?INT|B?FLOAT)(\d+).*", name)
        for name, number in TensorProto.DataType.items()
    }
    return {
        number: int(match[1])
        for number, match in matches.items()
        if match is not None and int(match[1]) < NARROW
    }

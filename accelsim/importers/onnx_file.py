"""An ONNX file -> a Model, by the shapes that the package onnx infers.

Weights are not looked at: large ones are left out before shapes are inferred, and files beside the model that
hold them need not be there.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from accelsim.errors import DescriptionError, NetworkError
from accelsim.importers.model import Dims, Imported, Model, ModelNode, UnknownValueError
from accelsim.importers.rules import imported

if TYPE_CHECKING:
    import onnx

LARGE: Final = 1 << 16
"""Elements of a constant beyond which it is not a list of sizes."""
IMAGE_RANK: Final = 4
NHWC: Final = [0, 3, 1, 2]


def read_onnx(path: Path, resolution: int | None = None) -> Imported:
    """The network in an ONNX file, for an image of that many pixels where a resolution is given.

    Raises AccelsimError with a line for each thing that is wrong, also where the package onnx is not there.
    """
    proto = _loaded(path)
    batch_note = _fix_input(proto.graph, str(path), resolution)
    graph = _Graph(_inferred(proto))
    model = Model(
        label=str(path),
        name=path.stem,
        source=_source(path, proto, batch_note),
        nodes=graph.nodes,
        inputs=graph.inputs,
        outputs=tuple(output.name for output in proto.graph.output),
        shapes=graph.shapes,
        constants=graph.constants,
        value=graph.value,
    )
    return imported(model)


def _loaded(path: Path) -> "onnx.ModelProto":
    """The model without its large weights."""
    try:
        import onnx  # noqa: PLC0415 (an extra: only who reads a model needs it)
        from google.protobuf.message import DecodeError  # noqa: PLC0415
    except ImportError:
        raise DescriptionError(
            f'{path}: reading ONNX models takes the package onnx: pip install "accelsim[onnx]"'
        ) from None
    try:
        proto = onnx.load_model(path, format="protobuf", load_external_data=False)
    except FileNotFoundError:
        raise DescriptionError(f"{path}: no such file") from None
    except OSError as error:
        raise DescriptionError(f"{path}: cannot be read: {error.strerror}") from None
    except DecodeError:
        raise DescriptionError(f"{path}: is not an ONNX model, or not all of one") from None
    if not proto.graph.node:
        raise DescriptionError(f"{path}: is not an ONNX model, or one without nodes")
    if proto.functions:
        from onnx.inliner import inline_local_functions  # noqa: PLC0415

        proto = inline_local_functions(proto)
    _without_weights(proto.graph)
    return proto


def _without_weights(graph: "onnx.GraphProto") -> None:
    """Leave of each large constant what it is called and its shape."""
    for tensor in graph.initializer:
        if prod(tensor.dims) > LARGE:
            for content in ("raw_data", "float_data", "int32_data", "int64_data", "double_data"):
                tensor.ClearField(content)


# --- shapes


def _fix_input(graph: "onnx.GraphProto", label: str, resolution: int | None) -> str:
    """Give every input a shape of numbers; says what has been made of a batch without one."""
    note = ""
    constants = {tensor.name for tensor in graph.initializer}
    mistakes: list[str] = []
    changed = False
    for given in (given for given in graph.input if given.name not in constants):
        dims = given.type.tensor_type.shape.dim
        found = [dim.dim_value if dim.dim_value > 0 else dim.dim_param or "?" for dim in dims]
        if dims and not isinstance(found[0], int):
            note, changed = "open batch taken as 1", True
            dims[0].dim_value = 1
        if resolution is not None and len(dims) == IMAGE_RANK:
            height = 1 if _is_transposed(graph, given.name) else 2
            for axis in (height, height + 1):
                changed |= found[axis] != resolution
                dims[axis].dim_value = resolution
        if any(dim.dim_value <= 0 for dim in dims):
            shape = " x ".join(map(str, found))
            mistakes.append(
                f"{label}: input {given.name!r} is {shape}: say how large the image is, as in "
                f"{label}@resolution=224"
                if len(dims) == IMAGE_RANK
                else f"{label}: input {given.name!r} is {shape}: let the exporter write a shape of numbers"
            )
    if mistakes:
        raise NetworkError("\n".join(mistakes))
    if changed:  # what the file says of other shapes no longer holds
        del graph.value_info[:]
        for output in graph.output:
            output.type.tensor_type.ClearField("shape")
    return note


def _is_transposed(graph: "onnx.GraphProto", name: str) -> bool:
    """Whether an image has its channels last, since all that is done with it is to put them first."""
    readers = [node for node in graph.node if name in node.input]
    return bool(readers) and all(
        node.op_type == "Transpose" and [*node.attribute[0].ints] == NHWC for node in readers
    )


def _inferred(proto: "onnx.ModelProto") -> "onnx.ModelProto":
    """The model with the shapes of its tensors, as far as the package onnx can tell.

    Where a shape is the result of a computation on shapes that onnx does not follow, it is computed here,
    written into the model as a number, and the next shapes are inferred from it.
    """
    from onnx import numpy_helper, shape_inference  # noqa: PLC0415

    while True:
        proto = shape_inference.infer_shapes(proto, data_prop=True)
        graph = _Graph(proto)
        found = {name: graph.array(name) for name in graph.computed_settings()}
        for name, value in found.items():
            if value is not None:
                proto.graph.initializer.append(numpy_helper.from_array(value, name))
        if all(value is None for value in found.values()):
            return proto
        for node in proto.graph.node:
            for place, output in enumerate(node.output):
                if found.get(output) is not None:
                    node.output[place] = f"{output} (computed)"


# --- nodes and constants


@dataclass
class _Graph:
    """What can be read from a model whose shapes have been inferred."""

    proto: "onnx.ModelProto"
    arrays: dict[str, Any] = field(default_factory=dict)
    """Constants that have been evaluated; None where that is not possible."""

    @cached_property
    def initializers(self) -> dict[str, "onnx.TensorProto"]:
        """Constants that the file holds."""
        return {tensor.name: tensor for tensor in self.proto.graph.initializer}

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """What the model is given; older files list constants too."""
        return tuple(given.name for given in self.proto.graph.input if given.name not in self.initializers)

    @cached_property
    def nodes(self) -> tuple[ModelNode, ...]:
        """All nodes, attributes as plain values."""
        return tuple(
            ModelNode(node.name, node.op_type, (*node.input,), (*node.output,), _attributes(node))
            for node in self.proto.graph.node
        )

    @cached_property
    def shapes(self) -> dict[str, Dims]:
        """Those that are numbers throughout."""
        graph = self.proto.graph
        found = {name: tuple(tensor.dims) for name, tensor in self.initializers.items()}
        for info in (*graph.input, *graph.value_info, *graph.output):
            kind = info.type.tensor_type
            if kind.HasField("shape") and all(dim.HasField("dim_value") for dim in kind.shape.dim):
                found.setdefault(info.name, tuple(dim.dim_value for dim in kind.shape.dim))
        return found

    @cached_property
    def constants(self) -> frozenset[str]:
        """What does not depend on the inputs; shapes do not, since those of the inputs are fixed."""
        known = set(self.initializers)
        for node in self.proto.graph.node:
            shape = node.op_type in {"Shape", "Size"} and node.input[0] in self.shapes
            inside = any(attribute.HasField("g") for attribute in node.attribute)
            if shape or (not inside and known.issuperset(filter(None, node.input))):
                known.update(filter(None, node.output))
        return frozenset(known)

    @cached_property
    def makers(self) -> dict[str, "onnx.NodeProto"]:
        """The node that makes each tensor."""
        return {output: node for node in self.proto.graph.node for output in node.output if output}

    def computed_settings(self) -> Iterable[str]:
        """Constants that are computed, and by which a node of unknown output shape is set."""
        for node in self.proto.graph.node:
            if self.shapes.keys() >= set(filter(None, node.output)):
                continue
            for name in node.input[1:]:
                if name in self.constants and name not in self.initializers:
                    yield name

    def value(self, name: str) -> tuple[float, ...]:
        """The numbers of a constant."""
        array = self.array(name)
        if array is None:
            raise UnknownValueError(f"the value of {name!r} is not in the file, or too large")
        return tuple(array.ravel().tolist())

    def array(self, name: str) -> Any:
        """The value of a constant, evaluated if need be; None where it is large or not in the file."""
        if name not in self.arrays:
            self.arrays[name] = None
            self._evaluate(name)
        return self.arrays[name]

    def _evaluate(self, name: str) -> None:
        import numpy as np  # noqa: PLC0415
        from onnx import TensorProto, numpy_helper  # noqa: PLC0415

        tensor = self.initializers.get(name)
        if tensor is not None:
            if prod(tensor.dims) <= LARGE and tensor.data_location != TensorProto.EXTERNAL:
                self.arrays[name] = numpy_helper.to_array(tensor)
            return
        node = self.makers.get(name)
        if node is None or name not in self.constants or prod(self.shapes.get(name, ())) > LARGE:
            return
        if node.op_type == "Shape":
            dims = self.shapes[node.input[0]]
            bounds = _attributes(node)
            self.arrays[name] = np.array(dims[bounds.get("start", 0) : bounds.get("end")], dtype=np.int64)
            return
        given = {source: self.array(source) for source in node.input if source}
        if all(array is not None for array in given.values()):
            self.arrays.update(self._run(node, given))

    def _run(self, node: "onnx.NodeProto", given: dict[str, Any]) -> dict[str, Any]:
        """The outputs of one node."""
        from onnx.reference import ReferenceEvaluator  # noqa: PLC0415

        opsets = {opset.domain: opset.version for opset in self.proto.opset_import}
        try:
            return dict(
                zip(node.output, ReferenceEvaluator(node, opsets=opsets).run(None, given), strict=True)
            )
        except Exception:  # whatever keeps onnx from evaluating it: the value stays unknown
            return {}


def _attributes(node: "onnx.NodeProto") -> dict[str, Any]:
    """The attributes of a node as plain values; tensors and graphs are of no interest."""
    from onnx import AttributeProto, helper  # noqa: PLC0415

    plain = {
        AttributeProto.INT,
        AttributeProto.INTS,
        AttributeProto.FLOAT,
        AttributeProto.FLOATS,
        AttributeProto.STRING,
    }
    found = {}
    for attribute in node.attribute:
        if attribute.type in plain:
            value = helper.get_attribute_value(attribute)
            found[attribute.name] = value.decode() if isinstance(value, bytes) else value
    return found


def _source(path: Path, proto: "onnx.ModelProto", note: str) -> str:
    """The file, its version and who wrote it."""
    opset = max((entry.version for entry in proto.opset_import if entry.domain in {"", "ai.onnx"}), default=0)
    maker = " ".join(part for part in (proto.producer_name, proto.producer_version) if part)
    parts = [f"ONNX opset {opset}", f"written by {maker}" if maker else "", note]
    return f"{path}: {', '.join(part for part in parts if part)}"

"""Nodes of an ONNX file by themselves: renamed, completed, corrected, and evaluated."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from accelsim.importers.model import Dims
from accelsim.importers.onnx_external import external_array

if TYPE_CHECKING:
    import onnx

LEFT_OUT: Final = "(left out)"
"""What inputs are called that a node leaves out."""


def renamed(
    branch: "onnx.GraphProto", names: dict[str, str], outputs: Sequence[str], node: "onnx.NodeProto"
) -> "onnx.GraphProto":
    """A branch with other names, that makes what its node makes."""
    from onnx import helper  # noqa: PLC0415

    graph = type(branch)()
    graph.CopyFrom(branch)
    for tensor in graph.initializer:
        tensor.name = names[tensor.name]
    for inner in graph.node:
        inner.input[:] = [names.get(name, name) for name in inner.input]
        inner.output[:] = [names.get(name, name) for name in inner.output]
    for inner_name, outer in zip(outputs, node.output, strict=False):
        if names.get(inner_name, inner_name) != outer:  # what it does not make itself, or makes twice
            source = names.get(inner_name, inner_name)
            graph.node.append(helper.make_node("Identity", [source], [outer]))
    return graph


def drop_windows_in_padding(
    node: "onnx.NodeProto", image: Dims | None, types: dict[str, "onnx.TypeProto"]
) -> None:
    """Shorten the outputs of a pooling that rounds up: a window that begins in the padding behind is none.

    So do Caffe, PyTorch and runtimes of ONNX; before opset 22 the package onnx counts it.
    """
    given = {attribute.name: [*attribute.ints] for attribute in node.attribute}
    axes = len(given.get("kernel_shape", ()))
    strides, pads = given.get("strides") or [1] * axes, given.get("pads") or [0] * 2 * axes
    for kind in types.values():
        sizes = kind.tensor_type.shape.dim
        if image is None or len(image) != len(sizes) or len(image) <= axes:
            continue
        for axis in range(axes):
            size = sizes[len(sizes) - axes + axis]
            if (
                size.dim_value > 1
                and (size.dim_value - 1) * strides[axis] >= image[-axes:][axis] + pads[axis]
            ):
                size.dim_value -= 1


def outputs_of(node: "onnx.NodeProto", arrays: dict[str, Any], opset: int) -> dict[str, Any]:
    """What a node computes, as its version of ONNX says: within a model, since a node has no version."""
    from onnx import GraphProto, helper  # noqa: PLC0415
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415

    graph = GraphProto(name="constant", node=[node])
    for source in arrays:
        graph.input.add(name=source)
    names = [output for output in node.output if output]
    for output in names:
        graph.output.add(name=output)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    return dict(zip(names, ReferenceEvaluator(model).run(None, arrays), strict=True))


def as_array(tensor: "onnx.TensorProto", folder: Path) -> Any:
    """A constant of the file; None where its numbers are not there, or not as many as it says."""
    from onnx import TensorProto, numpy_helper  # noqa: PLC0415

    if tensor.data_location == TensorProto.EXTERNAL:
        return external_array(tensor, folder)
    try:
        return numpy_helper.to_array(tensor)
    except Exception:  # what onnx raises where the numbers do not fit the shape
        return None


def with_placeholders(node: "onnx.NodeProto") -> "onnx.NodeProto":
    """A Resize node with a name for each input that is left out.

    Versions 11 and 12 have no optional inputs but the last one; exporters left them out all the same.
    """
    named = type(node)()
    named.CopyFrom(node)
    named.input[:] = [name or LEFT_OUT for name in node.input]
    return named

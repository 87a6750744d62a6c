"""Operators as layers: whatever computes or moves is a loop nest, complete but for what is fused into it."""

from typing import TypedDict

from accelsim.network import operators as ops
from accelsim.network.graph import PublishedNode, Shape
from accelsim.network.layer import Layer
from accelsim.network.lowering.vector_ops import MOVE_OPS
from accelsim.network.precision import NetworkPrecision
from accelsim.network.shapes import operator_name
from accelsim.network.windows import Window


class WindowBounds(TypedDict):
    """The fields of a layer, and of a pooling, that say how a window slides."""

    FY: int
    FX: int
    stride_y: int
    stride_x: int
    pad_top: int
    pad_left: int


def window_bounds(window: Window) -> WindowBounds:
    """A window as a layer has it, but for its dilation."""
    return WindowBounds(
        FY=window.kernel[0],
        FX=window.kernel[1],
        stride_y=window.stride[0],
        stride_x=window.stride[1],
        pad_top=window.padding.top,
        pad_left=window.padding.left,
    )


def convolution(node: PublishedNode, operator: ops.Convolution, precision: NetworkPrecision) -> Layer:
    """K output channels for C input channels in each of G groups."""
    given, output = operator.inputs[0], operator.output
    return Layer(
        name=node.name,
        operator="conv",
        stage=node.stage,
        G=operator.groups,
        K=output.channels // operator.groups,
        C=given.channels // operator.groups,
        OY=output.height,
        OX=output.width,
        IY=given.height,
        IX=given.width,
        **window_bounds(operator.window),
        dilation_y=operator.window.dilation[0],
        dilation_x=operator.window.dilation[1],
        bias=operator.bias,
        params=operator.params,
        weight_bits=node.weight_form.bits,
        weight_density=node.weight_form.density,
        pruned_index_bits=precision.pruned_index_bits,
        activation_bits=precision.activations_bits,
        partial_sum_bits=precision.partial_sums_bits,
    )


def fully_connected(node: PublishedNode, operator: ops.FullyConnected, precision: NetworkPrecision) -> Layer:
    """All elements of the input are channels of one pixel."""
    return Layer(
        name=node.name,
        operator="fully_connected",
        stage=node.stage,
        G=1,
        K=operator.output.channels,
        C=operator.inputs[0].elements,
        OY=1,
        OX=1,
        bias=operator.bias,
        params=operator.params,
        weight_bits=node.weight_form.bits,
        weight_density=node.weight_form.density,
        pruned_index_bits=precision.pruned_index_bits,
        activation_bits=precision.activations_bits,
        partial_sum_bits=precision.partial_sums_bits,
    )


def on_vector_unit(node: PublishedNode, vector_ops: int, precision: NetworkPrecision) -> Layer:
    """One element in, one element out."""
    given, output = node.operator.inputs[0], node.operator.output
    return Layer(
        name=node.name,
        operator=operator_name(node.operator),
        stage=node.stage,
        G=output.channels,
        K=1,
        C=1,
        OY=output.height,
        OX=output.width,
        IY=given.height,
        IX=given.width,
        params=node.operator.params,
        vector_ops=vector_ops,
        activation_bits=precision.activations_bits,
        partial_sum_bits=precision.partial_sums_bits,
    )


def moving(name: str, kind: str, stage: str, shape: Shape, precision: NetworkPrecision) -> Layer:
    """The vector unit brings every element of a tensor to another place, for an operator of this kind."""
    return Layer(
        name=name,
        operator=kind,
        stage=stage,
        G=shape.channels,
        K=1,
        C=1,
        OY=shape.height,
        OX=shape.width,
        IY=shape.height,
        IX=shape.width,
        vector_ops=MOVE_OPS * shape.elements,
        activation_bits=precision.activations_bits,
        partial_sum_bits=precision.partial_sums_bits,
    )

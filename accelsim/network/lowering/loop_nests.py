"""Operators as layers: whatever computes or moves is a loop nest, complete but for what is fused into it."""

from typing import TypedDict

from accelsim.network import operators as ops
from accelsim.network.graph import PublishedNode, Shape
from accelsim.network.layer import Layer, changed
from accelsim.network.lowering.vector_ops import MOVE_OPS
from accelsim.network.precision import NetworkPrecision
from accelsim.network.shapes import operator_name
from accelsim.network.windows import Window


class Bits(TypedDict):
    """The fields of a layer that say how wide its elements are, where its network says."""

    activation_bits: int | None
    partial_sum_bits: int | None


class WeightFields(Bits):
    """The fields of a layer of the array that say what its parameters are."""

    bias: bool
    params: int
    weight_bits: int | None
    weight_density: float | None
    weight_ratio: float | None
    output_density: float | None
    pruned_index_bits: int | None


class WindowBounds(TypedDict):
    """The fields of a layer, and of a pooling, that say how a window slides."""

    FY: int
    FX: int
    stride_y: int
    stride_x: int
    pad_top: int
    pad_left: int


def bits_of(precision: NetworkPrecision) -> Bits:
    """Bits of activations and partial sums, as the network asks for them."""
    return Bits(activation_bits=precision.activations_bits, partial_sum_bits=precision.partial_sums_bits)


def weight_fields(
    node: PublishedNode,
    operator: ops.Convolution | ops.TransposedConvolution | ops.FullyConnected,
    precision: NetworkPrecision,
) -> WeightFields:
    """What a convolution or matrix product says of its parameters."""
    return WeightFields(
        bias=operator.bias,
        params=operator.params,
        weight_bits=node.weight_form.bits,
        weight_density=node.weight_form.density,
        weight_ratio=node.weight_form.ratio,
        output_density=node.weight_form.output_density,
        pruned_index_bits=precision.pruned_index_bits,
        **bits_of(precision),
    )


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
    image, output = operator.inputs[0], operator.output
    return Layer(
        name=node.name,
        operator="conv",
        stage=node.stage,
        G=operator.groups,
        K=output.channels // operator.groups,
        C=image.channels // operator.groups,
        OY=output.height,
        OX=output.width,
        IY=image.height,
        IX=image.width,
        **window_bounds(operator.window),
        dilation_y=operator.window.dilation[0],
        dilation_x=operator.window.dilation[1],
        **weight_fields(node, operator, precision),
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
        **weight_fields(node, operator, precision),
    )


def phase(
    node: PublishedNode,
    operator: ops.TransposedConvolution,
    name: str,
    rows: ops.Phase,
    columns: ops.Phase,
    count: int,
    precision: NetworkPrecision,
) -> Layer:
    """The convolution that makes `count` phases of a transposed one's outputs, side by side as channels."""
    image = operator.inputs[0]
    return Layer(
        name=name,
        operator="conv",
        stage=node.stage,
        G=operator.groups,
        K=count * operator.output.channels // operator.groups,
        C=image.channels // operator.groups,
        OY=rows.outputs,
        OX=columns.outputs,
        IY=image.height,
        IX=image.width,
        FY=rows.taps,
        FX=columns.taps,
        dilation_y=rows.dilation,
        dilation_x=columns.dilation,
        pad_top=rows.padding,
        pad_left=columns.padding,
        **weight_fields(node, operator, precision),
    )


def product(node: PublishedNode, operator: ops.Product, precision: NetworkPrecision) -> Layer:
    """A matrix of another activation for each group; none of its elements is taken as zero."""
    image, output = operator.inputs[0], operator.output
    return Layer(
        name=node.name,
        operator="product",
        stage=node.stage,
        G=operator.groups,
        K=output.channels // operator.groups,
        C=image.channels // operator.groups,
        OY=output.height,
        OX=output.width,
        IY=image.height,
        IX=image.width,
        weight_density=1.0,
        **bits_of(precision),
    )


def on_vector_unit(node: PublishedNode, vector_ops: int, precision: NetworkPrecision) -> Layer:
    """One element in, one element out."""
    operator, name = node.operator, operator_name(node.operator)
    source, output = operator.inputs[0], operator.output
    layer = vector_layer(node.name, name, source, output, bits_of(precision), node.stage, vector_ops)
    return changed(layer, params=operator.params) if operator.params else layer


def moving(name: str, kind: str, stage: str, shape: Shape, precision: NetworkPrecision) -> Layer:
    """The vector unit brings every element of a tensor to another place, for an operator of this kind."""
    return vector_layer(name, kind, shape, shape, bits_of(precision), stage, MOVE_OPS * shape.elements)


def vector_layer(
    name: str, operator: str, source: Shape, output: Shape, bits: Bits, stage: str, vector_ops: int
) -> Layer:
    """A layer of the vector unit: each channel is a group of its own, of one input and one output channel."""
    return Layer(
        name=name,
        operator=operator,
        stage=stage,
        G=output.channels,
        K=1,
        C=1,
        OY=output.height,
        OX=output.width,
        IY=source.height,
        IX=source.width,
        vector_ops=vector_ops,
        **bits,
    )

"""Shapes as people write them: `64x3x5x5/2 -> 112x112`.

Output x input channels x kernel / stride, then the output's height x width. Groups follow as `g2`, steps
between the taps of a kernel (its dilation) as `d2`, the results of a pooling that runs within the layer as a
second `-> 56x56`. Without multiply-accumulates there is one number of channels. A shape is for reading: it
says nothing of padding, bits or fused operators, so layers are told apart by `Layer.nameless`, not by it.
"""

from accelsim.network.graph import Operator
from accelsim.network.layer import Layer
from accelsim.network.operators import Activation, Convolution, FullyConnected, Pool
from accelsim.network.windows import Window


def layer_shape(layer: Layer) -> str:
    """The shape of an executed layer.

    Args:
        layer: With its bounds for one image.

    Returns:
        Output x input channels x kernel / stride, then height x width of the output; for reading only.

    Example:
        >>> layer_shape(Layer("conv1", "conv", K=64, C=3, OY=112, OX=112, FY=7, FX=7, stride_y=2, stride_x=2))
        '64x3x7x7/2 -> 112x112'
    """
    channels = f"{layer.G * layer.K}x{layer.G * layer.C}" if layer.on_array else str(layer.G)
    groups = f" g{layer.G}" if layer.on_array and layer.G > 1 else ""
    kernel = f"{layer.FY}x{layer.FX}{_stride(layer.stride_y, layer.stride_x)}"
    pooled = "" if layer.pooling is None else f" -> {layer.pooling.OY}x{layer.pooling.OX}"
    taps = _dilation(layer.dilation_y, layer.dilation_x)
    return f"{channels}x{kernel}{groups}{taps} -> {layer.OY}x{layer.OX}{pooled}"


def operator_shape(operator: Operator) -> str:
    """The shape of a published operator; only channels and size where it has no kernel."""
    output = operator.output
    size = f"{output.height}x{output.width}"
    if isinstance(operator, Convolution):
        groups = f" g{operator.groups}" if operator.groups > 1 else ""
        inputs = operator.inputs[0].channels
        taps = _dilation(*operator.window.dilation)
        return f"{output.channels}x{inputs}x{_kernel(operator.window)}{groups}{taps} -> {size}"
    if isinstance(operator, FullyConnected):
        return f"{output.channels}x{operator.inputs[0].elements}x1x1 -> {size}"
    if isinstance(operator, Pool):
        return f"{output.channels}x{_kernel(operator.window)} -> {size}"
    return f"{output.channels} -> {size}"


def operator_name(operator: Operator) -> str:
    """What an executed layer's `operator` would be: activations and pools go by their function."""
    if isinstance(operator, Activation):
        return operator.function
    if isinstance(operator, Pool):
        return f"{operator.reduction}_pool"
    return operator.kind


def _kernel(window: Window) -> str:
    return f"{window.kernel[0]}x{window.kernel[1]}{_stride(*window.stride)}"


def _dilation(vertical: int, horizontal: int) -> str:
    if vertical == horizontal:
        return f" d{vertical}" if vertical > 1 else ""
    return f" d{vertical}x{horizontal}"


def _stride(vertical: int, horizontal: int) -> str:
    if vertical == horizontal:
        return f"/{vertical}" if vertical > 1 else ""
    return f"/{vertical}x{horizontal}"

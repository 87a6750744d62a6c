"""Shapes as people write them: `64x3x5x5/2 -> 112x112`.

Output x input channels x kernel / stride, then the output's height x width. Groups follow as `g2`, steps
between the taps of a kernel (its dilation) as `d2`, the results of a pooling that runs within the layer as a
second `-> 56x56`. Without multiply-accumulates there is one number of channels. A shape is for reading: it
says nothing of padding, bits or fused operators, so layers are told apart by `Layer.nameless`, not by it.
"""

from dataclasses import dataclass

from accelsim.network.graph import Operator
from accelsim.network.layer import Layer
from accelsim.network.operators import Activation, Convolution, FullyConnected, Pool, Product, Reduce


@dataclass(frozen=True)
class WrittenShape:
    """The parts of a shape; `str` writes all of them.

    Example:
        >>> str(WrittenShape(64, 3, kernel=(5, 5), stride=(2, 2), sizes=((112, 112),)))
        '64x3x5x5/2 -> 112x112'
    """

    outputs: int
    """Channels of the output."""
    inputs: int | None = None
    """Channels of the input; None where nothing is multiplied."""
    kernel: tuple[int, int] | None = None
    """Height and width, as of all pairs."""
    stride: tuple[int, int] = (1, 1)
    groups: int = 1
    dilation: tuple[int, int] = (1, 1)
    sizes: tuple[tuple[int, int], ...] = ()
    """Of the output, and of the results of a pooling that runs within the layer."""

    @property
    def is_depthwise(self) -> bool:
        """Whether each output channel is made of one input channel."""
        return 1 < self.groups == self.inputs == self.outputs

    @property
    def window(self) -> str:
        """`x3x3/2`: the kernel and how it moves; nothing where there is none."""
        if self.kernel is None:
            return ""
        return f"x{self.kernel[0]}x{self.kernel[1]}{_stride(*self.stride)}"

    @property
    def taps(self) -> str:
        """` d2`: the steps between the taps of the kernel, unless they are next to each other."""
        return _dilation(*self.dilation)

    def __str__(self) -> str:
        inputs = "" if self.inputs is None else f"x{self.inputs}"
        groups = f" g{self.groups}" if self.groups > 1 else ""
        sizes = "".join(f" -> {height}x{width}" for height, width in self.sizes)
        return f"{self.outputs}{inputs}{self.window}{groups}{self.taps}{sizes}"


def layer_shape(layer: Layer) -> WrittenShape:
    """The shape of an executed layer.

    Args:
        layer: With its bounds for one image.

    Returns:
        Output x input channels x kernel / stride, then height x width of the output; for reading only.

    Example:
        >>> conv1 = Layer("conv1", "conv", K=64, C=3, OY=112, OX=112, FY=7, FX=7, stride_y=2, stride_x=2)
        >>> str(layer_shape(conv1))
        '64x3x7x7/2 -> 112x112'
    """
    pooled = () if layer.pooling is None else ((layer.pooling.OY, layer.pooling.OX),)
    return WrittenShape(
        outputs=layer.G * layer.K if layer.on_array else layer.G,
        inputs=layer.G * layer.C if layer.on_array else None,
        kernel=(layer.FY, layer.FX),
        stride=(layer.stride_y, layer.stride_x),
        groups=layer.G if layer.on_array else 1,
        dilation=(layer.dilation_y, layer.dilation_x),
        sizes=((layer.OY, layer.OX), *pooled),
    )


def operator_shape(operator: Operator) -> WrittenShape:
    """The shape of a published operator; only channels and size where it has no kernel."""
    output = operator.output
    sizes = ((output.height, output.width),)
    if isinstance(operator, Convolution):
        return WrittenShape(
            outputs=output.channels,
            inputs=operator.inputs[0].channels,
            kernel=operator.window.kernel,
            stride=operator.window.stride,
            groups=operator.groups,
            dilation=operator.window.dilation,
            sizes=sizes,
        )
    if isinstance(operator, FullyConnected):
        return WrittenShape(output.channels, operator.inputs[0].elements, kernel=(1, 1), sizes=sizes)
    if isinstance(operator, Product):
        return WrittenShape(
            output.channels, operator.inputs[0].channels, kernel=(1, 1), groups=operator.groups, sizes=sizes
        )
    if isinstance(operator, Pool):
        window = operator.window
        return WrittenShape(output.channels, kernel=window.kernel, stride=window.stride, sizes=sizes)
    return WrittenShape(output.channels, sizes=sizes)


def operator_name(operator: Operator) -> str:
    """What an executed layer's `operator` would be: activations and pools go by their function."""
    if isinstance(operator, Activation):
        return operator.function
    if isinstance(operator, Pool):
        return f"{operator.reduction}_pool"
    if isinstance(operator, Reduce):
        return f"reduce_{operator.function}"
    return operator.kind


def _dilation(vertical: int, horizontal: int) -> str:
    if vertical == horizontal:
        return f" d{vertical}" if vertical > 1 else ""
    return f" d{vertical}x{horizontal}"


def _stride(vertical: int, horizontal: int) -> str:
    if vertical == horizontal:
        return f"/{vertical}" if vertical > 1 else ""
    return f"/{vertical}x{horizontal}"

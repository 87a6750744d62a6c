"""Poolings: the vector unit pools a layer's outputs before they are stored.

A pooling works on each channel alone, so it may go into every layer whose channels a concatenation put side
by side. What it needs is that nobody else wants the outputs before they are pooled.
"""

from dataclasses import replace

from accelsim.network import operators as ops
from accelsim.network.executed import Reason
from accelsim.network.graph import PublishedNode, Shape
from accelsim.network.layer import Layer, Pooling, changed
from accelsim.network.lowering.execution import Execution, LayerWork, by_layer
from accelsim.network.lowering.layout import with_pixels
from accelsim.network.lowering.loop_nests import on_vector_unit, window_bounds
from accelsim.network.lowering.progress import Progress
from accelsim.network.shapes import operator_name
from accelsim.network.windows import Padding, Window


def pool(progress: Progress, node: PublishedNode, operator: ops.Pool) -> Execution:
    """Fuse it into the layers that produce its input, or make it a layer."""
    return _pooled(progress, node, operator.window)


def global_average_pool(
    progress: Progress, node: PublishedNode, operator: ops.GlobalAveragePool
) -> Execution:
    """The same with a window as large as its input."""
    return _pooled(progress, node, _whole_plane(operator.inputs[0]))


def reduce(progress: Progress, node: PublishedNode, operator: ops.Reduce) -> Execution:
    """A window as large as the axes; one over channels walks along them as along rows of pixels."""
    image = operator.inputs[0]
    if "channels" not in operator.axes:
        height, width = (getattr(image, axis) if axis in operator.axes else 1 for axis in ("height", "width"))
        window = Window((height, width), (height, width), (1, 1), Padding(0, 0, 0, 0))
        return _pooled(progress, node, window)
    # In memory a pixel's channels lie as far from each other as the plane is large: a column of a plane whose
    # rows are channels. Rows or columns that go as well are columns of it that one window covers.
    columns = image.pixels // operator.output.pixels
    layer = replace(
        on_vector_unit(node, image.elements, progress.precision),
        OY=1,
        OX=operator.output.pixels,
        IY=image.channels,
        IX=image.pixels,
        FY=image.channels,
        FX=columns,
        stride_y=image.channels,
        stride_x=columns,
    )
    return by_layer(layer, "layer", Reason.POOLS_ALONE, progress.inputs(node))


def _pooled(progress: Progress, node: PublishedNode, window: Window) -> Execution:
    (source,) = node.operands
    layers = progress.owners(source)
    plain = progress.is_plain(source)
    if not layers or not plain or window.dilation != (1, 1) or not all(layer.on_array for layer in layers):
        layer = _pooling_layer(progress, node, window)
        return by_layer(layer, "layer", Reason.POOLS_ALONE, progress.inputs(node))
    output = node.operator.output
    pooling = Pooling(
        name=node.name,
        operator=operator_name(node.operator),
        OY=output.height,
        OX=output.width,
        **window_bounds(window),
    )
    work = tuple([LayerWork(changed(layer, pooling=pooling)) for layer in layers])
    pooled = with_pixels(progress.tensor(source), output.pixels)
    return Execution("fused", Reason.POOLS_OUTPUTS, pooled, work)


def _pooling_layer(progress: Progress, node: PublishedNode, window: Window) -> Layer:
    vector_ops = node.operator.output.elements * window.kernel[0] * window.kernel[1]
    return replace(
        on_vector_unit(node, vector_ops, progress.precision),
        **window_bounds(window),
        dilation_y=window.dilation[0],
        dilation_x=window.dilation[1],
    )


def _whole_plane(image: Shape) -> Window:
    size = (image.height, image.width)
    return Window(kernel=size, stride=size, dilation=(1, 1), padding=Padding(0, 0, 0, 0))

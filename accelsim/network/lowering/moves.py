"""Elements in other places: what changes no address costs nothing, all else moves through the vector unit."""

from dataclasses import replace

from accelsim.network import operators as ops
from accelsim.network.executed import Reason
from accelsim.network.graph import PublishedNode
from accelsim.network.layer import Layer
from accelsim.network.lowering.execution import (
    Execution,
    LayerWork,
    TensorRead,
    by_layer,
    by_nothing,
    output_of,
)
from accelsim.network.lowering.layout import Cutter, Tensor, with_pixels
from accelsim.network.lowering.loop_nests import moving
from accelsim.network.lowering.progress import Progress


def reshape(progress: Progress, node: PublishedNode, _operator: ops.Reshape) -> Execution:
    """Pixels of each channel lie one after another, whatever rows they are in."""
    (source,) = node.operands
    owner = progress.owner(source)
    execution = by_nothing(progress.tensor(source), Reason.SAME_ADDRESSES)
    return execution if owner is None else execution._replace(whole_output_of=owner.name)


def rearrange(progress: Progress, node: PublishedNode, _operator: ops.Rearrange) -> Execution:
    """Every element moves."""
    return _moved(_mover(progress, node), progress.tensor(node.operands[0]))


def axis_slice(progress: Progress, node: PublishedNode, operator: ops.AxisSlice) -> Execution:
    """Those elements move that are there afterwards; none where they are channels that are neighbours."""
    copies, tensor = in_one_piece(progress, node)
    if operator.axis == "channels":
        if operator.step == 1:
            part = Cutter(tensor).cut(operator.first, operator.size)
            if copies:
                return Execution("copied", Reason.ELEMENTS_MOVE, part, copies)
            return by_nothing(part, Reason.PART_IS_READ)
        picked = range(
            operator.first, operator.first + (operator.size - 1) * operator.step + 1, operator.step
        )
        return _moved(_mover(progress, node), Cutter(tensor).picked(picked), copies)
    image = operator.inputs[0]
    layer = replace(_mover(progress, node), IY=image.height, IX=image.width)
    if operator.axis == "height":
        layer = replace(layer, stride_y=operator.step, pad_top=-operator.first)
    else:
        layer = replace(layer, stride_x=operator.step, pad_left=-operator.first)
    return _moved(layer, tensor, copies)


def gather(progress: Progress, node: PublishedNode, operator: ops.Gather) -> Execution:
    """Each of the elements moves as often as it is picked."""
    copies, tensor = in_one_piece(progress, node)
    if operator.axis == "channels":
        return _moved(_mover(progress, node), Cutter(tensor).picked(operator.indices), copies)
    return _moved(_mover(progress, node), with_pixels(tensor, operator.output.pixels), copies)


def pad(progress: Progress, node: PublishedNode, operator: ops.Pad) -> Execution:
    """Every element moves."""
    image, margins = operator.inputs[0], operator.margins
    layer = replace(
        _mover(progress, node),
        IY=image.height,
        IX=image.width,
        pad_top=margins.top,
        pad_left=margins.left,
    )
    return _moved(layer, progress.tensor(node.operands[0]))


def max_unpool(progress: Progress, node: PublishedNode, operator: ops.MaxUnpool) -> Execution:
    """Elements come with their places, and all outputs are written."""
    image = operator.inputs[0]
    layer = replace(_mover(progress, node), IY=image.height, IX=image.width, operands=2)
    return by_layer(layer, "layer", Reason.ELEMENTS_MOVE, progress.inputs(node))


def in_one_piece(progress: Progress, node: PublishedNode) -> tuple[tuple[LayerWork, ...], Tensor]:
    """What a node reads, of which channels can be cut; parts that lie interleaved are put together first."""
    (source,) = node.operands
    if progress.is_plain(source):
        return (), progress.tensor(source)
    (name,) = progress.new_names(node.name, 1)
    copy = moving(name, node.operator.kind, node.stage, node.operator.inputs[0], progress.precision)
    return (LayerWork(copy, progress.inputs(node)),), output_of(copy)


def _mover(progress: Progress, node: PublishedNode) -> Layer:
    operator = node.operator
    return moving(node.name, operator.kind, node.stage, operator.output, progress.precision)


def _moved(layer: Layer, tensor: Tensor, copies: tuple[LayerWork, ...] = ()) -> Execution:
    """A layer moves what it reads of a tensor, after copies that have to be there first."""
    execution = by_layer(layer, "layer", Reason.ELEMENTS_MOVE, (TensorRead(tensor),))
    return execution._replace(work=(*copies, *execution.work))

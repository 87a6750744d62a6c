"""A described network -> its published graph."""

from accelsim.descriptions.limits import MAX_BLOCKS, MAX_RESOLUTION
from accelsim.errors import NetworkError
from accelsim.network.blocks import Position
from accelsim.network.compression import compressed
from accelsim.network.description import Network
from accelsim.network.graph import Draft, PublishedGraph, Shape
from accelsim.network.operators import network_input
from accelsim.network.stages import IMAGE, Stage
from accelsim.network.windows import SizeError


def build(network: Network) -> PublishedGraph:
    """The published graph, with what the network says of its bits and zeros.

    Args:
        network: Its stages, as they are described.

    Returns:
        Operators in the order of the stages, with their shapes.

    Raises:
        NetworkError: Names the layer that does not fit, and the remedy.
        DescriptionError: Names the line of the file whose `compression` is about no layer.

    Example:
        >>> from accelsim import load_network
        >>> published = build(load_network("squeezenet_v1_1"))
        >>> published["fire2.expand3x3"].operands
        ('fire2.squeeze1x1.relu',)
    """
    blocks = sum(stage.repeat or 1 for stage in network.stages)
    if blocks > MAX_BLOCKS:
        raise NetworkError(f"{network.name}: has {blocks:,} blocks, of at most {MAX_BLOCKS:,}: repeat fewer")
    try:
        published = _assemble(network.stages, network.image)
    except SizeError as error:
        smallest = _smallest_resolution(network.stages, network.image)
        remedy = f"; {smallest} is the smallest resolution that works" if smallest else ""
        raise NetworkError(f"{network.name}: {error}{remedy}") from None
    except NetworkError as error:
        raise NetworkError(f"{network.name}: {error}") from None
    described = network.description
    return compressed(published, described.name, described.precision, network.compression)


def _assemble(stages: tuple[Stage, ...], image: Shape) -> PublishedGraph:
    draft = Draft()
    last, before = network_input(draft, IMAGE, image), None
    outputs = {IMAGE: last}
    for stage in stages:
        draft.stage = stage.label
        last, *others = [outputs[name] for name in stage.reads] or [last]
        for index, name in enumerate(stage.block_names):
            draft.block = name
            position = Position(name, index, before, () if index else tuple(others))
            last, before = stage.block.build(draft, last, position), last
        outputs[stage.name] = last
    return draft.graph


def _works(stages: tuple[Stage, ...], channels: int, resolution: int) -> bool:
    try:
        _assemble(stages, Shape(channels, resolution, resolution))
    except NetworkError:
        return False
    return True


def _smallest_resolution(stages: tuple[Stage, ...], image: Shape) -> int | None:
    """The smallest image for which every window finds room, by bisection; None if there is none.

    None, too, for an image that is not square: it has no resolution.
    """
    if image.height != image.width:
        return None
    low, high = image.height, 2 * image.height
    while not _works(stages, image.channels, high):
        low, high = high, 2 * high
        if low >= MAX_RESOLUTION:
            return None
    while low + 1 < high:
        middle = (low + high) // 2
        if _works(stages, image.channels, middle):
            high = middle
        else:
            low = middle
    return high

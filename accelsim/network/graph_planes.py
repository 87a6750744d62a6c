"""What another image changes in a list of operators: sizes that were written down for the old one.

Most planes follow by themselves. A pooling whose window was the whole plane stays one, and what was resized
to the size of another plane, as in a decoder, is resized to what that plane has become.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from accelsim.errors import NetworkError
from accelsim.network import operators as ops
from accelsim.network.blocks.graph import INPUT, OperatorRow
from accelsim.network.graph import Draft, Operator, PublishedGraph, Shape
from accelsim.network.windows import Padding

Plane: TypeAlias = tuple[int, int]
"""Height and width."""
Arguments: TypeAlias = dict[str, dict[str, Any]]
"""New arguments of rows, by the rows' names."""


def replanned(rows: Sequence[OperatorRow], published: PublishedGraph, resolution: int) -> Arguments:
    """The arguments of rows that are others for a square image of so many rows and columns.

    Args:
        rows: Operators as they are.
        published: What they are for the image as it is.
        resolution: Height and width of the new one.

    Returns:
        New arguments by the names of rows; with those for the old image again, they are what they were.

    Raises:
        NetworkError: The image is no square, a window finds no room, or it cannot be told to what something
            is to be resized.
    """
    image = published[INPUT].operator.output
    if image.height != image.width:
        raise NetworkError(f"its image of {image.height} x {image.width} is no square: it has no resolution")
    draft = Draft()
    ops.network_input(draft, INPUT, Shape(image.channels, resolution, resolution))
    planes = _Planes()
    planes.note(published[INPUT].operator, draft.shape(INPUT))
    arguments: Arguments = {}
    for row in rows:
        operator = published[row.name].operator
        read = draft.shape(row.inputs[0]) if row.inputs else operator.output
        if new := _new_arguments(row.name, operator, _plane(read), planes):
            arguments[row.name] = {
                key: list(value) if isinstance(value, tuple) else value for key, value in new.items()
            }
            row = row.model_copy(update=new)  # noqa: PLW2901 (the same row for the new image)
        row.add(draft, list(row.inputs))
        planes.note(operator, draft.shape(row.name))
    _check_poolings(published, draft)
    labels = planes.labels()
    for row in rows:
        if row.stage in labels:
            arguments.setdefault(row.name, {})["stage"] = labels[row.stage]
    return arguments


@dataclass
class _Planes:
    """What planes of the old image have become; several become one where sizes are rounded."""

    after: dict[Plane, set[Plane]] = field(default_factory=dict)
    before: dict[Plane, set[Plane]] = field(default_factory=dict)

    def note(self, operator: Operator, new: Shape) -> None:
        """That an operator puts out another plane."""
        old, plane = _plane(operator.output), _plane(new)
        self.after.setdefault(old, set()).add(plane)
        self.before.setdefault(plane, set()).add(old)

    def only(self, old: Plane) -> Plane | None:
        """What a plane has become, if nothing else has, and it nothing else; else None."""
        new = self.after[old]
        plane = next(iter(new))
        return plane if len(new) == 1 and self.before[plane] == {old} else None

    def labels(self) -> dict[str, str]:
        """Stages are called by their planes where models are imported: the new names of the old ones."""
        pairs = [(old, self.only(old)) for old in self.after]
        return {_label(old): _label(new) for old, new in pairs if new is not None and new != old}


def _plane(shape: Shape) -> Plane:
    return (shape.height, shape.width)


def _label(plane: Plane) -> str:
    return f"{plane[0]}x{plane[1]}"


def _new_arguments(name: str, operator: Operator, read: Plane, planes: _Planes) -> dict[str, Any]:
    """Those of an operator that have to be others where it reads another plane."""
    if isinstance(operator, ops.Pool) and _is_of_a_whole_plane(operator):
        kernel = _padded(read, operator.window.padding)
        return {} if kernel == operator.window.kernel else {"kernel": kernel}
    if isinstance(operator, ops.Resize | ops.MaxUnpool):
        size = _resized(name, operator, read, planes)
        return {} if size == operator.size else {"size": size}
    if isinstance(operator, ops.AxisSlice) and operator.axis != "channels":
        extent = _sliced(name, operator, read)
        return {} if extent == operator.size else {"size": extent}
    if not _follows(operator):
        raise NetworkError(f"{name}: what this {operator.kind} is for an image of another size is not known")
    return {}


_FOLLOWING: Final = (
    ops.Activation,
    ops.BatchNorm,
    ops.ChannelPermutation,
    ops.ChannelShuffle,
    ops.Concat,
    ops.Convolution,
    ops.Dropout,
    ops.FullyConnected,
    ops.GlobalAveragePool,
    ops.LocalResponseNorm,
    ops.Multiply,
    ops.NetworkOutput,
    ops.Normalization,
    ops.Pad,
    ops.Pool,
    ops.Reduce,
    ops.Several,
    ops.Slice,
    ops.Softmax,
    ops.TransposedConvolution,
)
"""Operators whose arguments say nothing of the size of what they read."""


def _follows(operator: Operator) -> bool:
    """Whether an operator is the same for another plane, with the arguments that it has."""
    if isinstance(operator, ops.AxisSlice | ops.Gather):
        return operator.axis == "channels"
    if isinstance(operator, ops.Constant):
        return _plane(operator.output) == (1, 1)
    return isinstance(operator, _FOLLOWING)


def _sliced(name: str, operator: ops.AxisSlice, read: Plane) -> int:
    """As many as there are of a whole axis, from the first on, every so many."""
    now, then = _plane(operator.inputs[0]), read
    axis = ("height", "width").index(operator.axis)
    every = [-(-(plane[axis] - operator.first) // operator.step) for plane in (now, then)]
    if operator.size != every[0]:
        raise NetworkError(f"{name}: cuts a part out of the plane: which of another one is not said")
    return every[1]


def _resized(name: str, operator: ops.Resize | ops.MaxUnpool, read: Plane, planes: _Planes) -> Plane:
    """What another plane of that size has become; where there was none, as many times what is read."""
    size, now = operator.size, _plane(operator.inputs[0])
    if size in planes.after:
        if (plane := planes.only(size)) is not None:
            return plane
    elif size[0] % now[0] == size[1] % now[1] == 0:
        plane = (size[0] // now[0] * read[0], size[1] // now[1] * read[1])
        if plane not in planes.before:
            return plane
    raise NetworkError(
        f"{name}: resizes {_label(now)} to {_label(size)}: to what is not said for an image of another size"
    )


def _is_of_a_whole_plane(operator: Operator) -> bool:
    """Whether a pooling has one window, which is all that it reads, with the padding that it has."""
    if not isinstance(operator, ops.Pool) or operator.padding == "same":
        return False
    whole = _padded(_plane(operator.inputs[0]), operator.window.padding)
    return operator.window.kernel == whole != (1, 1)


def _padded(plane: Plane, padding: Padding) -> Plane:
    return (plane[0] + padding.top + padding.bottom, plane[1] + padding.left + padding.right)


def _check_poolings(published: PublishedGraph, draft: Draft) -> None:
    """Refuse an image for which a window is the whole plane that was not, or the other way round."""
    for node in draft.graph.nodes:
        if _is_of_a_whole_plane(node.operator) != _is_of_a_whole_plane(published[node.name].operator):
            raise NetworkError(
                f"{node.name}: pools the whole plane of one of the two images, and windows of the other's"
            )

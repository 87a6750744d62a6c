"""Tensors as their readers want them: with axes for channels, rows and columns, or with those of another one.

What is there already costs nothing. Pixels in the same order in other rows and columns are a row `reshape`,
which moves nothing; everything else is a row `rearrange`, which moves all.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Final

from accelsim.importers.atoms import Atoms, C, H, N, View, W, axes_of, flat, joined, regrouped, size_of, whole
from accelsim.importers.model import Dims
from accelsim.importers.tensors import NO_MARGIN, ModelTensor, NodeError, RowMaker, by


def arranged(
    node: RowMaker,
    tensor: ModelTensor,
    channels: Sequence[int],
    rows: Sequence[int] = (),
    columns: Sequence[int] = (),
    *,
    ordered: bool = True,
    in_turn: bool = False,
    upright: bool = False,
) -> ModelTensor:
    """The tensor with some of its dimensions as channels, others as rows and as columns, or the other way.

    Args:
        node: Which wants it so.
        tensor: With any axes; the dimensions that are not named must be those of the batch.
        channels: Dimensions that are channels together, outer ones first; so for the others.
        rows: Dimensions.
        columns: Dimensions.
        ordered: Whether channels have to be in the order in which the dimensions have them. They need not
            where all are summed, since weights may have any order.
        in_turn: Whether only the order of the pixels matters, not which of them are in a row.
        upright: Whether rows have to be rows, and not columns.
    """
    check_batch(tensor, (*channels, *rows, *columns))
    wanted = [flat(tensor.view[index] for index in part) for part in (channels, rows, columns)]
    axes = tensor.axes
    in_place = wanted[0] == axes[C] if ordered else _is_all_of(tensor, C, wanted[0])
    plane, places = (wanted[1], wanted[2]), {(axes[H], axes[W])}
    if in_place and plane in (places if upright else {*places, (axes[W], axes[H])}):
        return tensor
    pixels = flat((axes[H], axes[W]))
    if in_place and joined((*wanted[1], *wanted[2])) == pixels:
        if in_turn:
            return tensor
        size = [size_of(wanted[1]), size_of(wanted[2])]
        shape = (tensor.shape[0], *size)
        output = node.row("reshape", [tensor], shape, suffix=".reshaped", size=tuple(size))
        kept = {index: tensor.view[index] for index in channels}
        return _seen(tensor, output, {H: rows, W: columns}, kept)
    return rearranged(node, tensor, channels, rows, columns)


def rearranged(
    node: RowMaker,
    tensor: ModelTensor,
    channels: Sequence[int],
    rows: Sequence[int] = (),
    columns: Sequence[int] = (),
    suffix: str = ".arranged",
) -> ModelTensor:
    """The tensor with every element moved to where its dimensions say; see `arranged`."""
    check_batch(tensor, (*channels, *rows, *columns))
    parts = {C: channels, H: rows, W: columns}
    count, height, width = (prod(tensor.dims[index] for index in part) for part in parts.values())
    shape = (count, height, width)
    output = node.row("rearrange", [tensor], shape, suffix=suffix, channels=count, height=height, width=width)
    return _seen(tensor, output, parts, {})


def _seen(
    tensor: ModelTensor, output: ModelTensor, parts: dict[str, Sequence[int]], kept: dict[int, Atoms]
) -> ModelTensor:
    """What a row puts out, seen as the tensor was: dimensions are parts of axes, some as they were."""
    view: list[Atoms] = [kept.get(index, atoms) for index, atoms in enumerate(tensor.view)]
    for axis, part in parts.items():
        sizes = [tensor.dims[index] for index in part]
        cut = regrouped(whole(axis, prod(sizes)), sizes)
        assert cut is not None  # an axis can be cut in any way
        for index, atoms in zip(part, cut, strict=True):
            view[index] = atoms
    return replace(output, view=tuple(view), bits=tensor.bits)


def check_batch(tensor: ModelTensor, dimensions: Sequence[int]) -> None:
    """Refuse dimensions that are or hold the images of a batch, and leave nothing but those."""
    for index, atoms in enumerate(tensor.view):
        if index in dimensions and N in axes_of(atoms):
            raise NodeError(f"mixes the images of a batch: dimension {index} of its {by(tensor.dims)} input")
        if index not in dimensions and axes_of(atoms) - {N}:
            raise NodeError(
                f"does the same for {size_of(atoms)} parts of its input, {by(tensor.dims)} ({tensor.words})"
            )


def _is_all_of(tensor: ModelTensor, axis: str, atoms: Atoms) -> bool:
    """Whether a dimension is an axis, in any order: atoms never overlap."""
    return axes_of(atoms) <= {axis} and size_of(atoms) == tensor.extents[axis]


def is_all_of(tensor: ModelTensor, axes: str, dimensions: Sequence[int]) -> bool:
    """Whether dimensions are some axes, all of them and in any order."""
    atoms = [atom for index in dimensions for atom in tensor.view[index]]
    return axes_of(atoms) <= set(axes) and size_of(atoms) == prod(tensor.extents[axis] for axis in axes)


def turned(tensor: ModelTensor, rows: Atoms, columns: Atoms) -> bool:
    """Whether what the model has as rows are the network's columns, of a tensor that is arranged."""
    axes = tensor.axes
    return (rows, columns) != (axes[H], axes[W])


def settled(node: RowMaker, tensor: ModelTensor) -> ModelTensor:
    """The tensor with all that waits to be added around it, or left out."""
    if not tensor.waits:
        return tensor
    waiting = [index for index, margin in enumerate(tensor.margins) if margin != NO_MARGIN]
    bare = replace(tensor, margins=())
    if len(waiting) > 2:
        raise NodeError(f"is padded along {len(waiting)} dimensions: two are supported")
    rest = [
        index for index, atoms in enumerate(tensor.view) if index not in waiting and N not in axes_of(atoms)
    ]
    rows, columns = ([], waiting) if len(waiting) == 1 else (waiting[:1], waiting[1:])
    other = _rest_of_plane(bare, waiting, rest)
    if other:
        rows, rest = other, [index for index in rest if index not in other]
    placed = arranged(node, bare, rest, rows, columns, ordered=False)
    places = [atoms_of(placed.view, part) for part in (rows, columns)]
    margins = [
        tensor.margins[part[0]] if part and part[0] in waiting else NO_MARGIN for part in (rows, columns)
    ]
    if turned(placed, *places):
        margins.reverse()
        rows, columns = columns, rows
    (top, bottom), (left, right) = margins
    shape = (placed.shape[0], placed.shape[1] + top + bottom, placed.shape[2] + left + right)
    output = node.row("pad", [placed], shape, suffix=".padded", padding=[top, bottom, left, right])
    kept = {index: placed.view[index] for index in range(len(placed.view)) if index not in (*rows, *columns)}
    result = replace(placed, view=_plane_view(placed, kept, rows, columns, shape))
    return replace(result, row=output.row, shape=shape)


def _plane_view(
    tensor: ModelTensor, kept: dict[int, Atoms], rows: Sequence[int], columns: Sequence[int], shape: Dims
) -> View:
    view = [kept.get(index, ()) for index in range(len(tensor.view))]
    for axis, part, size in ((H, rows, shape[1]), (W, columns, shape[2])):
        sizes = [tensor.dims[index] for index in part]
        if len(part) == 1:
            sizes = [size]
        for index, atoms in zip(part, regrouped(whole(axis, size), sizes) or (), strict=True):
            view[index] = atoms
    return tuple(view)


def _rest_of_plane(tensor: ModelTensor, chosen: Sequence[int], rest: Sequence[int]) -> list[int]:
    """Of a tensor one of whose plane axes is chosen: the dimensions that are the other one."""
    if len(chosen) != 1:
        return []
    (index,) = chosen
    axes = tensor.axes
    for axis, other in ((H, W), (W, H)):
        if tensor.view[index] == axes[axis]:
            return [index for index in rest if tensor.view[index] and tensor.view[index] == axes[other]]
    return []


def atoms_of(view: View, dimensions: Sequence[int]) -> Atoms:
    """Some dimensions as one."""
    return flat(view[index] for index in dimensions)


# --- one tensor as another


MOST_REPEATED: Final = 65_536
"""Channels that a row may make of one."""


def expanded(node: RowMaker, tensor: ModelTensor, dims: Dims, suffix: str = ".grown") -> ModelTensor:
    """The tensor with one element repeated along each dimension that is larger in `dims`.

    Rows and columns are repeated by a row `resize`, channels by a row `gather`.
    """
    tensor = with_rank(tensor, len(dims))
    grown = [
        index for index, (size, wanted) in enumerate(zip(tensor.dims, dims, strict=True)) if size != wanted
    ]
    if any(tensor.dims[index] != 1 for index in grown):
        raise NodeError(f"cannot make {by(dims)} of {by(tensor.dims)}")
    axes = _axes_for(tensor, grown)
    if axes is None:
        others = [i for i, atoms in enumerate(tensor.view) if i not in grown and N not in axes_of(atoms)]
        tensor = arranged(node, tensor, others)
        axes = _axes_for(tensor, grown) or {}
        if len(axes) < len(grown):
            raise NodeError(f"makes {by(dims)} of {by(tensor.dims)}: two dimensions can grow at once")
    view = [*tensor.view]
    extents = tensor.extents
    for index, axis in axes.items():
        view[index], extents[axis] = whole(axis, dims[index]), dims[index]
    channels, height, width = extents[C], extents[H], extents[W]
    if (height, width) != tensor.shape[1:]:
        shape = (tensor.shape[0], height, width)
        tensor = replace(
            tensor,
            row=node.row("resize", [tensor], shape, suffix=suffix, size=(height, width)).row,
            shape=shape,
        )
    if channels != tensor.shape[0]:
        if channels > MOST_REPEATED:
            raise NodeError(f"repeats one channel {channels:,} times: at most {MOST_REPEATED:,} are possible")
        shape = (channels, height, width)
        picked = (0,) * channels
        suffix = f"{suffix}.channels"
        output = node.row("gather", [tensor], shape, suffix=suffix, axis="channels", indices=picked)
        tensor = replace(tensor, row=output.row, shape=shape)
    return replace(tensor, view=tuple(view))


def _axes_for(tensor: ModelTensor, indices: Sequence[int]) -> dict[int, str] | None:
    """An axis of one element for each dimension, its usual one if that is free; None: there are too few."""
    free = [axis for axis in (W, H, C) if tensor.extents[axis] == 1]
    axes: dict[int, str] = {}
    for index in indices:
        usual = "NCHW"[4 - len(tensor.view) + index] if len(tensor.view) <= 4 else C
        if not free:
            return None
        axes[index] = usual if usual in free else free[0]
        free.remove(axes[index])
    return axes


def with_rank(tensor: ModelTensor, rank: int) -> ModelTensor:
    """The tensor with dimensions of one element before the others."""
    missing = rank - len(tensor.view)
    return replace(tensor, view=((),) * missing + tensor.view) if missing > 0 else tensor


def matched(node: RowMaker, tensor: ModelTensor, like: ModelTensor) -> ModelTensor:
    """A tensor with the axes of another one, or one element in the place of rows, columns or the plane."""
    tensor = with_rank(tensor, len(like.view))
    if any(size not in {1, wanted} for size, wanted in zip(tensor.dims, like.dims, strict=True)):
        raise NodeError(f"cannot combine {by(like.dims)} and {by(tensor.dims)}")
    if tensor.batch != like.batch or flat([a for a in tensor.view if N in axes_of(a)]) != flat(
        [a for a in like.view if N in axes_of(a)]
    ):
        raise NodeError(f"combines different images of a batch: {by(like.dims)} and {by(tensor.dims)}")
    if _fits(tensor, like):
        return tensor
    repeated = _with_repeated_parts(tensor, like)
    if repeated != tensor.dims:
        tensor = expanded(node, tensor, repeated)
        if _fits(tensor, like):
            return tensor
    cut = _cut_alike(tensor, like)
    sources = {
        atom: (position, number)
        for position, atoms in enumerate(like.view)
        for number, atom in enumerate(atoms)
        if atom.axis != N
    }
    flat_view: list[Atoms] = []
    place: dict[tuple[int, int], int] = {}
    for position, parts in enumerate(cut):
        for number, part in enumerate(parts):
            place[position, number] = len(flat_view)
            flat_view.append(part)
    batch = [a for atoms in tensor.view for a in atoms if a.axis == N]
    loose = replace(tensor, view=(*flat_view, tuple(batch)))
    groups: list[list[int]] = []
    for axis in (C, H, W):
        atoms = sorted((a for a in sources if a.axis == axis), key=lambda a: -a.stride)
        groups.append([place[sources[a]] for a in atoms if sources[a] in place])
    channels, rows, columns = groups
    moved = rearranged(node, loose, channels, rows, columns, ".as_other")
    view = tuple(() if size == 1 else atoms for size, atoms in zip(tensor.dims, like.view, strict=True))
    result = replace(moved, view=view)
    if _fits(result, like):
        return result
    return expanded(node, result, like.dims)


def _cut_alike(tensor: ModelTensor, like: ModelTensor) -> list[View]:
    """The atoms of each dimension, cut as those of another tensor are; none for what is repeated or batch."""
    cut: list[View] = []
    for atoms, others in zip(tensor.view, like.view, strict=True):
        if size_of(atoms) == 1 or N in axes_of(atoms):
            cut.append(())
            continue
        parts = regrouped(atoms, [atom.size for atom in others])
        if parts is None:
            raise NodeError(
                f"combines {by(like.dims)} and {by(tensor.dims)}, whose axes are mixed in other ways"
            )
        cut.append(parts)
    return cut


def _fits(tensor: ModelTensor, like: ModelTensor) -> bool:
    """Whether elements lie as those of another tensor do."""
    same = all(atoms == others or not atoms for atoms, others in zip(tensor.view, like.view, strict=True))
    (channels, *plane), (all_channels, *all_plane) = tensor.shape, like.shape
    sizes = zip(plane, all_plane, strict=True)
    return same and channels == all_channels and all(size in {1, full} for size, full in sizes)


def _with_repeated_parts(tensor: ModelTensor, like: ModelTensor) -> Dims:
    """The sizes of a tensor, with those of another one where elements have to be repeated.

    One element stands for all rows or all columns, but not for several channels, nor for a part of an axis.
    """
    repeated: dict[str, int] = {}
    for atoms, others in zip(tensor.view, like.view, strict=True):
        for atom in others if not atoms else ():
            repeated[atom.axis] = repeated.get(atom.axis, 1) * atom.size
    grown = {axis for axis, size in repeated.items() if axis == C or size != like.extents[axis]}
    parts = zip(tensor.dims, tensor.view, like.view, strict=True)
    return tuple(
        size_of(others) if not atoms and grown & axes_of(others) else size for size, atoms, others in parts
    )

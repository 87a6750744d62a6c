"""The inputs of an ONNX file with a size for each axis: the file's, or what the user says of an image."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, assert_never

from accelsim.errors import Complaint, NetworkError
from accelsim.importers.model import operator_name

if TYPE_CHECKING:
    import onnx

Size: TypeAlias = int | str
"""Of one axis: a number, or what the file calls it where it is left open."""

IMAGE_RANK: Final = 4
NHWC: Final = [0, 3, 1, 2]


@dataclass(frozen=True)
class Batch:
    """How many images an input has, and what says so."""

    images: int
    source: Literal["input", "other_tensors", "assumption"]

    @property
    def words(self) -> str:
        """For the network's source."""
        match self.source:
            case "input":
                return f"batch of {self.images}"
            case "other_tensors":
                return f"batch of {self.images}, which the input leaves open and other tensors fix"
            case "assumption":
                return f"open batch taken as {self.images}"
            case _:
                assert_never(self.source)


@dataclass(frozen=True)
class Inputs:
    """What a network is given."""

    types: dict[str, "onnx.TypeProto"]
    """Of each input, with numbers for sizes."""
    batch: Batch | None = None
    """Where there is more than one image, or where the file leaves it open."""
    changed: bool = False
    """Whether sizes are not those of the file, so that what it says of other tensors no longer holds."""
    batch_is_open: bool = False
    """Whether the file leaves it to who runs the network."""


def fixed_inputs(
    graph: "onnx.GraphProto", label: str, resolution: int | None, batch: int | None = None
) -> Inputs:
    """Every input that is read, with numbers; NetworkError has a line for each that has none.

    An open batch is `batch`, which other tensors have, or one image. A resolution is the height and width of
    an image, which has to be square or open: it is refused for what is no image, and where the file fixes
    another height or width.
    """
    constants = {tensor.name for tensor in graph.initializer}
    constants |= {tensor.values.name for tensor in graph.sparse_initializer}
    read = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
    types: dict[str, onnx.TypeProto] = {}
    batches: list[Batch] = []
    mistakes: list[Complaint] = []
    changed = batch_is_open = False
    for value in (value for value in graph.input if value.name not in constants):
        if value.name not in read:
            types[value.name] = value.type
            continue
        try:
            sizes = _sizes(value.type)
            transposed = _is_transposed(graph, value.name)
            numbers = _fixed(sizes, label, resolution, batch or 1, transposed=transposed)
        except ValueError as error:
            mistakes.append(Complaint(f"input {value.name!r} {error}", label))
            continue
        batches += _batches(sizes, batch)
        changed |= numbers != sizes
        batch_is_open |= isinstance(sizes[0], str) if sizes else False
        types[value.name] = _typed(value.type, numbers)
    if mistakes:
        raise NetworkError.of(*mistakes)
    return Inputs(types, next(iter(batches), None), changed, batch_is_open)


def batch_of_others(
    graph: "onnx.GraphProto", label: str, shapes: Mapping[str, tuple[int, ...]], constants: Container[str]
) -> int | None:
    """The batch that the file gives tensors further on, where they are inferred to have one image.

    None where it gives none; NetworkError where it gives several.
    """
    batches = set[int]()
    for value in (*graph.value_info, *graph.output):
        dims, inferred = value.type.tensor_type.shape.dim, shapes.get(value.name, ())
        if inferred[:1] == (1,) and len(dims) == len(inferred) and value.name not in constants:
            batches |= {dims[0].dim_value} if dims[0].dim_value > 0 else set()
    if len(batches) > 1:
        listed = " and ".join(map(str, sorted(batches)))
        raise NetworkError.about(
            label,
            f"the input leaves the batch open, and other tensors have batches of {listed}: "
            "let the exporter fix one",
        )
    return next(iter(batches), None)


def _sizes(kind: "onnx.TypeProto") -> list[Size]:
    """The sizes that the file gives; ValueError says why it has none."""
    if not kind.HasField("tensor_type"):
        raise ValueError("is no tensor: a network is given an image")
    if not kind.tensor_type.HasField("shape"):
        raise ValueError("has no shape: let the exporter write a shape of numbers")
    sizes = [_size(dim) for dim in kind.tensor_type.shape.dim]
    if 0 in sizes:
        raise ValueError(f"is {_by(sizes)}: it has no elements: let the exporter write what it has")
    return sizes


def _size(dim: "onnx.TensorShapeProto.Dimension") -> Size:
    """Some exporters write -1 for what they leave open."""
    return dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= 0 else dim.dim_param or "?"


def _fixed(
    sizes: list[Size], label: str, resolution: int | None, batch: int, *, transposed: bool
) -> list[Size]:
    """The sizes as numbers; ValueError says which are missing, or why the resolution cannot be had."""
    numbers = [batch, *sizes[1:]] if sizes and isinstance(sizes[0], str) else [*sizes]
    height = 1 if transposed else 2
    plane = sizes[height : height + 2]
    if resolution is not None:
        if len(sizes) != IMAGE_RANK:
            raise ValueError(
                f"is {_by(sizes)}: resolution is for images, batch x channels x height x width: leave it out"
            )
        fixed = {size for size in plane if isinstance(size, int)}
        if len(fixed) > 1:
            raise ValueError(f"is {_by(sizes)}: resolution is for square images: leave it out")
        if len(fixed) == 1 and plane[0] != plane[1] and resolution not in fixed:
            (only,) = fixed
            raise ValueError(
                f"is {_by(sizes)}: resolution is its height and width, of which the file fixes one: "
                f"must be {only}"
            )
        numbers[height : height + 2] = [resolution, resolution]
    if all(isinstance(size, int) for size in numbers):
        return numbers
    if len(sizes) != IMAGE_RANK:
        raise ValueError(f"is {_by(sizes)}: let the exporter write a shape of numbers")
    usual = next((size for size in plane if isinstance(size, int)), 224)
    raise ValueError(f"is {_by(sizes)}: say how large the image is, as in {label}@resolution={usual}")


def _batches(sizes: list[Size], batch: int | None) -> list[Batch]:
    """What is to be said of the first axis."""
    if not sizes or sizes[0] == 1:
        return []
    if isinstance(sizes[0], int):
        return [Batch(sizes[0], "input")]
    return [Batch(1, "assumption") if batch is None else Batch(batch, "other_tensors")]


def _typed(kind: "onnx.TypeProto", sizes: Iterable[Size]) -> "onnx.TypeProto":
    from onnx import helper  # noqa: PLC0415

    return helper.make_tensor_type_proto(kind.tensor_type.elem_type, list(sizes))


def _is_transposed(graph: "onnx.GraphProto", name: str) -> bool:
    """Whether an image has its channels last, since all that is done with it is to put them first."""
    readers = [node for node in graph.node if name in node.input]
    return bool(readers) and all(
        operator_name(node) == "Transpose"
        and any(attribute.name == "perm" and [*attribute.ints] == NHWC for attribute in node.attribute)
        for node in readers
    )


def _by(sizes: Iterable[Size]) -> str:
    return " x ".join(map(str, sizes))

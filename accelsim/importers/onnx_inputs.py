"""The inputs of an ONNX file with a size for each axis: the file's, or what the user says of an image."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, assert_never

from accelsim.errors import Complaint, NetworkError
from accelsim.importers.model import Dims, operator_name, visible
from accelsim.importers.request import INPUT_KEY, ModelRequest, near, quoted

if TYPE_CHECKING:
    import onnx

Size: TypeAlias = int | str
"""Of one axis: a number, or what the file calls it where it is left open."""

IMAGE_RANK: Final = 4
UNNAMED: Final = "?"
"""What an open axis is called for which the file has no name."""
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
    graph: "onnx.GraphProto",
    label: str,
    request: ModelRequest,
    read: Container[str],
    batch: int | None = None,
) -> Inputs:
    """Every input that is read, with numbers; NetworkError has a line for each that has none.

    What is open is as the request says: the shape of an input by its name, the size of an axis by the name
    that the file has for it, or height and width as a resolution. An open batch of which it says nothing is
    `batch`, which other tensors have, or one image.
    """
    values = _inputs_of(graph)
    read_values = [value for value in values if value.name in read]
    asked = _asked(read_values, label, request)
    types = {value.name: value.type for value in values}
    batches: list[Batch] = []
    mistakes: list[Complaint] = []
    changed = batch_is_open = False
    for value in read_values:
        try:
            sizes = _sizes(value.type)
            said = asked.applied(value.name, sizes)
            transposed = _is_transposed(graph, value.name)
            resolution = None if value.name in asked.shapes else request.resolution
            numbers = _fixed(said, label, value.name, resolution, batch or 1, transposed=transposed)
        except ValueError as error:
            mistakes.append(Complaint(f"input {value.name!r} {error}", label))
            continue
        if value is read_values[0]:
            batches += _batches(said, batch)
        changed |= numbers != sizes
        batch_is_open |= isinstance(said[0], str) if said else False
        types[value.name] = _typed(value.type, numbers)
    if mistakes:
        raise NetworkError.of(*mistakes)
    return Inputs(types, next(iter(batches), None), changed, batch_is_open)


def _inputs_of(graph: "onnx.GraphProto") -> "list[onnx.ValueInfoProto]":
    """What the graph is given; older files list its constants among that."""
    constants = {tensor.name for tensor in graph.initializer}
    constants |= {tensor.values.name for tensor in graph.sparse_initializer}
    return [value for value in graph.input if value.name not in constants]


@dataclass(frozen=True)
class _Asked:
    """What is asked of the inputs, all of whose names the file has."""

    shapes: dict[str, Dims]
    """By input."""
    sizes: Mapping[str, int]
    """By what the file calls an axis."""

    def applied(self, name: str, sizes: list[Size]) -> list[Size]:
        """The sizes of an input with those that are asked for; ValueError where they are not as many."""
        dims = self.shapes.get(name)
        if dims is None:
            return [self.sizes.get(size, size) if isinstance(size, str) else size for size in sizes]
        if len(dims) != len(sizes):
            raise ValueError(f"is {_by(sizes)}: {_by(dims)} has {len(dims)} axes, must have {len(sizes)}")
        return [*dims]


def _asked(values: "Sequence[onnx.ValueInfoProto]", label: str, request: ModelRequest) -> _Asked:
    """What is asked, by the names of inputs and of axes; NetworkError has a line for each name of neither."""
    inputs = [value.name for value in values]
    symbols = {dim.dim_param for value in values for dim in value.type.tensor_type.shape.dim if dim.dim_param}
    shapes: dict[str, Dims] = {}
    mistakes: list[Complaint] = []
    for key, dims in [*request.shapes.items(), *((key, (size,)) for key, size in request.sizes.items())]:
        if key in request.sizes and key in symbols:
            continue
        name = inputs[0] if key == INPUT_KEY and key not in inputs and len(inputs) == 1 else key
        if name in inputs:
            shapes[name] = dims
            continue
        what = "no input has this name" if key in request.shapes else "no input and no axis has this name"
        sentence = f"{visible(key)[:100]}: {what}{near(key, [*inputs, *sorted(symbols)])}"
        mistakes.append(Complaint(sentence, label))
    if mistakes:
        raise NetworkError.of(*mistakes)
    return _Asked(shapes, request.sizes)


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
    return dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= 0 else dim.dim_param or UNNAMED


def _fixed(
    sizes: list[Size], label: str, name: str, resolution: int | None, batch: int, *, transposed: bool
) -> list[Size]:
    """The sizes as numbers; ValueError says which are missing, or why the resolution cannot be had."""
    numbers = [batch, *sizes[1:]] if sizes and isinstance(sizes[0], str) else [*sizes]
    height = 1 if transposed else 2
    plane = sizes[height : height + 2]
    if resolution is not None:
        _check_resolution(sizes, plane, resolution)
        numbers[height : height + 2] = [resolution, resolution]
    if all(isinstance(size, int) for size in numbers):
        return numbers
    raise ValueError(f"is {_by(sizes)}: {_remedy(label, name, numbers, plane)}")


def _remedy(label: str, name: str, numbers: Sequence[Size], plane: Sequence[Size]) -> str:
    """How to say what an input leaves open."""
    unsaid = list(dict.fromkeys(size for size in numbers if isinstance(size, str)))
    of_image = len(numbers) == IMAGE_RANK and set(unsaid) <= set(plane)
    usual = next((size for size in plane if isinstance(size, int)), 224) if of_image else 8
    sizes = ",".join(f"{quoted(symbol)}={usual}" for symbol in unsaid)
    if UNNAMED in unsaid:
        shape = "x".join(str(usual if isinstance(size, str) else size) for size in numbers)
        sizes = f"{quoted(name)}={shape}"
    if of_image:
        return f"say how large the image is, as in {label}@resolution={usual} or {label}@{sizes}"
    return f"say what is open, as in {label}@{sizes}"


def _check_resolution(sizes: Sequence[Size], plane: Sequence[Size], resolution: int) -> None:
    """Refuse a resolution of what is no square image; ValueError says why."""
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

"""An ONNX file -> a Model, by the shapes that the package onnx infers.

Weights are not looked at: large ones are left out before shapes are inferred, and files beside the model that
hold them need not be there. A file may say anything: whatever the package makes of it ends as a sentence, and
what a small file could make large is bounded before it is made.
"""

import mmap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from accelsim.errors import AccelsimError, Complaint, DescriptionError, NetworkError
from accelsim.importers.cutting import ends_of, needed
from accelsim.importers.file_kind import other_model
from accelsim.importers.model import Imported, Model, ModelNode, first_line, operator_name, visible, words_of
from accelsim.importers.onnx_external import check_external
from accelsim.importers.onnx_inputs import batch_of_others, fixed_inputs
from accelsim.importers.onnx_tensors import OnnxTensors
from accelsim.importers.onnx_wire import without_large_constants
from accelsim.importers.part import imported_part
from accelsim.importers.request import NOTHING_ASKED, ModelRequest

if TYPE_CHECKING:
    import onnx

MAX_FILE_BYTES: Final = 1 << 31
"""No message of protocol buffers is larger; weights of a larger model stand in files beside it."""
MAX_NODES: Final = 20_000
"""Nodes with all functions looked into: some ten times those of the deepest networks, and some seconds."""
MAX_OPERANDS: Final = 4096
"""Tensors that one node reads or makes: a split into single channels has as many as there are channels."""
MAX_CALLS: Final = 50
"""Functions that call each other, one within the other; exporters need three."""
MOST_LETTERS: Final = 80
"""Of what a file says of its maker."""


def read_onnx(path: Path, request: ModelRequest = NOTHING_ASKED) -> Imported:
    """The network in an ONNX file.

    Args:
        path: The file; weights, in it or beside it, are not looked at.
        request: Sizes that the file leaves open, and where the network begins and ends.

    Returns:
        What a network's YAML would hold.

    Raises:
        AccelsimError: With a line for each thing that is wrong, also where the package onnx is not there.

    Example:
        >>> read_onnx(Path("absent.onnx"))
        Traceback (most recent call last):
        ...
        accelsim.errors.DescriptionError: absent.onnx: no such file
    """
    proto = _loaded(path)
    try:
        model = _model(path, _inlined(proto, str(path)), request)
    except AccelsimError:
        raise
    except Exception as error:  # onnx and protobuf raise what they like where a file is damaged
        raise NetworkError.about(path, f"is not a valid ONNX model: {first_line(error)}") from error
    return imported_part(model, request)


def _model(path: Path, proto: "onnx.ModelProto", request: ModelRequest) -> Model:
    label = str(path)
    _check_text(proto.graph, label)
    _check_opset(proto, label)
    _check_operands(proto.graph, label)
    _check_names(proto.graph, label)
    check_external(proto, path)
    read = _read(proto.graph, label, request)
    inputs = fixed_inputs(proto.graph, label, request, read)
    tensors = OnnxTensors(proto, label, inputs)
    if inputs.batch_is_open:
        batch = batch_of_others(proto.graph, label, tensors.shapes, tensors.constants)
        if batch is not None and batch > 1:
            inputs = fixed_inputs(proto.graph, label, request, read, batch)
            tensors = OnnxTensors(proto, label, inputs)
    return Model(
        label=label,
        name=path.stem,
        source=_source(path, proto),
        batch="" if inputs.batch is None else inputs.batch.words,
        nodes=tuple(
            ModelNode(
                name=visible(node.name),
                operator=operator_name(node),
                inputs=(*node.input, *_read_within(node)),
                outputs=(*node.output,),
                attributes=_attributes(node),
            )
            for node in tensors.nodes
        ),
        inputs=tuple(inputs.types),
        outputs=tuple(output.name for output in proto.graph.output),
        shapes=tensors.shapes,
        constants=frozenset(tensors.constants),
        value=tensors.value,
        problems=tensors.problems,
        bits=tensors.bits,
        origins=tensors.origins,
    )


def _read(graph: "onnx.GraphProto", label: str, request: ModelRequest) -> set[str]:
    """The tensors that the network depends on, up to where it is to end."""
    named = [(visible(node.name), node.output) for node in graph.node]
    outputs = [output.name for output in graph.output]
    ends = ends_of(label, request, named, outputs)
    if not request.until:
        inputs = {name for node in graph.node for name in (*node.input, *_read_within(node))}
        return inputs | {*outputs}
    return needed([((*node.input, *_read_within(node)), node.output) for node in graph.node], ends)


# --- the file


def _loaded(path: Path) -> "onnx.ModelProto":
    """The model as it stands in the file."""
    if sentence := other_model(path, ".onnx"):
        raise DescriptionError.about(path, sentence)
    try:
        import onnx  # noqa: PLC0415 (an extra: only who reads a model needs it)
        from google.protobuf.message import DecodeError  # noqa: PLC0415
    except ImportError:
        sentence = 'reading ONNX models takes the package onnx: pip install "accelsim[onnx]"'
        raise DescriptionError.about(path, sentence) from None
    try:
        _check_file(path)
        proto = onnx.ModelProto()
        with path.open("rb") as file:
            content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        proto.ParseFromString(without_large_constants(content))
    except FileNotFoundError:
        raise DescriptionError.about(path, "no such file") from None
    except OSError as error:
        raise DescriptionError.about(path, f"cannot be read: {error.strerror}") from None
    except (DecodeError, ValueError):
        raise DescriptionError.about(path, "is not an ONNX model, or not all of one") from None
    if not proto.graph.node:
        raise DescriptionError.about(path, "is not an ONNX model, or one without nodes")
    return proto


def _check_file(path: Path) -> None:
    """Refuse a name that no file can have, and a file that is too large; OSError where there is none."""
    try:
        size = path.stat().st_size
    except ValueError:  # a null character, say
        raise DescriptionError.about(path, "no such file") from None
    if size >= MAX_FILE_BYTES:
        raise DescriptionError.about(
            path,
            f"has {size:,} bytes: an ONNX model has less than {MAX_FILE_BYTES:,}, "
            "and the weights of a larger one in files beside it",
        )


def _inlined(proto: "onnx.ModelProto", label: str) -> "onnx.ModelProto":
    """The model with the nodes of its functions in the place of each call."""
    _check_size(proto, label)
    if not proto.functions:
        return proto
    from onnx.inliner import inline_local_functions  # noqa: PLC0415

    return inline_local_functions(proto)


def _check_size(proto: "onnx.ModelProto", label: str) -> None:
    """Refuse more nodes than a network has, counted level by level of calls before any is made."""
    bodies = {
        (function.domain, function.name): list(_nodes_within(function.node)) for function in proto.functions
    }
    calls = Counter({None: 1})
    level: dict[Any, list[Any]] = {None: list(_nodes_within(proto.graph.node)), **bodies}
    nodes = 0
    for _ in range(MAX_CALLS):
        inner: Counter[Any] = Counter()
        for name, count in calls.items():
            nodes += count * len(level[name])
            for called in ((node.domain, node.op_type) for node in level[name]):
                if called in bodies:
                    inner[called] += count
        if nodes > MAX_NODES:
            raise NetworkError.about(label, f"has more than {MAX_NODES:,} nodes, its functions looked into")
        if not inner:
            return
        calls = inner
    raise NetworkError.about(label, f"its functions call each other more than {MAX_CALLS} deep")


def _check_operands(graph: "onnx.GraphProto", label: str) -> None:
    """Refuse nodes that read or make more tensors than any layer does."""
    for node in graph.node:
        tensors = max(len(node.input), len(node.output))
        if tensors > MAX_OPERANDS:
            limit = f"at most {MAX_OPERANDS:,} are possible"
            raise NetworkError.about(label, f"{words_of(node)}: reads or makes {tensors:,} tensors: {limit}")


def _nodes_within(nodes: Iterable["onnx.NodeProto"]) -> Iterator["onnx.NodeProto"]:
    """The nodes and those of the graphs that are their attributes."""
    waiting = [*nodes]
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            for graph in (*([attribute.g] if attribute.HasField("g") else ()), *attribute.graphs):
                waiting += graph.node


def _read_within(node: "onnx.NodeProto") -> Iterator[str]:
    """What the graphs that are a node's attributes read, which may be tensors outside of them."""
    nodes = _nodes_within([node])
    next(nodes)  # itself
    return (name for inner in nodes for name in inner.input)


def _check_text(graph: "onnx.GraphProto", label: str) -> None:
    """Refuse names that are not UTF-8, of which protobuf makes bytes."""
    for node in graph.node:
        for name in (node.name, node.op_type, node.domain, *node.input, *node.output):
            if not isinstance(name, str):
                raise NetworkError.about(label, f"is damaged: a name in it is no text: {name!r}")


def _check_opset(proto: "onnx.ModelProto", label: str) -> None:
    """Refuse a file whose operators mean what the package onnx does not know."""
    from onnx import defs  # noqa: PLC0415

    newest = defs.onnx_opset_version()
    opset = _opset(proto)
    if not 1 <= opset <= newest:
        remedy = "; a newer one may: pip install --upgrade onnx" if opset > newest else ""
        sentence = f"is written in opset {opset} of ONNX: the package onnx here knows 1 to {newest}{remedy}"
        raise NetworkError.about(label, sentence)


def _opset(proto: "onnx.ModelProto") -> int:
    """The version of ONNX's own operators; 0 where the file has none."""
    return max((entry.version for entry in proto.opset_import if entry.domain in {"", "ai.onnx"}), default=0)


def _check_names(graph: "onnx.GraphProto", label: str) -> None:
    """Every tensor is made once, and before it is read; NetworkError names those that are not."""
    makers = {tensor.name: "a constant" for tensor in graph.initializer}
    makers |= {tensor.values.name: "a constant" for tensor in graph.sparse_initializer}
    makers |= {value.name: "an input" for value in graph.input if value.name not in makers}
    mistakes: list[Complaint] = []
    for node in graph.node:
        maker = words_of(node)
        for output in filter(None, node.output):
            if output in makers:
                sentence = f"{maker}: makes {output!r}, which is made by {makers[output]} too"
                mistakes.append(Complaint(sentence, label))
            makers[output] = maker
    ready = makers.keys() - {output for node in graph.node for output in node.output}
    for node in graph.node:
        later = next((name for name in node.input if name in makers and name not in ready), None)
        if later is not None:
            sentence = f"{words_of(node)}: reads {later!r}, which no node before it makes"
            mistakes.append(Complaint(sentence, label))
        ready.update(node.output)
    if mistakes:
        raise NetworkError.of(*mistakes)


# --- nodes


def _attributes(node: "onnx.NodeProto") -> dict[str, Any]:
    """The attributes of a node as plain values; tensors and graphs are of no interest."""
    from onnx import AttributeProto, helper  # noqa: PLC0415

    plain = {
        AttributeProto.INT,
        AttributeProto.INTS,
        AttributeProto.FLOAT,
        AttributeProto.FLOATS,
        AttributeProto.STRING,
    }
    attributes = {}
    for attribute in node.attribute:
        if attribute.type in plain:
            value = helper.get_attribute_value(attribute)
            text = isinstance(value, bytes)
            attributes[attribute.name] = value.decode(errors="replace") if text else value
    return attributes


def _source(path: Path, proto: "onnx.ModelProto") -> str:
    """The file, its version and who wrote it."""
    maker = " ".join(part for part in (proto.producer_name, proto.producer_version) if part)
    written = f"written by {visible(maker)[:MOST_LETTERS]}" if maker else ""
    parts: Sequence[str] = (f"ONNX opset {_opset(proto)}", written)
    return f"{path}: {', '.join(part for part in parts if part)}"

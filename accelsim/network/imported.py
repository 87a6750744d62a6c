"""Networks from models of other tools: ONNX and TensorFlow Lite files, PyTorch modules, topologies.

`importers/` makes of a model what a YAML file would hold; from there on it is a network like any other.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from accelsim.descriptions import Document, check, dump, native, shipped
from accelsim.descriptions.arguments import check_path, check_text, of_kind
from accelsim.errors import Complaint, DescriptionError, NetworkError
from accelsim.network.build import build
from accelsim.network.configuration import checked_resolution, configure
from accelsim.network.declaration import unsaid
from accelsim.network.description import Network, NetworkDescription

if TYPE_CHECKING:
    import torch

    from accelsim.importers.model import Imported
    from accelsim.importers.request import ModelRequest, Unsupported

    Reader: TypeAlias = Callable[[Path, ModelRequest], Imported]

Shapes: TypeAlias = Mapping[str, Sequence[int] | int]
"""Of inputs by their names, and sizes of axes by the names that a model has for them."""


def from_onnx(
    path: str | Path,
    resolution: int | None = None,
    *,
    shapes: Shapes | None = None,
    until: Sequence[str] | str = (),
    since: Sequence[str] | str = (),
    unsupported: "Unsupported" = "refuse",
) -> Network:
    """The network in an ONNX file, or a part of it.

    Needs `accelsim[onnx]`.

    Args:
        path: The file; weights need not be there.
        resolution: Height and width of a square image, where the file leaves them open.
        shapes: Of inputs by their names, and sizes of axes by the names that the file has for them.
        until: The nodes or tensors with which the network ends.
        since: Those with which it begins; `from` on the command line.
        unsupported: What becomes of nodes that nothing here is an operator of: `refuse`, `host` or
            `elementwise`.

    Returns:
        A network like any other, an operator of the model a row of the block `graph`.

    Raises:
        AccelsimError: With a line for each thing that is wrong with the model.

    Example:
        >>> from_onnx("absent.onnx")
        Traceback (most recent call last):
        ...
        accelsim.errors.DescriptionError: absent.onnx: no such file
    """
    from accelsim.importers.onnx_file import read_onnx  # noqa: PLC0415 (a plain run has no use for it)

    check_path("path", path, "an ONNX file")
    settings = _settings(resolution, shapes, until, since, unsupported)
    return _read(read_onnx, Path(path), settings)


def from_tflite(
    path: str | Path,
    *,
    shapes: Shapes | None = None,
    until: Sequence[str] | str = (),
    since: Sequence[str] | str = (),
    unsupported: "Unsupported" = "refuse",
) -> Network:
    """The network in a TensorFlow Lite file, or a part of it.

    Needs `accelsim[tflite]`.

    Args:
        path: The file.
        shapes: Of inputs by their names; the file fixes them all, but may be told others.
        until: The operators or tensors with which the network ends.
        since: Those with which it begins; `from` on the command line.
        unsupported: What becomes of operators that nothing here is one of: `refuse`, `host` or
            `elementwise`.

    Returns:
        A network like any other, in the bits of the file.

    Raises:
        AccelsimError: With a line for each thing that is wrong with the model.

    Example:
        >>> from_tflite("absent.tflite")
        Traceback (most recent call last):
        ...
        accelsim.errors.DescriptionError: absent.tflite: no such file
    """
    from accelsim.importers.tflite_file import read_tflite  # noqa: PLC0415 (a plain run has no use for it)

    check_path("path", path, "a TensorFlow Lite file")
    settings = _settings(None, shapes, until, since, unsupported)
    return _read(read_tflite, Path(path), settings)


def from_scale_sim(path: str | Path) -> Network:
    """The layers of a SCALE-Sim topology, a CSV file, each with an input of its own.

    Args:
        path: The file.

    Returns:
        A network of which no layer reads another.

    Raises:
        AccelsimError: With a line for each thing that is wrong with the file.

    Example:
        >>> from_scale_sim("absent.csv")
        Traceback (most recent call last):
        ...
        accelsim.errors.DescriptionError: absent.csv: no such file
    """
    from accelsim.importers.scale_sim import read_scale_sim  # noqa: PLC0415 (a plain run has no use for it)

    check_path("path", path, "a SCALE-Sim topology")
    return _network(read_scale_sim(Path(path)))


def from_model(path: Path, settings: Mapping[str, Any]) -> Network:
    """The network in a file of another tool, by what the file's name ends in.

    Args:
        path: The file.
        settings: What is said of it: texts, as after the @ on a command line, or values.

    Returns:
        The network.

    Raises:
        AccelsimError: With a line for each thing that is wrong with the file or a setting.
    """
    suffix = path.suffix.lower()
    if suffix == shipped.ONNX_SUFFIX:
        from accelsim.importers.onnx_file import read_onnx  # noqa: PLC0415 (a plain run has no use for it)

        return _read(read_onnx, path, settings)
    if suffix == shipped.TFLITE_SUFFIX:
        from accelsim.importers.tflite_file import read_tflite  # noqa: PLC0415 (nor for this)

        return _read(read_tflite, path, settings)
    if settings:
        keys = ", ".join(map(shipped.shortened, settings))
        raise DescriptionError.about(path, f"{keys}: a topology has no parameters: leave it out")
    return from_scale_sim(path)


def _settings(
    resolution: int | None,
    shapes: Shapes | None,
    until: Sequence[str] | str,
    since: Sequence[str] | str,
    unsupported: str,
) -> dict[str, Any]:
    """Arguments as the command line's settings."""
    settings = {
        "resolution": resolution,
        "until": until or None,
        "from": since or None,
        "unsupported": unsupported,
    }
    return {**(shapes or {}), **{key: value for key, value in settings.items() if value is not None}}


def _read(reader: "Reader", path: Path, settings: Mapping[str, Any]) -> Network:
    """What a reader makes of a file and of what is asked of it; the name says what was asked."""
    from accelsim.importers.request import requested  # noqa: PLC0415

    values = {key: native(value) for key, value in settings.items()}
    if "resolution" in values:
        values["resolution"] = checked_resolution(path, values["resolution"])
    request = requested(str(path), values)
    network = _network(reader(path, request))
    return replace(network, name=f"{network.name}@{request.words}") if request.words else network


def from_torch(module: "torch.nn.Module", example_input: Any, *, name: str | None = None) -> Network:
    """A PyTorch module as a network, traced with an input: a tensor of batch x channels x height x width.

    Needs `accelsim[torch]`. The module is exported as at inference and is left as it was.

    Args:
        module: Any `torch.nn.Module` that `torch.export` can follow.
        example_input: What it is called with; only shapes count.
        name: What the network is called, by default the module's class.

    Returns:
        A network like any other, an operator of the module a row of the block `graph`.

    Raises:
        AccelsimError: With a line for each thing that is wrong with the module.

    Example:
        >>> import torch  # doctest: +SKIP
        >>> stem = torch.nn.Conv2d(3, 16, kernel_size=3, padding=1)  # doctest: +SKIP
        >>> from_torch(stem, torch.zeros(1, 3, 32, 32)).image  # doctest: +SKIP
        Shape(channels=3, height=32, width=32)
    """
    from accelsim.importers.torch_module import read_torch  # noqa: PLC0415 (a plain run has no use for it)

    if name is not None:
        check_text("name", name, "what the network is called")

    return _network(read_torch(module, example_input, name))


def _network(model: "Imported") -> Network:
    """The network, whose operators must put out what the model says they do."""
    (graph,) = model.data["stages"]
    rows = [_without_unsaid(row) for row in graph["operators"]]
    data = {**model.data, "stages": [graph | {"operators": rows}]}
    network = configure(check(Document(model.label, data, {}), NetworkDescription))
    published = build(network)
    mistakes = []
    for node, shape in model.shapes.items():
        output = published[node].operator.output
        if (output.channels, output.height, output.width) != shape:
            modelled = " x ".join(map(str, shape))
            sentence = f"{node}: its output is {modelled} in the model, {output} here"
            mistakes.append(Complaint(sentence, model.label))
    if mistakes:
        raise NetworkError.of(*mistakes)
    return network


def _without_unsaid(row: dict[str, Any]) -> dict[str, Any]:
    """A row without the arguments that it need not give."""
    left_out = unsaid(row["operator"], row)
    return {key: value for key, value in row.items() if key not in left_out}


def to_yaml(description: NetworkDescription) -> str:
    """The description of an imported network as YAML text, an operator a line.

    Args:
        description: Of a network that `from_onnx` or `from_torch` gives.

    Returns:
        What `load_network` reads as the same network.

    Example:
        >>> from accelsim.network import NetworkDescription
        >>> row = {"name": "relu", "operator": "activation", "inputs": ["input"], "function": "relu"}
        >>> description = NetworkDescription.model_validate_json(json.dumps({
        ...     "name": "net", "title": "A net", "source": "an example",
        ...     "input": {"channels": 3, "height": 8, "width": 8},
        ...     "stages": [{"block": "graph", "operators": [row]}],
        ... }))
        >>> print(to_yaml(description).splitlines()[-1].strip())
        - {"name": "relu", "operator": "activation", "inputs": ["input"], "function": "relu"}
    """
    description = of_kind("description", description, NetworkDescription)
    data = description.model_dump(mode="json", exclude_defaults=True)
    (graph,) = data.pop("stages")
    rows = [f"      - {_flow(row)}" for row in graph.pop("operators")]
    head = [f"{key}: {_flow(value)}" for key, value in data.items()]
    graph_head = [f"{key}: {_flow(value)}" for key, value in graph.items()]
    lines = [*head, "stages:", *(f"  {'-' if not at else ' '} {line}" for at, line in enumerate(graph_head))]
    return "\n".join([*lines, "    operators:", *rows]) + "\n"


def network_text(description: NetworkDescription) -> str:
    """The YAML text of any network: an operator a line where it is a list of them, else a row a line.

    Args:
        description: Of an imported network, or one with a stage table.

    Returns:
        What `load_network` reads as the same network.

    Example:
        >>> from accelsim import load_network
        >>> network_text(load_network("alexnet").description).splitlines()[0]
        'name: alexnet'
    """
    description = of_kind("description", description, NetworkDescription)
    is_list = len(description.stages) == 1 and description.stages[0].block == "graph"
    return to_yaml(description) if is_list else dump(description)


def _flow(value: Any) -> str:
    """A value on one line: JSON, which is YAML."""
    return json.dumps(value, ensure_ascii=False)

"""Networks from models of other tools: ONNX files and PyTorch modules.

`importers/` makes of a model what a YAML file would hold; from there on it is a network like any other.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accelsim.descriptions import Document, check, dump
from accelsim.descriptions.arguments import check_path, check_text, of_kind
from accelsim.errors import Complaint, NetworkError
from accelsim.network.build import build
from accelsim.network.configuration import checked_resolution, configure
from accelsim.network.declaration import unsaid
from accelsim.network.description import Network, NetworkDescription

if TYPE_CHECKING:
    import torch

    from accelsim.importers.model import Imported


def from_onnx(path: str | Path, resolution: int | None = None) -> Network:
    """The network in an ONNX file, for a square image of `resolution` pixels where it is given.

    Needs `accelsim[onnx]`.

    Args:
        path: The file; weights need not be there.
        resolution: Height and width of the image, where the file leaves them open.

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
    if resolution is None:
        return _network(read_onnx(Path(path)))
    side = checked_resolution(Path(path), {"resolution": resolution})["resolution"]
    network = _network(read_onnx(Path(path), side))
    return replace(network, name=f"{network.name}@resolution={side}")


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

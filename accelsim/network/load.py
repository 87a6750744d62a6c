"""Networks by name or path: whichever file they are described in."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accelsim.descriptions import shipped
from accelsim.descriptions.arguments import check_path, value_or_named
from accelsim.errors import DescriptionError
from accelsim.network.configuration import (
    described_network,
    name_and_parameters,
    name_and_settings,
    settings_of,
)
from accelsim.network.description import Network
from accelsim.network.expressions import Value


def load_network(
    name: str | Path, *, shapes: Mapping[str, Sequence[int] | int] | None = None, **parameters: Value
) -> Network:
    """A network by name or path: `sqnxt23v5`, `mobilenet_v1@width=0.5,resolution=160`, `my/net.yaml`.

    Args:
        name: As `--net` takes it. A path may be that of an ONNX model (`accelsim[onnx]`), of a TensorFlow
            Lite model (`accelsim[tflite]`) or of a SCALE-Sim topology.
        shapes: Of a model's inputs, by name, and sizes of axes by the names that the model has for them:
            `{"input": (1, 3, 48, 320)}`, `{"batch": 8, "width": 320}`.
        parameters: Values for parameters that are not given after the @.

    Returns:
        The network, all expressions of its stage table evaluated.

    Raises:
        DescriptionError: There is no such network, or a line for each mistake in its file or a parameter.
        AccelsimError: With a line for each thing that is wrong with a model.

    Example:
        >>> load_network("mobilenet_v1@width=0.5", resolution=160).name
        'mobilenet_v1@width=0.5,resolution=160'
    """
    check_path("name", name, "a network, or its name")
    bare, pairs = name_and_settings(str(name))
    path = shipped.find("networks", bare)
    is_model = path.suffix.lower() in shipped.MODEL_SUFFIXES
    texts: dict[str, Any] = settings_of(pairs) if is_model else name_and_parameters(str(name))[1]
    given = {**(shapes or {}), **parameters}
    if twice := set(texts) & set(given):
        keys = ", ".join(map(shipped.shortened, sorted(twice)))
        raise DescriptionError.about(
            shipped.shortened(str(name)), f"{keys}: given after the @ and by keyword"
        )
    if is_model:
        from accelsim.network.imported import from_model  # noqa: PLC0415 (a plain run has no use for it)

        return from_model(path, {**texts, **given})
    if shapes is not None:
        raise DescriptionError.about(path, "shapes are for models of other tools: leave them out")
    _check_no_model(path)
    return described_network(path, texts, parameters)


def network_of(
    network: Network | str | Path, shapes: Mapping[str, Sequence[int] | int] | None = None
) -> Network:
    """A network, or the one of a name or path. Raises AccelsimError where there is none."""
    if shapes is None:
        return value_or_named("network", network, Network, load_network, "sqnxt23v5")
    if isinstance(network, Network):
        raise DescriptionError.about(network.name, "shapes are for the name of a model, which is to be read")
    return load_network(network, shapes=shapes)


def _check_no_model(path: Path) -> None:
    """Say in one line what a file is that is no YAML; nothing where it may be one."""
    if path.suffix.lower() in {".yaml", ".yml"} and shipped.is_file(path):
        return
    from accelsim.importers.file_kind import foreign  # noqa: PLC0415 (names of networks are mostly right)

    if sentence := foreign(path):
        raise DescriptionError.about(path, sentence)

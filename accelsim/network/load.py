"""Networks by name or path: whichever file they are described in."""

from collections.abc import Mapping
from pathlib import Path

from accelsim.descriptions import shipped
from accelsim.descriptions.arguments import check_path, value_or_named
from accelsim.errors import DescriptionError
from accelsim.network.configuration import checked_resolution, described_network, name_and_parameters
from accelsim.network.description import Network
from accelsim.network.expressions import Value
from accelsim.network.parameters import IMAGE_SIDE


def load_network(name: str | Path, **parameters: Value) -> Network:
    """A network by name or path: `sqnxt23v5`, `mobilenet_v1@width=0.5,resolution=160`, `my/net.yaml`.

    Args:
        name: As `--net` takes it. A path may be that of an ONNX model (`accelsim[onnx]`).
        parameters: Values for parameters that are not given after the @.

    Returns:
        The network, all expressions of its stage table evaluated.

    Raises:
        DescriptionError: There is no such network, or a line for each mistake in its file or a parameter.
        AccelsimError: With a line for each thing that is wrong with an ONNX model.

    Example:
        >>> load_network("mobilenet_v1@width=0.5", resolution=160).name
        'mobilenet_v1@width=0.5,resolution=160'
    """
    check_path("name", name, "a network, or its name")
    bare, texts = name_and_parameters(str(name))
    if twice := set(texts) & set(parameters):
        keys = ", ".join(map(shipped.shortened, sorted(twice)))
        raise DescriptionError.about(
            shipped.shortened(str(name)), f"{keys}: given after the @ and by keyword"
        )
    path = shipped.find("networks", bare)
    if path.suffix.lower() == shipped.ONNX_SUFFIX:
        return _imported(path, {**texts, **parameters})
    return described_network(path, texts, parameters)


def network_of(network: Network | str | Path) -> Network:
    """A network, or the one of a name or path. Raises AccelsimError where there is none."""
    return value_or_named("network", network, Network, load_network, "sqnxt23v5")


def _imported(path: Path, settings: Mapping[str, Value]) -> Network:
    """The network in an ONNX file, which has one parameter."""
    from accelsim.network.imported import from_onnx  # noqa: PLC0415 (a plain run has no use for it)

    values = {
        key: IMAGE_SIDE.from_text(value) if isinstance(value, str) else value
        for key, value in settings.items()
    }
    return from_onnx(path, **checked_resolution(path, values))

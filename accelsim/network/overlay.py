"""Overlay: a file that gives a network other bits and other zeros, and leaves its layers as they are.

    precision: {weights_bits: 6}
    compression:
      - {layers: "fire*.expand3x3", weight_density: 0.33}

The same two sections may stand in the network's own file; an overlay's follow them, so where both speak of
the same, the overlay counts.
"""

from pathlib import Path
from typing import Any, Self

from pydantic import model_validator

from accelsim.descriptions import Description, Document, check, parse, vary
from accelsim.descriptions.arguments import check_path
from accelsim.descriptions.kinds import FileKind, check_kind
from accelsim.network.build import build
from accelsim.network.description import Network, Reported
from accelsim.network.load import network_of
from accelsim.network.precision import Compression, NetworkPrecision, compression_entries


class Overlay(Description):
    """What an overlay file may say.

    Example:
        >>> Overlay(precision=NetworkPrecision(weights_bits=6)).compression
        ()
    """

    title: str = ""
    """A line for people."""
    source: str = ""
    """Where its numbers are from."""
    precision: NetworkPrecision = NetworkPrecision()
    """Bits, which replace those of the network."""
    compression: Compression = ()
    """Which layers are pruned or quantised, beside those of the network."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.precision == NetworkPrecision() and not self.compression:
            raise ValueError("changes nothing: must have precision, compression or both")
        return self


def read_overlay(path: str | Path) -> Overlay:
    """The overlay in a YAML file.

    Args:
        path: As `--overlay` takes it.

    Returns:
        What the file says, checked.

    Raises:
        DescriptionError: With a line for each mistake.

    Example:
        >>> read_overlay("absent.yaml")
        Traceback (most recent call last):
        ...
        accelsim.errors.DescriptionError: absent.yaml: no such file
    """
    check_path("path", path, "an overlay's YAML file")
    return check(_parsed(path), Overlay)


def _parsed(path: str | Path) -> Document:
    document = parse(path)
    check_kind(document, FileKind.OVERLAY)
    return document


def overlaid(network: Network | str | Path, path: str | Path) -> Network:
    """The network with an overlay file's bits and zeros, called NETWORK+FILE.

    Accuracies and sizes that its paper reports are not those of this network, so they are left out.

    Args:
        network: A network, or a name or path as `--net` takes it.
        path: The overlay, as `--overlay` takes it.

    Returns:
        The network with other bits and zeros in the same layers.

    Raises:
        DescriptionError: With a line for each mistake, and for each pattern that matches no layer.

    Example:
        >>> overlaid("squeezenet_v1_1", "absent.yaml")
        Traceback (most recent call last):
        ...
        accelsim.errors.DescriptionError: absent.yaml: no such file
    """
    check_path("path", path, "an overlay file")
    network, document = network_of(network), _parsed(path)
    overlay = check(document, Overlay)
    described = network.description
    changes: dict[str, Any] = {
        "precision": described.precision.updated(overlay.precision).model_dump(),
        "compression": [entry.model_dump() for entry in (*described.compression, *overlay.compression)],
        "reported": _of_the_layers(described.reported),
        "reported_at": [_of_the_layers(entry) for entry in described.reported_at],
    }
    changed = Network(
        name=f"{network.name}+{Path(path).stem}",
        description=vary(described, **changes),
        parameters=network.parameters,
        stages=network.stages,
        compression=(*network.compression, *compression_entries(overlay.compression, document)),
    )
    build(changed)  # says which patterns match nothing, while the file is at hand
    return changed


def _of_the_layers(reported: Reported) -> dict[str, Any]:
    """What is reported, without what depends on the numbers in the layers."""
    of_the_numbers = ("top1", "top5", "accuracy", "kept_params", "stored_bytes")
    return reported.model_dump() | dict.fromkeys(of_the_numbers)

"""A network in the format of another tool: the files, and what they do not say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, assert_never, get_args

from accelsim.descriptions.arguments import check_choice, of_kind
from accelsim.errors import NetworkError
from accelsim.exporters import scale_sim, timeloop, zigzag
from accelsim.exporters.workload import Workload, workload_of
from accelsim.network.description import Network

ExportFormat: TypeAlias = Literal["scale-sim", "timeloop", "zigzag"]
EXPORT_FORMATS: Final[tuple[ExportFormat, ...]] = get_args(ExportFormat)
_TOOLS: Final[Mapping[ExportFormat, str]] = {
    "scale-sim": "SCALE-Sim",
    "timeloop": "Timeloop",
    "zigzag": "ZigZag",
}


@dataclass(frozen=True)
class Export:
    """A network in the format of another tool.

    Example:
        >>> Export("a,b,\\n", {}, ()).text
        'a,b,\\n'
    """

    text: str
    """Of the one file; empty where there is one for each layer."""
    files: Mapping[str, str]
    """Of one file for each layer, by name, where the tool takes them so."""
    notes: tuple[str, ...]
    """What of the network is not in them, a sentence each."""


def exported(network: Network, format: ExportFormat, batch: int | None = None) -> Export:
    """A network in the format of another tool.

    Args:
        network: The network.
        format: `scale-sim` (a topology), `timeloop` (a problem for each layer) or `zigzag` (a workload).
        batch: Images that run together; None is as many as the network is described for.

    Returns:
        The files, and what they leave out.

    Raises:
        NetworkError: It has nothing to export, or a layer that the tool cannot be told.

    Example:
        >>> from accelsim import load_network
        >>> exported(load_network("shufflenet_v2"), "scale-sim").text.splitlines()[1]
        'conv1, 225, 225, 3, 3, 3, 24, 2,'
    """
    check_choice("format", format, EXPORT_FORMATS)
    layers = workload_of(of_kind("network", network, Network), batch)
    if not layers.layers:
        raise NetworkError.about(
            network.name, "has no convolution or matrix product, and nothing else is exported"
        )
    omitted = [f"{count} {operator}" for operator, count in layers.omitted.most_common()]
    told = f"left out, as {_TOOLS[format]} is told what multiplies only: {', '.join(omitted)}"
    return _in_format(layers, format, (told,) if omitted else ())


def _in_format(layers: Workload, format: ExportFormat, notes: Iterable[str]) -> Export:
    match format:
        case "scale-sim":
            return Export(scale_sim.topology(layers), {}, (*notes, *scale_sim.unsaid(layers)))
        case "timeloop":
            return Export("", timeloop.problems(layers), tuple(notes))
        case "zigzag":
            bits = zigzag.assumed_bits(layers)
            return Export(zigzag.workload_file(layers), {}, (*notes, *([bits] if bits else [])))
        case _:
            assert_never(format)

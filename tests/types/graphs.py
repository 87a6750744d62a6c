"""What mypy refuses: a published graph is no executed one. Where it no longer does, that is an error."""

from accelsim.hardware import Hardware
from accelsim.network.analysis import counted_macs, peak_activations
from accelsim.network.executed import ExecutedGraph
from accelsim.network.graph import PublishedGraph, total_macs
from accelsim.network.lowering import lower
from accelsim.planning.compiler import make_schedule


def published_is_meant(executed: ExecutedGraph) -> None:
    """Of a graph that has been lowered, none of these can be asked."""
    lower(executed)  # type: ignore[arg-type]
    total_macs(executed)  # type: ignore[arg-type]
    counted_macs(executed)  # type: ignore[arg-type]


def executed_is_meant(published: PublishedGraph, hardware: Hardware) -> None:
    """Of a graph as its paper draws it, none of these can be asked."""
    make_schedule(published, hardware)  # type: ignore[arg-type]
    peak_activations(published)  # type: ignore[arg-type]

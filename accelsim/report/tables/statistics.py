"""What a network asks for before any machine: what `show --stats` says."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from accelsim.network.analysis import (
    Peak,
    Share,
    counted_macs,
    counted_params,
    frugal_order,
    largest_activations,
    network_arithmetic_intensity,
    network_memory_access_cost,
    peak_activations,
    shares,
)
from accelsim.network.build import build
from accelsim.network.compression import stored_bytes, total_kept_params
from accelsim.network.description import Network, Reported
from accelsim.network.graph import PublishedGraph, Shape, total_params
from accelsim.network.lowering import lower
from accelsim.report.text.table import (
    Column,
    Style,
    headline,
    labelled,
    percent,
    percent_digits,
    si,
    table,
    wrapped,
)

_COUNTED_AS: Final = {
    "all": "weights, biases, batch norm",
    "weights": "weights",
    "conv_and_fully_connected": "conv, fc",
    "conv": "conv",
    "with_offsets": "conv, fc, +1 an offset",
    "kept": "after pruning",
    "stored": "as stored",
}


@dataclass(frozen=True)
class ComparedCount:
    """A number of a network, counted as its paper does, beside the paper's."""

    what: str
    computed: int
    counted_as: str
    reported: float | None

    @property
    def difference(self) -> float | None:
        """By how much of the reported number the computed one is larger."""
        return None if self.reported is None else self.computed / self.reported - 1


@dataclass(frozen=True)
class NetworkStatistics:
    """Figures of one network, for one image; sizes in elements.

    Example:
        >>> from accelsim import load_network
        >>> network_statistics(load_network("alexnet")).name
        'alexnet'
    """

    name: str
    """Of the network; so the title."""
    title: str
    """What it is."""
    compared: tuple[ComparedCount, ...]
    """Counts beside those of its paper."""
    notes: str
    """Why they differ, where they do."""
    operators: tuple[Share, ...]
    """What each kind of operator takes part in."""
    memory_access_cost: int
    """Inputs, weights and outputs of convolutions and fully connected layers, once."""
    arithmetic_intensity: float
    """MACs for each element read or written."""
    largest_activations: tuple[Shape, ...]
    """Between blocks, at each size."""
    peak: Peak
    """In the running order."""
    frugal_peak: Peak
    """In an order that keeps less at once, if one was found."""


def network_statistics(network: Network) -> NetworkStatistics:
    """Everything that is known of a network without a machine.

    Args:
        network: The network.

    Returns:
        Its figures.

    Example:
        >>> from accelsim import load_network
        >>> statistics = network_statistics(load_network("alexnet"))
        >>> [count.computed for count in statistics.compared if count.what == "parameters"]
        [60965224]
    """
    published, reported = build(network), network.reported
    executed = lower(published)
    params = counted_params(published, reported.counts_params)
    macs = counted_macs(published, reported.counts_macs)
    return NetworkStatistics(
        name=network.name,
        title=network.description.title,
        compared=(
            ComparedCount("parameters", params, reported.counts_params, reported.params),
            *_compressed(published, reported),
            ComparedCount("MACs", macs, reported.counts_macs, reported.macs),
        ),
        notes=reported.notes,
        operators=shares(published),
        memory_access_cost=network_memory_access_cost(published),
        arithmetic_intensity=network_arithmetic_intensity(published),
        largest_activations=tuple(largest_activations(published).values()),
        peak=peak_activations(executed),
        frugal_peak=peak_activations(executed, frugal_order(executed)),
    )


def _compressed(published: PublishedGraph, reported: Reported) -> Iterator[ComparedCount]:
    """What pruning leaves, and the bytes of it; nothing of a network that leaves both to the machine."""
    kept, size = total_kept_params(published), stored_bytes(published)
    if kept < total_params(published):
        yield ComparedCount("kept", kept, "kept", reported.kept_params)
    if size is not None:
        yield ComparedCount("bytes", size, "stored", reported.stored_bytes)


def statistics_dict(statistics: NetworkStatistics) -> dict[str, Any]:
    """Plain values."""
    compared = [
        {**dataclasses.asdict(entry), "difference": entry.difference} for entry in statistics.compared
    ]
    return {**dataclasses.asdict(statistics), "compared": compared}


def statistics_report(statistics: NetworkStatistics, style: Style) -> str:
    """Figures of a network, as `accelsim show --stats` prints them.

    Args:
        statistics: The figures.
        style: What the place that it goes to can show.

    Returns:
        Text that ends in a newline.

    Example:
        >>> from accelsim import load_network
        >>> from accelsim.report.text import Style
        >>> statistics = network_statistics(load_network("alexnet"))
        >>> print(statistics_report(statistics, Style()).splitlines()[2])
        parameters   60,965,224   60,900,000      +0.11%  weights, biases, batch norm
    """
    lines = headline(statistics.name, statistics.title, style)
    lines += _table(_compared_columns(statistics.compared), style)
    if statistics.notes:
        lines += labelled("notes", statistics.notes, style)
    lines += ["", *_table(_share_columns(statistics.operators), style), ""]
    lines += [line for name, text in _figures(statistics) for line in labelled(name, text, style)]
    lines += ["", *wrapped("Activations and memory access are in elements, for one image.", style)]
    return "\n".join(lines) + "\n"


def _table(columns: Sequence[Column], style: Style) -> list[str]:
    head, *lines = table(columns, style.width)
    return [style.strong(head), *lines]


def _compared_columns(compared: Sequence[ComparedCount]) -> list[Column]:
    reported = ["-" if entry.reported is None else f"{entry.reported:,.0f}" for entry in compared]
    differences = [
        "-" if entry.difference is None else f"{100 * entry.difference:+.2f}%" for entry in compared
    ]
    return [
        Column("", [entry.what for entry in compared], "left"),
        Column("computed", [f"{entry.computed:,}" for entry in compared], gap=2),
        Column("reported", reported, gap=2),
        Column("difference", differences, gap=2),
        Column("counted", [_COUNTED_AS[entry.counted_as] for entry in compared], "left", gap=2, least=12),
    ]


def _share_columns(operators: Sequence[Share]) -> list[Column]:
    return [
        Column("operator", [share.operator for share in operators], "left"),
        Column("count", [str(share.count) for share in operators], gap=2),
        Column("MACs", [si(share.macs) for share in operators], gap=2),
        Column("%", [percent_digits(share.macs_share) for share in operators]),
        Column("weights", [si(share.weights) for share in operators], gap=2),
        Column("%", [percent_digits(share.weights_share) for share in operators]),
    ]


def _figures(statistics: NetworkStatistics) -> Iterator[tuple[str, str]]:
    yield (
        "memory access",
        f"{si(statistics.memory_access_cost)}: inputs, weights and outputs of conv and fc, once",
    )
    yield "intensity", f"{statistics.arithmetic_intensity:.1f} MACs for each element read or written"
    sizes = ", ".join(f"{shape} ({si(shape.elements)})" for shape in statistics.largest_activations)
    yield "largest", f"{sizes}: between blocks, at each size"
    yield "peak", f"{si(statistics.peak.elements)} kept at once, during {statistics.peak.layer}"
    if statistics.frugal_peak.elements < statistics.peak.elements:
        saved = percent(1 - statistics.frugal_peak.elements / statistics.peak.elements)
        yield "", f"{si(statistics.frugal_peak.elements)} ({saved} less) in another order of the layers"

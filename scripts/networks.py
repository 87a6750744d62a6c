"""Write the table of docs/networks.md: every network, and the members of its family that its paper has.

Run as `python scripts/networks.py`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from accelsim.descriptions import shipped
from accelsim.network.analysis import counted_macs, counted_params
from accelsim.network.build import build
from accelsim.network.description import Network
from accelsim.network.graph import total_macs, total_params
from accelsim.network.load import load_network

DOCUMENT = Path(__file__).parents[1] / "docs" / "networks.md"
HEADER = (
    "| network | input | parameters | MACs | top-1 | top-5 | other accuracy "
    "| reported parameters | reported MACs |\n"
    "|---|---|--:|--:|--:|--:|--:|--:|--:|\n"
)
COUNTED = {
    "weights": "weights",
    "conv": "conv",
    "with_offsets": "+1",
}
"""Conventions other than the usual, as the table abbreviates them."""


def networks_table() -> str:
    """The table in Markdown."""
    return HEADER + "".join(f"{row(name, network)}\n" for name, network in members())


def members() -> Iterator[tuple[str, Network]]:
    """Every network by name, each followed by the members of its family that its file reports on."""
    for name in shipped.names("networks"):
        network = load_network(name)
        yield name, network
        for entry in network.description.reported_at:
            member = load_network(name, **entry.at)
            yield member.name, member


def row(name: str, network: Network) -> str:
    """A network's line."""
    graph, reported, image = build(network), network.reported, network.image
    params = counted_params(graph, reported.counts_params)
    macs = counted_macs(graph, reported.counts_macs)
    cells = [
        f"`{name}`",
        f"{image.height} x {image.width}",
        f"{total_params(graph):,}",
        f"{total_macs(graph) / 1e6:,.2f}M",
        "" if reported.top1 is None else f"{reported.top1:.2f}",
        "" if reported.top5 is None else f"{reported.top5:.2f}",
        "" if reported.accuracy is None else f"{reported.accuracy.percent:g} {reported.accuracy.metric}",
        _compared(reported.params, params, COUNTED.get(reported.counts_params)),
        _compared(reported.macs, macs, COUNTED.get(reported.counts_macs)),
    ]
    return f"| {' | '.join(cells)} |"


def _compared(reported: float | None, computed: int, counted: str | None) -> str:
    """The reported number in millions, by how much the computed one is larger, and what is counted."""
    if reported is None:
        return ""
    convention = f", {counted}" if counted else ""
    return f"{reported / 1e6:,.5g}M ({100 * (computed / reported - 1):+.1f}%{convention})"


def updated(text: str) -> str:
    """The document with the present table between its markers."""
    table = f"<!-- begin table -->\n{networks_table()}<!-- end table -->"
    return re.sub(r"(?s)<!-- begin table -->.*<!-- end table -->", lambda _: table, text)


if __name__ == "__main__":
    DOCUMENT.write_text(updated(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")

"""Eyeriss, measured beside simulated: values, and how they look."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from accelsim.report.text.table import Column, Style, labelled, table, wrapped
from accelsim.validation.eyeriss import EyerissReproduction, FigureOfLayer, MappingsOfLayer
from accelsim.validation.eyeriss_measured import QUANTITIES, MeasuredNetwork, Quantity
from accelsim.version import __version__

_HEADERS: Final[dict[Quantity, str]] = {
    "active_pes": "PEs",
    "processing_ms": "proc. ms",
    "time_ms": "time ms",
    "buffer_megabytes": "buffer MB",
    "dram_megabytes": "DRAM MB",
    "power_mw": "power mW",
}
_SIDE_BY_SIDE: Final = (QUANTITIES[:3], QUANTITIES[3:])
"""Of a table that fits a terminal."""
_NAMES: Final[dict[Quantity, str]] = {
    "active_pes": "active_pes",
    "processing_ms": "processing",
    "time_ms": "time",
    "buffer_megabytes": "buffer",
    "dram_megabytes": "dram",
    "power_mw": "power",
}
"""Of the summaries in the JSON."""


def eyeriss_figure_dict(figure: FigureOfLayer) -> dict[str, Any]:
    """Plain values of one figure."""
    return asdict(figure)


def eyeriss_dict(reproduction: EyerissReproduction) -> dict[str, Any]:
    """Plain values of `reproduce eyeriss --format json`.

    Rows and summaries of the first network stand outside, as of other machines; the second has its own.
    """
    chip = reproduction.chip
    first, *others = [_network_dict(reproduction, network) for network in chip.networks]
    return {
        "accelsim": __version__,
        "table": chip.name,
        "source": chip.source,
        **first,
        "fitted": {
            "parameters": list(chip.fitted.keys),
            "on": chip.fitted.to,
            "forms_tried": chip.fitted.forms_tried,
        },
        **{network.network: values for network, values in zip(chip.networks[1:], others, strict=True)},
        "missed_bars": reproduction.missed_bars,
        "moved": reproduction.moved,
    }


def _network_dict(reproduction: EyerissReproduction, network: MeasuredNetwork) -> dict[str, Any]:
    name = network.network
    return {
        "rows": [eyeriss_figure_dict(row) for row in reproduction.of(name)],
        **{
            _NAMES[quantity]: {
                **asdict(reproduction.errors(name, quantity)),
                "error_of_sum": reproduction.error_of_sum(name, quantity),
            }
            for quantity in QUANTITIES
            if reproduction.of(name, quantity)
        },
        "mappings": [asdict(row) for row in reproduction.mappings if row.network == name],
        "recalled": list(network.recalled),
        "notes": network.notes,
    }


def eyeriss_report(reproduction: EyerissReproduction, style: Style) -> str:
    """Eyeriss as `accelsim reproduce eyeriss` prints it.

    Args:
        reproduction: Figures of both networks.
        style: What the place that it goes to can show.

    Returns:
        Of each network its layers, errors in percent, and mappings; ends in a newline.

    Example:
        >>> from accelsim.report.text import Style
        >>> from accelsim.validation.eyeriss import EyerissReproduction
        >>> from accelsim.validation.eyeriss_measured import load_measured
        >>> nothing = EyerissReproduction(load_measured(), (), ())
        >>> print(eyeriss_report(nothing, Style()).splitlines()[0])
        alexnet, batch 4: measured, and simulated by the chip's own mapping
    """
    text: list[str] = []
    for network in reproduction.chip.networks:
        mapped = "own mapping" if network.layers[0].mapping else "mapping as far as known"
        name = f"{network.network}, batch {network.batch}"
        head = f"{name}: measured, and simulated by the chip's {mapped}"
        text.append(style.strong(head))
        for quantities in _SIDE_BY_SIDE:
            text += [*_figures(reproduction, network, quantities, style), ""]
        rows = [row for row in reproduction.mappings if row.network == network.network]
        text += [style.strong("mappings"), *table(_mapping_columns(rows), style.width), ""]
        text += [*wrapped(network.notes, style), ""]
    fitted = reproduction.chip.fitted
    keys = ", ".join(fitted.keys)
    text += labelled("fitted", f"{keys} to {fitted.to}; {fitted.forms_tried} forms tried", style)
    legend = (
        "proc.: processing, without what stops the array. sim.: simulated. buffer: as the paper counts it, "
        "without what comes from DRAM. power: of the chip, without DRAM. E x D: energy x delay of the "
        "mapping that the search finds, for each of the chip's. ~: written down from memory."
    )
    return "\n".join([*text, *wrapped(legend, style)]) + "\n"


def _figures(
    reproduction: EyerissReproduction, network: MeasuredNetwork, quantities: Sequence[Quantity], style: Style
) -> list[str]:
    columns = [Column("layer", [*(f" {layer.layer}" for layer in network.layers), " sum"], "left", least=8)]
    for quantity in quantities:
        rows = {row.layer: row for row in reproduction.of(network.network, quantity)}
        if not rows:
            continue
        cells = [_cell(rows.get(layer.layer)) for layer in network.layers]
        total = f"{reproduction.error_of_sum(network.network, quantity):+.1%}"
        header = _HEADERS[quantity] + ("~" if quantity in network.recalled else "")
        columns += [
            Column(header, [*(measured for measured, *_ in cells), ""], gap=2),
            Column("sim.", [*(simulated for _, simulated, _ in cells), ""]),
            Column("off", [*(off for *_, off in cells), total]),
        ]
    head, *lines = table(columns, style.width)
    return [style.strong(head), *lines]


def _cell(row: FigureOfLayer | None) -> tuple[str, str, str]:
    if row is None:
        return "-", "-", "-"
    return f"{row.measured:.4g}", f"{row.simulated:.4g}", f"{row.simulated / row.measured - 1:+.1%}"


def _mapping_columns(rows: Sequence[MappingsOfLayer]) -> list[Column]:
    return [
        Column("layer", [f" {row.layer}" for row in rows], "left", least=8),
        Column("the chip's", [row.told for row in rows], "left"),
        Column("of the search", [row.searched for row in rows], "left"),
        Column("E x D", [f"{row.energy_delay:.3f}" for row in rows]),
    ]

"""Gemmini's RTL beside the simulation: values, and how they look."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from accelsim.descriptions.phrases import counted
from accelsim.mapping.letters import order_words
from accelsim.report.text.table import Column, Style, labelled, table, wrapped
from accelsim.validation.gemmini import FITTED, GemminiReproduction, GemminiRow
from accelsim.validation.gemmini_layers import MeasuredLayer
from accelsim.validation.log_errors import LogErrors
from accelsim.version import __version__

_LEGEND: Final = (
    "layer: output x input channels x kernel / stride @ outputs. tile: its sizes where they are not the "
    "layer's. RTL: cycles as measured. error: ln(simulated / measured). array: the padded array alone, of "
    "the RTL's time."
)

_ENLARGED: Final = (
    "*: simulated with larger accumulators than the machine has, since the mapping's unfinished sums have no "
    "room there."
)


def gemmini_row_dict(row: GemminiRow) -> dict[str, Any]:
    """Plain values of one measurement."""
    measured = row.measured
    return {
        "id": measured.id,
        "layer": measured.name,
        "tile": tile_of(measured),
        "order": order_words(measured.order),
        "repeats": measured.repeats,
        "measured": measured.rtl_cycles,
        "simulated": row.simulated_cycles,
        "log_error": row.log_error,
        "padded_array": row.padded_array_cycles,
        "timeloop": measured.timeloop_cycles,
        "enlarged_accumulators_bytes": row.enlarged_accumulators_bytes,
    }


def gemmini_dict(
    reproduction: GemminiReproduction, moved: Sequence[GemminiRow], source: str
) -> dict[str, Any]:
    """Plain values of `reproduce gemmini --format json`."""
    return {
        "accelsim": __version__,
        "source": source,
        "rows": [gemmini_row_dict(row) for row in reproduction.rows],
        "time": asdict(reproduction.time),
        "fitted": FITTED,
        "timeloop": asdict(reproduction.timeloop),
        "macs_per_pe": asdict(reproduction.macs_per_pe),
        "padded_array_above_measured": [row.measured.id for row in reproduction.above_rtl],
        "moved": [row.measured.id for row in moved],
    }


def tile_of(measured: MeasuredLayer) -> str:
    """`K16 X7`: the sizes of a tile that are not the layer's; `all` where it is the whole layer."""
    tile, layer = measured.tile, measured.layer
    sizes = (
        ("K", tile.k, layer.K),
        ("C", tile.c, layer.C),
        ("Y", tile.y, layer.OY),
        ("X", tile.x, layer.OX),
        ("FY", tile.fy, layer.FY),
        ("FX", tile.fx, layer.FX),
    )
    return " ".join([f"{letter}{size}" for letter, size, bound in sizes if size != bound]) or "all"


def gemmini_report(reproduction: GemminiReproduction, source: str, style: Style) -> str:
    """Measured beside simulated, as `accelsim reproduce gemmini` prints it.

    Args:
        reproduction: All measurements.
        source: Where they are from.
        style: What the place that it goes to can show.

    Returns:
        A line for each, and below them the errors; ends in a newline.
    """
    rows = reproduction.rows
    head, *lines = table(
        [
            Column("id", [f"{row.measured.id}{_mark(row)}" for row in rows]),
            Column("layer", [row.measured.name for row in rows], "left", least=12),
            Column("tile", [tile_of(row.measured) for row in rows], "left", least=8),
            Column("RTL", [f"{row.measured.rtl_cycles:,}" for row in rows]),
            Column("simulated", [f"{row.simulated_cycles:,}" for row in rows]),
            Column("error", [f"{row.log_error:+.3f}" for row in rows]),
            Column("array", [f"{row.padded_array_cycles / row.measured.rtl_cycles:.2f}" for row in rows]),
        ],
        style.width,
    )
    text = [style.strong(head), *lines, "", *wrapped(_LEGEND, style), ""]
    if any(_mark(row) for row in rows):
        text += [*wrapped(_ENLARGED, style), ""]
    text += labelled("measured", f"{_how_many(rows)}, repeats weighed once. {source}", style)
    text += labelled("simulated", _words(reproduction.time), style)
    text += labelled("Timeloop", _words(reproduction.timeloop), style)
    text += labelled("MACs / PEs", _words(reproduction.macs_per_pe), style)
    above = len(reproduction.above_rtl)
    text += labelled("padded array", f"above the RTL in {counted(above, 'row')} of {len(rows)}", style)
    return "\n".join(text) + "\n"


def _mark(row: GemminiRow) -> str:
    return "" if row.enlarged_accumulators_bytes is None else "*"


def _how_many(rows: Sequence[GemminiRow]) -> str:
    """`117 measurements of 82 mappings in 94 groups`; groups where the file has another number of them."""
    mappings = len({row.measured.mapped_as for row in rows})
    groups = len({row.measured.repeats or index for index, row in enumerate(rows)})
    words = f"{counted(len(rows), 'measurement')} of {counted(mappings, 'mapping')}"
    return words if groups == mappings else f"{words} in {counted(groups, 'group')}"


def _words(errors: LogErrors) -> str:
    rank = errors.rank_correlation
    return (
        f"|error| {errors.mean_abs_log_error:.3f} on average, {errors.median_abs_log_error:.3f} in the "
        f"median, {errors.max_abs_log_error:.2f} at most; bias {errors.bias:+.3f}; "
        f"{errors.within_10_percent:.0%} within 10 %"
        + ("" if rank is None else f"; rank correlation {rank:.3f}")
    )

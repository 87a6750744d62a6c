"""The roofline of a machine, and below it every layer of a run (Williams et al., CACM 2009).

Across: multiply-accumulates for each byte of DRAM traffic. Up: multiply-accumulates per cycle. No layer is
above the roof, which is as high as the array has PEs, and falls to the left where DRAM's bandwidth limits.
How far a layer is below says what it would gain; the colour, what keeps it there. Multiply-accumulates are
those executed: the ones that skipped zero weights save count neither as work nor as speed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from accelsim.descriptions.phrases import counted
from accelsim.hardware import Hardware
from accelsim.report.labels.points import LabelledMarker, Marker, label_points
from accelsim.report.plots.style import (
    BOUND_COLOURS,
    BOUND_MARKERS,
    MarkerStyle,
    plain_log_ticks,
    run_name,
    set_title,
)
from accelsim.report.text.table import percent
from accelsim.report.text.words import bound_name, bound_sentence, off_chip_word
from accelsim.result import Bound, LayerResult, RunResult

SIZE_INCHES: Final = (10.0, 5.4)
"""Of the panel of one run."""
LABELLED_POINTS: Final = 10
"""As many points have the name of the layer there that takes the most time."""
_LEAST_AREA: Final = 12.0
_AREA: Final = 700.0
"""Area of the marker [points squared] of a layer that took all the time."""


@dataclass(frozen=True)
class Roof:
    """What no layer can exceed."""

    peak_macs_per_cycle: int
    dram_bytes_per_cycle: float
    off_chip: str
    """What the memory off chip is called, or the memories."""

    @property
    def ridge(self) -> float:
        """MAC/byte from which on the memory off chip does not limit."""
        return self.peak_macs_per_cycle / self.dram_bytes_per_cycle

    def height(self, macs_per_byte: float) -> float:
        """The roof's height [MAC/cycle]."""
        return min(self.peak_macs_per_cycle, macs_per_byte * self.dram_bytes_per_cycle)


@dataclass(frozen=True)
class RooflinePoint:
    """One layer below the roof."""

    name: str
    macs_per_byte: float
    macs_per_cycle: float
    time_share: float
    bound_by: Bound


def roof_of(hardware: Hardware) -> Roof:
    """The roof of a machine; of several channels, as high as where all of them stream all the time."""
    return Roof(
        hardware.pe_array.pes,
        hardware.bytes_per_cycle_off_chip,
        off_chip_word(hardware.names_off_chip),
    )


def roofline_points(result: RunResult, hardware: Hardware) -> list[RooflinePoint]:
    """The layers that multiply on the array and move bytes off chip, the one that takes the most time first.

    A layer's cycles are those by which it moves the finish, or those in which the array or DRAM worked for it
    if these are more, because they began while the layer before was still being stored.
    """
    points = [
        _point(layer, result.cycles, hardware.pe_array.pes)
        for layer in result.layers
        if layer.utilization and layer.dram_bytes.total
    ]
    return sorted(points, key=lambda point: -point.time_share)


def _point(layer: LayerResult, cycles: int, pes: int) -> RooflinePoint:
    array, dram = layer.busy_cycles["array"], layer.busy_cycles["dram"]
    executed = layer.utilization * pes * max(layer.cycles, array)
    return RooflinePoint(
        layer.name,
        macs_per_byte=executed / layer.dram_bytes.total,
        macs_per_cycle=executed / max(layer.cycles, array, dram),
        time_share=layer.cycles / cycles,
        bound_by=layer.bound_by,
    )


def roofline_figure(runs: Sequence[tuple[RunResult, Hardware]]) -> Figure:
    """Every layer below the roof of its machine, as `accelsim plot roofline` draws them.

    Args:
        runs: Results with the machines that they ran on.

    Returns:
        A figure with a panel for each run, one below the other.

    Example:
        >>> from accelsim import load_hardware, run_network
        >>> hardware = load_hardware("16x16_128k")
        >>> result = run_network("mobilenet_v1@width=0.25,resolution=128", hardware)
        >>> [axes.get_xscale() for axes in roofline_figure([(result, hardware)]).axes]
        ['log']
    """
    width, height = SIZE_INCHES
    figure = Figure(figsize=(width, height * len(runs)))
    panels = figure.subplots(len(runs), 1, squeeze=False)[:, 0]
    total = height * len(runs)
    figure.subplots_adjust(
        left=0.075, right=0.975, top=1 - 0.65 / total, bottom=0.6 / total, hspace=1.25 / (height - 1.25)
    )
    for (result, hardware), axes in zip(runs, panels, strict=True):
        points = roofline_points(result, hardware)
        set_title(roofline_title(result, points), axes, pad=20)
        plot_roofline(points, roof_of(hardware), axes)
    return figure


def roofline_title(result: RunResult, points: Sequence[RooflinePoint]) -> str:
    """`Roofline of sqnxt23v5 on 16x16_128k: 112 layers`."""
    return f"Roofline of {run_name(result)}: {counted(len(points), 'layer')}"


def roofline_subtitle(roof: Roof, points: Sequence[RooflinePoint]) -> str:
    """What the roof is, and how much of the time is not shown, as those layers have no place below it: the
    array does not multiply for them, or nothing of theirs comes from outside or goes there.
    """
    peak, bandwidth = roof.peak_macs_per_cycle, roof.dram_bytes_per_cycle
    description = f"roof: {peak} PEs; {roof.off_chip}, {bandwidth:.3g} byte/cycle, "
    description += f"which limits below {roof.ridge:.3g} MAC/byte"
    unshown_share = 1 - sum(point.time_share for point in points)
    if unshown_share > 0.0005:
        without = f"layers without MACs of the array or {roof.off_chip} traffic"
        description += f"; {without} ({percent(unshown_share)} of the time) left out"
    return description


def plot_roofline(points: Sequence[RooflinePoint], roof: Roof, axes: Axes) -> None:
    """The roof and the layers, as large as their share of the time; the limits of the axes are set."""
    intensities = [point.macs_per_byte for point in points] or [roof.ridge]
    low, high = min([*intensities, roof.ridge]) / 2, max([*intensities, roof.ridge]) * 2
    lowest = min([point.macs_per_cycle for point in points] or [1.0])
    top = roof.peak_macs_per_cycle
    bottom = min(lowest, roof.height(low)) / 1.6
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(bottom, top * 1.6))
    plain_log_ticks(axes.xaxis)
    plain_log_ticks(axes.yaxis)
    axes.plot([low, roof.ridge, high], [roof.height(low), top, top], color="0.25", linewidth=1.2, zorder=1)
    axes.axvline(roof.ridge, color="0.8", linewidth=0.8, linestyle=":", zorder=0)
    axes.text(0, 1.02, roofline_subtitle(roof, points), transform=axes.transAxes, fontsize="small")
    for bound in BOUND_COLOURS:
        members = [point for point in points if point.bound_by == bound]
        axes.scatter(
            [point.macs_per_byte for point in members],
            [point.macs_per_cycle for point in members],
            s=[_style(point).area for point in members],
            color=BOUND_COLOURS[bound],
            marker=BOUND_MARKERS[bound],
            edgecolor="white",
            linewidth=0.5,
            alpha=0.85,
            zorder=3,
        )
    axes.set_xlabel(f"executed MACs per byte of {roof.off_chip} traffic [MAC/byte]")
    axes.set_ylabel("executed MACs per cycle [MAC/cycle]")
    axes.spines[["top", "right"]].set_visible(False)
    _legend({point.bound_by for point in points}, roof.off_chip, axes)
    _name_layers(points, roof, axes)


def _legend(bounds: set[Bound], off_chip: str, axes: Axes) -> None:
    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=BOUND_MARKERS[bound],
            color=colour,
            label=f"{bound_name(bound, off_chip)}: {bound_sentence(bound, off_chip)}",
        )
        for bound, colour in BOUND_COLOURS.items()
        if bound in bounds
    ]
    axes.legend(
        handles=handles,
        loc="lower right",
        fontsize="small",
        title="bound by (area: share of the time)",
        title_fontsize="small",
        edgecolor="none",
        framealpha=1.0,
        alignment="left",
    )


def _name_layers(points: Sequence[RooflinePoint], roof: Roof, axes: Axes) -> None:
    """Names of the layers that take the most time; of several at one point, the first."""
    coinciding: dict[tuple[str, str], list[RooflinePoint]] = {}
    for point in points:
        key = (f"{point.macs_per_byte:.3g}", f"{point.macs_per_cycle:.3g}")
        coinciding.setdefault(key, []).append(point)
    labelled = [
        LabelledMarker(
            members[0].macs_per_byte,
            members[0].macs_per_cycle,
            _style(members[0]).radius_points,
            members[0].name + (f" and {len(members) - 1} more" if len(members) > 1 else ""),
        )
        for members in coinciding.values()
    ]
    unlabelled = [
        Marker(point.macs_per_byte, point.macs_per_cycle, _style(point).radius_points) for point in points
    ]
    low, high = axes.get_xlim()
    roof_line = [(intensity, roof.height(intensity)) for intensity in (low, roof.ridge, high)]
    label_points(labelled, axes, unlabelled=unlabelled, lines=[roof_line], count=LABELLED_POINTS)


def _style(point: RooflinePoint) -> MarkerStyle:
    area = _LEAST_AREA + _AREA * point.time_share
    return MarkerStyle(BOUND_COLOURS[point.bound_by], BOUND_MARKERS[point.bound_by], area)

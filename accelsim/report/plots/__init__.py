"""Figures: one file a figure, each with the values that it shows."""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.report.plots.accuracy import AccuracyPoint, accuracy_figure, accuracy_point
    from accelsim.report.plots.depths import depths_figure
    from accelsim.report.plots.energy import layer_energy_figure, run_energy_figure
    from accelsim.report.plots.layers import layers_figure
    from accelsim.report.plots.mapping import mapping_figure
    from accelsim.report.plots.measured import MeasuredPanel, measured_figure
    from accelsim.report.plots.memory import memory_figure
    from accelsim.report.plots.path import path_figure
    from accelsim.report.plots.published import published_figure
    from accelsim.report.plots.roofline import roofline_figure
    from accelsim.report.plots.style import save
    from accelsim.report.plots.sweep import sweep_figure
    from accelsim.report.plots.timeline import TimelineWindow, timeline_figure
    from accelsim.report.plots.traffic import traffic_figure

__all__ = [
    "AccuracyPoint",
    "MeasuredPanel",
    "TimelineWindow",
    "accuracy_figure",
    "accuracy_point",
    "depths_figure",
    "layer_energy_figure",
    "layers_figure",
    "mapping_figure",
    "measured_figure",
    "memory_figure",
    "path_figure",
    "published_figure",
    "roofline_figure",
    "run_energy_figure",
    "save",
    "sweep_figure",
    "timeline_figure",
    "traffic_figure",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "accuracy": (
            "AccuracyPoint",
            "accuracy_figure",
            "accuracy_point",
        ),
        "depths": ("depths_figure",),
        "energy": (
            "layer_energy_figure",
            "run_energy_figure",
        ),
        "layers": ("layers_figure",),
        "mapping": ("mapping_figure",),
        "measured": (
            "MeasuredPanel",
            "measured_figure",
        ),
        "memory": ("memory_figure",),
        "path": ("path_figure",),
        "published": ("published_figure",),
        "roofline": ("roofline_figure",),
        "style": ("save",),
        "sweep": ("sweep_figure",),
        "timeline": (
            "TimelineWindow",
            "timeline_figure",
        ),
        "traffic": ("traffic_figure",),
    },
)

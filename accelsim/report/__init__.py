"""What people read: tables, files, plots. Computes nothing that a RunResult does not hold.

Here is what makes something to read of a result. Each room within has a door of its own, with the values and
parts that these are made of: `from accelsim.report.values import stages`.
"""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.report.files import to_csv, to_json, write, write_trace
    from accelsim.report.pages import make_page, page_html
    from accelsim.report.plots import (
        accuracy_figure,
        depths_figure,
        layer_energy_figure,
        layers_figure,
        memory_figure,
        path_figure,
        published_figure,
        roofline_figure,
        run_energy_figure,
        save,
        sweep_figure,
        timeline_figure,
        traffic_figure,
    )
    from accelsim.report.tables import (
        Case,
        compare,
        comparison_report,
        depth_report,
        executed_report,
        explanation_report,
        guidelines_report,
        hardware_report,
        path_report,
        published_report,
        reproduction_report,
        residency_report,
        run_report,
        statistics_report,
        sweep_report,
        verification_report,
    )
    from accelsim.report.text import Style

__all__ = [
    "Case",
    "Style",
    "accuracy_figure",
    "compare",
    "comparison_report",
    "depth_report",
    "depths_figure",
    "executed_report",
    "explanation_report",
    "guidelines_report",
    "hardware_report",
    "layer_energy_figure",
    "layers_figure",
    "make_page",
    "memory_figure",
    "page_html",
    "path_figure",
    "path_report",
    "published_figure",
    "published_report",
    "reproduction_report",
    "residency_report",
    "roofline_figure",
    "run_energy_figure",
    "run_report",
    "save",
    "statistics_report",
    "sweep_figure",
    "sweep_report",
    "timeline_figure",
    "to_csv",
    "to_json",
    "traffic_figure",
    "verification_report",
    "write",
    "write_trace",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "files": (
            "to_csv",
            "to_json",
            "write",
            "write_trace",
        ),
        "pages": (
            "make_page",
            "page_html",
        ),
        "plots": (
            "accuracy_figure",
            "depths_figure",
            "layer_energy_figure",
            "layers_figure",
            "memory_figure",
            "path_figure",
            "published_figure",
            "roofline_figure",
            "run_energy_figure",
            "save",
            "sweep_figure",
            "timeline_figure",
            "traffic_figure",
        ),
        "tables": (
            "Case",
            "compare",
            "comparison_report",
            "depth_report",
            "executed_report",
            "explanation_report",
            "guidelines_report",
            "hardware_report",
            "path_report",
            "published_report",
            "reproduction_report",
            "residency_report",
            "run_report",
            "statistics_report",
            "sweep_report",
            "verification_report",
        ),
        "text": ("Style",),
    },
)

"""What the console shows: one file for each kind of answer."""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.report.tables.comparison import Case, ComparedCase, compare, comparison_report
    from accelsim.report.tables.depths import depth_report
    from accelsim.report.tables.energy_import import energy_import_report
    from accelsim.report.tables.explanation import explanation_report
    from accelsim.report.tables.guidelines import guidelines_report
    from accelsim.report.tables.machines import hardware_report
    from accelsim.report.tables.networks import executed_report, published_report
    from accelsim.report.tables.path import path_report
    from accelsim.report.tables.reproduction import reproduction_report
    from accelsim.report.tables.residency import residency_report
    from accelsim.report.tables.run import run_report
    from accelsim.report.tables.statistics import NetworkStatistics, network_statistics, statistics_report
    from accelsim.report.tables.sweep import sweep_report
    from accelsim.report.tables.verification import verification_report

__all__ = [
    "Case",
    "ComparedCase",
    "NetworkStatistics",
    "compare",
    "comparison_report",
    "depth_report",
    "energy_import_report",
    "executed_report",
    "explanation_report",
    "guidelines_report",
    "hardware_report",
    "network_statistics",
    "path_report",
    "published_report",
    "reproduction_report",
    "residency_report",
    "run_report",
    "statistics_report",
    "sweep_report",
    "verification_report",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "comparison": (
            "Case",
            "ComparedCase",
            "compare",
            "comparison_report",
        ),
        "depths": ("depth_report",),
        "energy_import": ("energy_import_report",),
        "explanation": ("explanation_report",),
        "guidelines": ("guidelines_report",),
        "machines": ("hardware_report",),
        "networks": (
            "executed_report",
            "published_report",
        ),
        "path": ("path_report",),
        "reproduction": ("reproduction_report",),
        "residency": ("residency_report",),
        "run": ("run_report",),
        "statistics": (
            "NetworkStatistics",
            "network_statistics",
            "statistics_report",
        ),
        "sweep": ("sweep_report",),
        "verification": ("verification_report",),
    },
)

"""What people read: tables, files, plots. Computes nothing that a RunResult does not hold.

Each room within has a door of its own: `from accelsim.report.plots import layers_figure, save`.
"""

__all__: list[str] = []

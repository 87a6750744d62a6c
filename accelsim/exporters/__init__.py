"""Networks as the workload files of other tools, which take layers one by one and no graph.

    Network -> Workload (workload.py) -> scale_sim.py | timeloop.py | zigzag.py -> files

A `Workload` is what all of them know: the layers that run on the array, as loop nests, and what is left out.
"""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.exporters.export import EXPORT_FORMATS, Export, exported
    from accelsim.exporters.workload import Workload, workload_of

__all__ = [
    "EXPORT_FORMATS",
    "Export",
    "Workload",
    "exported",
    "workload_of",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "export": ("EXPORT_FORMATS", "Export", "exported"),
        "workload": ("Workload", "workload_of"),
    },
)

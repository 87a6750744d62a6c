"""Independent work: on all cores of this machine, or wherever else an `Executor` sends it."""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.execution.cluster import Cluster, connected, started
    from accelsim.execution.executor import Executor, Workers
    from accelsim.execution.processes import Processes, cores, in_parallel

__all__ = [
    "Cluster",
    "Executor",
    "Processes",
    "Workers",
    "connected",
    "cores",
    "in_parallel",
    "started",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "cluster": ("Cluster", "connected", "started"),
        "executor": ("Executor", "Workers"),
        "processes": ("Processes", "cores", "in_parallel"),
    },
)

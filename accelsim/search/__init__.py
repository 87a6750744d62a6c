"""Redesign a network, or the machine that runs it, by simulating many of them."""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.search.changes import Remedy
    from accelsim.search.depth import DepthCandidate, DepthSearch, KnownNetwork, search_depth
    from accelsim.search.evaluate import Limits, SearchTask
    from accelsim.search.explain import Explanation, explain_network, written_remedy
    from accelsim.search.least_memory import MemoryFit, MemoryRun, fit_network
    from accelsim.search.metrics import METRICS, Metric
    from accelsim.search.pareto import Front, dominates
    from accelsim.search.path import DesignPath, PathStep, search_path
    from accelsim.search.path_moves import DesignPoint, Excess, SizeBudget
    from accelsim.search.sampling import SamplingPlan, plan_for
    from accelsim.search.space import DepthSpace, SpaceError, depth_space, depths_of, with_depths
    from accelsim.search.spec import Sweep, SweepAxis, read_sweep
    from accelsim.search.store import StoreError
    from accelsim.search.sweep import SweepCandidate, SweepResult, run_sweep
    from accelsim.search.words import change_words, move_words

__all__ = [
    "METRICS",
    "DepthCandidate",
    "DepthSearch",
    "DepthSpace",
    "DesignPath",
    "DesignPoint",
    "Excess",
    "Explanation",
    "Front",
    "KnownNetwork",
    "Limits",
    "MemoryFit",
    "MemoryRun",
    "Metric",
    "PathStep",
    "Remedy",
    "SamplingPlan",
    "SearchTask",
    "SizeBudget",
    "SpaceError",
    "StoreError",
    "Sweep",
    "SweepAxis",
    "SweepCandidate",
    "SweepResult",
    "change_words",
    "depth_space",
    "depths_of",
    "dominates",
    "explain_network",
    "fit_network",
    "move_words",
    "plan_for",
    "read_sweep",
    "run_sweep",
    "search_depth",
    "search_path",
    "with_depths",
    "written_remedy",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "changes": ("Remedy",),
        "depth": (
            "DepthCandidate",
            "DepthSearch",
            "KnownNetwork",
            "search_depth",
        ),
        "evaluate": (
            "Limits",
            "SearchTask",
        ),
        "explain": (
            "Explanation",
            "explain_network",
            "written_remedy",
        ),
        "least_memory": (
            "MemoryFit",
            "MemoryRun",
            "fit_network",
        ),
        "metrics": (
            "METRICS",
            "Metric",
        ),
        "pareto": (
            "Front",
            "dominates",
        ),
        "path": (
            "DesignPath",
            "PathStep",
            "search_path",
        ),
        "path_moves": (
            "DesignPoint",
            "Excess",
            "SizeBudget",
        ),
        "sampling": (
            "SamplingPlan",
            "plan_for",
        ),
        "space": (
            "DepthSpace",
            "SpaceError",
            "depth_space",
            "depths_of",
            "with_depths",
        ),
        "spec": (
            "Sweep",
            "SweepAxis",
            "read_sweep",
        ),
        "store": ("StoreError",),
        "sweep": (
            "SweepCandidate",
            "SweepResult",
            "run_sweep",
        ),
        "words": (
            "change_words",
            "move_words",
        ),
    },
)

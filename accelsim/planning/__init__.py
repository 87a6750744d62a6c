"""From layers to what is simulated: mappings chosen with the simulation as judge, and what stays on chip."""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.memory_map import CostsMore, ReadBeside, ResultOutside, Steps, TooLarge
    from accelsim.planning.addresses import Lifetime, assign_addresses
    from accelsim.planning.compiler import idle_descriptors, make_schedule, map_network
    from accelsim.planning.edp import least_edp
    from accelsim.planning.plan import Plan
    from accelsim.planning.programme.planner import nothing_kept, plan_residency
    from accelsim.planning.residency import (
        DoesNotFit,
        Pool,
        ResidencyPlan,
        StepPlan,
        TensorPlaces,
    )
    from accelsim.planning.tensors import LayerUse, NetworkTensors, Tensor, network_tensors

__all__ = [
    "CostsMore",
    "DoesNotFit",
    "LayerUse",
    "Lifetime",
    "NetworkTensors",
    "Plan",
    "Pool",
    "ReadBeside",
    "ResidencyPlan",
    "ResultOutside",
    "StepPlan",
    "Steps",
    "Tensor",
    "TensorPlaces",
    "TooLarge",
    "assign_addresses",
    "idle_descriptors",
    "least_edp",
    "make_schedule",
    "map_network",
    "network_tensors",
    "nothing_kept",
    "plan_residency",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "addresses": ("Lifetime", "assign_addresses"),
        "compiler": ("idle_descriptors", "make_schedule", "map_network"),
        "edp": ("least_edp",),
        "plan": ("Plan",),
        "programme.planner": ("nothing_kept", "plan_residency"),
        "residency": (
            "DoesNotFit",
            "Pool",
            "ResidencyPlan",
            "StepPlan",
            "Steps",
            "TensorPlaces",
        ),
        "tensors": ("LayerUse", "NetworkTensors", "Tensor", "network_tensors"),
        "programme.why_not": ("CostsMore", "ReadBeside", "ResultOutside", "TooLarge"),
    },
)

"""Dataflows: which operand stays in the PEs while the others move. One file each, one contract.

To add one: a file with a class of `contract.Dataflow` and an object of it, and a line in
accelsim/hardware/registry.py (or an entry point `accelsim.dataflows` of another package).
"""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.mapping.dataflows.contract import ArrayAxis, Dataflow, Port
    from accelsim.mapping.dataflows.lookup import dataflow_of, least_weight_density

__all__ = ["ArrayAxis", "Dataflow", "Port", "dataflow_of", "least_weight_density"]
__getattr__, __dir__ = door(
    __name__,
    {
        "contract": ("ArrayAxis", "Dataflow", "Port"),
        "lookup": ("dataflow_of", "least_weight_density"),
    },
)

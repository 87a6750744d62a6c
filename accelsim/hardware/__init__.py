"""Hardware: the machine as its YAML describes it: memories, array, prices. It knows no network."""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.hardware.array import PEArray
    from accelsim.hardware.bank import Bank
    from accelsim.hardware.counts import Access, ActionCounts, Direction
    from accelsim.hardware.load import hardware_of, load_hardware
    from accelsim.hardware.machine import Hardware
    from accelsim.hardware.memory import Channel, Memory
    from accelsim.hardware.operand import Operand
    from accelsim.hardware.parts import Goal, Objective, Precision
    from accelsim.hardware.prices import EnergyTable, Prices
    from accelsim.hardware.registry import dataflow_names, registered

__all__ = [
    "Access",
    "ActionCounts",
    "Bank",
    "Channel",
    "Direction",
    "EnergyTable",
    "Goal",
    "Hardware",
    "Memory",
    "Objective",
    "Operand",
    "PEArray",
    "Precision",
    "Prices",
    "dataflow_names",
    "hardware_of",
    "load_hardware",
    "registered",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "array": ("PEArray",),
        "bank": ("Bank",),
        "counts": ("Access", "ActionCounts", "Direction"),
        "load": ("hardware_of", "load_hardware"),
        "machine": ("Hardware",),
        "memory": ("Channel", "Memory"),
        "operand": ("Operand",),
        "parts": ("Goal", "Objective", "Precision"),
        "prices": ("EnergyTable", "Prices"),
        "registry": ("dataflow_names", "registered"),
    },
)

"""Hardware: the machine as its YAML describes it: memories, array, prices. It knows no network."""

from accelsim.hardware.array import PEArray
from accelsim.hardware.counts import Access, ActionCounts, Direction
from accelsim.hardware.load import hardware_of, load_hardware
from accelsim.hardware.machine import Hardware, Objective, Precision
from accelsim.hardware.memory import Bank, Channel, Memory
from accelsim.hardware.operand import Operand
from accelsim.hardware.prices import EnergyTable, Prices
from accelsim.hardware.registry import dataflow_names, registered

__all__ = [
    "Access",
    "ActionCounts",
    "Bank",
    "Channel",
    "Direction",
    "EnergyTable",
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

"""Mapping: where network and machine meet. Dataflows, tiles, the search, programs of steps, the schedule.

A layer is cut into tiles, which an array executes by a dataflow; the search finds the best (`map_layer`), and
its program says what each step loads, computes and stores. No clock: simulation/ says when.
"""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.mapping.bounds import compulsory_dram_bytes, lower_bound_cycles
    from accelsim.mapping.chosen import chosen_rules
    from accelsim.mapping.given_file import CascadeRule, GivenMappings, LoopBounds, MappingRule, read_mappings
    from accelsim.mapping.loop_order import Order
    from accelsim.mapping.mapping import Choice, Mapping, ProgramPart, Repeat, Step, Totals
    from accelsim.mapping.options import MappingOptions
    from accelsim.mapping.program import mappings
    from accelsim.mapping.regions import Region, Visit, visits
    from accelsim.mapping.schedule import NetworkMapper, Schedule
    from accelsim.mapping.search import as_executed, map_layer, map_layers
    from accelsim.mapping.settle import Judge
    from accelsim.mapping.staircase import Staircase, StepCost, Weights
    from accelsim.mapping.tile import TileShape, whole_image
    from accelsim.mapping.unmappable import NoTileFits, NotListed, Uncountable, Unmappable

__all__ = [
    "CascadeRule",
    "Choice",
    "GivenMappings",
    "Judge",
    "LoopBounds",
    "Mapping",
    "MappingOptions",
    "MappingRule",
    "NetworkMapper",
    "NoTileFits",
    "NotListed",
    "Order",
    "ProgramPart",
    "Region",
    "Repeat",
    "Schedule",
    "Staircase",
    "Step",
    "StepCost",
    "TileShape",
    "Totals",
    "Uncountable",
    "Unmappable",
    "Visit",
    "Weights",
    "as_executed",
    "chosen_rules",
    "compulsory_dram_bytes",
    "lower_bound_cycles",
    "map_layer",
    "map_layers",
    "mappings",
    "read_mappings",
    "visits",
    "whole_image",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "bounds": ("compulsory_dram_bytes", "lower_bound_cycles"),
        "chosen": ("chosen_rules",),
        "given_file": ("CascadeRule", "GivenMappings", "LoopBounds", "MappingRule", "read_mappings"),
        "loop_order": ("Order",),
        "mapping": ("Choice", "Mapping", "ProgramPart", "Repeat", "Step", "Totals"),
        "options": ("MappingOptions",),
        "program": ("mappings",),
        "regions": ("Region", "Visit", "visits"),
        "schedule": ("NetworkMapper", "Schedule"),
        "search": ("as_executed", "map_layer", "map_layers"),
        "settle": ("Judge",),
        "staircase": ("StepCost", "Staircase", "Weights"),
        "tile": ("TileShape", "whole_image"),
        "unmappable": ("NoTileFits", "NotListed", "Uncountable", "Unmappable"),
    },
)

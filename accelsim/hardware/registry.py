"""Dataflows by name: those that come with accelsim, and those of other packages.

The only place where a dataflow is registered. A machine's file names dataflows and gives their parameters;
what they compute is known where networks and machines meet (mapping/dataflows/), which this room knows
nothing of: so a dataflow is looked up when it is named, by where it is, as an entry point is. Another package
brings one as

    [project.entry-points."accelsim.dataflows"]
    row_stationary = "their_package.row_stationary:ROW_STATIONARY"
"""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from accelsim.descriptions import Description

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

GROUP: Final = "accelsim.dataflows"
SHIPPED: Final = {
    "weight_stationary": "accelsim.mapping.dataflows.weight_stationary:WEIGHT_STATIONARY",
    "output_stationary": "accelsim.mapping.dataflows.output_stationary:OUTPUT_STATIONARY",
}


def dataflow_names() -> tuple[str, ...]:
    """Every dataflow that a machine may list: shipped ones first, then those of installed packages."""
    return tuple(dict.fromkeys((*SHIPPED, *_entry_points().names)))


@cache
def registered(name: str) -> Any:
    """The dataflow of a name (mapping.dataflows.contract.Dataflow).

    Raises:
        KeyError: No package brings one of that name.
    """
    if name in SHIPPED:
        module, _, attribute = SHIPPED[name].partition(":")
        return getattr(import_module(module), attribute)
    return _entry_points()[name].load()


def parameters_of(name: str) -> type[Description]:
    """What a machine's file may say of a dataflow. Raises KeyError where there is none of that name."""
    kind: type[Description] = registered(name).parameters
    return kind


@cache
def _entry_points() -> "EntryPoints":
    from importlib.metadata import entry_points  # noqa: PLC0415 (slow, and few machines need it)

    return entry_points(group=GROUP)

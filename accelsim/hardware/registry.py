"""Dataflows by name: those that come with accelsim, and those of other packages.

The only place where a dataflow is registered. A machine's file names dataflows and gives their parameters;
what they compute is known where networks and machines meet (mapping/dataflows/), which this room knows
nothing of: so a dataflow is looked up when it is named, by where it is, as an entry point is. Another package
brings one as

    [project.entry-points."accelsim.dataflows"]
    row_stationary = "their_package.row_stationary:ROW_STATIONARY"
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from accelsim.descriptions import Description

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "accelsim.dataflows"
AUTO: Final = "auto"
"""In place of a name: the dataflow that suits each layer."""
SHIPPED: Final = {
    "weight_stationary": "accelsim.mapping.dataflows.weight_stationary:WEIGHT_STATIONARY",
    "output_stationary": "accelsim.mapping.dataflows.output_stationary:OUTPUT_STATIONARY",
}


def dataflow_names() -> tuple[str, ...]:
    """Every dataflow that a machine may list: shipped ones first, then those of installed packages."""
    return tuple(dict.fromkeys((*SHIPPED, *entry_points_by_name())))


@cache
def registered(name: str) -> Any:
    """The dataflow of a name (mapping.dataflows.contract.Dataflow).

    Raises:
        KeyError: No package brings one of that name.
    """
    if name in SHIPPED:
        module, _, attribute = SHIPPED[name].partition(":")
        return getattr(import_module(module), attribute)
    return entry_point(name).load()


def parameters_of(name: str) -> type[Description]:
    """What a machine's file may say of a dataflow. Raises KeyError where there is none of that name."""
    kind: type[Description] = registered(name).parameters
    return kind


def entry_point(name: str) -> "EntryPoint":
    """Where another package has the dataflow of a name. Raises KeyError where none has."""
    return entry_points_by_name()[name][0]


@cache
def entry_points_by_name() -> "Mapping[str, tuple[EntryPoint, ...]]":
    """What other packages bring, by the name that they give it."""
    from importlib.metadata import entry_points  # noqa: PLC0415 (slow, and few machines need it)

    found = entry_points(group=GROUP)
    return {name: tuple(entry for entry in found if entry.name == name) for name in sorted(found.names)}

"""Dataflows by name: those that come with accelsim, and those of other packages.

The only place where a dataflow is registered. A machine's file names dataflows and gives their parameters;
what they compute is known where networks and machines meet (mapping/dataflows/), which this room knows
nothing of: so a dataflow is looked up when it is named, by where it is, as an entry point is. Another package
brings one as

    [project.entry-points."accelsim.dataflows"]
    row_stationary = "their_package.row_stationary:ROW_STATIONARY"
"""

import warnings
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from accelsim.choices import AUTO
from accelsim.descriptions import Description, in_words
from accelsim.errors import AccelsimError, PlugInWarning
from accelsim.hardware.host import HOST

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "accelsim.dataflows"
PASSES_GROUP: Final = "accelsim.passes"
"""Of what `accelsim verify` walks through, by the name of the dataflow (verification/passes)."""
SHIPPED: Final = {
    "weight_stationary": "accelsim.mapping.dataflows.weight_stationary:WEIGHT_STATIONARY",
    "output_stationary": "accelsim.mapping.dataflows.output_stationary:OUTPUT_STATIONARY",
    "row_stationary": "accelsim.mapping.dataflows.row_stationary:ROW_STATIONARY",
    "systolic_weight_stationary": (
        "accelsim.mapping.dataflows.systolic_weight_stationary:SYSTOLIC_WEIGHT_STATIONARY"
    ),
    "bit_serial": "accelsim.mapping.dataflows.bit_serial:BIT_SERIAL",
    "micro_block": "accelsim.mapping.dataflows.micro_block:MICRO_BLOCK",
}


BESIDE_THE_ARRAY: Final = {HOST: "accelsim.mapping.dataflows.host:ON_HOST"}
"""What runs products in another place, in the form of a dataflow; no machine lists it."""
RESERVED: Final = (AUTO, "vector", HOST)
"""Names that files and options have for something else: the latter for layers that the array does not run."""
_CONTRACT: Final = "accelsim.mapping.dataflows.contract:Dataflow"


def dataflow_names() -> tuple[str, ...]:
    """Every dataflow that a machine may list: shipped ones first, then those of installed packages.

    None is loaded for it, so one that cannot be is among them.

    Returns:
        Their names.

    Example:
        >>> dataflow_names()[:2]
        ('weight_stationary', 'output_stationary')
    """
    plug_ins = (name for name in entry_points_by_name() if name not in RESERVED)
    return tuple(dict.fromkeys((*SHIPPED, *plug_ins)))


@cache
def registered(name: str) -> Any:
    """The dataflow of a name (mapping.dataflows.contract.Dataflow).

    Args:
        name: As a machine's file has it.

    Returns:
        The object that computes it: one for ever.

    Raises:
        KeyError: No package brings one of that name.
        AccelsimError: What a package brings cannot be used: the text says which, and why.

    Example:
        >>> registered("weight_stationary").name
        'weight_stationary'
    """
    shipped = SHIPPED.get(name) or BESIDE_THE_ARRAY.get(name)
    if shipped is not None:
        return _imported(shipped)
    entry = entry_point(name)
    dataflow = loaded(entry)
    if problem := _problem(dataflow, name):
        raise AccelsimError(f"{offer(entry)}: {problem}")
    return dataflow


def may_be_added(name: str) -> bool:
    """Whether any array may try a dataflow; one that cannot be used is tried, too, and then says why.

    Raises:
        KeyError: No package brings one of that name.

    Example:
        >>> may_be_added("weight_stationary"), may_be_added("row_stationary")
        (True, False)
    """
    try:
        any_array: bool = registered(name).of_any_array
    except AccelsimError:
        return True
    return any_array


def parameters_of(name: str) -> type[Description]:
    """What a machine's file may say of a dataflow. Raises as `registered` does."""
    kind: type[Description] = registered(name).parameters
    return kind


def entry_point(name: str, group: str = GROUP) -> "EntryPoint":
    """Where another package has the dataflow of a name, or what else is in a group.

    Raises:
        KeyError: No package brings one of that name.
        AccelsimError: Several do, or the name is taken.
    """
    entry, *rivals = entry_points_by_name(group)[name]
    if name in RESERVED:
        raise AccelsimError(f"{offer(entry)}: no dataflow can have this name, which means something else")
    if rivals:
        packages = " and ".join(_package(of_it) for of_it in (entry, *rivals))
        noun = "a dataflow" if group == GROUP else "passes of the dataflow"
        raise AccelsimError(f"{packages} all offer {noun} {name}: only one of them can be installed")
    return entry


@cache
def entry_points_by_name(group: str = GROUP) -> "Mapping[str, tuple[EntryPoint, ...]]":
    """What other packages bring, by the name that they give it.

    One that has the name of a shipped dataflow is left out, and a `PlugInWarning` says so.
    """
    from importlib.metadata import entry_points  # noqa: PLC0415 (slow, and few machines need it)

    by_name: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in entry_points(group=group):
        if entry.name in SHIPPED:
            sentence = f"{offer(entry)}: accelsim's own of this name is used"
            warnings.warn(sentence, PlugInWarning, stacklevel=2)
        else:
            by_name[entry.name] = (*by_name.get(entry.name, ()), entry)
    return by_name


@cache
def _imported(reference: str) -> Any:
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)


def loaded(entry: "EntryPoint") -> Any:
    """What an entry point names. Raises AccelsimError where that is nothing, whatever its module does."""
    module, _, attributes = entry.value.partition(":")
    try:
        target: Any = import_module(module)
    except (Exception, SystemExit) as error:  # whatever a module of somebody else's does
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise AccelsimError(f"{offer(entry)}: module {module} cannot be imported ({reason})") from error
    for attribute in filter(None, attributes.split(".")):
        if not hasattr(target, attribute):
            raise AccelsimError(f"{offer(entry)}: module {module} has no attribute {attributes}")
        target = getattr(target, attribute)
    return target


def _problem(dataflow: Any, name: str) -> str:
    """Why an object is not the dataflow of a name; nothing where it is."""
    contract = _imported(_CONTRACT)
    if not isinstance(dataflow, contract):
        label = f"the class {dataflow.__name__}" if isinstance(dataflow, type) else in_words(dataflow)
        return f"must be an object of a subclass of {contract.__name__}, is {label}"
    if absent := [key for key in contract.__annotations__ if not hasattr(dataflow, key)]:
        return f"its class does not say {', '.join(absent)}"
    if dataflow.name != name:
        return f"its name is {in_words(dataflow.name)}, must be {name!r}, as the entry point has it"
    parameters = dataflow.parameters
    if not (isinstance(parameters, type) and issubclass(parameters, Description)):
        return f"its parameters must be a subclass of Description, are {in_words(parameters)}"
    return ""


def offer(entry: "EntryPoint") -> str:
    """Whose an entry point is, and what it says."""
    noun = "the dataflow" if entry.group == GROUP else "passes of the dataflow"
    return f"{_package(entry)} offers {noun} {entry.name} as {entry.value}"


def _package(entry: "EntryPoint") -> str:
    return "a package" if entry.dist is None else f"the package {entry.dist.name}"

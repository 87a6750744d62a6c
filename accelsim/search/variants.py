"""A network with other parameters, other depths, or other values in its stage table."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from accelsim.descriptions import unknown, vary
from accelsim.errors import DescriptionError
from accelsim.network.configuration import configure
from accelsim.network.description import Network, NetworkDescription
from accelsim.search.space import depths_of, with_depths

DEPTHS: Final = "depths"
"""The parameter of a network that is the depths of its repeating stages."""
STAGES: Final = "stages"
"""What parameters of the stage table begin with."""
Settings: TypeAlias = Mapping[str, Any]
"""Parameters and their values."""


def variant(network: Network, settings: Settings) -> Network:
    """A network with other parameters, depths or values in its stage table.

    What is published is kept only where it is published of this very network. Raises DescriptionError.
    """
    stages = {name: value for name, value in settings.items() if name.startswith(f"{STAGES}.")}
    parameters = {name: value for name, value in settings.items() if name not in stages and name != DEPTHS}
    description = _with_stages(network, stages)
    if parameters or description is not network.description:
        network = configure(description, **{**network.parameters, **parameters})
    depths = settings.get(DEPTHS)
    return network if depths is None or tuple(depths) == depths_of(network) else with_depths(network, depths)


def _with_stages(network: Network, settings: Settings) -> NetworkDescription:
    rows: dict[int, dict[str, Any]] = {}
    for name, value in settings.items():
        index, key = _row_of(network, name)
        row = network.description.stages[index]
        default = getattr(network.stages[index].block, key, None) if key not in row.arguments else None
        if {**row.model_dump(), **row.arguments}.get(key, default) != value:
            rows.setdefault(index, row.model_dump(mode="json"))[key] = value
    if not rows:
        return network.description
    changes: dict[str, Any] = {f"{STAGES}.{index}": row for index, row in rows.items()}
    return vary(network.description, reported={}, reported_at=[], **changes)


def _row_of(network: Network, name: str) -> tuple[int, str]:
    """The row of the stage table and the key that `stages.conv1.kernel` names. Raises DescriptionError."""
    _, stage, key = name.split(".", 2) if name.count(".") > 1 else ("", "", "")
    names = [stage.name for stage in network.stages]
    if not key:
        raise DescriptionError("must be stages.STAGE.KEY, as in stages.conv1.kernel")
    if stage not in names:
        raise DescriptionError(unknown(stage, f"stage of {network.name}", names))
    return names.index(stage), key

"""The mapping of a layer as a picture."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeAlias

import typer

from accelsim.errors import AccelsimError

if TYPE_CHECKING:
    from accelsim.hardware import Hardware
    from accelsim.network.description import Network
    from accelsim.report.plots.style import PlotFigure


LayerOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--layer", metavar="NAME", help="Of mapping: the executed layer (`accelsim show --lowered`)."
    ),
]


class LayerToDraw(NamedTuple):
    """Whose mapping is drawn, and what is given of mappings."""

    layer: str | None
    mapping: Path | None

    @property
    def options(self) -> dict[str, object]:
        """As the command line has them."""
        return {"--layer": self.layer, "--mapping": self.mapping}


def drawn_layer(
    networks: Mapping[str, "Network"],
    machines: Mapping[str, "Hardware"],
    options: Mapping[str, Any],
    of_layer: LayerToDraw,
) -> "PlotFigure":
    """How a layer of one network is mapped on one machine, as a picture."""
    for option, given in {"--net": networks, "--hw": machines}.items():
        if len(given) > 1:
            raise typer.BadParameter("mapping takes one", param_hint=option)
    if of_layer.layer is None:
        raise typer.BadParameter("mapping needs one: the name of an executed layer", param_hint="--layer")
    from accelsim.pricing import result_of
    from accelsim.report.files.trace import Timeline
    from accelsim.report.plots.mapping import layer_number, mapping_figure
    from accelsim.run import plan_for
    from accelsim.simulation.events import simulate_events

    ((name, network),), ((machine, hardware),) = networks.items(), machines.items()
    plan = plan_for(network, hardware, **options, mapping=of_layer.mapping)
    try:
        number = layer_number(plan.schedule, of_layer.layer)
    except AccelsimError as error:
        raise typer.BadParameter(str(error), param_hint="--layer") from None
    activity = simulate_events(plan.schedule, hardware, keep_timeline=True)
    result = replace(result_of(plan, activity), network=name, hardware=machine)
    return mapping_figure(Timeline(result, hardware, plan.schedule, activity, [number]), of_layer.layer)

"""The chosen mappings as a file that `--mapping` takes, and that of a layer as a picture."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeAlias

import typer

from accelsim.choices import AUTO
from accelsim.cli.files import check_outputs, inputs
from accelsim.cli.load import load, only, with_overlays
from accelsim.cli.options import Format, Objective, mapping_options
from accelsim.cli.output import Answer, check_yaml, destination, say
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


class ChosenRequest(NamedTuple):
    """What the command line asks for."""

    network: str
    machine: str | None
    """None where there is no pair of a network and a machine, or something else is to be shown."""
    overlays: list[Path]
    batch: int | None
    dataflow: str
    objective: Objective | None
    format: Format | None
    output: Path | None
    quiet: bool


def check_not_asked(options: Mapping[str, object]) -> None:
    """Refuse what says how a network is mapped where its mappings are not to be shown."""
    for option, value in options.items():
        if value not in (None, AUTO):
            raise typer.BadParameter("needs --mapping", param_hint=option)


def show_mappings(request: ChosenRequest) -> None:
    """Print the mappings that are chosen, or write them: as YAML, unless another format is asked for."""
    if request.machine is None:
        sentence = "needs a network and --hw, and nothing else to show"
        raise typer.BadParameter(sentence, param_hint="--mapping")
    overlays = only(request.overlays, "--overlay")
    networks, machines = load([request.network], [request.machine], overlays, quiet=request.quiet)
    check_outputs({"--output": request.output}, inputs([request.network], [request.machine], overlays))
    networks = with_overlays(networks, overlays) if overlays else networks
    (network,), (hardware,) = networks.values(), machines.values()
    to_file = request.output is not None and str(request.output) != "-"
    as_yaml = request.format in (None, Format.TABLE)
    if as_yaml and to_file:
        check_yaml(request.output, "--output")
    to = destination(None if as_yaml else request.output, request.format, request.quiet)
    from accelsim.mapping.chosen import chosen_rules
    from accelsim.report.text.mappings import mapping_text, rule_values
    from accelsim.result import flat
    from accelsim.run import options_for, plan_run, run_plan

    chosen: dict[str, Any] = mapping_options(request.batch, request.dataflow, request.objective)
    options = options_for(network, **chosen)
    plan = plan_run(network, hardware, options)
    rules = chosen_rules(plan.schedule, hardware, options)
    values = list(map(rule_values, rules))
    if not as_yaml:
        to.deliver(
            Answer(
                table=lambda _: "",
                values=lambda: values,
                rows=lambda: [flat(rule) for rule in values],
            )
        )
        return
    text = mapping_text(rules, plan.schedule, run_plan(plan))
    if not to_file:
        typer.echo(text, nl=False)
        return
    from accelsim.report.files.writing import check_writable, write

    assert request.output is not None  # as was just seen
    check_writable(request.output)
    write(request.output, text)
    if not request.quiet:
        say(f"wrote {request.output}")

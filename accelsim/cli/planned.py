"""What `accelsim show NETWORK --hw MACHINE` shows: where tensors lie, or the chosen mappings as a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from accelsim.choices import AUTO
from accelsim.cli.files import check_outputs, inputs
from accelsim.cli.load import load, only, with_overlays
from accelsim.cli.options import Format, Goal, mapping_options, with_arena
from accelsim.cli.output import Answer, check_yaml, destination, say

if TYPE_CHECKING:
    from accelsim.planning.plan import Plan


class PlanRequest(NamedTuple):
    """What the command line asks for."""

    network: str
    machine: str
    overlays: list[Path]
    batch: int | None
    dataflow: str
    objective: Goal | None
    arena: int | None
    format: Format | None
    output: Path | None
    quiet: bool


def check_not_asked(options: Mapping[str, object]) -> None:
    """Refuse what says how a network is mapped where nothing that depends on it is to be shown."""
    for option, value in options.items():
        if value not in (None, AUTO):
            raise typer.BadParameter("needs a network and --hw", param_hint=option)


def show_places(request: PlanRequest) -> None:
    """Print or write where the network's tensors lie."""
    to = destination(request.output, request.format, request.quiet)
    to.deliver(_places_answer(_planned(request)))


def show_mappings(request: PlanRequest) -> None:
    """Print the mappings that are chosen, or write them: as YAML, unless another format is asked for."""
    to_file = request.output is not None and str(request.output) != "-"
    as_yaml = request.format in (None, Format.TABLE)
    if as_yaml and to_file:
        check_yaml(request.output, "--output")
    to = destination(None if as_yaml else request.output, request.format, request.quiet)
    plan = _planned(request)
    from accelsim.mapping.chosen import chosen_rules
    from accelsim.report.text.mappings import mapping_text, rule_values
    from accelsim.result import flat
    from accelsim.run import run_plan

    rules = chosen_rules(plan.schedule, plan.hardware, plan.options)
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


def _planned(request: PlanRequest) -> "Plan":
    overlays = only(request.overlays, "--overlay")
    networks, machines = load([request.network], [request.machine], overlays, quiet=request.quiet)
    check_outputs({"--output": request.output}, inputs([request.network], [request.machine], overlays))
    networks = with_overlays(networks, overlays) if overlays else networks
    from accelsim.run import plan_for

    (network,), (hardware,) = networks.values(), machines.values()
    options = mapping_options(request.batch, request.dataflow, request.objective)
    return plan_for(network, with_arena(hardware, request.arena), **options)


def _places_answer(plan: "Plan") -> Answer:
    """Where the network's tensors lie on the machine."""
    from accelsim.hardware import Operand
    from accelsim.mapping.together import by_layer
    from accelsim.report.tables.residency import residency_report
    from accelsim.report.text.residency import map_or_error
    from accelsim.result import flat

    network, hardware = plan.network.name, plan.hardware
    memory_map = map_or_error(plan.schedule.memory_map, hardware.name)
    layers = [layer.name for layer in by_layer(plan.schedule).layers]
    title = f"{network} on {hardware.name}"
    outside, weights_outside = [
        hardware.channel_of[operand].memory for operand in (Operand.OUTPUTS, Operand.WEIGHTS)
    ]
    values = {"network": network, "hardware": hardware.name, **memory_map.to_dict(layers)}
    order = _order_sentence(plan)
    return Answer(
        table=lambda style: residency_report(
            title, memory_map, outside, layers, style, weights_outside=weights_outside, order=order
        ),
        values=lambda: values,
        rows=lambda: [flat(tensor) for tensor in memory_map.to_dict(layers)["tensors"]],
    )


def _order_sentence(plan: "Plan") -> str:
    """What the order in which layers run holds at once, on a machine that looks for a good one."""
    from accelsim.planning.programme.order import least_peak
    from accelsim.report.text.residency import order_sentence

    if plan.hardware.mapper.order == "network":
        return ""
    order = least_peak(plan.lowered.graph, plan.hardware.precision, plan.options.batch)
    return order_sentence(order.peak_bytes, order.bound_bytes)

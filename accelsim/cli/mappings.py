"""`accelsim show NET --hw HW --mapping`: the chosen mappings as a file that `--mapping` takes."""

from pathlib import Path
from typing import Any, NamedTuple

import typer

from accelsim.cli.files import check_outputs, inputs
from accelsim.cli.load import load, only, with_overlays
from accelsim.cli.options import Format, Objective, mapping_options
from accelsim.cli.output import Answer, check_yaml, destination, say


class ChosenRequest(NamedTuple):
    """What the command line asks for."""

    network: str
    machine: str
    overlays: list[Path]
    batch: int | None
    dataflow: str
    objective: Objective | None
    format: Format | None
    output: Path | None
    quiet: bool


def show_mappings(request: ChosenRequest) -> None:
    """Print the mappings that are chosen, or write them: as YAML, unless another format is asked for."""
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
    from accelsim.mapping.chosen_rules import chosen_rules
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

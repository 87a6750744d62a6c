"""`accelsim run` and `accelsim compare`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from accelsim.cli.load import load, only
from accelsim.cli.options import (
    BatchOption,
    Dataflow,
    DataflowOption,
    Engine,
    EngineOption,
    FormatOption,
    Layers,
    Machines,
    Networks,
    ObjectiveOption,
    OutputOption,
    QuietOption,
    run_options,
)
from accelsim.cli.output import Answer, destination, progress
from accelsim.errors import AccelsimError

if TYPE_CHECKING:
    from accelsim.hardware import Hardware
    from accelsim.network.description import Network
    from accelsim.report.comparison import Case


def run(
    *,
    net: Networks,
    hw: Machines,
    layers: Annotated[
        Layers, typer.Option("--layers", help="The table's: top shows the ten slowest, none only the stages.")
    ] = Layers.ALL,
    format_: FormatOption = None,
    output: OutputOption = None,
    batch: BatchOption = 1,
    dataflow: DataflowOption = Dataflow.AUTO,
    objective: ObjectiveOption = None,
    engine: EngineOption = Engine.FAST,
    quiet: QuietOption = False,
) -> None:
    """Run one network on one machine: what each layer costs, and why.

    \b
    accelsim run --net sqnxt23v5 --hw 16x16_128k
    accelsim run --net mobilenet_v1@width=0.5 --hw my_machine.yaml --layers top
    accelsim run --net sqnxt23v5 --hw 16x16_128k --output result.json
    """
    networks, machines = load(only(net, "--net"), only(hw, "--hw"))
    to = destination(output, format_, quiet)
    from accelsim.report.tables import run_report
    from accelsim.result import flat, layer_to_dict
    from accelsim.run import run_network

    (network,), (hardware,) = networks.values(), machines.values()
    result = run_network(network, hardware, **run_options(batch, dataflow, objective, engine))
    to.deliver(
        Answer(
            table=lambda style: run_report(result, style, layers.value),
            values=result.to_dict,
            rows=lambda: [flat(layer_to_dict(layer)) for layer in result.layers],
        )
    )


def compare(
    *,
    net: Networks,
    hw: Machines,
    relative_to: Annotated[
        str | None,
        typer.Option(
            "--relative-to",
            metavar="NAME",
            help="A network (cases are relative to it on the same machine) or a machine (to the same network "
            "there). Default: the first network, or the first machine if there is one network.",
        ),
    ] = None,
    format_: FormatOption = None,
    output: OutputOption = None,
    batch: BatchOption = 1,
    dataflow: DataflowOption = Dataflow.AUTO,
    objective: ObjectiveOption = None,
    engine: EngineOption = Engine.FAST,
    quiet: QuietOption = False,
) -> None:
    """Run networks on machines: time, energy, utilisation and DRAM traffic beside each other.

    \b
    accelsim compare --net sqnxt23 --net sqnxt23v5 --hw 8x8_32k --hw 16x16_128k
    accelsim compare --net alexnet --net sqnxt23 --hw my.yaml --output rows.csv
    accelsim compare --net sqnxt23 --hw 8x8_32k --hw my.yaml --relative-to my
    """
    networks, machines = load(net, hw)
    reference = _reference(relative_to, networks, machines)
    to = destination(output, format_, quiet)
    from accelsim.report.comparison import compare as compare_cases
    from accelsim.report.comparison import comparison_report, to_dict
    from accelsim.result import flat

    options = run_options(batch, dataflow, objective, engine)
    compared = compare_cases(_cases(networks, machines, options, quiet), reference)
    rows = [to_dict(case) for case in compared]
    to.deliver(
        Answer(
            table=lambda style: comparison_report(compared, reference, style),
            values=lambda: {
                "accelsim": compared[0].case.result.accelsim,
                "relative_to": reference,
                "rows": rows,
            },
            rows=lambda: [flat(row) for row in rows],
        )
    )


def _reference(asked: str | None, networks: dict[str, "Network"], machines: dict[str, "Hardware"]) -> str:
    """What cases are relative to."""
    if asked is None:
        return next(iter(networks if len(networks) > 1 else machines))
    if asked not in networks and asked not in machines:
        choices = ", ".join([*networks, *machines])
        raise typer.BadParameter(f"{asked!r} must be one of {choices}", param_hint="--relative-to")
    return asked


def _cases(
    networks: dict[str, "Network"], machines: dict[str, "Hardware"], options: dict[str, Any], quiet: bool
) -> list["Case"]:
    """Every network on every machine, those of a machine after each other; every mistake at once."""
    from accelsim.report.comparison import Case
    from accelsim.run import run_network

    cases: list[Case] = []
    mistakes: list[str] = []
    with progress(len(networks) * len(machines), quiet) as step:
        for machine, hardware in machines.items():
            for name, network in networks.items():
                step(f"{name} on {machine}")
                try:
                    cases.append(Case(name, machine, run_network(network, hardware, **options)))
                except AccelsimError as error:
                    mistakes += error.lines
    if mistakes:
        raise AccelsimError("\n".join(dict.fromkeys(mistakes)))
    return cases

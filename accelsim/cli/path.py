"""`accelsim search path`: a walk from a network to one that suits a machine better, step by step."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accelsim.choices import AUTO
from accelsim.cli.files import check_outputs, inputs
from accelsim.cli.load import load
from accelsim.cli.options import (
    BatchOption,
    DataflowOption,
    FormatOption,
    Machines,
    Objective,
    OutputOption,
    QuietOption,
)
from accelsim.cli.output import Answer, check_yaml, destination, note, say
from accelsim.cli.searches import count, values_of_searches
from accelsim.descriptions.limits import MAX_STEPS
from accelsim.descriptions.phrases import counted

if TYPE_CHECKING:
    from accelsim.search.path import DesignPath


def path(
    *,
    net: Annotated[
        str,
        typer.Option(
            "--net",
            metavar="NET",
            help="Where the walk starts: a name, with parameters after an @, or a path.",
        ),
    ],
    hw: Machines,
    objective: Annotated[
        Objective, typer.Option("--objective", help="What each step makes smaller (edp: energy x time).")
    ] = Objective.TIME,
    max_params: Annotated[
        int | None,
        typer.Option(
            "--max-params", metavar="COUNT", parser=count, help="At most. Default: 1.3 times the network's."
        ),
    ] = None,
    max_macs: Annotated[
        int | None,
        typer.Option(
            "--max-macs",
            metavar="COUNT",
            parser=count,
            help="At most, for one image. Default: 1.05 times the network's.",
        ),
    ] = None,
    min_params: Annotated[
        int | None,
        typer.Option(
            "--min-params", metavar="COUNT", parser=count, help="At least. Default: 0.95 times the network's."
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps", metavar="N", min=0, max=MAX_STEPS, help="At most. Default: until nothing helps."
        ),
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(
            "--write", metavar="FILE", help="The network at the end, as YAML that `accelsim run` takes."
        ),
    ] = None,
    format_: FormatOption = None,
    output: OutputOption = None,
    batch: BatchOption = None,
    dataflow: DataflowOption = AUTO,
    quiet: QuietOption = False,
) -> None:
    """Redesign a network step by step, as an engineer would: what is worst, why, what was tried, what helped.

    A smaller first kernel, a block from one stage to another, channels rounded to the array: every move is
    simulated, the best within the budget is taken, until none helps.

    \b
    accelsim search path --net sqnxt23 --hw 16x16_128k
    accelsim search path --net resnet18 --hw my.yaml --write better.yaml
    accelsim search path --net mobilenet_v2 --hw 8x8_32k --objective energy
    """
    networks, machines = load([net], hw, quiet=quiet)
    if write is not None and len(machines) > 1:
        raise typer.BadParameter("takes one --hw: each walk ends elsewhere", param_hint="--write")
    check_outputs({"--output": output, "--write": write}, inputs([net], hw))
    check_yaml(write, "--write")
    to = destination(output, format_, quiet)
    from accelsim.descriptions import dump
    from accelsim.report.files import writing
    from accelsim.report.tables.path import walk_dict, walk_report, walk_rows
    from accelsim.search.path import search_path

    if write is not None:
        writing.check_writable(write)
    (network,) = networks.values()
    walks: list[DesignPath] = []
    for hardware in machines.values():
        with note(quiet) as step:
            walks.append(
                search_path(
                    network,
                    hardware,
                    objective=objective.value,
                    max_params=max_params,
                    max_macs=max_macs,
                    min_params=min_params,
                    steps=steps,
                    batch=batch,
                    dataflow=dataflow,
                    step=step,
                )
            )
    if write is not None:
        writing.write(write, dump(walks[0].final))
    to.deliver(
        Answer(
            table=lambda style: "\n".join(walk_report(one, style) for one in walks),
            values=lambda: values_of_searches([walk_dict(one) for one in walks]),
            rows=lambda: [row for one in walks for row in walk_rows(one)],
        )
    )
    if not quiet:
        for one in walks:
            what = f"{counted(one.evaluated, 'network')} simulated in {one.seconds:.1f} s"
            say(f"{one.hardware.name}: {what}")
        if write is not None:
            say(f"wrote {write}")

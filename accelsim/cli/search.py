"""`accelsim search`: redesign a network for a machine."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from accelsim.choices import AUTO
from accelsim.cli.commands import Command
from accelsim.cli.executors import SchedulerOption, StoreOption, WorkersOption, executor
from accelsim.cli.files import check_outputs, inputs
from accelsim.cli.load import load
from accelsim.cli.numbers import count, whole_number
from accelsim.cli.options import (
    BatchOption,
    DataflowOption,
    FormatOption,
    Inferences,
    InferencesOption,
    Machines,
    OutputOption,
    QuietOption,
)
from accelsim.cli.output import Answer, destination, rate_of_progress, say
from accelsim.cli.path import path
from accelsim.cli.searches import TopOption, fixed, values_of_searches
from accelsim.descriptions.limits import MAX_BLOCKS, MAX_REPEAT

if TYPE_CHECKING:
    from accelsim.execution.executor import Executor
    from accelsim.hardware import Hardware
    from accelsim.search.depth import DepthSearch
    from accelsim.search.evaluate import SearchTask
    from accelsim.search.space import DepthSpace

search = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)


class SearchObjective(StrEnum):
    """What networks are ranked by."""

    TIME = "time"
    ENERGY = "energy"
    EDP = "edp"
    PARETO = "pareto"


NetworkOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--net",
        metavar="NET",
        help="The network whose blocks are redistributed: a name, with parameters after an @, or a path.",
    ),
]
TotalBlocksOption: TypeAlias = Annotated[
    int | None,
    whole_number(
        "--total-blocks",
        least=1,
        most=MAX_BLOCKS,
        text="In all repeating stages together. Default: what the network has.",
    ),
]
MinBlocksOption: TypeAlias = Annotated[
    int,
    whole_number(
        "--min-blocks", metavar="K", least=1, most=MAX_REPEAT, text="In each stage that is not fixed."
    ),
]
FixOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--fix", metavar="STAGE=BLOCKS", help="A stage that keeps so many, as in stage4=1."),
]
MaxParamsOption: TypeAlias = Annotated[
    int | None,
    count("--max-params", least=1, text="At most, as in 1.0M or 720k."),
]
MaxMacsOption: TypeAlias = Annotated[
    int | None,
    count("--max-macs", least=1, text="At most, for one image."),
]
RankOption: TypeAlias = Annotated[
    SearchObjective,
    typer.Option(
        "--objective",
        help="What to rank by (edp: energy x time); pareto: the front of time, energy and parameters.",
    ),
]


@search.callback()
def _search() -> None:
    """Redesign a network for a machine, by simulating every candidate."""


@search.command(cls=Command)
def depth(
    *,
    net: NetworkOption,
    hw: Machines,
    total_blocks: TotalBlocksOption = None,
    min_blocks: MinBlocksOption = 1,
    fix: FixOption = None,
    max_params: MaxParamsOption = None,
    max_macs: MaxMacsOption = None,
    objective: RankOption = SearchObjective.TIME,
    top: TopOption = 10,
    store: StoreOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    format_: FormatOption = None,
    output: OutputOption = None,
    batch: BatchOption = None,
    dataflow: DataflowOption = AUTO,
    inferences: InferencesOption = Inferences.STEADY,
    quiet: QuietOption = False,
) -> None:
    """Every distribution of a network's blocks over its stages, ranked by what it costs on a machine.

    \b
    accelsim search depth --net sqnxt23v2 --hw 16x16_128k
    accelsim search depth --net sqnxt23v2 --hw 16x16_128k --fix stage4=1 --max-params 800k
    accelsim search depth --net mobilenet_v2 --hw my.yaml --total-blocks 20 --store found.sqlite
    """
    fixed_depths = fixed(fix or [])
    networks, machines = load([net], hw, quiet=quiet)
    check_outputs({"--output": output, "--store": store}, inputs([net], hw))
    to = destination(output, format_, quiet)
    from accelsim.report.tables.depths import depth_dict, depth_report, depth_rows
    from accelsim.search.evaluate import Limits, SearchTask
    from accelsim.search.space import depth_space

    (network,) = networks.values()
    space = depth_space(network, total_blocks=total_blocks, min_blocks=min_blocks, fixed=fixed_depths)

    def task(hardware: "Hardware") -> SearchTask:
        limits = Limits(max_params, max_macs)
        return SearchTask(network, hardware, limits, batch, dataflow, inferences=inferences.value)

    with executor(workers, scheduler) as workforce:
        results = [
            _searched(task(hardware), space, objective, top, store, workforce, quiet)
            for hardware in machines.values()
        ]
    to.deliver(
        Answer(
            table=lambda style: "\n".join(depth_report(result, style, top) for result in results),
            values=lambda: values_of_searches([depth_dict(result) for result in results]),
            rows=lambda: [row for result in results for row in depth_rows(result)],
        )
    )


def _searched(
    task: "SearchTask",
    space: "DepthSpace",
    objective: SearchObjective,
    top: int,
    store: Path | None,
    workforce: "Executor | None",
    quiet: bool,
) -> "DepthSearch":
    from accelsim.search.depth import search_depth

    with rate_of_progress(space.size, quiet) as step:
        result = search_depth(
            task, space, objective=objective.value, top=top, store=store, executor=workforce, step=step
        )
    if not quiet:
        stored = f", {result.reused} of them in {store} already" if result.reused else ""
        say(f"{task.hardware.name}: {result.evaluated} evaluated in {result.seconds:.1f} s{stored}")
    return result


search.command(cls=Command)(path)

"""Options that say who evaluates candidates, and where results are kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from accelsim.cli.numbers import whole_number
from accelsim.descriptions.limits import MAX_WORKERS

if TYPE_CHECKING:
    from accelsim.execution.executor import Executor

StoreOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="FILE",
        help="Keep results in this SQLite file, and take from it what is there already: a search that "
        "was stopped goes on where it was.",
    ),
]
WorkersOption: TypeAlias = Annotated[
    int | None,
    whole_number(
        "--workers",
        least=1,
        most=MAX_WORKERS,
        text="Start a Dask cluster of N workers here. Default: all cores.",
    ),
]
SchedulerOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDRESS", help="Use the Dask cluster of tcp://host:port."),
]


@contextmanager
def executor(workers: int | None, scheduler: str | None) -> Iterator["Executor | None"]:
    """The cluster that was asked for; None where the search may choose processes of this machine."""
    if workers is not None and scheduler is not None:
        raise typer.BadParameter("give one of --workers and --scheduler", param_hint="--scheduler")
    if workers is None and scheduler is None:
        yield None
        return
    from accelsim.execution import cluster

    dask = cluster.connected(scheduler) if scheduler is not None else cluster.started(workers or 1)
    with dask as workforce:
        yield workforce

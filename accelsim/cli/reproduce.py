"""`accelsim reproduce`: a published table beside the simulated one."""

from enum import StrEnum
from typing import Annotated

import typer

from accelsim.cli.options import FormatOption, OutputOption, QuietOption
from accelsim.cli.output import Answer, destination, progress


class Table(StrEnum):
    """Published tables that accelsim holds itself to."""

    SQUEEZENEXT = "squeezenext"


def reproduce(
    table: Annotated[Table, typer.Argument(show_default=False, help="The published table.")],
    format_: FormatOption = None,
    output: OutputOption = None,
    quiet: QuietOption = False,
) -> None:
    """Simulate a published table and show both: errors, orderings, and what no longer holds.

    squeezenext: 13 networks on two machines, time and energy (Gholami et al., arXiv:1803.10615), simulated
    on the networks and machines that ship with accelsim. Exit code 1 if an error exceeds its bar, an
    ordering is violated, or a figure is not the one it was pinned to when the model last changed on purpose.

    \b
    accelsim reproduce squeezenext
    accelsim reproduce squeezenext --format json
    """
    to = destination(output, format_, quiet)
    from accelsim.report.reproduction import cell_dict, reproduction_dict, reproduction_report
    from accelsim.validation import pinned
    from accelsim.validation.published import load_published
    from accelsim.validation.reproduction import failures
    from accelsim.validation.reproduction import reproduce as simulate

    published = load_published(table.value)
    with progress(len(published.places), quiet) as step:
        step("simulating")
        reproduction = simulate(published, step)
    moved = pinned.moved(reproduction.costs, pinned.load_pinned(table.value))
    to.deliver(
        Answer(
            table=lambda style: reproduction_report(reproduction, style, len(moved)),
            values=lambda: reproduction_dict(reproduction, moved),
            rows=lambda: [cell_dict(cell) for cell in reproduction.cells],
        )
    )
    complaints = [*failures(reproduction), *(str(one) for one in moved)]
    for line in complaints:
        typer.echo(line, err=True)
    if moved:
        typer.echo(pinned.REMEDY, err=True)
    if complaints:
        raise typer.Exit(1)

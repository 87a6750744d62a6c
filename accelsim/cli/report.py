"""`accelsim report`: runs as one HTML page."""

from pathlib import Path
from typing import Annotated

import typer

from accelsim.choices import AUTO
from accelsim.cli.cases import reference_of, run_cases
from accelsim.cli.files import check_outputs, inputs
from accelsim.cli.load import load, with_overlays
from accelsim.cli.options import (
    ArenaOption,
    BatchOption,
    BatteryOption,
    DataflowOption,
    FpsOption,
    GoalOption,
    Machines,
    Networks,
    OverlaysOption,
    QuietOption,
    RelativeToOption,
    demand_of,
    mapping_options,
    with_arenas,
)
from accelsim.cli.output import say


def report(
    *,
    net: Networks,
    hw: Machines,
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="FILE", help="A name that ends in .html or .htm.", show_default=False
        ),
    ],
    relative_to: RelativeToOption = None,
    overlay: OverlaysOption = None,
    batch: BatchOption = None,
    dataflow: DataflowOption = AUTO,
    objective: GoalOption = None,
    arena: ArenaOption = None,
    fps: FpsOption = None,
    battery_mwh: BatteryOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write an HTML page of runs to look around in; every network on every machine.

    One file that works offline: a summary, plots to hover over and zoom into, a table of layers to sort, and
    what is assumed of the machines. Needs plotly: pip install "accelsim[report]".

    \b
    accelsim report --net sqnxt23v5 --hw 16x16_128k -o report.html
    accelsim report --net sqnxt23 --net sqnxt23v5 --hw my.yaml -o report.html
    """
    from accelsim.report.files.writing import check_writable, write
    from accelsim.report.pages.html import check_page, page_html
    from accelsim.report.pages.values import make_page

    check_page(output)
    demand = demand_of(fps, battery_mwh)
    networks, machines = load(net, hw, overlay or [], quiet=quiet)
    check_outputs({"--output": output}, inputs(net, hw, overlay or []))
    networks |= with_overlays(networks, overlay or [])
    reference = reference_of(relative_to, networks, machines)
    check_writable(output)
    options = mapping_options(batch, dataflow, objective)
    machines = with_arenas(machines, arena)
    cases = run_cases(networks, machines, options, quiet)
    write(output, page_html(make_page(cases, reference, networks, machines, options, demand)))
    if not quiet:
        say(f"wrote {output}")

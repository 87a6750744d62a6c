"""`accelsim reproduce`: a published table beside the simulated one."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from accelsim.cli.files import InputFile, check_outputs, inputs
from accelsim.cli.load import load
from accelsim.cli.options import FormatOption, OutputOption, QuietOption
from accelsim.cli.output import Answer, Destination, destination, progress, say

if TYPE_CHECKING:
    from accelsim.hardware import Hardware


class PublishedName(StrEnum):
    """Published tables that accelsim repeats."""

    SQUEEZENEXT = "squeezenext"
    GUIDELINES = "guidelines"
    GEMMINI = "gemmini"
    EYERISS = "eyeriss"
    GAP9 = "gap9"


def reproduce(
    table: Annotated[PublishedName, typer.Argument(show_default=False, help="The published table.")],
    hw: Annotated[
        list[str] | None,
        typer.Option(
            "--hw",
            metavar="HW",
            help="For guidelines: a machine, by name or path, instead of the two of squeezenext.",
        ),
    ] = None,
    layers: Annotated[
        Path | None,
        typer.Option(
            "--layers",
            metavar="FILE",
            help="For gemmini: measured layers in a CSV file, instead of those that ship with accelsim.",
        ),
    ] = None,
    format_: FormatOption = None,
    output: OutputOption = None,
    quiet: QuietOption = False,
) -> None:
    """Simulate a published table and show both: errors, orderings, and what no longer holds.

    squeezenext: 13 networks on two machines, time and energy (Gholami et al., arXiv:1803.10615), simulated
    on the networks and machines that ship with accelsim. Exit code 1 if an error exceeds its bar, an
    ordering is violated, or a figure is not the one it was pinned to when the model last changed on purpose.

    guidelines: what departing from each of ShuffleNet v2's four guidelines costs (Ma et al.,
    arXiv:1807.11164, tables 1 to 4), beside what it cost on a GPU and an ARM core.

    gemmini: layers on Gemmini's RTL (Hong et al., DOSA, MICRO 2023), each mapped as it was run. Exit code 1
    if an error exceeds its bar or a figure has moved; of a file of one's own neither is asked.

    eyeriss: AlexNet and VGG-16 on the chip, layer by layer (Chen et al., JSSC 2017): time, traffic and power
    by the chip's own mappings, and what the search finds beside them. Exit code 1 if an error of AlexNet
    exceeds its bar, or a figure is not the one that it was pinned to.

    gap9: MLPerf Tiny's networks on the chip, two of them measured, two predicted. Exit code 1 as of eyeriss.

    \b
    accelsim reproduce squeezenext
    accelsim reproduce squeezenext --format json
    accelsim reproduce guidelines --hw my_machine.yaml
    accelsim reproduce gemmini --layers my_layers.csv
    """
    _check_options(table, hw, layers)
    match table:
        case PublishedName.GEMMINI:
            check_outputs({"--output": output}, [] if layers is None else [InputFile("--layers", layers)])
            _gemmini(layers, destination(output, format_, quiet), quiet)
        case PublishedName.GUIDELINES:
            _, machines = load([], hw or [], quiet=quiet)
            check_outputs({"--output": output}, inputs(machines=hw or []))
            _guidelines(machines, destination(output, format_, quiet), quiet)
        case PublishedName.EYERISS | PublishedName.GAP9 | PublishedName.SQUEEZENEXT:
            as_shipped = {"eyeriss": _eyeriss, "gap9": _gap9, "squeezenext": _squeezenext}
            as_shipped[table](destination(output, format_, quiet), quiet)
        case _:
            assert_never(table)


def _check_options(table: PublishedName, hw: list[str] | None, layers: Path | None) -> None:
    """Each table takes what it can use only."""
    if hw and table is not PublishedName.GUIDELINES:
        raise typer.BadParameter(f"{table.value} has machines of its own", param_hint="--hw")
    if layers is not None and table is not PublishedName.GEMMINI:
        raise typer.BadParameter(f"{table.value} has no layers to choose", param_hint="--layers")


def _squeezenext(to: Destination, quiet: bool) -> None:
    from accelsim.report.tables.reproduction import cell_dict, reproduction_dict, reproduction_report
    from accelsim.report.text.reproduction import failures, moved_line
    from accelsim.validation import pinned
    from accelsim.validation.published import load_published
    from accelsim.validation.reproduction import reproduce as simulate

    published = load_published(PublishedName.SQUEEZENEXT)
    with progress(len(published.cell_keys), quiet) as step:
        step("simulating")
        reproduction = simulate(published, step)
    moved = pinned.moved(reproduction.costs, pinned.load_pinned(published.name))
    to.deliver(
        Answer(
            table=lambda style: reproduction_report(reproduction, style, len(moved)),
            values=lambda: reproduction_dict(reproduction, moved),
            rows=lambda: [cell_dict(cell) for cell in reproduction.cells],
        )
    )
    complaints = [*failures(reproduction), *map(moved_line, moved)]
    for line in complaints:
        say(line)
    if moved:
        typer.echo(pinned.REMEDY, err=True)
    if complaints:
        raise typer.Exit(1)


def _guidelines(machines: dict[str, "Hardware"], to: Destination, quiet: bool) -> None:
    from accelsim.report.tables.guidelines import guideline_cell_dict, guidelines_dict, guidelines_report
    from accelsim.validation.evaluate import shipped_hardware
    from accelsim.validation.guidelines import cells_of, load_guidelines, trials_of

    guidelines = load_guidelines()
    machines = machines or {name: shipped_hardware(name) for name in guidelines.machines}
    with progress(len(trials_of(guidelines, machines)), quiet) as step:
        step("simulating")
        cells = cells_of(guidelines, machines, step)
    to.deliver(
        Answer(
            table=lambda style: guidelines_report(guidelines, cells, style),
            values=lambda: guidelines_dict(guidelines, cells),
            rows=lambda: [guideline_cell_dict(cell) for cell in cells],
        )
    )


def _gemmini(layers: Path | None, to: Destination, quiet: bool) -> None:
    from accelsim.report.tables.gemmini import gemmini_dict, gemmini_report, gemmini_row_dict
    from accelsim.validation.gemmini import missed_gemmini_bars, moved_rows, reproduce_gemmini
    from accelsim.validation.gemmini_layers import SHIPPED, SOURCE, load_layers
    from accelsim.validation.pinned import REMEDY

    measured = load_layers(SHIPPED if layers is None else layers)
    with progress(len({layer.mapped_as for layer in measured}), quiet) as step:
        step("simulating")
        reproduction = reproduce_gemmini(measured, step=step)
    moved = moved_rows(reproduction) if layers is None else ()
    source = SOURCE if layers is None else str(layers)
    to.deliver(
        Answer(
            table=lambda style: gemmini_report(reproduction, source, style),
            values=lambda: gemmini_dict(reproduction, moved, source),
            rows=lambda: [gemmini_row_dict(row) for row in reproduction.rows],
        )
    )
    if layers is not None:
        return
    complaints = [
        *missed_gemmini_bars(reproduction),
        *(
            f"{row.measured.id}: {row.measured.name}: is simulated to take {row.simulated_cycles}"
            for row in moved
        ),
    ]
    for line in complaints:
        say(line)
    if moved:
        typer.echo(REMEDY, err=True)
    if complaints:
        raise typer.Exit(1)


def _eyeriss(to: Destination, quiet: bool) -> None:
    from accelsim.report.tables.eyeriss import eyeriss_dict, eyeriss_figure_dict, eyeriss_report
    from accelsim.validation import pinned
    from accelsim.validation.evaluate import shipped_hardware
    from accelsim.validation.eyeriss import reproduce_eyeriss
    from accelsim.validation.eyeriss_measured import load_measured

    chip = load_measured()
    with progress(sum(len(network.layers) for network in chip.networks), quiet) as step:
        reproduction = reproduce_eyeriss(shipped_hardware(chip.machine), step)
    moved = reproduction.moved
    to.deliver(
        Answer(
            table=lambda style: eyeriss_report(reproduction, style),
            values=lambda: eyeriss_dict(reproduction),
            rows=lambda: [eyeriss_figure_dict(figure) for figure in reproduction.figures],
        )
    )
    for line in [*reproduction.missed_bars, *moved]:
        say(line)
    if moved:
        typer.echo(pinned.REMEDY, err=True)
    if moved or reproduction.missed_bars:
        raise typer.Exit(1)


def _gap9(to: Destination, quiet: bool) -> None:
    from accelsim.report.tables.gap9 import gap9_dict, gap9_report, gap9_row_dict
    from accelsim.validation import pinned
    from accelsim.validation.evaluate import shipped_hardware
    from accelsim.validation.gap9 import load_gap9, reproduce_gap9

    chip = load_gap9()
    with progress(len(chip.networks), quiet) as step:
        reproduction = reproduce_gap9(shipped_hardware(chip.machine), step)
    to.deliver(
        Answer(
            table=lambda style: gap9_report(reproduction, style),
            values=lambda: gap9_dict(reproduction),
            rows=lambda: [gap9_row_dict(row) for row in reproduction.rows],
        )
    )
    for line in [*reproduction.missed_bars, *reproduction.moved]:
        say(line)
    if reproduction.moved:
        typer.echo(pinned.REMEDY, err=True)
    if reproduction.moved or reproduction.missed_bars:
        raise typer.Exit(1)

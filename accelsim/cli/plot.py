"""`accelsim plot`: a run, or many, as a picture."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from accelsim.choices import AUTO
from accelsim.cli.cases import run_cases
from accelsim.cli.files import Input, check_outputs, inputs
from accelsim.cli.load import load, with_overlays
from accelsim.cli.options import (
    BatchOption,
    DataflowOption,
    ObjectiveOption,
    OverlaysOption,
    QuietOption,
    mapping_options,
)
from accelsim.cli.output import note, progress, rate_of_progress, say
from accelsim.cli.searches import fixed
from accelsim.errors import AccelsimError

if TYPE_CHECKING:
    from accelsim.hardware import Hardware
    from accelsim.network.description import Network
    from accelsim.report.tables.comparison import Case
    from accelsim.result import RunResult


class Kind(StrEnum):
    """What there is to see."""

    LAYERS = "layers"
    ROOFLINE = "roofline"
    ENERGY = "energy"
    TRAFFIC = "traffic"
    ACCURACY = "accuracy"
    PUBLISHED = "published"
    DEPTHS = "depths"
    PATH = "path"
    SWEEP = "sweep"


class By(StrEnum):
    """What has a bar."""

    LAYER = "layer"
    NETWORK = "network"


def plot(
    kind: Annotated[Kind, typer.Argument(show_default=False, help="What to draw, see above.")],
    *,
    net: Annotated[
        list[str] | None,
        typer.Option(
            "--net",
            metavar="NET",
            help="Networks, as for run. Default, of accuracy only: all whose papers report top-1.",
        ),
    ] = None,
    hw: Annotated[list[str] | None, typer.Option("--hw", metavar="HW", help="Machines, as for run.")] = None,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="A name that ends in .png, .svg or .pdf.",
            show_default=False,
        ),
    ],
    by: Annotated[
        By | None,
        typer.Option(
            "--by",
            help="Of energy: what has a bar. Default: layer for one network on one machine, else network.",
        ),
    ] = None,
    fix: Annotated[
        list[str] | None,
        typer.Option(
            "--fix", metavar="STAGE=BLOCKS", help="Of depths: a stage that keeps so many, as in stage4=1."
        ),
    ] = None,
    result: Annotated[
        Path | None,
        typer.Option(
            "--result", metavar="FILE", help="Of sweep: what `accelsim sweep SPEC -o FILE.json` wrote."
        ),
    ] = None,
    overlay: OverlaysOption = None,
    batch: BatchOption = None,
    dataflow: DataflowOption = AUTO,
    objective: ObjectiveOption = None,
    quiet: QuietOption = False,
) -> None:
    """Draw runs; every network on every machine.

    \b
    layers     time and utilization of every layer, by stage
    roofline   every layer below what PEs and DRAM allow
    energy     by component, of every layer or of every network
    traffic    DRAM traffic of every layer against the compulsory minimum
    accuracy   published top-1 accuracy against simulated energy and time
    published  a published table against the simulated one; takes no options
    depths     every distribution of blocks over stages, and the Pareto front
    path       `search path` from the first network; others stand beside it
    sweep      candidates of `accelsim sweep` and their Pareto front; takes --result

    \b
    accelsim plot layers --net sqnxt23 --net sqnxt23v5 --hw 16x16_128k -o layers.png
    accelsim plot roofline --net mobilenet_v1 --hw 8x8_32k -o roofline.svg
    accelsim plot accuracy --hw 16x16_128k -o accuracy.pdf
    accelsim plot sweep --result found.json -o front.png
    """
    from accelsim.report.files.writing import check_writable
    from accelsim.report.plots.style import check_suffix

    check_suffix(output)
    _refuse(kind, {"--fix": fix, "--objective": objective, "--by": by, "--result": result})
    if kind in _SAID_ELSEWHERE:
        what = {"--net": net, "--hw": hw, "--overlay": overlay}
        how = {
            "--batch": batch is not None,
            "--dataflow": dataflow != AUTO,
            "--objective": objective is not None,
        }
        _refuse_said(kind, what, "which networks and machines")
        _refuse_said(kind, how, "how they run")
    if kind is Kind.SWEEP:
        _draw_sweep(result, output)
    elif kind is Kind.PUBLISHED:
        check_writable(output)
        _draw_published(output, quiet)
    else:
        names, machine_names = _networks(kind, net), _given(kind, hw, "--hw")
        networks, machines = load(names, machine_names, overlay or [], quiet=quiet)
        check_outputs({"--output": output}, inputs(names, machine_names, overlay or []))
        networks |= with_overlays(networks, overlay or [])
        check_writable(output)
        if kind is Kind.ACCURACY:
            networks = _with_accuracy(networks, quiet)
        options = mapping_options(batch, dataflow, objective)
        if kind is Kind.DEPTHS:
            _draw_depths(networks, machines, fixed(fix or []), options, output, quiet)
        elif kind is Kind.PATH:
            _draw_path(networks, machines, options, output, quiet)
        else:
            cases = run_cases(networks, machines, options, quiet)
            _draw(kind, cases, networks, machines, by, output)
    if not quiet:
        say(f"wrote {output}")


_SAID_ELSEWHERE: Final = {Kind.PUBLISHED: "table", Kind.SWEEP: "sweep"}
"""What says which networks and machines are drawn, where the options do not."""
_OPTIONS: Final = {
    "--fix": ({Kind.DEPTHS}, "has no choice; depths has"),
    "--objective": (set(Kind) - {Kind.DEPTHS, Kind.PATH}, "goes by time"),
    "--by": ({Kind.ENERGY}, "has no choice; energy has"),
    "--result": ({Kind.SWEEP}, "takes none; sweep does"),
}
"""Options that only some kinds have, and what is said of them to the others."""


def _refuse(kind: Kind, given: dict[str, object]) -> None:
    """Raise where an option is given that the kind has no use for."""
    for option, (kinds, sentence) in _OPTIONS.items():
        if given[option] and kind not in kinds:
            raise typer.BadParameter(f"{kind.value} {sentence}", param_hint=option)


def _refuse_said(kind: Kind, given: Mapping[str, object], what: str) -> None:
    """Raise where an option is given of which something else says what it would."""
    for option, value in given.items():
        if value:
            raise typer.BadParameter(f"the {_SAID_ELSEWHERE[kind]} says {what}", param_hint=option)


def _given(kind: Kind, names: list[str] | None, option: str) -> list[str]:
    if not names:
        raise typer.BadParameter(f"{kind.value} needs at least one", param_hint=option)
    return names


def _networks(kind: Kind, names: list[str] | None) -> list[str]:
    """Those that are given, or all that accuracy can show."""
    if names or kind is not Kind.ACCURACY:
        return _given(kind, names, "--net")
    from accelsim.descriptions import shipped
    from accelsim.network.description import read_network

    known = shipped.names("networks")
    return [name for name in known if read_network(shipped.find("networks", name)).reported.top1 is not None]


def _with_accuracy(networks: dict[str, "Network"], quiet: bool) -> dict[str, "Network"]:
    """Those whose papers report their accuracy; the others are named on standard error."""
    found = {name: network for name, network in networks.items() if network.reported.top1 is not None}
    without = ", ".join(name for name in networks if name not in found)
    if not found:
        raise AccelsimError(f"{without}: no top-1 accuracy is reported (`reported:` in the network's YAML)")
    if without and not quiet:
        say(f"left out, as no top-1 accuracy is reported: {without}")
    return found


def _draw(
    kind: Kind,
    cases: list["Case"],
    networks: dict[str, "Network"],
    machines: dict[str, "Hardware"],
    by: By | None,
    output: Path,
) -> None:
    from accelsim.report.plots.style import save

    results = [_labelled(case) for case in cases]
    match kind:
        case Kind.ROOFLINE:
            from accelsim.report.plots.roofline import roofline_figure

            of_machines = [machines[case.hardware] for case in cases]
            save(roofline_figure(list(zip(results, of_machines, strict=True))), output)
        case Kind.ACCURACY:
            from accelsim.report.plots.accuracy import accuracy_figure, accuracy_point
            from accelsim.report.text.energies import in_joules, of_run

            reported = [networks[case.network].reported.top1 for case in cases]
            points = [
                accuracy_point(result, top1)
                for result, top1 in zip(in_joules(results, of_run), reported, strict=True)
                if top1 is not None
            ]
            save(accuracy_figure(points), output)
        case Kind.ENERGY:
            from accelsim.report.plots.energy import layer_energy_figure, run_energy_figure

            by_layer = by is By.LAYER or (by is None and len(cases) == 1)
            save(layer_energy_figure(results) if by_layer else run_energy_figure(results), output)
        case Kind.TRAFFIC:
            from accelsim.report.plots.traffic import traffic_figure

            save(traffic_figure(results), output)
        case _:
            from accelsim.report.plots.layers import layers_figure

            save(layers_figure(results), output)


def _labelled(case: "Case") -> "RunResult":
    """A run under the names that set it apart: files may give two networks or two machines one name."""
    return replace(case.result, network=case.network, hardware=case.hardware)


def _draw_depths(
    networks: dict[str, "Network"],
    machines: dict[str, "Hardware"],
    fixed_depths: dict[str, int],
    options: dict[str, Any],
    output: Path,
    quiet: bool,
) -> None:
    """Every network on every machine."""
    from accelsim.report.plots.depths import MOST_POINTS, depths_figure
    from accelsim.report.plots.style import save
    from accelsim.search.depth import search_depth
    from accelsim.search.evaluate import SearchTask
    from accelsim.search.space import depth_space

    spaces = [depth_space(network, fixed=fixed_depths) for network in networks.values()]
    found = []
    with rate_of_progress(len(machines) * sum(space.size for space in spaces), quiet) as step:
        for hardware in machines.values():
            for network, space in zip(networks.values(), spaces, strict=True):
                task = SearchTask(network, hardware, batch=options["batch"], dataflow=options["dataflow"])
                found.append(search_depth(task, space, top=MOST_POINTS, step=step))
    save(depths_figure(found), output)


def _draw_path(
    networks: dict[str, "Network"],
    machines: dict[str, "Hardware"],
    options: dict[str, Any],
    output: Path,
    quiet: bool,
) -> None:
    """From the first network, on every machine; the others as they are."""
    from accelsim.report.plots.path import path_figure
    from accelsim.report.plots.style import save
    from accelsim.search.path import search_path

    (first, *_), others = networks.values(), dict(list(networks.items())[1:])
    walks = []
    for hardware in machines.values():
        with note(quiet) as step:
            walks.append(
                search_path(first, hardware, batch=options["batch"], dataflow=options["dataflow"], step=step)
            )
    cases = run_cases(others, machines, options, quiet)
    beside = [[_labelled(case) for case in cases if case.hardware == machine] for machine in machines]
    save(path_figure(list(zip(walks, beside, strict=True))), output)


def _draw_sweep(result: Path | None, output: Path) -> None:
    if result is None:
        raise typer.BadParameter("sweep needs one", param_hint="--result")
    from accelsim.report.files.writing import check_writable
    from accelsim.report.plots.style import save
    from accelsim.report.plots.sweep import read_sweep_result, sweep_figure

    found = read_sweep_result(result)
    check_outputs({"--output": output}, [Input(f"--result {result}", result)])
    check_writable(output)
    save(sweep_figure(found), output)


def _draw_published(output: Path, quiet: bool) -> None:
    from accelsim.report.plots.published import published_figure
    from accelsim.report.plots.style import save
    from accelsim.validation.published import load_published
    from accelsim.validation.reproduction import reproduce

    table = load_published("squeezenext")
    with progress(len(table.cell_keys), quiet) as step:
        step("simulating")
        reproduction = reproduce(table, step)
    save(published_figure(reproduction), output)

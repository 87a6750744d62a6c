"""`accelsim plot`: a run, or many, as a picture."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, assert_never

import typer

from accelsim.choices import AUTO
from accelsim.cli.cases import run_cases
from accelsim.cli.files import InputFile, check_outputs, inputs
from accelsim.cli.load import load, with_overlays
from accelsim.cli.mappings import LayerOption, LayerToDraw, drawn_layer
from accelsim.cli.options import (
    ArenaOption,
    BatchOption,
    DataflowOption,
    FpsOption,
    GoalOption,
    MappingOption,
    OverlaysOption,
    QuietOption,
    demand_of,
    mapping_options,
    with_arenas,
)
from accelsim.cli.output import note, progress, rate_of_progress, say
from accelsim.cli.searches import fixed
from accelsim.errors import AccelsimError

if TYPE_CHECKING:
    from accelsim.hardware import Hardware
    from accelsim.network.description import Network
    from accelsim.power import FrameDemand
    from accelsim.report.plots.style import PlotFigure
    from accelsim.report.tables.comparison import Case
    from accelsim.result import RunResult


class PlotKind(StrEnum):
    """What there is to see."""

    LAYERS = "layers"
    ROOFLINE = "roofline"
    ENERGY = "energy"
    TRAFFIC = "traffic"
    MEMORY = "memory"
    MAPPING = "mapping"
    ACCURACY = "accuracy"
    PUBLISHED = "published"
    DEPTHS = "depths"
    PATH = "path"
    SWEEP = "sweep"


class By(StrEnum):
    """What has a bar."""

    LAYER = "layer"
    NETWORK = "network"


KindArgument: TypeAlias = Annotated[
    PlotKind, typer.Argument(show_default=False, help="What to draw, see above.")
]
NetworksOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--net",
        metavar="NET",
        help="Networks, as for run. Default, of accuracy only: all whose papers report top-1.",
    ),
]
MachinesOption: TypeAlias = Annotated[
    list[str] | None, typer.Option("--hw", metavar="HW", help="Machines, as for run.")
]
FigureOption: TypeAlias = Annotated[
    Path,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="A name that ends in .png, .svg or .pdf.",
        show_default=False,
    ),
]
ByOption: TypeAlias = Annotated[
    By | None,
    typer.Option(
        "--by",
        help="Of energy: what has a bar. Default: layer for one network on one machine, else network.",
    ),
]
FixOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--fix", metavar="STAGE=BLOCKS", help="Of depths: a stage that keeps so many, as in stage4=1."
    ),
]
ResultOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--result", metavar="FILE", help="Of sweep: what `accelsim sweep SPEC -o FILE.json` wrote."),
]


@dataclass(frozen=True)
class _Request:
    """What the command line asks for."""

    kind: PlotKind
    networks: list[str] | None
    machines: list[str] | None
    overlays: list[Path]
    by: By | None
    fixed_stages: list[str]
    result: Path | None
    options: Mapping[str, Any]
    """As `run_network` takes them."""
    demand: "FrameDemand | None"
    output: Path
    quiet: bool
    of_layer: LayerToDraw
    arena: int | None


@dataclass(frozen=True)
class _Inputs:
    """The networks and machines of a request, under their names."""

    networks: dict[str, "Network"]
    machines: dict[str, "Hardware"]


def plot(
    kind: KindArgument,
    *,
    net: NetworksOption = None,
    hw: MachinesOption = None,
    output: FigureOption,
    by: ByOption = None,
    fix: FixOption = None,
    result: ResultOption = None,
    layer: LayerOption = None,
    mapping: MappingOption = None,
    overlay: OverlaysOption = None,
    batch: BatchOption = None,
    dataflow: DataflowOption = AUTO,
    objective: GoalOption = None,
    arena: ArenaOption = None,
    fps: FpsOption = None,
    quiet: QuietOption = False,
) -> None:
    """Draw runs; every network on every machine.

    \b
    layers     time and utilization of every layer, by stage
    roofline   every layer below what PEs and DRAM allow
    energy     by component, of every layer or of every network
    traffic    DRAM traffic of every layer against the compulsory minimum
    memory     which tensor lies where on chip, and when; of machines with a pool
    mapping    how one layer is mapped: loops, tiles, array, when; takes --layer
    accuracy   published top-1 accuracy against simulated energy and time
    published  a published table against the simulated one; takes no options
    depths     every distribution of blocks over stages, and the Pareto front
    path       `search path` from the first network; others stand beside it
    sweep      candidates of `accelsim sweep` and their Pareto front; takes --result

    \b
    accelsim plot layers --net sqnxt23 --net sqnxt23v5 --hw 16x16_128k -o layers.png
    accelsim plot roofline --net mobilenet_v1 --hw 8x8_32k -o roofline.svg
    accelsim plot accuracy --hw 16x16_128k -o accuracy.pdf
    accelsim plot memory --net mobilenet_v2 --hw npu_int8_2m -o memory.png
    accelsim plot mapping --net vgg16 --hw 8x8_32k --layer conv3.block1 -o conv3.png
    accelsim plot sweep --result found.json -o front.png
    """
    from accelsim.report.plots.style import check_suffix, save

    check_suffix(output)
    of_layer = LayerToDraw(layer, mapping)
    _refuse(kind, {"--fix": fix, "--objective": objective, "--by": by, "--result": result, "--fps": fps})
    _refuse(kind, of_layer.options)
    if kind in _SAID_ELSEWHERE:
        _refuse_said(kind, {"--net": net, "--hw": hw, "--overlay": overlay}, "which networks and machines")
        runs = {"--batch": batch, "--dataflow": None if dataflow == AUTO else dataflow}
        _refuse_said(kind, runs | {"--objective": objective, "--arena": arena}, "how they run")
    options, demand = mapping_options(batch, dataflow, objective), demand_of(fps, None)
    what = kind, net, hw, overlay or [], by, fix or [], result
    how = options, demand, output, quiet, of_layer, arena
    save(_figure(_Request(*what, *how)), output)
    if not quiet:
        say(f"wrote {output}")


_SAID_ELSEWHERE: Final = {PlotKind.PUBLISHED: "table", PlotKind.SWEEP: "sweep"}
"""What says which networks and machines are drawn, where the options do not."""
_OPTIONS: Final = {
    "--fix": ({PlotKind.DEPTHS}, "has no choice; depths has"),
    "--objective": (set(PlotKind) - {PlotKind.DEPTHS, PlotKind.PATH}, "goes by time"),
    "--by": ({PlotKind.ENERGY}, "has no choice; energy has"),
    "--result": ({PlotKind.SWEEP}, "takes none; sweep does"),
    "--fps": ({PlotKind.ENERGY}, "has no waiting; energy --by network has"),
    "--layer": ({PlotKind.MAPPING}, "is of all layers; mapping is of one"),
    "--mapping": ({PlotKind.MAPPING}, "takes none; mapping does"),
}
"""Options that only some kinds have, and what is said of them to the others."""


def _refuse(kind: PlotKind, options: dict[str, object]) -> None:
    """Raise where an option has a value that the kind has no use for."""
    for option, value in options.items():
        kinds, sentence = _OPTIONS[option]
        if value and kind not in kinds:
            raise typer.BadParameter(f"{kind.value} {sentence}", param_hint=option)


def _refuse_said(kind: PlotKind, options: Mapping[str, object], subject: str) -> None:
    """Raise where an option has a value of which something else says what it would."""
    for option, value in options.items():
        if value is not None and value != []:
            raise typer.BadParameter(f"the {_SAID_ELSEWHERE[kind]} says {subject}", param_hint=option)


def _at_least_one(kind: PlotKind, names: list[str] | None, option: str) -> list[str]:
    if not names:
        raise typer.BadParameter(f"{kind.value} needs at least one", param_hint=option)
    return names


def _network_names(kind: PlotKind, names: list[str] | None) -> list[str]:
    """Those of the option, or all that accuracy can show."""
    if names or kind is not PlotKind.ACCURACY:
        return _at_least_one(kind, names, "--net")
    from accelsim.descriptions import shipped
    from accelsim.network.configuration import read_network

    return [
        name
        for name in shipped.names("networks")
        if read_network(shipped.find("networks", name)).reported.top1 is not None
    ]


def _with_accuracy(networks: dict[str, "Network"], quiet: bool) -> dict[str, "Network"]:
    """Those whose papers report their accuracy; the others are named on standard error."""
    reporting = {name: network for name, network in networks.items() if network.reported.top1 is not None}
    missing = ", ".join(name for name in networks if name not in reporting)
    if not reporting:
        raise AccelsimError(f"{missing}: no top-1 accuracy is reported (`reported:` in the network's YAML)")
    if missing and not quiet:
        say(f"left out, as no top-1 accuracy is reported: {missing}")
    return reporting


def _loaded(request: _Request) -> _Inputs:
    """Networks and machines; the file of the figure is known to be writable then, before the work begins."""
    from accelsim.report.files.writing import check_writable

    names = _network_names(request.kind, request.networks)
    machine_names = _at_least_one(request.kind, request.machines, "--hw")
    networks, machines = load(names, machine_names, request.overlays, quiet=request.quiet)
    mapping = request.of_layer.mapping
    check_outputs({"--output": request.output}, inputs(names, machine_names, request.overlays, mapping))
    networks |= with_overlays(networks, request.overlays)
    check_writable(request.output)
    return _Inputs(networks, with_arenas(machines, request.arena))


def _figure(request: _Request) -> "PlotFigure":
    match request.kind:
        case PlotKind.LAYERS:
            draw = _layers_figure
        case PlotKind.TRAFFIC:
            draw = _traffic_figure
        case PlotKind.MEMORY:
            draw = _memory_figure
        case PlotKind.MAPPING:
            draw = _mapping_figure
        case PlotKind.ENERGY:
            draw = _energy_figure
        case PlotKind.ROOFLINE:
            draw = _roofline_figure
        case PlotKind.ACCURACY:
            draw = _accuracy_figure
        case PlotKind.DEPTHS:
            draw = _depths_figure
        case PlotKind.PATH:
            draw = _path_figure
        case PlotKind.SWEEP:
            draw = _sweep_figure
        case PlotKind.PUBLISHED:
            draw = _published_figure
        case _:
            assert_never(request.kind)
    return draw(request)


def _cases(loaded: _Inputs, request: _Request) -> list["Case"]:
    return run_cases(loaded.networks, loaded.machines, request.options, request.quiet)


def _results(loaded: _Inputs, request: _Request) -> list["RunResult"]:
    return [_labelled(case) for case in _cases(loaded, request)]


def _labelled(case: "Case") -> "RunResult":
    """A run under the names that set it apart: files may give two networks or two machines one name."""
    return replace(case.result, network=case.network, hardware=case.hardware)


def _layers_figure(request: _Request) -> "PlotFigure":
    from accelsim.report.plots.layers import layers_figure

    return layers_figure(_results(_loaded(request), request))


def _traffic_figure(request: _Request) -> "PlotFigure":
    from accelsim.report.plots.traffic import traffic_figure

    return traffic_figure(_results(_loaded(request), request))


def _memory_figure(request: _Request) -> "PlotFigure":
    from accelsim.report.plots.memory import memory_figure

    return memory_figure(_results(_loaded(request), request))


def _mapping_figure(request: _Request) -> "PlotFigure":
    loaded = _loaded(request)
    return drawn_layer(loaded.networks, loaded.machines, request.options, request.of_layer)


def _energy_figure(request: _Request) -> "PlotFigure":
    from accelsim.report.plots.energy import layer_energy_figure, run_energy_figure

    results = _results(_loaded(request), request)
    by_layer = request.by is By.LAYER or (request.by is None and len(results) == 1)
    if by_layer and request.demand is not None:
        raise typer.BadParameter("layers do not wait for the next image: --by network", param_hint="--fps")
    return layer_energy_figure(results) if by_layer else run_energy_figure(results, request.demand)


def _roofline_figure(request: _Request) -> "PlotFigure":
    from accelsim.report.plots.roofline import roofline_figure

    loaded = _loaded(request)
    cases = _cases(loaded, request)
    return roofline_figure([(_labelled(case), loaded.machines[case.hardware]) for case in cases])


def _accuracy_figure(request: _Request) -> "PlotFigure":
    from accelsim.report.plots.accuracy import accuracy_figure, accuracy_point
    from accelsim.report.text.energies import in_joules, of_run

    loaded = _loaded(request)
    networks = _with_accuracy(loaded.networks, request.quiet)
    results = _results(replace(loaded, networks=networks), request)
    reported = {name: network.reported.top1 for name, network in networks.items()}
    points = [
        accuracy_point(result, top1)
        for result in in_joules(results, of_run)
        if (top1 := reported[result.network]) is not None
    ]
    return accuracy_figure(points)


def _depths_figure(request: _Request) -> "PlotFigure":
    """Every network on every machine."""
    from accelsim.report.plots.depths import MOST_POINTS, depths_figure
    from accelsim.search.depth import search_depth
    from accelsim.search.evaluate import SearchTask
    from accelsim.search.space import depth_space

    loaded, options = _loaded(request), request.options
    fixed_depths = fixed(request.fixed_stages)
    spaces = [depth_space(network, fixed=fixed_depths) for network in loaded.networks.values()]
    searches = []
    total = len(loaded.machines) * sum(space.size for space in spaces)
    with rate_of_progress(total, request.quiet) as step:
        for hardware in loaded.machines.values():
            for network, space in zip(loaded.networks.values(), spaces, strict=True):
                task = SearchTask(network, hardware, batch=options["batch"], dataflow=options["dataflow"])
                searches.append(search_depth(task, space, top=MOST_POINTS, step=step))
    return depths_figure(searches)


def _path_figure(request: _Request) -> "PlotFigure":
    """From the first network, on every machine; the others as they are."""
    from accelsim.report.plots.path import path_figure
    from accelsim.search.path import search_path

    loaded, options = _loaded(request), request.options
    first, *other_names = loaded.networks
    paths = []
    for hardware in loaded.machines.values():
        with note(request.quiet) as step:
            paths.append(
                search_path(
                    loaded.networks[first],
                    hardware,
                    batch=options["batch"],
                    dataflow=options["dataflow"],
                    step=step,
                )
            )
    as_they_are = {name: loaded.networks[name] for name in other_names}
    cases = _cases(replace(loaded, networks=as_they_are), request)
    results = [[_labelled(case) for case in cases if case.hardware == machine] for machine in loaded.machines]
    return path_figure(list(zip(paths, results, strict=True)))


def _sweep_figure(request: _Request) -> "PlotFigure":
    if request.result is None:
        raise typer.BadParameter("sweep needs one", param_hint="--result")
    from accelsim.report.files.writing import check_writable
    from accelsim.report.plots.sweep import read_sweep_result, sweep_figure

    result = read_sweep_result(request.result)
    check_outputs({"--output": request.output}, [InputFile(f"--result {request.result}", request.result)])
    check_writable(request.output)
    return sweep_figure(result)


def _published_figure(request: _Request) -> "PlotFigure":
    from accelsim.report.files.writing import check_writable
    from accelsim.report.plots.published import published_figure
    from accelsim.validation.published import load_published
    from accelsim.validation.reproduction import reproduce

    check_writable(request.output)
    table = load_published("squeezenext")
    with progress(len(table.cell_keys), request.quiet) as step:
        step("simulating")
        reproduction = reproduce(table, step)
    return published_figure(reproduction)

"""`accelsim run` and `accelsim compare`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from accelsim.choices import AUTO
from accelsim.cli.files import check_outputs, inputs
from accelsim.cli.load import load, only, with_overlays
from accelsim.cli.options import (
    LAYERS_METAVAR,
    ArenaOption,
    BatchOption,
    BatteryOption,
    CacheOption,
    DataflowOption,
    Engine,
    EngineOption,
    FormatOption,
    FpsOption,
    GoalOption,
    Machines,
    MappingOption,
    MemoryOption,
    Networks,
    OutputOption,
    OverlayOption,
    OverlaysOption,
    QuietOption,
    RelativeToOption,
    demand_of,
    layer_choice,
    layer_count,
    mapping_options,
    with_arena,
    with_arenas,
)
from accelsim.cli.output import Answer, destination, say
from accelsim.cli.parts import FromOption, UnsupportedOption, UntilOption, parts_of
from accelsim.cli.verify import exit_unless_proven, verified_plan

if TYPE_CHECKING:
    from accelsim.planning.plan import Plan
    from accelsim.power import FrameDemand
    from accelsim.report.tables.run import LayerChoice
    from accelsim.result import RunResult

LayersOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--layers",
        metavar=LAYERS_METAVAR,
        parser=layer_choice,
        help="The table's: top shows the ten slowest, N so many of them, none only the stages.",
    ),
]
RunEngineOption: TypeAlias = Annotated[
    Engine | None,
    typer.Option(
        "--engine",
        help="Same result: events runs every tile as events. Default: fast, or events with --trace.",
    ),
]
TraceOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--trace",
        metavar="FILE",
        help="Write the timeline too, for ui.perfetto.dev or chrome://tracing; compressed if the name "
        "ends in .gz.",
    ),
]
TraceLayersOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--trace-layers",
        metavar="PATTERN[,..]",
        help="Of the timeline: only layers of these names, with * ? [..] as in file names.",
    ),
]
VerifyOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--verify",
        help="Execute the schedule on integers first (`accelsim verify`); exit 1 if it differs.",
    ),
]


def run(
    *,
    net: Networks,
    hw: Machines,
    layers: LayersOption = "all",
    until: UntilOption = None,
    since: FromOption = None,
    unsupported: UnsupportedOption = None,
    overlay: OverlayOption = None,
    format_: FormatOption = None,
    output: OutputOption = None,
    batch: BatchOption = None,
    dataflow: DataflowOption = AUTO,
    objective: GoalOption = None,
    mapping: MappingOption = None,
    arena: ArenaOption = None,
    engine: RunEngineOption = None,
    trace: TraceOption = None,
    trace_layers: TraceLayersOption = None,
    verify: VerifyOption = False,
    fps: FpsOption = None,
    battery_mwh: BatteryOption = None,
    cache: CacheOption = None,
    memory: MemoryOption = None,
    quiet: QuietOption = False,
) -> None:
    """Run one network on one machine: what each layer costs, and why.

    \b
    accelsim run --net sqnxt23v5 --hw 16x16_128k
    accelsim run --net mobilenet_v1@width=0.5 --hw my_machine.yaml --layers top
    accelsim run --net sqnxt23v5 --hw 16x16_128k --output result.json
    accelsim run --net sqnxt23v5 --hw 16x16_128k --trace timeline.json.gz
    accelsim run --net squeezenet_v1_0 --overlay pruned.yaml --hw 16x16_128k
    accelsim run --net sqnxt23v5 --hw npu_int8_2m --fps 10 --battery-mwh 675
    accelsim run --net sqnxt23v5 --hw 16x16_128k --mapping mine.yaml
    accelsim run --net detector.onnx --until /head/Concat --hw 16x16_128k
    """
    demand = demand_of(fps, battery_mwh)
    net = parts_of(net, until, since, unsupported)
    _check_trace_options(trace, trace_layers, engine)
    overlays = only(overlay or [], "--overlay")
    networks, machines = load(only(net, "--net"), only(hw, "--hw"), overlays, quiet=quiet)
    cache = _cache_file(cache, memory)
    written = {"--output": output, "--trace": trace, "--cache": cache}
    check_outputs(written, inputs(net, hw, overlays, mapping))
    networks = with_overlays(networks, overlays) if overlays else networks
    to = destination(output, format_, quiet)
    from accelsim.report.tables.run import TOP_LAYERS
    from accelsim.reuse.cache import Cache
    from accelsim.run import plan_for

    (network,), (hardware,) = networks.values(), machines.values()
    layer_limit, hardware = layer_count(layers, TOP_LAYERS), with_arena(hardware, arena)
    options = mapping_options(batch, dataflow, objective)
    plan = plan_for(network, hardware, **options, mapping=mapping, cache=Cache(cache))
    if verify:
        exit_unless_proven(verified_plan(plan, quiet))
    result = _simulated(plan, engine) if trace is None else _traced(plan, trace, trace_layers, quiet)
    to.deliver(_run_answer(result, "all" if layer_limit is None else layer_limit, demand))


def _run_answer(result: "RunResult", layers: "LayerChoice | int", demand: "FrameDemand | None") -> Answer:
    """A run in each format. Raises AccelsimError where the machine does not keep the rate."""
    from accelsim.report.tables.run import run_report
    from accelsim.result import flat, layer_to_dict

    at_rate: dict[str, Any] = {}
    if demand is not None:
        at_rate = {"at_frame_rate": demand.to_dict(result.at_frame_rate(demand.frames_per_second))}
    return Answer(
        table=lambda style: run_report(result, style, layers, demand),
        values=lambda: result.to_dict() | at_rate,
        rows=lambda: [flat(layer_to_dict(layer)) for layer in result.layers],
    )


def _cache_file(cache: Path | None, memory: Path | None) -> Path | None:
    """The file of mappings, by the option's name or by the one before."""
    if memory is None:
        return cache
    if cache is not None:
        raise typer.BadParameter("must be left out beside --cache", param_hint="--memory")
    say("--memory: is now called --cache")
    return memory


def _check_trace_options(trace: Path | None, trace_layers: str | None, engine: Engine | None) -> None:
    """Refuse what cannot be meant together."""
    if trace is None:
        if trace_layers is not None:
            raise typer.BadParameter("needs --trace FILE", param_hint="--trace-layers")
        return
    if engine is Engine.FAST:
        raise typer.BadParameter(
            "--trace needs every tile's events, which fast skips: leave --engine out", param_hint="--engine"
        )
    if str(trace) == "-":
        raise typer.BadParameter("must be the name of a file", param_hint="--trace")
    unpacked = trace.with_suffix("") if trace.suffix.lower() == ".gz" else trace
    if unpacked.suffix.lower() not in {"", ".json"}:
        raise typer.BadParameter(
            f"{trace} must end in .json or .json.gz, or have no ending", param_hint="--trace"
        )


def _simulated(plan: "Plan", engine: Engine | None) -> "RunResult":
    from accelsim.run import run_plan

    return run_plan(plan, "events" if engine is Engine.EVENTS else "fast")


def _traced(plan: "Plan", trace: Path, layers: str | None, quiet: bool) -> "RunResult":
    """A run, event by event, and its timeline in a file."""
    from accelsim.pricing import result_of
    from accelsim.report.files.trace import Timeline, chosen_layers, write_trace
    from accelsim.report.files.writing import check_writable
    from accelsim.simulation.events import simulate_events

    check_writable(trace)
    layer_indexes = chosen_layers([] if layers is None else layers.split(","), plan.schedule)
    activity = simulate_events(plan.schedule, plan.hardware, keep_timeline=True)
    first = plan.schedule.first_inference
    result = result_of(plan, activity, None if first is None else simulate_events(first, plan.hardware))
    write_trace(trace, Timeline(result, plan.hardware, plan.schedule, activity, layer_indexes))
    if not quiet:
        say(f"wrote {trace}")
    return result


def compare(
    *,
    net: Networks,
    hw: Machines,
    relative_to: RelativeToOption = None,
    overlay: OverlaysOption = None,
    format_: FormatOption = None,
    output: OutputOption = None,
    batch: BatchOption = None,
    dataflow: DataflowOption = AUTO,
    objective: GoalOption = None,
    arena: ArenaOption = None,
    engine: EngineOption = Engine.FAST,
    fps: FpsOption = None,
    battery_mwh: BatteryOption = None,
    quiet: QuietOption = False,
) -> None:
    """Run networks on machines: time, energy, utilization and DRAM traffic beside each other.

    \b
    accelsim compare --net sqnxt23 --net sqnxt23v5 --hw 8x8_32k --hw 16x16_128k
    accelsim compare --net alexnet --net sqnxt23 --hw my.yaml --output rows.csv
    accelsim compare --net sqnxt23 --hw 8x8_32k --hw my.yaml --relative-to my
    accelsim compare --net vgg16 --overlay int8.yaml --hw 16x16_128k
    accelsim compare --net sqnxt23 --net sqnxt23v5 --hw npu_int8_2m --fps 10
    accelsim compare --net mlperf_tiny_vww --hw ethos_u55_128 --objective peak
    """
    demand = demand_of(fps, battery_mwh)
    from accelsim.cli.cases import reference_of, run_cases

    networks, machines = load(net, hw, overlay or [], quiet=quiet)
    check_outputs({"--output": output}, inputs(net, hw, overlay or []))
    networks |= with_overlays(networks, overlay or [])
    reference = reference_of(relative_to, networks, machines)
    to = destination(output, format_, quiet)
    from accelsim.report.tables.comparison import compare as compare_cases
    from accelsim.report.tables.comparison import comparison_report, to_dict
    from accelsim.result import flat

    machines = with_arenas(machines, arena)
    options = mapping_options(batch, dataflow, objective) | {"engine": engine.value}
    compared = compare_cases(run_cases(networks, machines, options, quiet), reference)
    rows = [to_dict(case, demand) for case in compared]
    to.deliver(
        Answer(
            table=lambda style: comparison_report(compared, reference, style, demand),
            values=lambda: {
                "accelsim": compared[0].case.result.accelsim,
                "relative_to": reference,
                "rows": rows,
            },
            rows=lambda: [flat(row) for row in rows],
        )
    )

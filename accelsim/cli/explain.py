"""`accelsim explain`: what bounds a network on a machine, and what would help."""

from collections.abc import Callable, Mapping
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
    DataflowOption,
    FormatOption,
    FpsOption,
    Machines,
    Networks,
    ObjectiveOption,
    OutputOption,
    OverlayOption,
    QuietOption,
    demand_of,
    layer_choice,
    layer_count,
    mapping_options,
    with_arenas,
)
from accelsim.cli.output import Answer, check_yaml, destination, progress, say
from accelsim.cli.parts import FromOption, UnsupportedOption, UntilOption, parts_of
from accelsim.errors import MappingError

if TYPE_CHECKING:
    from accelsim.hardware import Hardware
    from accelsim.network.description import Network
    from accelsim.power import FrameDemand
    from accelsim.search.explain import Explanation


WorstLayersOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--layers",
        metavar=LAYERS_METAVAR,
        parser=layer_choice,
        help="The worst that are explained, alike ones together: top is five, N so many.",
    ),
]


def _name_and_file(text: str) -> tuple[str, Path]:
    """`channels=better.yaml`."""
    name, equals, file = text.partition("=")
    if not (name and equals and file):
        raise typer.BadParameter(f"{text!r} must be NAME=FILE, as in channels=better.yaml")
    return name, Path(file)


WriteRemedyOption: TypeAlias = Annotated[
    Any,
    typer.Option(
        "--write",
        metavar="NAME=FILE",
        parser=_name_and_file,
        help="The network with a change that the report names, as YAML that `accelsim run` takes.",
    ),
]


def explain(
    *,
    net: Networks,
    hw: Machines,
    layers: WorstLayersOption = "top",
    until: UntilOption = None,
    since: FromOption = None,
    unsupported: UnsupportedOption = None,
    overlay: OverlayOption = None,
    format_: FormatOption = None,
    output: OutputOption = None,
    write: WriteRemedyOption = None,
    batch: BatchOption = None,
    dataflow: DataflowOption = AUTO,
    objective: ObjectiveOption = None,
    arena: ArenaOption = None,
    fps: FpsOption = None,
    battery_mwh: BatteryOption = None,
    quiet: QuietOption = False,
) -> None:
    """What bounds a network on a machine, and what each remedy would gain.

    More bandwidth, rows, columns or buffer, tensors that stay on chip, another dataflow, fewer bits, channels
    rounded up to the array; of imported networks smaller kernels, more groups, a smaller image, too: every
    figure is a simulation of the whole network with that one change. They come in the order of time, or with
    --objective energy in that of energy. Where a pool on chip does not hold the network: what makes it run.

    \b
    accelsim explain --net sqnxt23 --hw 16x16_128k
    accelsim explain --net mobilenet_v1 --hw my_machine.yaml --layers 3
    accelsim explain --net shufflenet_v2 --hw 8x8_32k --output why.json
    accelsim explain --net sqnxt23 --hw npu_int8_2m --objective energy --fps 10
    accelsim explain --net my.onnx --hw 8x8_32k --write channels=better.yaml
    """
    demand = demand_of(fps, battery_mwh)
    net = parts_of(net, until, since, unsupported)
    overlays = only(overlay or [], "--overlay")
    networks, machines = load(only(net, "--net"), only(hw, "--hw"), overlays, quiet=quiet)
    check_outputs({"--output": output, "--write": _checked_file(write)}, inputs(net, hw, overlays))
    networks = with_overlays(networks, overlays) if overlays else networks
    to = destination(output, format_, quiet)
    from accelsim.search.explain import TOP_LAYERS, explain_network
    from accelsim.search.network_remedies import most_redesigns
    from accelsim.search.remedies import most_remedies

    (network,), (hardware,) = networks.values(), with_arenas(machines, arena).values()
    options = mapping_options(batch, dataflow, objective)
    with progress(most_remedies(hardware) + most_redesigns(network), quiet) as step:
        step("simulating")
        try:
            explained = explain_network(
                network, hardware, layers=layer_count(layers, TOP_LAYERS), **options, step=step
            )
        except MappingError as error:
            if write is not None:
                raise
            to.deliver(_what_fits(network, hardware, error, options, step))
            return
    _write(explained, write, quiet)
    to.deliver(_explained(explained, demand))


def _checked_file(write: tuple[str, Path] | None) -> Path | None:
    """The file that `--write` names, which can be written; None where there is none."""
    if write is None:
        return None
    from accelsim.report.files.writing import check_writable

    check_yaml(write[1], "--write")
    check_writable(write[1])
    return write[1]


def _write(explained: "Explanation", remedy: tuple[str, Path] | None, quiet: bool) -> None:
    """The network with a remedy as a file, if one is wanted. Raises AccelsimError where there is none."""
    if remedy is None:
        return
    from accelsim.network.imported import network_text
    from accelsim.report.files.writing import write
    from accelsim.search.explain import written_remedy

    name, file = remedy
    write(file, network_text(written_remedy(explained, name)))
    if not quiet:
        say(f"wrote {file}")


def _explained(explained: "Explanation", demand: "FrameDemand | None") -> Answer:
    """An explanation in each format. Raises AccelsimError where the machine does not keep the rate."""
    from accelsim.report.tables.explanation import explanation_dict, explanation_report, explanation_rows

    if demand is not None:
        explained.result.at_frame_rate(demand.frames_per_second)
    return Answer(
        table=lambda style: explanation_report(explained, style, demand),
        values=lambda: explanation_dict(explained, demand),
        rows=lambda: explanation_rows(explained),
    )


def _what_fits(
    network: "Network",
    hardware: "Hardware",
    error: MappingError,
    options: Mapping[str, Any],
    step: Callable[[str], None],
) -> Answer:
    """What makes a network run that the machine's pool does not hold. Raises any other error again."""
    from accelsim.planning.programme.shortage import PoolShortageError
    from accelsim.report.tables.misfit import misfit_dict, misfit_report, misfit_rows
    from accelsim.search.fitting import what_fits

    if not isinstance(error, PoolShortageError):
        raise error
    dataflow, objective = options["dataflow"], options["objective"]
    misfit = what_fits(network, hardware, error, dataflow=dataflow, objective=objective, step=step)
    return Answer(
        table=lambda style: misfit_report(misfit, style),
        values=lambda: misfit_dict(misfit),
        rows=lambda: misfit_rows(misfit),
    )

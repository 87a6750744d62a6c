"""`accelsim list`, `show` and `check`: what is there, what it says, whether it is valid."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, assert_never

import typer

from accelsim.choices import AUTO
from accelsim.cli.files import InputFile, check_outputs, inputs
from accelsim.cli.load import only, say_of_format1
from accelsim.cli.options import (
    ArenaOption,
    BatchOption,
    DataflowOption,
    FormatOption,
    GoalOption,
    OutputOption,
    OverlayOption,
    QuietOption,
)
from accelsim.cli.output import Answer, complain, destination
from accelsim.cli.planned import PlanRequest, check_not_asked, show_mappings, show_places
from accelsim.descriptions import shipped
from accelsim.descriptions.kinds import FileKind, kind_of
from accelsim.descriptions.phrases import counted
from accelsim.errors import AccelsimError, DescriptionError
from accelsim.report.text.table import kibibytes, on_one_line, si

if TYPE_CHECKING:
    from accelsim.hardware import Hardware
    from accelsim.network.description import Network


class Listing(StrEnum):
    """What there is to list."""

    NETWORKS = "networks"
    HARDWARE = "hardware"


def list_(
    kind: Annotated[Listing, typer.Argument(show_default=False)],
    format_: FormatOption = None,
    output: OutputOption = None,
    quiet: QuietOption = False,
) -> None:
    """List networks or machines: those shipped, and those in ./networks or ./hardware.

    \b
    accelsim list networks
    accelsim list hardware --format json
    """
    files = (InputFile(name, shipped.find(kind.value, name)) for name in shipped.names(kind.value))
    check_outputs({"--output": output}, files)
    to = destination(output, format_, quiet)
    from accelsim.result import flat

    match kind:
        case Listing.NETWORKS:
            from accelsim.report.tables.networks import known_networks, list_networks

            entries, table = known_networks(), list_networks
        case Listing.HARDWARE:
            from accelsim.report.tables.machines import known_machines, list_machines

            entries, table = known_machines(), list_machines
        case _:
            assert_never(kind)
    to.deliver(
        Answer(
            table=lambda style: table(entries, style),
            values=lambda: entries,
            rows=lambda: [flat(entry) for entry in entries],
        )
    )


LoweredOption: TypeAlias = Annotated[
    bool,
    typer.Option("--lowered", help="Of a network: the layers as executed, and what became of the others."),
]
StatsOption: TypeAlias = Annotated[
    bool, typer.Option("--stats", help="Of a network: computed beside reported, shares, memory.")
]
PlacesOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--hw", metavar="HW", help="Of a network: its tensors, and where each lies on this machine."
    ),
]


ChosenOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--mapping",
        help="Of a network, with --hw: the chosen mappings, as a file that run takes as --mapping.",
    ),
]


def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A network or a machine: a name or a path to a YAML file.")
    ],
    lowered: LoweredOption = False,
    stats: StatsOption = False,
    hw: PlacesOption = None,
    mapping: ChosenOption = False,
    overlay: OverlayOption = None,
    batch: BatchOption = None,
    dataflow: DataflowOption = AUTO,
    objective: GoalOption = None,
    arena: ArenaOption = None,
    format_: FormatOption = None,
    output: OutputOption = None,
    quiet: QuietOption = False,
) -> None:
    """Show what a network or a machine consists of.

    \b
    accelsim show sqnxt23v5
    accelsim show mobilenet_v1@width=0.5 --lowered
    accelsim show nasnet_a --stats
    accelsim show mobilenet_v2 --hw npu_int8_2m
    accelsim show mobilenet_v2 --hw ethos_u55_128 --arena 500KiB
    accelsim show mobilenet_v2 --hw npu_int8_2m --mapping -o mine.yaml
    accelsim show 16x16_128k
    """
    is_network = _kind(name) is Listing.NETWORKS
    if mapping and (hw is None or lowered or stats or not is_network):
        sentence = "needs a network and --hw, and nothing else to show"
        raise typer.BadParameter(sentence, param_hint="--mapping")
    if lowered and stats:
        raise typer.BadParameter("give one of --lowered and --stats", param_hint="--stats")
    if hw is not None and (lowered or stats):
        raise typer.BadParameter("give one of --hw, --lowered and --stats", param_hint="--hw")
    if is_network and hw is not None:
        request = PlanRequest(
            name, hw, overlay or [], batch, dataflow, objective, arena, format_, output, quiet
        )
        (show_mappings if mapping else show_places)(request)
        return
    check_not_asked({"--batch": batch, "--dataflow": dataflow, "--objective": objective, "--arena": arena})
    to = destination(output, format_, quiet)
    if is_network:
        network = _network_of(name, overlay or [], output)
        to.deliver(_statistics_answer(network) if stats else network_answer(network, lowered))
        return
    _refuse_of_networks(name, {"--hw": hw, "--lowered": lowered, "--stats": stats, "--overlay": overlay})
    from accelsim.hardware import load_hardware

    hardware = load_hardware(name)
    check_outputs({"--output": output}, inputs(machines=[name]))
    say_of_format1([name], quiet)
    to.deliver(_hardware_answer(hardware))


def _network_of(name: str, overlays: list[Path], output: Path | None) -> "Network":
    """A network, with the bits and zeros of an overlay."""
    from accelsim.network.load import load_network
    from accelsim.network.overlay import overlaid

    network = load_network(name)
    check_outputs({"--output": output}, inputs([name], overlays=overlays))
    for file in only(overlays, "--overlay"):
        network = overlaid(network, file)
    return network


_OF_NETWORKS: Final = {
    "--hw": "networks have tensors",
    "--lowered": "networks are lowered",
    "--stats": "networks have statistics",
    "--overlay": "overlays are for networks",
}
"""Options of networks, and what is said where they are given for a machine."""


def _refuse_of_networks(machine: str, options: dict[str, object]) -> None:
    """Raise where an option of networks has a value."""
    for option, value in options.items():
        if value:
            raise typer.BadParameter(f"{machine} is a machine; {_OF_NETWORKS[option]}", param_hint=option)


def check(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="YAML files of networks, machines, overlays, sweeps or mappings."
        ),
    ],
) -> None:
    """Check YAML files of networks, machines, overlays, sweeps and mappings: a line for each that is valid,
    or for each mistake.

    \b
    accelsim check my_network.yaml my_machine.yaml
    accelsim check networks/*.yaml
    """
    wrong = False
    for file in files:
        try:
            typer.echo(on_one_line(f"{file}: ok: {_summary(file)}"))
        except AccelsimError as error:
            complain(error)
            wrong = True
    if wrong:
        raise typer.Exit(2)


def _kind(name: str) -> Listing:
    """Whether a name or a path, perhaps with parameters after an @, stands for a network or a machine."""
    path = Path(name if shipped.is_file(Path(name)) else name.rpartition("@")[0] or name)
    if not shipped.is_file(path):
        for kind in Listing:
            if shipped.named(kind.value, str(path)):
                return kind
    if (
        (name and shipped.exists(path))
        or path.suffix.lower() in {".yaml", ".yml", *shipped.MODEL_SUFFIXES}
        or len(path.parts) > 1
    ):
        return _kind_of_file(path)
    names = [*shipped.names("networks"), *shipped.names("hardware")]
    near = shipped.near(str(path), names)
    guess = f", did you mean {', '.join(near)}?" if near else ":"
    raise DescriptionError(
        f"{shipped.shortened(name) or repr(name)}: no such network or machine{guess} "
        "`accelsim list networks` and `accelsim list hardware` show all, and a path to a YAML file works"
    )


def _kind_of_file(file: Path) -> Listing:
    """Whether a file describes a network or a machine. Raises DescriptionError where it does neither."""
    if file.suffix.lower() in shipped.MODEL_SUFFIXES:
        return Listing.NETWORKS
    kind = _file_kind(file)
    match kind:
        case FileKind.NETWORK:
            return Listing.NETWORKS
        case FileKind.MACHINE:
            return Listing.HARDWARE
        case FileKind.OVERLAY:
            raise DescriptionError(f"{file}: is an overlay: give it with --overlay, beside a network")
        case FileKind.SWEEP:
            raise DescriptionError(f"{file}: is a sweep: `accelsim sweep` runs it")
        case _:
            assert_never(kind)


def _file_kind(file: Path) -> FileKind:
    """What a YAML file describes. Raises DescriptionError where its keys do not tell."""
    from accelsim.descriptions import parse

    kind = kind_of(parse(file))
    if kind is None:
        raise DescriptionError(
            f"{file}: is neither a network (with stages, or preset_of) nor a machine (with pe_array), "
            "an overlay (with precision or compression) or a sweep (with networks, hardware and objectives)"
        )
    return kind


def _summary(file: Path) -> str:
    """What a valid file describes, in a few words; raises what is wrong with it."""
    if file.suffix.lower() in shipped.MODEL_SUFFIXES:
        return _network_summary(file)
    if _is_list(file):
        return _mapping_summary(file)
    summaries = {
        FileKind.NETWORK: _network_summary,
        FileKind.MACHINE: _machine_summary,
        FileKind.OVERLAY: _overlay_summary,
        FileKind.SWEEP: _sweep_summary,
    }
    return summaries[_file_kind(file)](file)


def _is_list(file: Path) -> bool:
    from accelsim.descriptions.reader import is_list

    return is_list(file)


def _mapping_summary(file: Path) -> str:
    from accelsim.mapping.given_file import read_mappings

    return f"mapping, {counted(len(read_mappings(file).rules), 'rule')}"


def _overlay_summary(file: Path) -> str:
    from accelsim.network.overlay import read_overlay

    overlay = read_overlay(file)
    widths = len(overlay.precision.model_dump(exclude_none=True))
    entries = counted(widths, "entry", "entries")
    return f"overlay, {entries} of precision, {len(overlay.compression)} of compression"


def _sweep_summary(file: Path) -> str:
    from accelsim.search.spec import read_sweep

    sweep = read_sweep(file)
    objectives = ", ".join(metric.name for metric in sweep.objectives)
    return f"sweep, {counted(sweep.size, 'candidate')}, by {objectives}"


def _machine_summary(file: Path) -> str:
    from accelsim.descriptions import parse
    from accelsim.hardware import dataflow_names, load_hardware
    from accelsim.hardware.format1 import is_format1

    dataflow_names()  # which may warn of one that another package brings: a run looks for those it needs
    hardware = load_hardware(str(file))
    array = hardware.pe_array
    buffer = kibibytes(hardware.on_chip_bytes)
    format1 = "; format 1: `accelsim convert` writes format 2" if is_format1(parse(file).data) else ""
    return f"hardware {hardware.name}, {array.rows} x {array.columns} PEs, {buffer} on chip" + format1


def _network_summary(file: Path) -> str:
    from accelsim.network.build import build
    from accelsim.network.graph import total_macs, total_params
    from accelsim.network.load import load_network
    from accelsim.network.lowering import lower

    network = load_network(file)
    published = build(network)
    layers = counted(len(lower(published)), "executed layer")
    counts = f"{si(total_params(published))} parameters, {si(total_macs(published))} MACs"
    return f"network {network.name}, {layers}, {counts}"


def network_answer(network: "Network", lowered: bool) -> Answer:
    """The network as published, or as executed."""
    from accelsim.network.build import build
    from accelsim.network.lowering import lower
    from accelsim.report.tables import networks as report
    from accelsim.result import flat

    published = build(network)
    if not lowered:
        operators = report.published_layers(published)
        return Answer(
            table=lambda style: report.published_report(network, published, style),
            values=lambda: report.network_dict(network, operators),
            rows=lambda: [flat(report.layer_dict(operator)) for operator in operators],
        )
    executed = lower(published)
    layers = report.executed_layers(executed)
    fates = [report.note_dict(note) for note in executed.notes]
    return Answer(
        table=lambda style: report.executed_report(network, executed, style),
        values=lambda: report.network_dict(network, layers) | {"lowering": fates},
        rows=lambda: [flat(report.layer_dict(layer)) for layer in layers],
    )


def _statistics_answer(network: "Network") -> Answer:
    from accelsim.report.tables import statistics as report
    from accelsim.result import flat

    statistics = report.network_statistics(network)
    values = report.statistics_dict(statistics)
    return Answer(
        table=lambda style: report.statistics_report(statistics, style),
        values=lambda: values,
        rows=lambda: [flat(share) for share in values["operators"]],
    )


def _hardware_answer(hardware: "Hardware") -> Answer:
    from accelsim.report.tables.machines import hardware_report
    from accelsim.result import flat

    values = hardware.model_dump(mode="json")
    return Answer(
        table=lambda style: hardware_report(hardware, style),
        values=lambda: values,
        rows=lambda: [flat({key: value for key, value in values.items() if key != "assumed"})],
    )

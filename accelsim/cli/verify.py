"""`accelsim verify`: is a schedule what it says it is? And the same for `accelsim run --verify`."""

from typing import TYPE_CHECKING, Annotated

import typer

from accelsim.choices import AUTO
from accelsim.cli.files import check_outputs, inputs
from accelsim.cli.load import load, only, with_overlays
from accelsim.cli.options import (
    ArenaOption,
    BatchOption,
    DataflowOption,
    FormatOption,
    GoalOption,
    Machines,
    MappingOption,
    Networks,
    OutputOption,
    OverlayOption,
    QuietOption,
    mapping_options,
    with_arena,
)
from accelsim.cli.output import Answer, destination, progress, say
from accelsim.descriptions.phrases import counted

if TYPE_CHECKING:
    from accelsim.planning.plan import Plan
    from accelsim.verification.outcome import Verification


def verify(
    *,
    net: Networks,
    hw: Machines,
    layers: Annotated[
        str | None,
        typer.Option(
            "--layers",
            metavar="PATTERN[,..]",
            help="Only layers of these names, with * ? [..] as in file names.",
        ),
    ] = None,
    overlay: OverlayOption = None,
    format_: FormatOption = None,
    output: OutputOption = None,
    batch: BatchOption = None,
    dataflow: DataflowOption = AUTO,
    objective: GoalOption = None,
    arena: ArenaOption = None,
    mapping: MappingOption = None,
    quiet: QuietOption = False,
) -> None:
    """Execute a schedule on small random integers, and count every access on the way.

    Results are held against a direct computation of each layer; bytes, room, MACs, registers and hops of each
    step against what the schedule says. Exit code 1 where something differs, with the first access that does.

    \b
    accelsim verify --net sqnxt23v5 --hw 16x16_128k
    accelsim verify --net mobilenet_v1 --hw my.yaml --layers "conv1,stage2.*"
    accelsim verify --net squeezenet_v1_0 --hw 8x8_32k --batch 4
    accelsim verify --net squeezenet_v1_0 --hw 8x8_32k --mapping mine.yaml
    """
    overlays = only(overlay or [], "--overlay")
    networks, machines = load(only(net, "--net"), only(hw, "--hw"), overlays, quiet=quiet)
    check_outputs({"--output": output}, inputs(net, hw, overlays, mapping))
    networks = with_overlays(networks, overlays) if overlays else networks
    to = destination(output, format_, quiet)
    from accelsim.report.tables.verification import verification_report
    from accelsim.run import plan_for
    from accelsim.verification.outcome import layer_row

    (network,), (hardware,) = networks.values(), machines.values()
    options = mapping_options(batch, dataflow, objective)
    plan = plan_for(network, with_arena(hardware, arena), **options, mapping=mapping)
    verified = verified_plan(plan, quiet, [] if layers is None else layers.split(","))
    to.deliver(
        Answer(
            table=lambda style: verification_report(verified, style),
            values=verified.to_dict,
            rows=lambda: [layer_row(layer) for layer in verified.layers],
        )
    )
    exit_unless_proven(verified)


def verified_plan(plan: "Plan", quiet: bool, layers: list[str] | None = None) -> "Verification":
    """Execute what is planned; says on standard error how long that took."""
    from accelsim.mapping.together import by_layer
    from accelsim.verification.schedules import verify_plan

    total = len(by_layer(plan.schedule).layers)
    with progress(total, quiet) as step:
        verified = verify_plan(plan, layers=layers or [], step=step)
    if not quiet:
        say(f"executed {counted(len(verified.layers), 'layer')} in {verified.seconds:.1f} s")
    return verified


def exit_unless_proven(verified: "Verification") -> None:
    """Say what differs, and leave with exit code 1 where something does."""
    for name, mismatch in verified.mismatches.items():
        say(f"{name}: {mismatch}")
    if not verified.proven:
        raise typer.Exit(1)

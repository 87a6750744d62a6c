"""`accelsim search path`: a path from a network to one that suits a machine better, step by step."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from accelsim.choices import AUTO
from accelsim.cli.files import check_outputs, inputs
from accelsim.cli.load import load
from accelsim.cli.numbers import count, whole_number
from accelsim.cli.options import (
    BatchOption,
    DataflowOption,
    FormatOption,
    Inferences,
    InferencesOption,
    Machines,
    Objective,
    OutputOption,
    QuietOption,
    mapping_options,
)
from accelsim.cli.output import Answer, check_yaml, destination, note, say
from accelsim.cli.searches import values_of_searches
from accelsim.descriptions.limits import MAX_AXIS, MAX_STEPS
from accelsim.descriptions.phrases import counted

if TYPE_CHECKING:
    from accelsim.hardware import Hardware
    from accelsim.network.description import Network
    from accelsim.search.path import DesignPath


NetworkOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--net",
        metavar="NET",
        help="Where the path starts: a name, with parameters after an @, or a path.",
    ),
]
StepObjectiveOption: TypeAlias = Annotated[
    Objective, typer.Option("--objective", help="What each step makes smaller (edp: energy x time).")
]
MaxParamsOption: TypeAlias = Annotated[
    int | None,
    count("--max-params", least=1, text="At most. Default: 1.3 times the network's."),
]
MaxMacsOption: TypeAlias = Annotated[
    int | None,
    count("--max-macs", least=1, text="At most, for one image. Default: 1.05 times the network's."),
]
MinParamsOption: TypeAlias = Annotated[
    int | None,
    count("--min-params", least=0, text="At least. Default: 0.95 times the network's."),
]
StepsOption: TypeAlias = Annotated[
    int | None,
    whole_number("--steps", least=0, most=MAX_STEPS, text="At most. Default: until nothing helps."),
]
MinResolutionOption: TypeAlias = Annotated[
    int | None,
    whole_number(
        "--min-resolution",
        metavar="PIXELS",
        least=1,
        most=MAX_AXIS,
        text="The smallest image that may be taken, of an imported network. Default: its own.",
    ),
]
WriteOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--write", metavar="FILE", help="The network at the end, as YAML that `accelsim run` takes."
    ),
]


def path(
    *,
    net: NetworkOption,
    hw: Machines,
    objective: StepObjectiveOption = Objective.TIME,
    max_params: MaxParamsOption = None,
    max_macs: MaxMacsOption = None,
    min_params: MinParamsOption = None,
    steps: StepsOption = None,
    min_resolution: MinResolutionOption = None,
    write: WriteOption = None,
    format_: FormatOption = None,
    output: OutputOption = None,
    batch: BatchOption = None,
    dataflow: DataflowOption = AUTO,
    inferences: InferencesOption = Inferences.STEADY,
    quiet: QuietOption = False,
) -> None:
    """Redesign a network step by step, as an engineer would: what is worst, why, what was tried, what helped.

    A smaller first kernel, a block from one stage to another, channels rounded to the array; in imported
    networks smaller kernels, more groups and channels at the layers that leave PEs idle: every move is
    simulated, the best within the budget is taken, until none helps.

    \b
    accelsim search path --net sqnxt23 --hw 16x16_128k
    accelsim search path --net resnet18 --hw my.yaml --write better.yaml
    accelsim search path --net mobilenet_v2 --hw 8x8_32k --objective energy
    accelsim search path --net my_model.onnx --hw 8x8_32k --min-resolution 160
    """
    networks, machines = load([net], hw, quiet=quiet)
    if write is not None and len(machines) > 1:
        raise typer.BadParameter("takes one --hw: each path ends elsewhere", param_hint="--write")
    check_outputs({"--output": output, "--write": write}, inputs([net], hw))
    check_yaml(write, "--write")
    to = destination(output, format_, quiet)
    from accelsim.network.imported import network_text
    from accelsim.report.files import writing
    from accelsim.report.tables.path import path_dict, path_report, path_rows

    if write is not None:
        writing.check_writable(write)
    (network,) = networks.values()
    limits = {"max_params": max_params, "max_macs": max_macs, "min_params": min_params}
    limits |= {"min_resolution": min_resolution, "steps": steps}
    options = mapping_options(batch, dataflow, objective) | {"inferences": inferences.value}
    paths = [_searched(network, hardware, options | limits, quiet) for hardware in machines.values()]
    if write is not None:
        writing.write(write, network_text(paths[0].final))
    to.deliver(
        Answer(
            table=lambda style: "\n".join(path_report(design_path, style) for design_path in paths),
            values=lambda: values_of_searches([path_dict(design_path) for design_path in paths]),
            rows=lambda: [row for design_path in paths for row in path_rows(design_path)],
        )
    )
    if not quiet:
        _say(paths, write)


def _say(paths: Sequence["DesignPath"], write: Path | None) -> None:
    """How long it took, and what was written."""
    for path in paths:
        networks_run = counted(path.evaluated, "network")
        say(f"{path.hardware.name}: {networks_run} simulated in {path.seconds:.1f} s")
    if write is not None:
        say(f"wrote {write}")


def _searched(network: "Network", hardware: "Hardware", options: dict[str, Any], quiet: bool) -> "DesignPath":
    """The path on one machine; a terminal shows the move that it took last."""
    from accelsim.search.path import search_path

    with note(quiet) as step:
        return search_path(network, hardware, **options, step=step)

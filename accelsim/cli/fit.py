"""`accelsim fit`: the smallest memory for a network, without and with cascades."""

from typing import Annotated, TypeAlias

from accelsim.choices import AUTO
from accelsim.cli.files import check_outputs, inputs
from accelsim.cli.load import load, only, with_overlays
from accelsim.cli.numbers import whole_number
from accelsim.cli.options import (
    DataflowOption,
    FormatOption,
    Machines,
    Networks,
    OutputOption,
    OverlayOption,
    QuietOption,
)
from accelsim.cli.output import Answer, destination, progress
from accelsim.descriptions.limits import MAX_CASCADE_LAYERS

LayersOption: TypeAlias = Annotated[
    int | None,
    whole_number(
        "--cascade-layers",
        least=2,
        most=MAX_CASCADE_LAYERS,
        text="Of a cascade, at most. Default: what the machine says, or 4.",
    ),
]


def fit(
    *,
    net: Networks,
    hw: Machines,
    cascade_layers: LayersOption = None,
    overlay: OverlayOption = None,
    format_: FormatOption = None,
    output: OutputOption = None,
    dataflow: DataflowOption = AUTO,
    quiet: QuietOption = False,
) -> None:
    """The smallest memory in which a network runs with nothing outside but weights.

    How large the machine's memory is is no matter. Found are the least size without and with cascades, which
    layers need so much, and what it costs in time and in weights that are read again, beside a memory in
    which nothing is short.

    \b
    accelsim fit --net mobilenet_v2 --hw npu_int8_2m
    accelsim fit --net mobilenet_v2 --hw npu_int8_2m --cascade-layers 8
    accelsim fit --net mlperf_tiny_vww --hw npu_int8_256k --output fit.json
    """
    overlays = only(overlay or [], "--overlay")
    networks, machines = load(only(net, "--net"), only(hw, "--hw"), overlays, quiet=quiet)
    check_outputs({"--output": output}, inputs(net, hw, overlays))
    networks = with_overlays(networks, overlays) if overlays else networks
    to = destination(output, format_, quiet)
    from accelsim.report.tables.fit import RUNS, fit_dict, fit_report, fit_rows
    from accelsim.search.least_memory import fit_network

    (network,), (hardware,) = networks.values(), machines.values()
    with progress(1 + RUNS, quiet) as step:
        step("simulating")
        found = fit_network(network, hardware, layers=cascade_layers, dataflow=dataflow, step=step)
    to.deliver(
        Answer(
            table=lambda style: fit_report(found, style),
            values=lambda: fit_dict(found),
            rows=lambda: fit_rows(found),
        )
    )

"""MLPerf Tiny's networks are their reference models, layer by layer (validation/mlperf_tiny_layers.csv)."""

import csv
from pathlib import Path

import pytest

import accelsim
from accelsim.network import operators as ops
from accelsim.network.build import build
from accelsim.network.graph import total_macs, total_params
from accelsim.network.load import load_network

LAYERS = Path(accelsim.__file__).parent / "validation" / "mlperf_tiny_layers.csv"
NETWORKS = ("ic", "vww", "kws", "ad")
PARAMS = {"ic": 77_706, "vww": 210_850, "kws": 22_604, "ad": 265_864}
"""With biases, into which normalisations are folded."""
KINDS = {
    ops.Add: "add",
    ops.GlobalAveragePool: "pool",
    ops.FullyConnected: "fc",
    ops.Softmax: "softmax",
}


def published(network):
    with LAYERS.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["network"] == network]


def kind(operator):
    if isinstance(operator, ops.Convolution):
        return "depthwise" if operator.groups > 1 else "conv"
    return KINDS.get(type(operator))


def row(index, network, operator):
    """What the file says of a layer, as it follows from the operator."""
    given, put_out = operator.inputs[0], operator.output
    is_pool = isinstance(operator, ops.GlobalAveragePool)
    cells = {
        "network": network,
        "index": index,
        "operator": kind(operator),
        "weights": operator.weights,
        "macs": operator.macs,
        "out_elements": (given if is_pool else put_out).elements,
    }
    if kind(operator) in {"conv", "depthwise", "fc"}:
        convolves = isinstance(operator, ops.Convolution)
        window = operator.window if convolves else None
        cells |= {
            "kernel": "1x1" if window is None else "{}x{}".format(*window.kernel),
            "stride": 1 if window is None else window.stride[0],
            "in_h": given.height if convolves else 1,
            "in_w": given.width if convolves else 1,
            "in_c": given.channels if convolves else given.elements,
            "out_h": put_out.height,
            "out_c": put_out.channels,
        }
    return {key: str(value) for key, value in cells.items()}


@pytest.mark.parametrize("network", NETWORKS)
def test_each_layer_is_that_of_the_reference_model(network):
    operators = [node.operator for node in build(load_network(f"mlperf_tiny_{network}")).nodes]
    layers = [operator for operator in operators if kind(operator)]
    expected = published(network)
    assert len(layers) == len(expected)
    for index, (operator, cells) in enumerate(zip(layers, expected, strict=True)):
        assert row(index, network, operator) == {key: value for key, value in cells.items() if value}


@pytest.mark.parametrize("network", NETWORKS)
def test_parameters_and_macs_are_those_of_the_reference_model(network):
    graph = build(load_network(f"mlperf_tiny_{network}"))
    assert total_params(graph) == PARAMS[network]
    assert total_macs(graph) == sum(int(cells["macs"]) for cells in published(network))

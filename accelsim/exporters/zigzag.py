"""ZigZag's workload: a YAML list of layers, each an equation with the sizes of its loops.

The format is what the package zigzag-dse 3.9 reads (Mei et al., IEEE Transactions on Computers 2021, section
3): a letter in small in the equation is the loop of that letter in `loop_dims`; `ix` and `iy` follow from
outputs and taps, and `operand_source` says which layer makes an operand: its own number where none does.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from accelsim.exporters.workload import UNSAID_BITS, Workload
from accelsim.network.layer import Layer

_EQUATION: Final = "O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]"
_GROUPED: Final = "O[b][g][k][oy][ox]+=W[g][k][c][fy][fx]*I[b][g][c][iy][ix]"


def workload_file(workload: Workload) -> str:
    """The workload of a network.

    Args:
        workload: Its layers.

    Returns:
        The text of the file.

    Example:
        >>> from accelsim import load_network
        >>> from accelsim.exporters.workload import workload_of
        >>> workload_file(workload_of(load_network("squeezenet_v1_1"))).splitlines()[1][:56]
        '- {"id": 0, "name": "conv1", "operator_type": "Conv", "e'
    """
    ids = {layer.name: number for number, layer in enumerate(workload.layers)}
    rows = [json.dumps(_layer(workload, layer, ids), ensure_ascii=False) for layer in workload.layers]
    return "\n".join([f"# {workload.name}", *(f"- {row}" for row in rows)]) + "\n"


def assumed_bits(workload: Workload) -> str:
    """What is said of bits that the network does not give; empty where it gives all."""
    given = all(workload.weight_bits(layer) and workload.activation_bits(layer) for layer in workload.layers)
    return "" if given else f"the network gives no bits: {UNSAID_BITS} are taken, and twice as many of sums"


def _layer(workload: Workload, layer: Layer, ids: Mapping[str, int]) -> dict[str, Any]:
    number = ids[layer.name]
    producer = workload.producer(layer.name)
    loops = {
        "B": workload.images,
        "K": layer.K,
        "C": layer.C,
        "OY": layer.OY,
        "OX": layer.OX,
        "FY": layer.FY,
        "FX": layer.FX,
    }
    if layer.G > 1:
        loops["G"] = layer.G
    activation_bits = workload.activation_bits(layer) or UNSAID_BITS
    return {
        "id": number,
        "name": layer.name,
        "operator_type": "Conv" if layer.operator == "conv" else "Gemm",
        "equation": _GROUPED if layer.G > 1 else _EQUATION,
        "dimension_relations": [
            f"ix={layer.stride_x}*ox+{layer.dilation_x}*fx",
            f"iy={layer.stride_y}*oy+{layer.dilation_y}*fy",
        ],
        "loop_dims": [*loops],
        "loop_sizes": [*loops.values()],
        "operand_precision": {
            "W": workload.weight_bits(layer) or UNSAID_BITS,
            "I": activation_bits,
            "O": workload.precision.partial_sums_bits or 2 * activation_bits,
            "O_final": activation_bits,
        },
        "operand_source": {"W": number, "I": number if producer is None else ids[producer]},
        "pr_loop_dims": ["IX", "IY"],
        "pr_loop_sizes": [layer.IX, layer.IY],
        "padding": [
            [
                layer.pad_left,
                _after(layer.OX, layer.stride_x, layer.FX, layer.dilation_x, layer.IX, layer.pad_left),
            ],
            [
                layer.pad_top,
                _after(layer.OY, layer.stride_y, layer.FY, layer.dilation_y, layer.IY, layer.pad_top),
            ],
        ],
    }


def _after(outputs: int, stride: int, taps: int, dilation: int, inputs: int, before: int) -> int:
    """Columns (or rows) of padding behind the input that the last window reaches."""
    return max((outputs - 1) * stride + (taps - 1) * dilation + 1 - inputs - before, 0)

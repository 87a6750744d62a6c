"""Timeloop's problems: a YAML file for each layer, which says its loops, its tensors and their sizes.

The format is that of Timeloop v4 (`problem: version: 0.4`, Parashar et al., ISPASS 2019, section V.A:
dimensions, data spaces and their projections), with G for groups beside Timeloop's own letters:
K, C, OY, OX, FY, FX are M, C, P, Q, R, S.
"""

import json
from typing import Final

from accelsim.exporters.workload import Workload
from accelsim.network.layer import Layer

_SHAPE: Final = """\
problem:
  version: 0.4
  shape:
    name: grouped_convolution
    dimensions: [N, G, M, C, P, Q, R, S]
    coefficients:
    - {name: Hstride, default: 1}
    - {name: Wstride, default: 1}
    - {name: Hdilation, default: 1}
    - {name: Wdilation, default: 1}
    data_spaces:
    - name: Weights
      projection:
      - - [G]
      - - [M]
      - - [C]
      - - [R]
      - - [S]
    - name: Inputs
      projection:
      - - [N]
      - - [G]
      - - [C]
      - - [R, Hdilation]
        - [P, Hstride]
      - - [S, Wdilation]
        - [Q, Wstride]
    - name: Outputs
      projection:
      - - [N]
      - - [G]
      - - [M]
      - - [P]
      - - [Q]
      read_write: true
"""


def problems(workload: Workload) -> dict[str, str]:
    """A problem for each layer.

    Args:
        workload: The layers.

    Returns:
        The text of each file, by the file's name; numbers in front keep the order.

    Example:
        >>> from accelsim import load_network
        >>> from accelsim.exporters.workload import workload_of
        >>> files = problems(workload_of(load_network("squeezenet_v1_1")))
        >>> list(files)[1]
        '02_fire2.squeeze1x1.yaml'
        >>> files["02_fire2.squeeze1x1.yaml"].splitlines()[-1].strip()[:60]
        'instance: {"N": 1, "G": 1, "M": 16, "C": 64, "P": 55, "Q": 5'
    """
    digits = len(str(len(workload.layers)))
    return {
        f"{number:0{digits}}_{_file_name(layer.name)}.yaml": _problem(workload, layer)
        for number, layer in enumerate(workload.layers, start=1)
    }


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)[:100]


def _problem(workload: Workload, layer: Layer) -> str:
    instance = {
        "N": workload.images,
        "G": layer.G,
        "M": layer.K,
        "C": layer.C,
        "P": layer.OY,
        "Q": layer.OX,
        "R": layer.FY,
        "S": layer.FX,
        "Hstride": layer.stride_y,
        "Wstride": layer.stride_x,
        "Hdilation": layer.dilation_y,
        "Wdilation": layer.dilation_x,
    }
    comment = f"# {json.dumps(layer.name)} of {workload.name}\n"
    return f"{comment}{_SHAPE}  instance: {json.dumps(instance)}\n"

"""Networks that are made for a measurement, and the machine that most are measured on."""

import json
import tempfile
from pathlib import Path
from typing import Final

from accelsim.network.description import Network
from accelsim.network.load import load_network

HARDWARE: Final = "16x16_128k"
CHANNELS: Final = 64
SIDE: Final = 56


def synthetic(layers: int = 1, rows: int = SIDE) -> Network:
    """A chain of 3x3 convolutions, no two alike, on a picture of rows x 56."""
    stages = [
        {"block": "conv", "name": f"conv{index}", "out_channels": CHANNELS + index, "kernel": 3, "padding": 1}
        for index in range(layers)
    ]
    description = {
        "name": "synthetic",
        "title": "Made for a benchmark",
        "source": "benchmarks/workloads.py",
        "input": {"channels": CHANNELS, "height": rows, "width": SIDE},
        "stages": stages,
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "synthetic.yaml"
        file.write_text(json.dumps(description), encoding="utf-8")
        return load_network(file)

"""TensorFlow Lite files and SCALE-Sim topologies, changed by bytes and cells; settings after an @."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Final

from tflite_models import RELU6, SAME, VALID, TfliteModel

from accelsim.network.load import load_network
from accelsim.run import run_network
from fuzz.door import Door
from fuzz.doors.files import machine
from fuzz.judge import check_network, check_result

_BYTES: Final = (0, 1, 2, 4, 7, 8, 0x7F, 0x80, 0xFE, 0xFF)
_TOPOLOGY: Final = """\
Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
conv1, 18, 18, 3, 3, 3, 16, 2,
DP2, 10, 10, 3, 3, 16, 1, 1,
half, 8, 8, 1, 1, 16, 32, 1, 2:4,
"""
_PRODUCTS: Final = "Layer, M, N, K,\na, 16, 8, 32,\nb, 1, 10, 64,\n"
_CELLS: Final = (
    "", "0", "1", "-1", "3", "17", "2.5", "1e3", "x", "9" * 20, "1048577", "2:4", "4:2", "DP", '"',
    "\x1b[31m", "é", "input", "a" * 300,
)  # fmt: skip
_SETTINGS: Final = (
    "", "", "", "", "", "until=conv", "until=sum,until=y", "from=sum", "from=nowhere", "unsupported=host",
    "unsupported=elementwise", "unsupported=x", "x=1x8x8x4", "input=1", "resolution=8", "until=", '"', "a=b,",
)  # fmt: skip


@dataclass(frozen=True)
class ModelFile:
    """A file, and what is said after the @."""

    name: str
    content: bytes
    settings: str


@cache
def _seed() -> bytes:
    """A model with most kinds of options: windows, sums, means, slices, an operator that nobody knows."""
    model = TfliteModel()
    model.inputs = [model.tensor("x", 1, 8, 8, 4)]
    window = {"StrideH": 1, "StrideW": 1, "DilationHFactor": 1, "DilationWFactor": 1, "Padding": SAME}
    model.tensor("conv", 1, 8, 8, 4)
    operands = f"x {model.weights('w', 4, 3, 3, 4)} {model.weights('b', 4, type='INT32')}"
    model.add("CONV_2D", operands, "conv", "Conv2DOptions", FusedActivationFunction=RELU6, **window)
    model.tensor("sum", 1, 8, 8, 4)
    model.add("ADD", "conv x", "sum", "AddOptions")
    model.tensor("part", 1, 8, 8, 2)
    bounds = [model.numbers(name, *values) for name, values in (("i", (0, 0, 0, 1)), ("j", (0, 0, 0, 3)))]
    operands = " ".join(("sum", *bounds, model.numbers("k", 1, 1, 1, 1)))
    model.add("STRIDED_SLICE", operands, "part", "StridedSliceOptions", BeginMask=7, EndMask=7)
    model.tensor("pool", 1, 4, 4, 2)
    kernel = {"FilterHeight": 2, "FilterWidth": 2, "StrideH": 2, "StrideW": 2, "Padding": VALID}
    model.add("MAX_POOL_2D", "part", "pool", "Pool2DOptions", **kernel)
    model.tensor("mean", 1, 2)
    model.add("MEAN", f"pool {model.numbers('axes', 1, 2)}", "mean", "ReducerOptions")
    model.tensor("y", 1, 5)
    operands = f"mean {model.weights('v', 5, 2)} {model.weights('c', 5, type='INT32')}"
    model.outputs = [model.add("FULLY_CONNECTED", operands, "y", "FullyConnectedOptions")]
    return bytes(model.content())


def _make(random: Random) -> ModelFile:
    settings = random.choice(_SETTINGS)
    if random.random() < 0.3:
        return ModelFile("topology.csv", _topology(random), settings)
    content = bytearray(_seed())
    for _ in range(random.choice((0, 1, 1, 2, 3, 10))):
        content[random.randrange(8, len(content))] = random.choice((*_BYTES, random.randrange(256)))
    if random.random() < 0.1:
        content = content[: random.randrange(len(content))]
    return ModelFile("model.tflite", bytes(content), settings)


def _topology(random: Random) -> bytes:
    lines = [line.split(",") for line in random.choice((_TOPOLOGY, _PRODUCTS)).splitlines()]
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        line = random.choice(lines[1:] if random.random() < 0.8 else lines)
        line[random.randrange(len(line))] = random.choice(_CELLS)
    return "\n".join(",".join(line) for line in lines).encode("utf-8", "surrogatepass")


def _feed(file: ModelFile) -> None:
    Path(file.name).write_bytes(file.content)
    network = load_network(f"{file.name}@{file.settings}" if file.settings else file.name)
    check_network(network)
    check_result(run_network(network, machine("published")))


def _show(file: ModelFile) -> str:
    return f"{file.name}@{file.settings}\n{file.content!r}"


DOOR: Final = Door("other_model", _make, _feed, _show)

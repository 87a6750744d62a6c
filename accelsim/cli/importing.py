"""`accelsim import` and `accelsim export`: networks from the files of other tools, and to them."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.files import check_outputs, inputs
from accelsim.cli.look import network_answer
from accelsim.cli.options import BatchOption, FormatOption, OutputOption, QuietOption
from accelsim.cli.output import check_yaml, destination, say
from accelsim.cli.parts import FromOption, UnsupportedOption, UntilOption, parts_of
from accelsim.descriptions import shipped
from accelsim.errors import AccelsimError


def import_(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="An ONNX or TensorFlow Lite model, or a SCALE-Sim topology (.csv); "
            "MODEL.onnx@resolution=224 or @input=1x3x48x320 says how large the image is.",
        ),
    ],
    lowered: Annotated[
        bool, typer.Option("--lowered", help="The layers as executed, and what became of the others.")
    ] = False,
    yaml: Annotated[
        Path | None,
        typer.Option(
            "--yaml", metavar="FILE", help="Write it as a network's YAML too, which runs without the model."
        ),
    ] = None,
    until: UntilOption = None,
    since: FromOption = None,
    unsupported: UnsupportedOption = None,
    format_: FormatOption = None,
    output: OutputOption = None,
    quiet: QuietOption = False,
) -> None:
    """Show what a model of another tool consists of; `--net MODEL` runs it, wherever a network is asked for.

    \b
    accelsim import squeezenet1.1.onnx
    accelsim import mobilenetv2.onnx@resolution=160 --lowered
    accelsim import detector.onnx@images=1x3x320x320 --until /head/Concat
    accelsim import person_detect.tflite
    accelsim import topology.csv --yaml networks/my_layers.yaml
    accelsim run --net squeezenet1.1.onnx --hw 16x16_128k

    Takes the package onnx or tflite: pip install "accelsim[onnx]" or "accelsim[tflite]".
    """
    (model,) = parts_of([model], until, since, unsupported)
    _check_model(model)
    check_yaml(yaml, "--yaml")
    to = destination(output, format_, quiet)
    from accelsim.network.load import load_network
    from accelsim.report.files.writing import check_writable, write

    if yaml is not None:
        check_writable(yaml)
    network = load_network(model)
    check_outputs({"--output": output, "--yaml": yaml}, inputs([model]))
    answer = network_answer(network, lowered)
    if yaml is not None:
        from accelsim.network.imported import to_yaml

        write(yaml, to_yaml(network.description))
        if not quiet:
            say(f"wrote {yaml}")
    to.deliver(answer)


def _check_model(model: str) -> None:
    """Refuse what is no model of another tool, and say what it is where that can be told."""
    from accelsim.importers.file_kind import foreign
    from accelsim.network.configuration import name_and_settings

    file = Path(name_and_settings(model)[0])
    if file.suffix.lower() not in shipped.MODEL_SUFFIXES:
        if sentence := foreign(file):
            raise AccelsimError(f"{file}: {sentence}")
        raise AccelsimError(f"{model}: must be a file that ends in {', '.join(shipped.MODEL_SUFFIXES)}")


class ExportFormat(StrEnum):
    """What other tools read."""

    SCALE_SIM = "scale-sim"
    TIMELOOP = "timeloop"
    ZIGZAG = "zigzag"


def export(
    network: Annotated[
        str, typer.Argument(metavar="NET", help="A network, as --net takes it.", show_default=False)
    ],
    format_: Annotated[
        ExportFormat,
        typer.Option(
            "--format",
            help="scale-sim: a topology (CSV). zigzag: a workload (YAML). timeloop: a folder with a problem "
            "(YAML) for each layer.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write there; of timeloop, a folder."),
    ] = None,
    batch: BatchOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write the layers of a network that multiply as a workload of another tool.

    \b
    accelsim export sqnxt23v5 --format scale-sim -o sqnxt23v5.csv
    accelsim export mobilenet_v1 --format zigzag -o mobilenet_v1.yaml
    accelsim export resnet18 --format timeloop -o resnet18

    What the other tool is not told is said on stderr: layers of the vector unit, bits that are assumed.
    """
    to_stdout = output is None or str(output) == "-"
    if format_ is ExportFormat.TIMELOOP and to_stdout:
        raise typer.BadParameter("says which folder is to hold a file for each layer", param_hint="--output")
    check_outputs({"--output": output}, inputs([network]))
    from accelsim.exporters import exported
    from accelsim.network.load import load_network

    result = exported(load_network(network), format_.value, batch)
    if output is None or to_stdout:
        typer.echo(result.text, nl=False)
    else:
        _write_all({output / name: text for name, text in result.files.items()} or {output: result.text})
    if quiet:
        return
    for note in result.notes:
        say(note)
    if not to_stdout:
        say(f"wrote {output}" + (f": {len(result.files)} files" if result.files else ""))


def _write_all(files: Mapping[Path, str]) -> None:
    """Write files, several of them into a folder of their own; none before all can be."""
    from accelsim.report.files.writing import check_writable, make_folder, write

    if len(files) > 1:
        make_folder(next(iter(files)).parent)
    for file in files:
        check_writable(file)
    for file, text in files.items():
        write(file, text)

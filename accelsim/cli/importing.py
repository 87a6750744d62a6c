"""`accelsim import`: a model of another tool as a network."""

from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.files import check_outputs, inputs
from accelsim.cli.look import network_answer
from accelsim.cli.options import FormatOption, OutputOption, QuietOption
from accelsim.cli.output import check_yaml, destination, say
from accelsim.descriptions import shipped
from accelsim.errors import AccelsimError


def import_(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL.onnx",
            help="An ONNX model; MODEL.onnx@resolution=224 says how large the image is.",
        ),
    ],
    lowered: Annotated[
        bool, typer.Option("--lowered", help="The layers as executed, and what became of the others.")
    ] = False,
    yaml: Annotated[
        Path | None,
        typer.Option(
            "--yaml", metavar="FILE", help="Write it as a network's YAML too, which runs without ONNX."
        ),
    ] = None,
    format_: FormatOption = None,
    output: OutputOption = None,
    quiet: QuietOption = False,
) -> None:
    """Show what an ONNX model consists of; `--net MODEL.onnx` runs it, wherever a network is asked for.

    \b
    accelsim import squeezenet1.1.onnx
    accelsim import mobilenetv2.onnx@resolution=160 --lowered
    accelsim import mobilenetv2.onnx --yaml networks/my_mobilenet.yaml
    accelsim run --net squeezenet1.1.onnx --hw 16x16_128k

    Takes the package onnx: pip install "accelsim[onnx]".
    """
    if not model.partition("@")[0].lower().endswith(shipped.ONNX_SUFFIX):
        raise AccelsimError(f"{model}: must be the name of a file that ends in {shipped.ONNX_SUFFIX}")
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

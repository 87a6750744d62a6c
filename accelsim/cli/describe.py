"""`accelsim new` and `accelsim convert`: files that describe machines and networks."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from accelsim.cli.files import InputFile, check_outputs
from accelsim.cli.options import QuietOption
from accelsim.cli.output import check_yaml, say
from accelsim.descriptions.kinds import FileKind, check_kind
from accelsim.errors import AccelsimError

COMMENT: Final = re.compile(r"(?m)(^|\s)#")


class TemplateKind(StrEnum):
    """What there is a template of."""

    MACHINE = "machine"
    NETWORK = "network"


def new(
    kind: Annotated[TemplateKind, typer.Argument(show_default=False)],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the machine or network.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write there instead of to NAME.yaml."),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Write a commented file from which a machine or a network of your own begins. It runs as it stands.

    \b
    accelsim new machine my_chip
    accelsim new network my_net -o networks/my_net.yaml
    accelsim run --net my_net.yaml --hw my_chip.yaml
    """
    check_yaml(output, "--output")
    from accelsim.templates import template

    text = template(kind.value, name)
    file = Path(f"{name}.yaml") if output is None else output
    if file.exists() or file.is_symlink():
        raise AccelsimError(f"{file}: is there already: give another name, or another file with --output")
    _write(file, text)
    if not quiet:
        say(f"wrote {file}")


def convert(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A machine's file of format 1.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write there instead of to stdout."),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Write a machine's file of format 1 (global_buffer, dram, dma) as one of format 2 (memories).

    \b
    accelsim convert my_chip.yaml
    accelsim convert my_chip.yaml --output my_chip_2.yaml
    """
    yaml_file = None if output is None or str(output) == "-" else output
    check_yaml(yaml_file, "--output")
    check_outputs({"--output": output}, [InputFile(str(file), file)])
    from accelsim.descriptions import parse
    from accelsim.hardware.convert import converted
    from accelsim.hardware.format1 import not_run

    document = parse(file)
    check_kind(document, FileKind.MACHINE)
    text = converted(document)
    if yaml_file is None:
        typer.echo(text, nl=False)
    else:
        _write(yaml_file, text)
    if quiet:
        return
    for dataflow in not_run(document.data):
        left_out = f"what it says of {dataflow} is left out, with what is assumed of it"
        say(f"{file}: {left_out}: the array does not run it")
    if COMMENT.search(file.read_text(encoding="utf-8")):
        say(f"{file}: its comments are not in what was written; source and assumed are")


def _write(file: Path, text: str) -> None:
    from accelsim.report.files.writing import check_writable, write

    check_writable(file)
    write(file, text)

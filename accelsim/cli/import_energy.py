"""`accelsim import-energy`: a machine with the prices of another tool's table."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, TypeVar

import typer

from accelsim.cli.files import InputFile, check_outputs, inputs
from accelsim.cli.options import FormatOption, QuietOption
from accelsim.cli.output import Answer, check_yaml, destination, say
from accelsim.descriptions.limits import MAX_PRICE_WORD_BITS

if TYPE_CHECKING:
    from accelsim.hardware.energy_tables import EnergyImport

ValueT = TypeVar("ValueT")
_PRICES: Final = "mac, vector_op, register_file, inter_pe, or the name of a memory"
TableArgument: TypeAlias = Annotated[
    Path, typer.Argument(metavar="FILE", help="Accelergy's ERT.yaml or ERT_summary.yaml, or CACTI's CSV.")
]
MachineOption: TypeAlias = Annotated[
    str, typer.Option("--hw", metavar="HW", help="The machine whose prices become others: a name or a file.")
]
NewMachineOption: TypeAlias = Annotated[
    Path, typer.Option("-o", "--output", metavar="FILE", help="The new machine's file; it is called as that.")
]
MapOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="PRICE=COMPONENT",
        help=f"Of which component a price is: {_PRICES}. The component's name, or the end of it. May be "
        "repeated.",
    ),
]
BitsOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--bits",
        metavar="PRICE=BITS",
        help="How many bits an access of a price's component moves. May be repeated.",
    ),
]
ArchitectureOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--architecture",
        metavar="FILE",
        help="Accelergy's flattened_architecture.yaml, which says how wide accesses are.",
    ),
]
AreaOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--area", metavar="FILE", help="Accelergy's ART.yaml: areas of the same components."),
]
ProcessOption: TypeAlias = Annotated[
    str, typer.Option("--process", metavar="WORDS", help="In which those areas are: '45 nm'.")
]


def import_energy(
    file: TableArgument,
    hardware: MachineOption,
    output: NewMachineOption,
    map_: MapOption = None,
    bits: BitsOption = None,
    architecture: ArchitectureOption = None,
    area: AreaOption = None,
    process: ProcessOption = "",
    format_: FormatOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write a machine's file with the energies of a table that Accelergy or CACTI has written.

    \b
    accelsim import-energy ERT.yaml --hw npu_int8_2m -o my_npu.yaml
    accelsim import-energy ERT.yaml --hw npu_int8_2m -o my_npu.yaml
        --map sram=chip.shared_glb --bits sram=64
    accelsim import-energy sram.csv --hw my_npu.yaml -o my_npu_2.yaml

    What is of which component is said, and what was left as it was.
    """
    check_yaml(output, "--output")
    named, widths = _pairs(map_, "--map", str), _pairs(bits, "--bits", _bits)
    tables = [InputFile(str(path), path) for path in (file, architecture, area) if path is not None]
    check_outputs({"--output": output}, [*inputs(machines=[hardware]), *tables])
    from accelsim.hardware.energy_tables import Choices, TableFiles
    from accelsim.hardware.energy_tables import import_energy as imported
    from accelsim.report.files.writing import check_writable, write

    to = destination(None, format_, quiet)
    check_writable(output)
    files = TableFiles(file, architecture, area, process)
    outcome = imported(files, hardware, output.stem, Choices(named, widths))
    write(output, outcome.text)
    to.deliver(_answer(outcome))
    if not quiet:
        say(f"wrote {output}")


def _answer(outcome: "EnergyImport") -> Answer:
    from accelsim.report.tables import energy_import_report
    from accelsim.result import flat

    return Answer(
        table=lambda style: energy_import_report(outcome, style),
        values=outcome.to_dict,
        rows=lambda: [flat(figure) for figure in outcome.to_dict()["figures"]],
    )


def _pairs(texts: Iterable[str] | None, option: str, read: Callable[[str], ValueT]) -> dict[str, ValueT]:
    """What an option says of each price; each once."""
    values: dict[str, ValueT] = {}
    for text in texts or ():
        price, equals, value = text.partition("=")
        if not (price and equals and value):
            raise typer.BadParameter(f"{text!r} must be two words with = between them", param_hint=option)
        if price in values:
            raise typer.BadParameter(f"{price} is there twice", param_hint=option)
        try:
            values[price] = read(value)
        except ValueError as error:
            raise typer.BadParameter(f"{text}: {error}", param_hint=option) from None
    return values


def _bits(text: str) -> int:
    """A number of bits; ValueError for anything else."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= MAX_PRICE_WORD_BITS):
        raise ValueError(f"must be a whole number of bits from 1 to {MAX_PRICE_WORD_BITS}")
    return int(text)

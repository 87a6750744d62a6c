"""Importing: a machine's file with the prices of another tool's table in place of its own."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from accelsim.descriptions import Document, check, parse, parse_text, put, shipped, value_of, yaml_text
from accelsim.descriptions.document import one_of
from accelsim.descriptions.kinds import FileKind, check_kind
from accelsim.descriptions.phrases import all_of
from accelsim.descriptions.reader import text_of
from accelsim.errors import AccelsimError
from accelsim.hardware.convert import WIDTH
from accelsim.hardware.energy_tables import accelergy, cacti
from accelsim.hardware.energy_tables.areas import AreaFile, area_figures
from accelsim.hardware.energy_tables.components import component_figure
from accelsim.hardware.energy_tables.figures import ARRAY_PRICES, Figure, key_of, price_names, unit_of
from accelsim.hardware.energy_tables.matching import Choices, Match, match, plain_name
from accelsim.hardware.host import HOST
from accelsim.hardware.machine import Hardware

PICOJOULES: Final = "pJ"
_YAML: Final = (".yaml", ".yml")


class TableFiles(NamedTuple):
    """The files of another tool.

    Attributes:
        table: Accelergy's ERT.yaml or ERT_summary.yaml, or CACTI's CSV.
        architecture: Accelergy's flattened_architecture.yaml, which says how wide accesses are.
        areas: Accelergy's ART.yaml or ART_summary.yaml.
        process: In which the areas are, such as `45 nm`; the table does not say.

    Example:
        >>> TableFiles(Path("ERT.yaml")).architecture is None
        True
    """

    table: Path
    architecture: Path | None = None
    areas: Path | None = None
    process: str = ""


class EnergyImport(NamedTuple):
    """A machine's file with other prices, and what became of which.

    Attributes:
        text: Of the file.
        figures: What was taken from the table.
        before: By key, what stood there; None where nothing did.
        ambiguous: By price that was left, the components that are called so.
        left: All prices that were left as they were.
        unused: The components that are of no price.
        unit: In which the prices are.

    Example:
        >>> EnergyImport("", (), {}, {}, ("mac",), (), "pJ").left
        ('mac',)
    """

    text: str
    figures: tuple[Figure, ...]
    before: Mapping[str, Any]
    ambiguous: Mapping[str, Sequence[str]]
    left: tuple[str, ...]
    unused: tuple[str, ...]
    unit: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the names of `import-energy --format json`."""
        return {
            "unit": self.unit,
            "figures": [
                figure._asdict() | {"before": self.before.get(figure.key)} for figure in self.figures
            ],
            "ambiguous": {price: list(components) for price, components in self.ambiguous.items()},
            "left": list(self.left),
            "unused": list(self.unused),
        }


class _Table(NamedTuple):
    """What a table says of a machine."""

    figures: tuple[Figure, ...]
    match: Match
    unused: tuple[str, ...]
    tool: str
    area: Mapping[str, Any] = MappingProxyType({})
    """The process and the word of the areas that are among the figures; empty where none are."""


def import_energy(
    files: TableFiles, machine: str | Path, name: str, choices: Choices | None = None
) -> EnergyImport:
    """A machine's file with the energies of another tool's table.

    Args:
        files: Of the other tool.
        machine: A name or path, as `--hw` takes it.
        name: Of the new machine.
        choices: Which component is which price, and how wide accesses are, where names and files do not say.

    Returns:
        The text of the new file, and what was taken from where.

    Raises:
        AccelsimError: In a line: a file is not what it should be, a choice names nothing, nothing matches, or
            the machine's unit is worth nothing known and prices would be left in it.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> table = "ERT: {version: 0.4, tables: [{name: chip.mac, actions: [{name: compute, energy: 0.5}]}]}"
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder) / "ERT.yaml"
        ...     _ = file.write_text(table)
        ...     imported = import_energy(TableFiles(file), "npu_int8_2m", "my_npu")
        >>> [(figure.key, figure.value, figure.origin) for figure in imported.figures]
        [('energy.mac', 0.5, 'chip.mac: compute')]
    """
    document = parse(shipped.find("hardware", machine))
    check_kind(document, FileKind.MACHINE)
    hardware = check(document, Hardware)
    is_yaml = files.table.suffix.lower() in _YAML
    if files.process and files.areas is None:
        raise AccelsimError(f"--process {files.process!r}: is that of areas: --area must give them")
    table = (_of_accelergy if is_yaml else _of_cacti)(files, hardware, choices or Choices())
    if not table.figures:
        wanted = one_of(price_names(hardware))
        raise AccelsimError(
            f"{files.table}: no component is called as a price of {hardware.name}: --map PRICE=COMPONENT "
            f"says which is {wanted}"
        )
    taken = {figure.key for figure in table.figures}
    left = tuple(price for price in price_names(hardware) if key_of(price) not in taken)
    unit = _unit(document, hardware, left, files.table)
    data = deepcopy(Hardware.upgraded(document.data).data)
    before = {figure.key: value_of(data, figure.key)[1] for figure in table.figures}
    text = _text(data, table, files.table, name, unit)
    check(parse_text(text, f"{name}.yaml"), Hardware)
    return EnergyImport(text, table.figures, before, table.match.ambiguous, left, table.unused, unit)


def _of_accelergy(files: TableFiles, hardware: Hardware, choices: Choices) -> _Table:
    document = parse(files.table)
    components = {component.name: component for component in accelergy.read_components(document)}
    matched = match(hardware, tuple(components), choices)
    widths: Mapping[str, int] = {}
    if files.architecture is not None:
        widths = accelergy.read_widths(parse(files.architecture), matched.components.values())
    figures = tuple(
        _as_before(
            component_figure(
                price,
                components[component],
                unit_of(hardware.energy),
                choices.bits.get(price) or widths.get(plain_name(component)),
                files.table.name,
            ),
            hardware,
            price,
        )
        for price, component in matched.components.items()
    )
    unused = tuple(component for component in components if component not in matched.components.values())
    table = _Table(figures, matched, unused, accelergy.version_of(document))
    return table if files.areas is None else _with_areas(table, files.areas, files.process, hardware)


def _as_before(figure: Figure, hardware: Hardware, price: str) -> Figure:
    """A figure beside what its table does not say: how energy grows with a memory's size, or with bits."""
    if figure.key != key_of(price):
        return figure
    law = next((memory for memory in hardware.memories if memory.name == price), None)
    own = law.energy.exponent if law is not None and law.energy is not None else None
    if law is not None and own is not None and isinstance(figure.value, Mapping):
        if "exponent" in figure.value:
            return figure
        value = {**figure.value, "at_bytes": law.size_bytes or 0, "exponent": own}
        reason = f"how it grows with the size is as of {hardware.name}"
        return figure._replace(value=value, assumed="; ".join(filter(None, (figure.assumed, reason))))
    if price == "mac" and isinstance(hardware.energy.mac, Mapping):
        return figure._replace(assumed="the same for operands of any bits: the table has one")
    return figure


def _with_areas(table: _Table, areas: Path, process: str, hardware: Hardware) -> _Table:
    """The table with areas of the same components."""
    if not process:
        raise AccelsimError(
            f"{areas}: does not say in which process its areas are: --process must, as in '45 nm'"
        )
    file = AreaFile(str(areas), accelergy.read_areas(parse(areas)), process)
    of_parts = area_figures(hardware, file, table.match.components)
    word_bits = max(hardware.precision.weights_bits, hardware.precision.activations_bits)
    return table._replace(
        figures=(*table.figures, *of_parts), area={"process": process, "word_bits": word_bits}
    )


def _of_cacti(files: TableFiles, hardware: Hardware, choices: Choices) -> _Table:
    """A file is one memory, called as the file is."""
    for option, file in (("--architecture", files.architecture), ("--area", files.areas)):
        if file is not None:
            raise AccelsimError(
                f"{option} {file}: goes with a table of Accelergy's, {files.table} is CACTI's"
            )
    rows = cacti.read_rows(text_of(files.table, "CSV file"), str(files.table))
    component = files.table.name.partition(".")[0]
    matched = match(hardware, (component,), choices)
    for price in matched.components:
        if price in ARRAY_PRICES:
            raise AccelsimError(f"{price}: is no memory, of which CACTI's files are")
    for price in choices.bits:
        raise AccelsimError(f"{price}: {files.table} says how wide an access is: --bits must be left out")
    if not matched.components and len(hardware.on_chip) == 1:
        matched = matched._replace(components={hardware.on_chip[0].name: component})
    memories = {memory.name: memory for memory in hardware.memories}
    unit = unit_of(hardware.energy)
    figures = tuple(
        _as_before(figure, hardware, price)
        for price in matched.components
        for figure in cacti.memory_figures(memories[price], rows, unit, component)
    )
    if figures and len(hardware.on_chip) == 1 and hardware.area is not None:
        figures += cacti.area_figures(hardware.on_chip[0], rows, hardware.area.process, component)
    unused = () if figures else (component,)
    return _Table(figures, matched, unused, rows[0].design)


def _unit(document: Document, hardware: Hardware, left: Sequence[str], table: Path) -> str:
    """The unit of the new file: that of the machine, or picojoules where that is worth nothing known."""
    if hardware.energy.picojoules is not None:
        return hardware.energy.unit
    host = hardware.host
    of_host = [HOST] if host is not None and any(host.energy.of_actions) else []
    if left or of_host:
        raise AccelsimError(
            f"{document.label}: energy.unit = {hardware.energy.unit!r}: is worth no known joules, so "
            f"{table.name} must have all prices, or energy.picojoules_per_unit be given; "
            f"{all_of([*left, *of_host])} would be left"
        )
    return PICOJOULES


def _text(data: dict[str, Any], table: _Table, file: Path, name: str, unit: str) -> str:
    """The data of a machine's file with other prices and their source, as text."""
    energy = data.setdefault("energy", {})
    if energy.get("unit", "MAC") != unit:
        energy["unit"] = unit
        energy.pop("picojoules_per_unit", None)
    if table.area:
        data["area"] = dict(table.area)
    for figure in table.figures:
        value = figure.value
        put(data, figure.key, dict(value) if isinstance(value, Mapping) else value)
    keys = [figure.key for figure in table.figures] + (["area"] if table.area else [])
    assumed = data.get("assumed") or {}
    data["assumed"] = {key: reason for key, reason in assumed.items() if not _is_of(key, keys)} | {
        figure.key: figure.assumed for figure in table.figures if figure.assumed
    }
    data["name"] = name
    data["source"] = ". ".join(
        part for part in (data.get("source", "").rstrip(" ."), _source(table, file)) if part
    )
    return yaml_text({key: data[key] for key in Hardware.model_fields if data.get(key)}, WIDTH)


def _is_of(key: str, keys: Sequence[str]) -> bool:
    """Whether a key is one of some, or below one."""
    return any(f"{key}.".startswith(f"{other}.") for other in keys)


def _source(table: _Table, file: Path) -> str:
    return f"Imported from {file.name} ({table.tool}): {'; '.join(_origins(table))}"


def _origins(table: _Table) -> Iterator[str]:
    for figure in table.figures:
        yield f"{figure.key} is {figure.origin}"

"""Areas: a machine's table of areas from Accelergy's area reference table (ART.yaml), in um2 a component."""

import math
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from accelsim.descriptions.phrases import all_of, counted
from accelsim.errors import AccelsimError
from accelsim.hardware.energy_tables.figures import Figure, rounded
from accelsim.hardware.energy_tables.matching import plain_name
from accelsim.hardware.machine import Hardware

_UM2_PER_MM2: Final = 1e6
_BYTES_PER_KIB: Final = 1024
_RANGE: Final = re.compile(r"\[(\d{1,9})\.\.(\d{1,9})\]")


class AreaFile(NamedTuple):
    """An area reference table.

    Attributes:
        label: What messages call it.
        areas_um2: By component, of one of it.
        process: In which they are: `45 nm`; the table does not say.
    """

    label: str
    areas_um2: Mapping[str, float]
    process: str


def area_figures(hardware: Hardware, file: AreaFile, components: Mapping[str, str]) -> tuple[Figure, ...]:
    """The areas of a machine's parts.

    Args:
        hardware: The machine.
        file: What the table says.
        components: By price, the component that it is of.

    Returns:
        A figure for each key of `area` but its process and word; with what is assumed of sizes, which the
        table does not say.

    Raises:
        AccelsimError: A part of the machine is of no component, or of one that the table has no area of.
    """
    areas = {plain_name(name): area_um2 for name, area_um2 in file.areas_um2.items()}
    parts = ("mac", "register_file", *(memory.name for memory in hardware.on_chip))
    plain = {price: plain_name(component) for price, component in components.items()}
    if missing := [part for part in parts if plain.get(part) not in areas]:
        raise AccelsimError(
            f"{file.label}: must have the areas of {all_of(parts)}; of {all_of(missing)} it has none: "
            "--map PRICE=COMPONENT says where"
        )
    in_all = {plain_name(name): area_um2 * _count(name) for name, area_um2 in file.areas_um2.items()}
    memories = [plain[memory.name] for memory in hardware.on_chip]
    rest = [name for name in in_all if name not in plain.values()]
    pe, sums, sums_bytes = plain["mac"], plain["register_file"], hardware.register_file_bytes
    sums_mm2_per_kib = _mm2_per_kib(areas[sums] * hardware.pe_array.pes, sums_bytes) if sums_bytes else 0.0
    on_chip_mm2_per_kib = _mm2_per_kib(sum(in_all[name] for name in memories), hardware.on_chip_bytes)
    same = "is taken to be as large as the machine's"
    return (
        Figure("area.pe_mm2", rounded(areas[pe] / _UM2_PER_MM2), pe),
        Figure("area.register_file_mm2_per_kib", sums_mm2_per_kib, sums, f"{sums} {same} sums of a PE"),
        Figure(
            "area.global_buffer_mm2_per_kib",
            on_chip_mm2_per_kib,
            ", ".join(memories),
            f"{all_of(memories)} {same} memory, {hardware.on_chip_bytes} bytes",
        ),
        Figure(
            "area.rest_mm2",
            rounded(sum(in_all[name] for name in rest) / _UM2_PER_MM2),
            counted(len(rest), "other component"),
        ),
    )


def _mm2_per_kib(area_um2: float, size_bytes: float) -> float:
    return rounded(area_um2 / _UM2_PER_MM2 / (size_bytes / _BYTES_PER_KIB))


def _count(component: str) -> int:
    """How many there are of a component: 168 of `chip.PE[0..167].mac`."""
    return math.prod(int(last) - int(first) + 1 for first, last in _RANGE.findall(component))

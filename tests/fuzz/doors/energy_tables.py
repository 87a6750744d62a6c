"""Energy tables: Accelergy's with its areas and widths, and CACTI's CSV, as prices of a machine."""

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from accelsim.hardware import load_hardware
from accelsim.hardware.energy_tables import Choices, TableFiles, import_energy
from accelsim.report.tables import energy_import_report
from accelsim.report.text import Style
from fuzz.door import Door, NonsenseError
from fuzz.mutate import CORPUS, NUMBERS, TOKENS, file_like, shown

CSV: Final = (CORPUS / "cacti.csv").read_text(encoding="utf-8")
MACHINES: Final = ("npu_int8_2m", "mcu_l3_l2_l1", "16x16_128k")


@dataclass(frozen=True)
class Tables:
    """Files of another tool, and the machine whose prices they become."""

    files: dict[str, bytes]
    machine: str
    choices: Choices


def _make(random: Random) -> Tables:
    machine, choices = random.choice(MACHINES), Choices()
    if random.random() < 0.3:
        return Tables({"sram.csv": _csv(random)}, machine, choices)
    files = {"ERT.yaml": file_like("energy_tables", random)}
    for name, seed in (("architecture.yaml", "architecture"), ("areas.yaml", "areas")):
        if random.random() < 0.5:
            changed = random.random() < 0.5
            own = (CORPUS / "accelergy" / f"{seed}.yaml").read_bytes()
            files[name] = file_like("accelergy", random) if changed else own
    if random.random() < 0.3:
        choices = Choices(
            {random.choice(("mac", "sram", "inter_pe", "x")): random.choice(("glb", "mac", ""))}
        )
    return Tables(files, machine, choices)


def _csv(random: Random) -> bytes:
    """Rows of CACTI in which some cells are others."""
    cells = CSV.split(",")
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        cells[random.randrange(len(cells))] = str(random.choice((*NUMBERS, *TOKENS)))
    return ",".join(cells).encode("utf-8", "surrogatepass")


def _feed(tables: Tables) -> None:
    for name, content in tables.files.items():
        Path(name).write_bytes(content)
    paths = {name: Path(name) for name in tables.files}
    table = next(path for name, path in paths.items() if name in ("ERT.yaml", "sram.csv"))
    areas = paths.get("areas.yaml")
    files = TableFiles(table, paths.get("architecture.yaml"), areas, "45 nm" if areas else "")
    outcome = import_energy(files, tables.machine, "new", tables.choices)
    energy_import_report(outcome, Style())
    Path("new.yaml").write_text(outcome.text, encoding="utf-8")
    if load_hardware("new.yaml").name != "new":
        raise NonsenseError("the new machine has another name")


def _show(tables: Tables) -> str:
    return f"{shown(tables.files)}\n--- {tables.machine}, {tables.choices}"


DOOR: Final = Door("energy_table", _make, _feed, _show)

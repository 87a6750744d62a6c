"""Machine files: read, and what a small network takes there."""

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final, get_args

from accelsim.hardware import Objective, load_hardware
from accelsim.network.description import Network
from accelsim.network.load import load_network
from accelsim.run import run_network
from fuzz.door import Door
from fuzz.doors.files import FIRST, SECOND
from fuzz.judge import check_result, require
from fuzz.mutate import file_like, shown


@dataclass(frozen=True)
class MachineFile:
    """A file, and what is run there."""

    content: bytes
    network: str
    objective: Objective | None


def _make(random: Random) -> MachineFile:
    return MachineFile(
        content=file_like("machines", random),
        network=str(random.choice((FIRST, SECOND))),
        objective=random.choice((None, None, *get_args(Objective))),
    )


def _feed(file: MachineFile) -> None:
    Path("machine.yaml").write_bytes(file.content)
    hardware = load_hardware("machine.yaml")
    area = hardware.area_mm2
    require(area is None or 0 <= area < float("inf"), "an area that no chip has", area)
    network: Network = load_network(file.network)
    check_result(run_network(network, hardware, objective=file.objective))


def _show(file: MachineFile) -> str:
    files = shown({"machine.yaml": file.content})
    return f"{files}\n--- {Path(file.network).name}, objective {file.objective}"


DOOR: Final = Door("machine", _make, _feed, _show)

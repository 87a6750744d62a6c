"""Doors behind which something is wrong, each in another way, for tests that it is noticed."""

import os
import time
from pathlib import Path
from random import Random
from typing import Final
from unittest.mock import patch

from accelsim.errors import AccelsimError
from accelsim.result import RunResult
from fuzz.door import Door
from fuzz.doors import command_lines, machines
from fuzz.judge import require


def _number(random: Random) -> int:
    return random.randrange(100)


def _ok(_: int) -> None:
    return


def _refuse(_: int) -> None:
    raise AccelsimError("machine.yaml:3: pe_array.rows = 0: must be at least 1")


def _refuse_in_words_of_python(_: int) -> None:
    raise AccelsimError("machine.yaml: KeyError: 'rows'")


def _spin(_: int) -> None:
    while True:
        pass


def _compute_outside_python(_: int) -> None:
    round(1, -999_999_999)


def _wait(_: int) -> None:
    time.sleep(3600)


def _fill_memory(_: int) -> None:
    b"x" * (1 << 31)


def _die(_: int) -> None:
    os.abort()


def _read_with_a_fault(file: machines.MachineFile) -> None:
    with patch("accelsim.hardware.load.parse", side_effect=KeyError("pe_array")):
        machines.DOOR.feed(file)


def _cycles_lost(file: machines.MachineFile) -> None:
    with patch.object(RunResult, "to_dict", lambda _: {"cycles": -1}):
        machines.DOOR.feed(file)


def _leave_a_file(words: tuple[str, ...]) -> None:
    def main() -> None:
        Path("half.json.part").write_text("{")
        raise SystemExit(2)

    with patch.object(command_lines, "main", main):
        command_lines.DOOR.feed(words)


def _overwrite_what_was_read(_: int) -> None:
    def main() -> None:
        Path("first.yaml").write_text("{}")

    with patch.object(command_lines, "main", main):
        command_lines.DOOR.feed(
            ("run", "--net", "first.yaml", "--hw", "small.yaml", "--output", "first.yaml")
        )


def _write_what_was_asked_for(_: int) -> None:
    command_lines.DOOR.feed(("show", "small.yaml", "--output", "@", "--format", "json"))


def _write_what_nobody_asked_for(_: int) -> None:
    def main() -> None:
        Path("other.json").write_text("{}")

    with patch.object(command_lines, "main", main):
        command_lines.DOOR.feed(("list", "networks", "--output", "out.json"))


def _say_nothing(_: int) -> None:
    require(condition=False, kind="nothing was said")


OK: Final = Door("ok", _number, _ok, repr)
REFUSES: Final = Door("refuses", _number, _refuse, repr)
IN_WORDS_OF_PYTHON: Final = Door("in_words_of_python", _number, _refuse_in_words_of_python, repr)
SPINS: Final = Door("spins", _number, _spin, repr)
COMPUTES: Final = Door("computes", _number, _compute_outside_python, repr)
WAITS: Final = Door("waits", _number, _wait, repr)
FILLS_MEMORY: Final = Door("fills_memory", _number, _fill_memory, repr)
DIES: Final = Door("dies", _number, _die, repr)
FAULTY_READER: Final = Door("faulty_reader", machines.DOOR.make, _read_with_a_fault, repr)
LOSES_CYCLES: Final = Door("loses_cycles", machines.DOOR.make, _cycles_lost, repr)
LEAVES_A_FILE: Final = Door("leaves_a_file", command_lines.DOOR.make, _leave_a_file, repr)
OVERWRITES: Final = Door("overwrites", _number, _overwrite_what_was_read, repr)
ASKED_FOR: Final = Door("asked_for", _number, _write_what_was_asked_for, repr)
NOBODY_ASKED: Final = Door("nobody_asked", _number, _write_what_nobody_asked_for, repr)
NONSENSE: Final = Door("nonsense", _number, _say_nothing, repr)

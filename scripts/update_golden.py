"""Pin every cell of the published table to what it is simulated to be now, and say what moved.

    python scripts/update_golden.py

What moved belongs into CHANGELOG.md under Results, with the reason.
"""

import math
import sys

from accelsim.report.files.formats import to_csv
from accelsim.report.files.writing import write
from accelsim.report.text.reproduction import moved_line
from accelsim.validation.evaluate import Cost, shipped_hardware
from accelsim.validation.eyeriss import PINNED, reproduce_eyeriss
from accelsim.validation.eyeriss_measured import load_measured
from accelsim.validation.gap9 import PINNED as GAP9_PINNED
from accelsim.validation.gap9 import load_gap9, reproduce_gap9
from accelsim.validation.gemmini import PINNED as GEMMINI_PINNED
from accelsim.validation.gemmini import load_pinned_cycles, reproduce_gemmini
from accelsim.validation.gemmini_layers import SHIPPED, load_layers
from accelsim.validation.pinned import load_pinned, moved, pinned_file
from accelsim.validation.published import load_published
from accelsim.validation.reproduction import reproduce

TABLE = "squeezenext"


def main() -> None:
    """Simulate the table, write the file, report the differences."""
    costs = reproduce(load_published(TABLE)).costs
    file = pinned_file(TABLE)
    differences = moved(costs, load_pinned(TABLE) if file.exists() else {})
    rows = [
        {"network": network, "hardware": hardware, "cycles": cost.cycles, "energy": repr(cost.energy)}
        for (network, hardware), cost in costs.items()
    ]
    write(file, to_csv(rows))
    for difference in differences:
        change = "" if difference.pinned is None else f" ({_change(difference.pinned, difference.simulated)})"
        sys.stdout.write(f"{moved_line(difference)}{change}\n")
    sys.stdout.write(f"{len(differences)} of {len(costs)} cells moved; {file.name} is up to date\n")
    _update_eyeriss()
    _update_gemmini()
    _update_gap9()


def _update_eyeriss() -> None:
    """The same for Eyeriss."""
    reproduction = reproduce_eyeriss(shipped_hardware(load_measured().machine))
    moved = reproduction.moved if PINNED.exists() else [row["layer"] for row in reproduction.pinned_rows]
    write(PINNED, to_csv(reproduction.pinned_rows))
    sys.stdout.write("".join([f"{line}\n" for line in moved]))
    rows = len(reproduction.pinned_rows)
    sys.stdout.write(f"{len(moved)} of {rows} figures moved; {PINNED.name} is up to date\n")


def _update_gemmini() -> None:
    """The same for Gemmini."""
    rows = reproduce_gemmini(load_layers(SHIPPED)).rows
    pinned = load_pinned_cycles() if GEMMINI_PINNED.exists() else {}
    write(GEMMINI_PINNED, to_csv([{"id": row.measured.id, "cycles": row.simulated_cycles} for row in rows]))
    moved_ids = [row.measured.id for row in rows if row.simulated_cycles != pinned.get(row.measured.id)]
    sys.stdout.write("".join([f"gemmini: measurement {number}\n" for number in moved_ids]))
    sys.stdout.write(f"{len(moved_ids)} of {len(rows)} figures moved; {GEMMINI_PINNED.name} is up to date\n")


def _update_gap9() -> None:
    """The same for GAP9."""
    reproduction = reproduce_gap9(shipped_hardware(load_gap9().machine))
    moved = (
        reproduction.moved if GAP9_PINNED.exists() else [row["network"] for row in reproduction.pinned_rows]
    )
    write(GAP9_PINNED, to_csv(reproduction.pinned_rows))
    sys.stdout.write("".join([f"{line}\n" for line in moved]))
    rows = len(reproduction.pinned_rows)
    sys.stdout.write(f"{len(moved)} of {rows} networks moved; {GAP9_PINNED.name} is up to date\n")


def _change(old: Cost, new: Cost) -> str:
    cycles, energy = math.log(new.cycles / old.cycles), math.log(new.energy / old.energy)
    return f"ln: cycles {cycles:+.4f}, energy {energy:+.4f}"


if __name__ == "__main__":
    main()

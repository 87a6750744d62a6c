"""Run Arm's Vela on the networks that `hardware/ethos_u55_128.yaml` is held against, and keep what it says.

    python benchmarks/vela.py                 # install Vela, compile, write the figures, show them
    python benchmarks/vela.py --show          # the kept figures beside what accelsim simulates now

Each network is written as a TensorFlow Lite model of 8 bits whose weights are drawn evenly, since the
machine does not code them, and compiled for ethos-u55-128 twice: for performance, and for size, which runs
layers in cascades. Vela's figures are estimates of its own, not measurements. They are kept with its version
and the day in accelsim/validation/vela_ethos_u55_128.csv, which docs/validation.md and the tests read.
"""

import argparse
import csv
import datetime
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from accelsim import run_network
from accelsim.network.build import build
from accelsim.network.load import load_network
from accelsim.report.files.formats import to_csv
from accelsim.validation.vela import KEPT, MACHINE, NETWORKS, Mode, load_vela
from peer_tools import VELA, Tool
from peers import cache_folder, python_of
from tflite_model import tflite_model

HERE: Final = Path(__file__).parent
OPTIMISE: Final[dict[Mode, str]] = {"performance": "Performance", "size": "Size"}
"""What Vela calls its modes."""
ACCELERATOR: Final = "ethos-u55-128"
KIBI: Final = 1024


def main() -> None:
    """Compile and keep, or show what was kept."""
    parser = argparse.ArgumentParser(description="Hold ethos_u55_128 against Arm's Vela.")
    parser.add_argument("--show", action="store_true", help="show the kept figures beside the present ones")
    parser.add_argument(
        "--environments", type=Path, default=cache_folder(), help="where Vela's own environment is made"
    )
    options = parser.parse_args()
    if not options.show:
        rows = list(compiled(options.environments))
        KEPT.write_text(to_csv(rows), encoding="utf-8")
    for line in side_by_side():
        sys.stdout.write(f"{line}\n")


def compiled(environments: Path) -> Iterator[dict[str, str]]:
    """A row for each network and mode."""
    tool = Tool("Vela", VELA, prepare=lambda *_: (), cycles=lambda *_: 0)
    python = python_of(tool, environments)
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for network in NETWORKS:
            model = folder / f"{network}.tflite"
            data = folder / f"{network}.json"
            data.write_text(
                json.dumps(tflite_model(build(load_network(network))).to_dict()), encoding="utf-8"
            )
            _run([str(python), str(HERE / "write_tflite.py"), str(data), str(model), "even"])
            for mode, optimise in OPTIMISE.items():
                summary = _summary(python, model, folder / mode, optimise)
                yield {
                    "network": network,
                    "mode": mode,
                    "cycles": str(int(float(summary["cycles_total"]))),
                    "sram_bytes": str(round(float(summary["sram_memory_used"]) * KIBI)),
                    "flash_bytes": str(round(float(summary["off_chip_flash_memory_used"]) * KIBI)),
                    "flash_read_bytes": str(int(float(summary["off_chip_flash_total_bytes"]))),
                    "vela": VELA[0].partition("==")[2],
                    "date": today,
                }


def _summary(python: Path, model: Path, folder: Path, optimise: str) -> dict[str, str]:
    """What Vela says of a model."""
    command = [str(python), "-m", "ethosu.vela", str(model), "--accelerator-config", ACCELERATOR]
    _run([*command, "--optimise", optimise, "--output-dir", str(folder)])
    (summary,) = folder.glob(f"{model.stem}_summary_*.csv")
    with summary.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    return row


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")


def side_by_side() -> Iterator[str]:
    """The kept figures beside what is simulated, a line for each network."""
    rows = [row for row in load_vela() if row.mode == "performance"]
    sizes = {row.network: row.sram_bytes for row in load_vela() if row.mode == "size"}
    yield f"Vela {rows[0].vela} of {rows[0].date}, {ACCELERATOR}, beside {MACHINE}"
    header = (
        "network",
        "cycles",
        "accelsim",
        "off",
        "flash",
        "accelsim",
        "off",
        "SRAM",
        "accelsim",
        "size mode",
    )
    yield "{:<16}{:>10}{:>10}{:>8}{:>10}{:>10}{:>8}{:>10}{:>10}{:>11}".format(*header)
    for row in rows:
        result = run_network(row.network, MACHINE)
        flash_bytes = sum(result.memories["flash"].read_bytes.values())
        sram_bytes = result.memories["sram"].peak_bytes
        yield (
            f"{row.network:<16}{row.cycles:>10}{result.cycles:>10}{result.cycles / row.cycles - 1:>+8.1%}"
            f"{row.flash_bytes:>10}{flash_bytes:>10}{flash_bytes / row.flash_bytes - 1:>+8.1%}"
            f"{row.sram_bytes:>10}{sram_bytes:>10}{sizes[row.network]:>11}"
        )


if __name__ == "__main__":
    main()

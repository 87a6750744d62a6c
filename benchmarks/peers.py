"""Time accelsim beside SCALE-Sim and Arm's Vela, in one run, on the same network.

    python benchmarks/peers.py                 SqueezeNet v1.1; SCALE-Sim takes some minutes of it
    python benchmarks/peers.py --quick         the same layers on pictures of 32 x 32: in half a minute
    python benchmarks/peers.py --write         and put the table into docs/performance.md

Times are of whole processes, on the wall clock; beside them stands the CPU time, which a busy machine changes
less. Each peer is installed once, into a virtual environment of its own. Run it in the environment that
accelsim is installed in. A peer may fail; only a failure of accelsim is one of this script.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from accelsim import __version__
from accelsim.errors import AccelsimError
from accelsim.hardware import load_hardware
from accelsim.network.load import load_network
from document import markdown, seconds, times, write_part
from peer_tools import ACCELSIM, PEERS, Tool, Workload
from timing import ProcessError, Sample, machine, run_process

NETWORK: Final = "squeezenet_v1_1"
HARDWARE: Final = "16x16_128k"
QUICK_RESOLUTION: Final = 32
LONG_S: Final = 5.0
"""A tool that keeps the CPU busy for longer is run once; of the others the first run does not count."""
MEBI: Final = 1 << 20


@dataclass
class Measured:
    """What one tool did so far, or why it did nothing."""

    tool: Tool
    folder: Path
    command: tuple[str, ...] = ()
    samples: list[Sample] = field(default_factory=list)
    cycles: int = 0
    problem: str = ""

    @property
    def median_s(self) -> float:
        """Of the wall-clock times."""
        return statistics.median(sample.wall_s for sample in self.samples)


def main() -> None:
    """Measure, print, and write what is asked for."""
    options = _options()
    if options.write and options.only:
        raise SystemExit("--write needs all peers: without --only")
    network = load_network(f"{NETWORK}@resolution={QUICK_RESOLUTION}" if options.quick else NETWORK)
    workload = Workload(network, load_hardware(HARDWARE))
    tools = [ACCELSIM, *(tool for tool in PEERS if options.only.lower() in tool.name.lower())]
    measured = compare(tools, workload, options.environments, 1 if options.quick else options.runs)
    if options.format == "json":
        text = json.dumps(as_data(measured, workload), indent=2)
    else:
        text = as_table(measured, workload)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    else:
        sys.stdout.write(text + "\n")
    if options.write:
        quick = "--quick " if options.quick else ""
        write_part("peers", as_table(measured, workload), f"python benchmarks/peers.py {quick}--write")
    if measured[0].problem:
        raise SystemExit(1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Time accelsim beside SCALE-Sim and Vela on SqueezeNet v1.1."
    )
    parser.add_argument("--quick", action="store_true", help="once each, on small pictures")
    parser.add_argument("--runs", type=positive, default=9, metavar="N", help="of each tool that is quick")
    parser.add_argument("--only", metavar="NAME", default="", help="peers whose name contains this")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="instead of printing")
    parser.add_argument("--write", action="store_true", help="bring docs/performance.md up to date")
    parser.add_argument(
        "--environments",
        type=Path,
        metavar="DIR",
        default=cache_folder(),
        help="where the peers' virtual environments are, or will be (default: %(default)s)",
    )
    return parser.parse_args()


def positive(text: str) -> int:
    """A whole number of at least 1, from the command line."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a whole number of at least 1")
    return int(text)


def cache_folder() -> Path:
    """Where a user's programs keep what can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "accelsim" / "benchmarks"


def compare(tools: Sequence[Tool], workload: Workload, environments: Path, runs: int) -> list[Measured]:
    """Every tool once, to see that it works; then those that are quick in turn, `runs` times, which count."""
    with tempfile.TemporaryDirectory() as work:
        measured = [Measured(tool, Path(work) / str(index)) for index, tool in enumerate(tools)]
        for one in measured:
            _say(f"{one.tool.name} ...")
            with _problems_of(one):
                _first_run(one, workload, environments)
            _say(f" {one.problem or seconds(one.median_s)}\n")
        again = [one for one in measured if not one.problem and one.samples[0].cpu_s < LONG_S]
        for one in again:
            one.samples.clear()
        for _ in range(runs):
            for one in again:
                with _problems_of(one):
                    one.samples.append(run_process(one.command, one.folder))
    return measured


def _first_run(one: Measured, workload: Workload, environments: Path) -> None:
    one.folder.mkdir()
    one.command = one.tool.prepare(workload, one.folder, python_of(one.tool, environments))
    one.samples.append(run_process(one.command, one.folder))
    one.cycles = one.tool.cycles(workload, one.folder)


@contextmanager
def _problems_of(one: Measured) -> Iterator[None]:
    """What goes wrong with one tool is said in its line; the others go on."""
    try:
        yield
    except (AccelsimError, OSError, ProcessError, ValueError) as error:
        one.problem = str(error)


def python_of(tool: Tool, environments: Path) -> Path:
    """The Python that has the tool; installs it where these requirements are not there yet."""
    if not tool.requirements:
        return Path(sys.executable)
    wanted = "\n".join(tool.requirements)
    folder = environments.resolve() / tool.requirements[0].replace("==", "-")
    python, installed = folder / "bin" / "python", folder / "installed.txt"
    if not installed.is_file() or installed.read_text(encoding="utf-8") != wanted:
        venv.create(folder, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", *tool.requirements]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ProcessError(f"cannot be installed: {done.stderr.strip().splitlines()[-1]}")
        installed.write_text(wanted, encoding="utf-8")
    return python


# --- what comes out


def as_table(measured: Sequence[Measured], workload: Workload) -> str:
    """A line for each tool, and below the table why a tool has no figures."""
    own = measured[0]
    headers = ["whole process", "time", "CPU", "runs", "memory", "ratio", "cycles"]
    rows = []
    for one in measured:
        if one.problem:
            rows.append([_title(one.tool), "failed", "", "", "", "", ""])
            continue
        rows.append(
            [
                _title(one.tool),
                seconds(one.median_s),
                seconds(statistics.median(sample.cpu_s for sample in one.samples)),
                str(len(one.samples)),
                f"{max(sample.peak_bytes for sample in one.samples) / MEBI:.0f} MB",
                "" if own.problem else times(_ratio(one, own)),
                f"{one.cycles / 1e6:.3g}M",
            ]
        )
    macs = sum(layer.macs for layer in workload.convolutions)
    about = (
        f"{workload.network.name}: {len(workload.convolutions)} convolutions, {macs / 1e6:.1f}M MACs; "
        f"{workload.hardware.title}. Median times, and median ratio to accelsim in the same round."
    )
    problems = [f"{one.tool.name} failed: {one.problem}" for one in measured if one.problem]
    return "\n\n".join([about, markdown(headers, rows), *problems])


def _ratio(one: Measured, own: Measured) -> float:
    """How many times as long one takes, round by round, since a machine's speed drifts between rounds."""
    if len(one.samples) != len(own.samples):  # it ran once, before the rounds
        return one.median_s / own.median_s
    return statistics.median(
        other.wall_s / sample.wall_s for other, sample in zip(one.samples, own.samples, strict=True)
    )


def as_data(measured: Sequence[Measured], workload: Workload) -> dict[str, Any]:
    """The same, and every single time."""
    return {
        "accelsim": __version__,
        "machine": machine(),
        "network": workload.network.name,
        "hardware": workload.hardware.name,
        "convolutions": len(workload.convolutions),
        "macs": sum(layer.macs for layer in workload.convolutions),
        "tools": [
            {
                "name": one.tool.name,
                "requirements": one.tool.requirements,
                "problem": one.problem or None,
                "wall_s": [sample.wall_s for sample in one.samples],
                "cpu_s": [sample.cpu_s for sample in one.samples],
                "peak_bytes": [sample.peak_bytes for sample in one.samples],
                "cycles": one.cycles or None,
            }
            for one in measured
        ],
    }


def _title(tool: Tool) -> str:
    version = tool.requirements[0].partition("==")[2] if tool.requirements else __version__
    name, _, machine_ = tool.name.partition(", ")
    return f"{name} {version} {machine_}".strip()


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


if __name__ == "__main__":
    main()

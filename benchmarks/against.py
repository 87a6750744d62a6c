"""This checkout's time against that of another one, in one interleaved run.

    python benchmarks/against.py ../older              networks cold in a warm process, and whole runs
    python benchmarks/against.py ../older --rounds 9   more of each, for a machine that does other things too
    python benchmarks/against.py ../older --only networks

A process for each checkout takes turns with the other, so that both meet the same machine. Times are CPU
times; of each case the medians are compared, and the ratio says how many times as long this checkout takes.
"""

import argparse
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from accelsim.validation.published import load_published
from document import markdown, seconds, times
from timing import run_process

ROUNDS: Final = 5
HERE: Final = Path(__file__).parent.parent
WHOLE_RUN: Final = ("run", "--net", "sqnxt23v5", "--hw", "16x16_128k")
WORKER: Final = """
import gc, sys, time
from accelsim import load_hardware, load_network, run_network
from accelsim.descriptions import vary
for line in sys.stdin:
    network, machine = line.split()
    described, hardware = load_network(network), load_hardware(machine)
    if not globals().get("warm"):
        run_network(described, vary(hardware, **{"pe_array.rows": 5}))
        warm = True
    gc.collect()
    start = time.process_time()
    result = run_network(described, hardware)
    print(time.process_time() - start, result.cycles, flush=True)
"""
"""Runs each network that it is told, nothing remembered, everything imported."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="This checkout's time against that of another one.")
    parser.add_argument("other", type=Path, help="a checkout of the repository")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", choices=("networks", "runs"), help="one part")
    options = parser.parse_args()
    if options.only != "runs":
        sys.stdout.write(networks_part(options.other, options.rounds) + "\n\n")
    if options.only != "networks":
        sys.stdout.write(runs_part(options.other, options.rounds) + "\n")


def networks_part(other: Path, rounds: int) -> str:
    """Every network of the published table on its machines, nothing remembered in a warm process."""
    table, rows, ratios = load_published("squeezenext"), [], []
    with worker(other) as old, worker(HERE) as new:
        for network in table.titles:
            for machine in table.machines:
                both = [(asked(old, network, machine), asked(new, network, machine)) for _ in range(rounds)]
                before, after = (statistics.median(column) for column in zip(*both, strict=True))
                ratios.append(after / before)
                rows.append([network, machine, seconds(before), seconds(after), times(ratios[-1])])
    rows.append(["median", "", "", "", times(statistics.median(ratios))])
    rows.append(["largest", "", "", "", times(max(ratios))])
    return markdown(["cold in a warm process", "machine", "other", "this", "ratio"], rows, left=2)


def runs_part(other: Path, rounds: int) -> str:
    """A whole `accelsim run`, from the start of the process to its end."""
    both = [(whole_run(other), whole_run(HERE)) for _ in range(rounds)]
    before, after = (statistics.median(column) for column in zip(*both, strict=True))
    row = [f"`accelsim {' '.join(WHOLE_RUN)}`", seconds(before), seconds(after), times(after / before)]
    return markdown(["whole process", "other", "this", "ratio"], [row])


def whole_run(checkout: Path) -> float:
    """CPU time of one run [s]."""
    path = str(checkout.resolve())
    code = f"import sys; sys.path.insert(0, {path!r}); from accelsim.cli import main; main()"
    return run_process((sys.executable, "-c", code, *WHOLE_RUN), checkout).cpu_s


@contextmanager
def worker(checkout: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that runs the checkout's code."""
    code = f"import sys; sys.path.insert(0, {str(checkout.resolve())!r})\n{WORKER}"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=checkout
    )
    try:
        yield process
    finally:
        process.communicate()


def asked(process: "subprocess.Popen[str]", network: str, machine: str) -> float:
    """How long a worker takes for a network [s of CPU]."""
    assert process.stdin is not None  # both are pipes
    assert process.stdout is not None
    process.stdin.write(f"{network} {machine}\n")
    process.stdin.flush()
    return float(process.stdout.readline().split()[0])


if __name__ == "__main__":
    main()

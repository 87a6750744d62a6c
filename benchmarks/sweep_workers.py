"""Candidates per second of a sweep of uncached work, by number of workers, and what that is to one worker.

    python benchmarks/sweep_workers.py
    python benchmarks/sweep_workers.py --candidates 200 --repeat 5

Each measurement is a sweep of its own without a store. Ratios say something only where the cores have nothing
else to do, so the machine's load is printed, too, and beside the seconds of the sweep the processor's seconds
of the process that hands out the work: what it takes limits how many workers it can feed. Needs the extra
`distributed`.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from accelsim.execution.cluster import started
from accelsim.execution.executor import Executor
from accelsim.execution.processes import Processes, cores
from accelsim.search.sampling import plan_for
from accelsim.search.spec import Sweep, read_sweep
from accelsim.search.sweep import run_sweep

SPEC = """\
networks: [mobilenet_v1@width=0.25]
hardware: [16x16_128k]
hardware_parameters:
  dram.bandwidth_bytes_per_cycle: {bandwidths}
  pe_array.rows: [8, 12, 16, 24, 32]
  pe_array.columns: [8, 12, 16, 24]
objectives: [time_ms, energy, area_mm2]
"""
MACHINES = 20


@dataclass(frozen=True)
class Measured:
    """One sweep."""

    candidates_per_second: float
    main_seconds: float
    """Of the processor, in the process that hands out the work."""


@contextmanager
def executor(kind: str, workers: int) -> Iterator[Executor]:
    """Workers that have started: that is not what is measured."""
    if kind == "processes":
        yield Processes(workers)
        return
    with started(workers) as found:
        yield found


def measured(sweep: Sweep, workforce: Executor) -> Measured:
    """Sweep once."""
    before, began = time.process_time(), time.perf_counter()
    found = run_sweep(sweep, plan_for(sweep), executor=workforce)
    seconds = time.perf_counter() - began
    return Measured(found.evaluated / seconds, time.process_time() - before)


def line(kind: str, workers: int, runs: list[Measured], one: float) -> str:
    """The median of several sweeps."""
    rate = statistics.median(run.candidates_per_second for run in runs)
    main = statistics.median(run.main_seconds for run in runs)
    load = os.getloadavg()[0]
    return f"{kind:<10}{workers:>7}{rate:>14.1f}{rate / one:>8.2f}{main:>14.2f}{load:>7.1f}"


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--candidates", type=int, default=120)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--most", type=int, default=cores(), help="workers")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "sweep.yaml"
        bandwidths = [4 + 2 * step for step in range(max(1, chosen.candidates // MACHINES))]
        spec.write_text(SPEC.format(bandwidths=bandwidths))
        sweep = read_sweep(spec)
    sys.stdout.write(f"{sweep.size} candidates, median of {chosen.repeat} sweeps, {cores()} cores\n")
    sys.stdout.write("executor  workers  candidates/s  x one  main CPU [s]   load\n")
    for kind in ("processes", "cluster"):
        one = 0.0
        for workers in range(1, chosen.most + 1):
            with executor(kind, workers) as workforce:
                runs = [measured(sweep, workforce) for _ in range(chosen.repeat)]
            one = one or statistics.median(run.candidates_per_second for run in runs)
            sys.stdout.write(line(kind, workers, runs, one) + "\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())

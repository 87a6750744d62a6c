"""Kill a sweep at random moments, and its Dask workers, and compare what comes out with an undisturbed one.

    python scripts/kill_tests.py                     # 20 kills of the sweep, 5 of workers, 2,000 candidates
    python scripts/kill_tests.py --candidates 80 --kills 3 --worker-kills 1

The first kill is as soon as the sweep begins, each other one in the middle: the store has some results, and
not all. Exit code 1 if a kill was elsewhere, a result differs, a result was lost, or a candidate was
evaluated twice. Needs the extra `distributed`; takes some minutes.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

ROWS, COLUMNS = (8, 12, 16, 24, 32), (8, 12, 16, 24, 32)
BUFFERS = tuple(16384 * size for size in (1, 2, 3, 4, 5, 6, 8, 10, 12, 16))
BANDWIDTHS = (4, 6, 8, 10, 12, 16, 20, 24)
SPEC = """\
networks: ['{network}']
hardware: [16x16_128k]
hardware_parameters:
  dram.bandwidth_bytes_per_cycle: {bandwidths}
  global_buffer.size_bytes: {buffers}
  pe_array.rows: {rows}
  pe_array.columns: {columns}
objectives: [time_ms, energy, area_mm2]
constraints: [energy <= 1.2G]
"""
UNCOMPARED = ("seconds", "from_store")
ATTEMPTS = 5


@dataclass(frozen=True)
class Kill:
    """What was killed, and what was there then."""

    what: Literal["begin", "sweep", "worker"]
    """The sweep as it begins, or in the middle; one of its workers."""
    seconds: float
    """After the start of that process."""
    kept: int
    """Results in the store."""


class Sweep:
    """A sweep of a folder, as a process."""

    def __init__(self, folder: Path, candidates: int, network: str) -> None:
        self.folder, self.spec = folder, folder / "sweep.yaml"
        buffers = BUFFERS[: max(1, candidates // (len(ROWS) * len(COLUMNS) * len(BANDWIDTHS)))]
        bandwidths = BANDWIDTHS[: max(1, candidates // (len(ROWS) * len(COLUMNS) * len(buffers)))]
        self.candidates = len(ROWS) * len(COLUMNS) * len(buffers) * len(bandwidths)
        self.spec.write_text(
            SPEC.format(
                network=network,
                bandwidths=list(bandwidths),
                buffers=list(buffers),
                rows=list(ROWS),
                columns=list(COLUMNS),
            )
        )

    def start(self, name: str, *options: str) -> "subprocess.Popen[bytes]":
        """Start or resume the sweep that keeps its results under a name."""
        command = [sys.executable, "-m", "accelsim", "sweep", str(self.spec), "--quiet", *options]
        command += ["--store", str(self.store(name)), "--output", str(self.result(name))]
        return subprocess.Popen(command)

    def store(self, name: str) -> Path:
        """The file of results."""
        return self.folder / f"{name}.sqlite"

    def result(self, name: str) -> Path:
        """The answer."""
        return self.folder / f"{name}.json"

    def kept(self, name: str) -> int:
        """Results in the store."""
        if not self.store(name).exists():
            return 0
        connection = sqlite3.connect(self.store(name), timeout=30)
        try:
            return int(connection.execute("SELECT count(*) FROM results").fetchone()[0])
        except sqlite3.OperationalError:  # killed before the tables were made
            return 0
        finally:
            connection.close()

    def answer(self, name: str) -> dict[str, Any]:
        """The answer, which must be complete."""
        found: dict[str, Any] = json.loads(self.result(name).read_text())
        return found


def killed_at_random(sweep: Sweep, kills: int, seconds: float, chance: random.Random) -> list[Kill]:
    """Kill the sweep at moments spread over all it does; each start goes on with the rest.

    `seconds` is what an undisturbed sweep takes.
    """
    targets = sorted(chance.randrange(1, sweep.candidates * 3 // 4) for _ in range(kills - 1))
    return [killed(sweep, least, seconds, chance) for least in (0, *targets)]


def killed(sweep: Sweep, least: int, seconds: float, chance: random.Random) -> Kill:
    """Kill the sweep at a moment after the store has `least` results, and before it has all.

    A sweep that was over first (another process had the processor) gets back the store that it began with,
    and is killed sooner.
    """
    store, begun_with = sweep.store("killed"), sweep.folder / "begun_with.sqlite"
    begun_with.unlink(missing_ok=True)
    if store.exists():
        copied(store, begun_with)
    for attempt in range(ATTEMPTS):
        process = sweep.start("killed")
        began = time.monotonic()
        wait_for(process, lambda: sweep.kept("killed") >= least)
        pause = seconds / 20 if least else seconds / 4  # perhaps while it still starts
        time.sleep(chance.uniform(0, min(pause, 2) / 4**attempt))
        process.send_signal(signal.SIGKILL)
        if process.wait() == -signal.SIGKILL and sweep.kept("killed") < sweep.candidates:
            what: Literal["begin", "sweep"] = "sweep" if least else "begin"
            return Kill(what, time.monotonic() - began, sweep.kept("killed"))
        remove(store)
        if begun_with.exists():
            copied(begun_with, store)
    raise SystemExit("the sweep was over before it could be killed: give more --candidates")


def wait_for(process: "subprocess.Popen[bytes]", condition: Callable[[], bool]) -> None:
    """Return when something holds, or when the process is over."""
    while process.poll() is None and not condition():
        time.sleep(0.02)


def remove(store: Path) -> None:
    """Remove a store with its journal."""
    for file in store.parent.glob(f"{store.name}*"):
        file.unlink()


def copied(source: Path, target: Path) -> None:
    """Copy a store with what its journal holds, as a process that was killed leaves it."""
    with (
        contextlib.closing(sqlite3.connect(source)) as one,
        contextlib.closing(sqlite3.connect(target)) as other,
    ):
        one.backup(other)


def workers_of(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """The Dask workers of a sweep that runs."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    except psutil.NoSuchProcess:
        return []


def with_workers_killed(sweep: Sweep, kills: int, chance: random.Random) -> list[Kill]:
    """Kill workers of one sweep, which goes on; sooner where it was over first."""
    for attempt in range(ATTEMPTS):
        remove(sweep.store("workers"))
        most = sweep.candidates * 3 // 4 // 2**attempt
        targets = sorted(chance.randrange(1, max(most, 2)) for _ in range(kills))
        process = sweep.start("workers", "--workers", "2")
        began = time.monotonic()
        found = [worker_killed(sweep, process, began, least, chance) for least in targets]
        if process.wait() != 0:
            raise SystemExit(f"the sweep whose workers were killed ended with {process.returncode}")
        hits = [kill for kill in found if kill is not None]
        if len(hits) == kills:
            return hits
    raise SystemExit("the sweep was over before its workers could be killed: give more --candidates")


def worker_killed(
    sweep: Sweep, process: "subprocess.Popen[bytes]", began: float, least: int, chance: random.Random
) -> Kill | None:
    """Kill a worker when the store has `least` results; None where it has all, or there is no worker left."""
    wait_for(process, lambda: sweep.kept("workers") >= least and bool(workers_of(process)))
    workers = workers_of(process)
    if not workers:
        return None
    with contextlib.suppress(ProcessLookupError):  # it has ended since: the store has all then
        os.kill(chance.choice(workers).pid, signal.SIGKILL)
    kept = sweep.kept("workers")
    return Kill("worker", time.monotonic() - began, kept) if kept < sweep.candidates else None


def problems(sweep: Sweep, kills: list[Kill]) -> list[str]:
    """What is not as it would be had nothing been killed."""
    undisturbed = sweep.answer("undisturbed")
    found = []
    for name in ("killed", "workers"):
        answer = sweep.answer(name)
        found += [
            f"{name}: {key} differs from the undisturbed sweep's"
            for key in undisturbed.keys() - set(UNCOMPARED)
            if answer[key] != undisturbed[key]
        ]
        if sweep.kept(name) != sweep.kept("undisturbed"):
            found.append(f"{name}: the store has {sweep.kept(name)} results")
    found += [
        f"{kill.what}: killed at {kill.kept} of {sweep.candidates} results, which is not in the middle"
        for kill in kills
        if kill.what != "begin" and not 0 < kill.kept < sweep.candidates
    ]
    counts = [kill.kept for kill in kills if kill.what != "worker"]
    if counts != sorted(counts):
        found.append(f"results were lost: {counts}")
    reused = sweep.answer("killed")["from_store"]
    if counts and reused != counts[-1]:
        found.append(f"of {counts[-1]} results in the store, {reused} were used: some were evaluated twice")
    return found


def say(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Print a table of kills and the verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--candidates", type=int, default=2000)
    parser.add_argument("--net", default="mobilenet_v1@width=0.25")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--worker-kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    chance = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory() as folder:
        sweep = Sweep(Path(folder), chosen.candidates, chosen.net)
        began = time.monotonic()
        if sweep.start("undisturbed").wait() != 0:
            raise SystemExit("the undisturbed sweep failed")
        seconds = time.monotonic() - began
        say(f"undisturbed: {sweep.candidates} candidates in {seconds:.1f} s")
        kills = killed_at_random(sweep, chosen.kills, seconds, chance)
        if sweep.start("killed").wait() != 0:
            raise SystemExit("the resumed sweep failed")
        kills += with_workers_killed(sweep, chosen.worker_kills, chance)
        say("killed  after [s]  results kept")
        for kill in kills:
            say(f"{kill.what:<8}{kill.seconds:>9.2f}{kill.kept:>14}")
        found = problems(sweep, kills)
        say("\n".join(found) or "every result is that of the undisturbed sweep")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

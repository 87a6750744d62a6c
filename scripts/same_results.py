"""Compare what two commits compute: a refactoring changes no result.

    python scripts/same_results.py OLD                     # against the working tree
    python scripts/same_results.py OLD NEW --only runs

Every shipped network on both of SqueezeNext's machines with both engines, a depth search, a sweep, `explain`
and a path: whatever the older commit says in JSON has to stand in the newer one's, to the last digit. Names
that the newer one adds are no difference. Exit code 1 where something differs, with the first places.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
MACHINES: Final = ("8x8_32k", "16x16_128k")
MOST_SHOWN: Final = 20
"""Differences that are written out; of the others the number."""
TOO_MANY_EVENTS: Final = ("resnet152",)
"""Networks that take minutes tile by tile; the laws compare both engines on smaller ones."""
RUNS: Final = """
import json, sys
import accelsim
networks, machines, engines = json.loads(sys.argv[1])
for hardware in map(accelsim.load_hardware, machines):
    for network in map(accelsim.load_network, networks):
        for engine in engines:
            result = accelsim.run_network(network, hardware, engine=engine).to_dict()
            print(json.dumps([network.name, hardware.name, engine, result]), flush=True)
"""
"""Runs by the public Python API, one process for many of them."""
SWEEP: Final = """\
networks: [sqnxt23v5, mobilenet_v1]
hardware: [16x16_128k]
hardware_parameters:
  pe_array.rows: [8, 16]
  global_buffer.size_bytes: [65536, 131072]
objectives: [time_ms, energy]
"""
NOT_RESULTS: Final = {"accelsim", "seconds"}
"""Names in the JSON that say who computed and how long it took."""
COMMANDS: Final = {
    "depth": "search depth --net sqnxt23v2 --fix stage4=1 --hw 16x16_128k --format json",
    "sweep": "sweep sweep.yaml --format json",
    "explain": "explain --net squeezenet_v1_1 --hw 16x16_128k --format json",
    "explain, small machine": "explain --net mobilenet_v1 --hw 8x8_32k --format json",
    "path": "search path --net sqnxt23 --hw 16x16_128k --format json",
    "compare": "compare --net alexnet --net sqnxt23 --hw 8x8_32k --hw 16x16_128k --format json",
    "batch": "run --net squeezenet_v1_0 --hw 16x16_128k --batch 4 --format json",
    "dataflow": "run --net mobilenet_v2 --hw 8x8_32k --dataflow weight_stationary --format json",
    "objective": "run --net sqnxt23v5 --hw 8x8_32k --objective energy --format json",
}
"""Everything else, by the command line."""


@dataclass(frozen=True)
class Checkout:
    """One commit, or the working tree, as a folder."""

    name: str
    folder: Path

    def python(self, arguments: Sequence[str], cwd: Path | None = None) -> str:
        """What Python prints that imports accelsim from here."""
        environment = os.environ | {"PYTHONPATH": str(self.folder), "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            encoding="utf-8",
            env=environment,
            cwd=cwd or self.folder,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{self.name}: {' '.join(arguments)[:200]}: {done.stderr.strip()[-2000:]}")
        return done.stdout


def runs(checkout: Checkout) -> dict[str, Any]:
    """Results of every network on both machines, by network, machine and engine."""
    names = sorted(path.stem for path in (checkout.folder / "networks").glob("*.yaml"))
    quick = [name for name in names if name not in TOO_MANY_EVENTS]
    answers = {}
    for networks, engines in ((names, ["fast"]), (quick, ["events"])):
        for line in checkout.python(["-c", RUNS, json.dumps([networks, MACHINES, engines])]).splitlines():
            network, hardware, engine, result = json.loads(line)
            answers[f"{network} on {hardware}, {engine}"] = result
    return answers


def commands(checkout: Checkout) -> dict[str, Any]:
    """What the commands say."""
    answers = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sweep.yaml").write_text(SWEEP, encoding="utf-8")
        for title, command in COMMANDS.items():
            answers[title] = json.loads(checkout.python(["-m", "accelsim", *command.split()], folder))
    return answers


PARTS: Final = {"runs": runs, "commands": commands}


def differences(old: object, new: object, where: str) -> Iterator[str]:
    """Where the newer value lacks or contradicts something that the older one says."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in old.items():
            if key in NOT_RESULTS:
                continue
            if key in new:
                yield from differences(value, new[key], f"{where}: {key}")
            else:
                yield f"{where}: {key}: is no longer there"
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from differences(before, after, f"{where}[{index}]")
    elif old != new:
        yield f"{where}: {str(old)[:80]} -> {str(new)[:80]}"


def checked_out(revision: str, folder: Path) -> Checkout:
    """A commit in a folder of its own."""
    target = folder / revision.replace("/", "_")
    _git("worktree", "add", "--detach", "--quiet", str(target), revision)
    return Checkout(revision, target)


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=ROOT, check=True)


def main() -> int:
    """Compare, say what differs, and whether anything does."""
    parser = argparse.ArgumentParser(description="Compare what two commits compute.")
    parser.add_argument("old", metavar="OLD", help="a commit")
    parser.add_argument("new", metavar="NEW", nargs="?", help="another; the working tree unless named")
    parser.add_argument("--only", choices=list(PARTS), help="a part of it")
    options = parser.parse_args()
    found: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = [checked_out(revision, folder) for revision in (options.old, options.new) if revision]
        old, new = made if len(made) == 2 else (made[0], Checkout("working tree", ROOT))
        try:
            for part in [options.only] if options.only else list(PARTS):
                with ThreadPoolExecutor(2) as pool:
                    before, after = pool.map(PARTS[part], (old, new))
                found += differences(before, after, part)
                sys.stdout.write(f"{part}: {len(before)} answers compared\n")
        finally:
            for checkout in made:
                subprocess.run(
                    ["git", "worktree", "remove", "--force", checkout.folder], cwd=ROOT, check=True
                )
    sys.stdout.writelines(f"{line}\n" for line in found[:MOST_SHOWN])
    sys.stdout.write(f"{len(found)} differences between {old.name} and {new.name}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

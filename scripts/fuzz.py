"""Give accelsim random inputs at every door, and say what it should have refused or answered otherwise.

    python scripts/fuzz.py                                          # 5,000 at each door; slow ones take fewer
    python scripts/fuzz.py --inputs 1000 --door machine --seed 7
    python scripts/fuzz.py --door machine --seed 0 --only 137       # shows that one, and what becomes of it

Each failure says how it is fed again. Exit code 1 if there is one. Needs the extra `test`.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from fuzz.door import AnyDoor
from fuzz.doors import DOORS
from fuzz.judge import Failure, forbid_warnings, judge
from fuzz.workers import verdicts


def say(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(f"{text}\n".encode(errors="backslashreplace").decode())
    sys.stdout.flush()


def fuzz(door: AnyDoor, seed: int, inputs: int, workers: int) -> list[Failure]:
    """Feed inputs and say how that went."""
    began = time.monotonic()
    fed = range(0, inputs, door.every)
    became = list(verdicts(door, seed, fed, workers))
    seconds = time.monotonic() - began
    found = [verdict for verdict in became if isinstance(verdict, Failure)]
    answered, refused = became.count("answered"), became.count("refused")
    counts = f"{answered} answered, {refused} refused, {len(found)} failed"
    say(f"{door.name}: {len(fed)} inputs in {seconds:.0f} s: {counts}")
    by_kind: defaultdict[str, list[Failure]] = defaultdict(list)
    for failure in found:
        by_kind[failure.kind].append(failure)
    for kind, alike in sorted(by_kind.items(), key=lambda item: -len(item[1])):
        last = alike[0].details.strip().rpartition("\n")[2][:200]
        say(f"  {len(alike):>5} {kind}\n        {last}\n        {alike[0].replay}")
    return found


def replay(door: AnyDoor, seed: int, index: int) -> int:
    """Show one input and what becomes of it, in this process and without limits."""
    say(door.show(door.input(seed, index)))
    forbid_warnings()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        verdict = judge(door, seed, index)
        os.chdir("/")
    if not isinstance(verdict, Failure):
        say(f"--- {verdict}")
        return 0
    say(f"--- {verdict.kind}\n{verdict.details}")
    return 1


def main() -> int:
    """Fuzz what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--inputs", type=int, default=5000)
    parser.add_argument("--door", choices=sorted(DOORS), action="append", help="default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", type=int, metavar="NUMBER", help="feed this input alone")
    chosen = parser.parse_args()
    doors = [DOORS[name] for name in chosen.door or DOORS]
    if chosen.only is not None:
        if len(doors) > 1:
            parser.error("--only needs --door")
        return replay(doors[0], chosen.seed, chosen.only)
    found = [fuzz(door, chosen.seed, chosen.inputs, chosen.workers) for door in doors]
    return 1 if any(found) else 0


if __name__ == "__main__":
    sys.exit(main())

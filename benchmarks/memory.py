"""How much a process takes through which thousands of networks pass, all with one `accelsim.Cache`.

    python benchmarks/memory.py           # 5,000 networks that all differ, some minutes
    python benchmarks/memory.py --quick   # 300 of them

Exit code 1 if the process ever took more than `--most` megabytes.
"""

import argparse
import resource
import sys
import time
from collections.abc import Iterator
from typing import Final

from accelsim import AccelsimError, Cache, load_hardware, load_network, run_network
from accelsim.cli import settle

FAMILIES: Final = (
    *("mobilenet_v1", "squeezenet_v1_1", "sqnxt23v5", "resnet18", "shufflenet_v2", "mobilenet_v2", "alexnet"),
    *("squeezenet_v1_0", "sqnxt23", "shufflenet_v1", "resnet50", "sqnxt23v2", "densenet121"),
)
SMALLEST: Final = 96
"""Pixels a side, of the first network of each family; each next one has one more."""


def main() -> int:
    """Print what the process takes as it goes on, and whether that was too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--networks", type=int, default=5000)
    parser.add_argument("--most", type=float, default=150, metavar="MB")
    parser.add_argument("--quick", action="store_true", help="300 networks")
    options = parser.parse_args()
    settle()
    hardware, cache, began = load_hardware("16x16_128k"), Cache(), time.perf_counter()
    say("networks  seconds  process [MB]  most [MB]  remembered [MB]")
    count = 300 if options.quick else options.networks
    for number, (name, resolution) in zip(range(1, count + 1), cases(), strict=False):
        try:
            run_network(load_network(name, resolution=resolution), hardware, cache=cache)
        except AccelsimError as error:
            say(f"left out: {error}")
        if not number % (count // 10):
            line = f"{number:8}{time.perf_counter() - began:9.0f}{now_mb():14.0f}{most_mb():11.0f}"
            say(f"{line}{cache.held_bytes / 1e6:17.1f}")
    return int(most_mb() > options.most)


def cases() -> Iterator[tuple[str, int]]:
    """Networks that all differ, families in turn."""
    resolution = SMALLEST
    while True:
        yield from ((name, resolution) for name in FAMILIES)
        resolution += 1


def now_mb() -> float:
    """What the process takes."""
    with open("/proc/self/statm") as file:  # noqa: PTH123 (a pseudo-file of Linux)
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


def most_mb() -> float:
    """The most that it took."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def say(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""Searches beside those of another checkout: CPU time a candidate, whole commands in turns.

    python benchmarks/searches.py ../older              each search three times on either side
    python benchmarks/searches.py ../older --rounds 1   once, for an impression
    python benchmarks/searches.py ../older --only depth
    python benchmarks/searches.py ../older --write      puts the table into docs/performance.md

What is run is the command that anyone would run, from the start of the process to its end, with all processes
that it starts; so the machine's load matters little. Where the other checkout has no such machine, its column
is empty. Of each the median of the rounds.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from document import markdown, seconds, times, write_part
from timing import ProcessError, run_process

ROUNDS: Final = 3
HERE: Final = Path(__file__).parent.parent
SIDES: Final = {
    "machines": "8, 16, 24, 32, 40, 48, 64",
    "arrays": "8, 12, 16, 20, 24, 28, 32",
}
"""Rows, and columns, of the arrays of each sweep over machines."""
SWEEP: Final = """\
networks: [mobilenet_v2]
hardware: [16x16_128k]
hardware_parameters:
  pe_array.rows: [{sides}]
  pe_array.columns: [{sides}]
  global_buffer.size_bytes: [32768, 65536, 131072, 262144, 524288]
  dram.bandwidth_bytes_per_cycle: [8, 16]
objectives: [time_ms, energy, area_mm2]
"""


@dataclass(frozen=True)
class Search:
    """A command, and how many candidates it evaluates."""

    name: str
    title: str
    candidates: int
    arguments: tuple[str, ...]


DEPTH: Final = ("search", "depth", "--quiet", "--format", "json")
SEARCHES: Final = (
    Search(
        "depth",
        "depths, 87 blocks of sqnxt23v2 on 16x16_128k",
        102_340,
        (*DEPTH, "--net", "sqnxt23v2", "--hw", "16x16_128k", "--total-blocks", "87"),
    ),
    Search(
        "planned",
        "depths, sqnxt23v5@resolution=128 on npu_int8_256k",
        153,
        (*DEPTH, "--net", "sqnxt23v5@resolution=128", "--hw", "npu_int8_256k", "--fix", "stage1=2"),
    ),
    Search(
        "machines",
        "machines, mobilenet_v2 on 490 of 8 to 64 a side",
        490,
        ("sweep", "--quiet", "--format", "json"),
    ),
    Search(
        "arrays",
        "machines, mobilenet_v2 on 490 of 8 to 32 a side",
        490,
        ("sweep", "--quiet", "--format", "json"),
    ),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Searches beside those of another checkout.")
    parser.add_argument("other", type=Path, help="a checkout of the repository")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", choices=[search.name for search in SEARCHES])
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    searches = [search for search in SEARCHES if options.only in (None, search.name)]
    with tempfile.TemporaryDirectory() as folder:
        for name, sides in SIDES.items():
            (Path(folder) / f"{name}.yaml").write_text(SWEEP.format(sides=sides), encoding="utf-8")
        rows = [row(search, Path(folder), options.other, options.rounds) for search in searches]
    headers = ["search", "candidates", "other", "this", "ratio", "this: candidates / s of CPU"]
    table = markdown(headers, rows)
    sys.stdout.write(table + "\n")
    if options.write:
        write_part("searches", table, "python benchmarks/searches.py OTHER --write")


def row(search: Search, sweeps: Path, other: Path, rounds: int) -> list[str]:
    """A search on both sides, in turns: CPU time a candidate."""
    sweep = [str(sweeps / f"{search.name}.yaml")] if search.name in SIDES else []
    arguments = [*search.arguments, *sweep]
    both = [(cpu_s(other, arguments), cpu_s(HERE, arguments)) for _ in range(rounds)]
    this = statistics.median(after for _, after in both if after is not None) / search.candidates
    before = [before for before, _ in both if before is not None]
    count = f"{search.candidates:,}"
    if not before:
        return [search.title, count, "", seconds(this), "", f"{1 / this:,.0f}"]
    that = statistics.median(before) / search.candidates
    return [search.title, count, seconds(that), seconds(this), times(this / that), f"{1 / this:,.0f}"]


def cpu_s(checkout: Path, arguments: Sequence[str]) -> float | None:
    """CPU time of a command of a checkout, with all its processes; None where it cannot be run there."""
    path = str(checkout.resolve())
    code = f"import sys; sys.path.insert(0, {path!r}); from accelsim.cli import main; main()"
    try:
        return run_process((sys.executable, "-c", code, *arguments), checkout).cpu_s
    except ProcessError:
        if checkout == HERE:
            raise
        return None


if __name__ == "__main__":
    main()

"""Both engines on machines that nobody would build: neither time nor memory of the fast one may run away.

    python benchmarks/strange_machines.py              the worst that is known, and 40 drawn at random
    python benchmarks/strange_machines.py --count 400  more of them; events take most of an hour
    python benchmarks/strange_machines.py --seed 7     others
    python benchmarks/strange_machines.py --write      and put the table into docs/performance.md

Each simulation has a process of its own, whose peak of memory is taken, reading and mapping included; the
time is the simulation's alone. Ends with exit code 1 where the fast engine takes longer than events, or more
than three times their memory and 100 MB, or where the two do not observe the same.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from accelsim.cli import settle
from accelsim.descriptions import shipped, vary
from accelsim.errors import AccelsimError
from accelsim.hardware import ActionCounts, Hardware, load_hardware
from accelsim.mapping.options import MappingOptions
from accelsim.network.load import load_network
from accelsim.run import plan_run
from accelsim.simulation.engines import Engine, simulate
from document import markdown, seconds, times, write_part
from timing import run_process, timed

MOST_TILES: Final = 100_000
"""Of a case that is drawn: ten seconds for events."""
MOST_MEMORY_RATIO: Final = 3
MOST_MORE_MEMORY_BYTES: Final = 100 * 10**6
SHORTEST_S: Final = 0.05
"""What takes less is not compared in time: both are done before anybody notices."""
MEGABYTE: Final = 10**6

MACHINES: Final = ("16x16_128k", "8x8_32k")
"""Those that have the keys below."""
CHANGES: Final[Mapping[str, Sequence[Any]]] = {
    "pe_array.rows": (1, 2, 4, 12, 16, 64, 256),
    "pe_array.columns": (1, 2, 3, 4, 8, 16, 64, 256),
    "pe_array.dataflows": (("weight_stationary",), ("output_stationary",)),
    "pe_array.port_words_per_column": (1, 4),
    "pe_array.weight_stationary.accumulators_per_column": (1, 4, 64, 1024),
    "pe_array.output_stationary.partial_sums_per_pe": (1, 4, 16),
    "global_buffer.size_bytes": tuple(1 << bits for bits in (12, 13, 15, 16, 17, 19, 20, 23, 27)),
    "dram.bandwidth_bytes_per_cycle": (0.25, 1, 2, 3.7, 16, 64, 256, 4096),
    "dram.latency_cycles": (0, 1, 10, 100, 500, 5000),
    "dma.descriptors": (1, 2, 3, 8, 64, 1000),
    "vector_unit.lanes_per_column": (1, 2, 16),
    "precision.weights_bits": (2, 8, 16),
    "precision.activations_bits": (4, 8, 16, 32),
    "precision.partial_sums_bits": (2, 16, 32),
    "mapper.tiles": ("time", "energy", "edp"),
}
"""What a drawn machine may have instead of what the file says."""


@dataclass(frozen=True)
class Case:
    """A network on a machine that is another in some respects."""

    network: str
    hardware: str
    batch: int
    changes: Mapping[str, Any]

    def machine(self) -> Hardware:
        """The machine, changed."""
        return vary(load_hardware(self.hardware), **self.changes)

    def __str__(self) -> str:
        changes = ", ".join(
            f"{key.split('.')[-1]} {','.join(value) if isinstance(value, list | tuple) else value}"
            for key, value in self.changes.items()
        )
        batch = f", batch {self.batch}" if self.batch > 1 else ""
        return f"{self.network} on {self.hardware}{batch}: {changes}"


@dataclass(frozen=True)
class Measurement:
    """One engine on one case."""

    simulation_s: float
    peak_bytes: int
    tiles: int
    observed: Sequence[Sequence[int]]
    """Of each layer: when it began and ended, and how long each component was busy; and the peaks."""


KNOWN: Final = (
    Case("densenet121", "16x16_128k", 1, {"pe_array.columns": 2}),
    Case("densenet121", "16x16_128k", 1, {"pe_array.columns": 12, "dram.bandwidth_bytes_per_cycle": 64}),
)
"""Tiles that wait for a slow vector unit: the most there are to remember."""


def _plain(counts: ActionCounts[int]) -> list[int | str]:
    """Counts as JSON holds them."""
    plain: list[int | str] = [
        counts.macs,
        counts.vector_ops,
        counts.register_file_bytes,
        counts.inter_pe_bytes,
    ]
    return [*plain, *(f"{'.'.join(access)}={count}" for access, count in sorted(counts.accesses.items()))]


def main() -> int:
    """Measure, print, and write what is asked for."""
    parser = argparse.ArgumentParser(description="Both engines on strange machines.")
    parser.add_argument("--count", type=int, default=40, help="machines drawn at random")
    parser.add_argument("--seed", type=int, default=1, help="of the drawing")
    parser.add_argument("--write", action="store_true", help="bring docs/performance.md up to date")
    parser.add_argument("--child", nargs=3, metavar=("ENGINE", "CASE", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        engine, case, file = options.child
        write_measurement(engine, Case(**json.loads(case)), Path(file))
        return 0
    rows, broken = [], 0
    for case in (*KNOWN, *drawn(options.count, options.seed)):
        events, fast = measured("events", case), measured("fast", case)
        complaints = broken_bars(events, fast)
        broken += bool(complaints)
        rows.append((case, events, fast))
        sys.stdout.write(f"{case}: {fast.simulation_s:.3f} s of {events.simulation_s:.3f} s")
        sys.stdout.write(f" {' and '.join(complaints)}\n")
        sys.stdout.flush()
    text = table(rows)
    sys.stdout.write(f"\n{text}\n")
    if options.write:
        command = f"python benchmarks/strange_machines.py --count {options.count} --write"
        write_part("strange", text, command)
    return 1 if broken else 0


def drawn(count: int, seed: int) -> list[Case]:
    """So many cases that can be mapped and are over before long, any network, up to six changes each."""
    draw = random.Random(seed)
    cases: list[Case] = []
    while len(cases) < count:
        keys = draw.sample(sorted(CHANGES), draw.randint(1, 6))
        case = Case(
            draw.choice(shipped.names("networks")),
            draw.choice(MACHINES),
            draw.choice((1, 1, 1, 2, 4, 16)),
            {key: draw.choice(CHANGES[key]) for key in keys},
        )
        try:
            plan = plan_run(load_network(case.network), case.machine(), MappingOptions(batch=case.batch))
        except AccelsimError:  # no tile fits: a machine that strange runs nothing
            continue
        if sum(mapping.totals.steps for mapping in plan.schedule.mappings) <= MOST_TILES:
            cases.append(case)
    return cases


def write_measurement(engine: Engine, case: Case, file: Path) -> None:
    """What a process of its own does: one engine, one case."""
    settle()
    plan = plan_run(load_network(case.network), case.machine(), MappingOptions(batch=case.batch))
    simulation_s, activity = timed(lambda: simulate(plan.schedule, plan.hardware, engine=engine))
    observed = [
        [
            layer.start_cycle,
            layer.end_cycle,
            layer.dram_busy_cycles,
            layer.array_busy_cycles,
            layer.vector_busy_cycles,
            *_plain(layer.counts),
        ]
        for layer in activity.layers
    ]
    observed.append([*(size for _, size in sorted(activity.peak_bank_bytes.items()))])
    tiles = sum(mapping.totals.steps for mapping in plan.schedule.mappings)
    file.write_text(
        json.dumps({"simulation_s": simulation_s, "tiles": tiles, "observed": observed}), encoding="utf-8"
    )


def measured(engine: Engine, case: Case) -> Measurement:
    """One engine on one case in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "measurement.json"
        command = [sys.executable, __file__, "--child", engine, json.dumps(asdict(case)), str(file)]
        peak_bytes = run_process(command, Path(folder)).peak_bytes
        return Measurement(peak_bytes=peak_bytes, **json.loads(file.read_text(encoding="utf-8")))


def broken_bars(events: Measurement, fast: Measurement) -> list[str]:
    """What the fast engine must not do, and did."""
    complaints = []
    if fast.simulation_s > max(events.simulation_s, SHORTEST_S):
        complaints.append("SLOWER than events")
    if fast.peak_bytes > MOST_MEMORY_RATIO * events.peak_bytes + MOST_MORE_MEMORY_BYTES:
        complaints.append("MORE MEMORY than allowed")
    if fast.observed != events.observed:
        complaints.append("DIFFERENT results")
    return complaints


def table(rows: Sequence[tuple[Case, Measurement, Measurement]]) -> str:
    """The known cases, and the worst of those that were drawn, in time and in memory."""
    drawn_rows = rows[len(KNOWN) :]
    shown = [("", *row) for row in rows[: len(KNOWN)]]
    if drawn_rows:
        slowest = min(drawn_rows, key=lambda row: row[1].simulation_s / row[2].simulation_s)
        largest = max(drawn_rows, key=lambda row: row[2].peak_bytes / row[1].peak_bytes)
        shown += [
            (f"least gain of {len(drawn_rows)} drawn: ", *slowest),
            (f"most memory of {len(drawn_rows)} drawn: ", *largest),
        ]
    cells = [
        [
            f"{label}{case}",
            f"{fast.tiles:,}",
            seconds(events.simulation_s),
            seconds(fast.simulation_s),
            times(events.simulation_s / fast.simulation_s),
            f"{events.peak_bytes / MEGABYTE:.0f} MB",
            f"{fast.peak_bytes / MEGABYTE:.0f} MB",
            "DIFFERENT" if events.observed != fast.observed else "identical",
        ]
        for label, case, events, fast in shown
    ]
    headers = ["machine", "tiles", "events", "fast", "events / fast", "events", "fast", "results"]
    return markdown(headers, cells)


if __name__ == "__main__":
    sys.exit(main())

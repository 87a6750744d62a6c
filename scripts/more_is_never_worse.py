"""Offer a machine more of one thing at a time, and look for networks that get worse by it.

    python scripts/more_is_never_worse.py                       everything, as a table
    python scripts/more_is_never_worse.py --only rows,buffer    some parameters
    python scripts/more_is_never_worse.py --write               also into docs/decisions/tile-sizes.md
    python scripts/more_is_never_worse.py --only pool --write   for a pool, into docs/decisions/residency.md

More of a machine can be left unused, so a compiler that is worth its name never makes a network worse by it.
Each network runs by each objective on a ladder of machines that differ in one parameter only. What a run
costs is compared with the least that it cost on any rung below: cycles where the objective is time, energy
where it is energy, and the sum over layers of energy x cycles where it is their product. Ends with exit code
1 where anything gets worse by more than `TOLERANCE`.

A larger memory whose accesses cost more, or which leaks more, is more of one thing and less of another: where
a machine has such a law of size, its prices are held on the way up (an exponent of 0), and nothing leaks.
"""

import argparse
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

from accelsim.descriptions import vary
from accelsim.execution.processes import in_parallel
from accelsim.hardware import Hardware, Objective, load_hardware
from accelsim.network.load import load_network
from accelsim.report.files.writing import write
from accelsim.result import RunResult
from accelsim.reuse.cache import Cache
from accelsim.run import run_network

DECISIONS: Final = Path(__file__).parent.parent / "docs" / "decisions"
NETWORKS: Final = ("sqnxt23v5", "squeezenet_v1_1", "mobilenet_v2", "shufflenet_v2", "resnet18", "resnet50")
MACHINES: Final = ("8x8_32k", "16x16_128k")
OBJECTIVES: Final[tuple[Objective, ...]] = get_args(Objective)
TOLERANCE: Final = 0.005
"""By which part a network may get worse: layers overlap, and each is mapped by itself."""


@dataclass(frozen=True)
class Ladder:
    """Values of one parameter, each of which offers more than the one before."""

    key: str
    values: tuple[Any, ...]
    machines: tuple[str, ...] = MACHINES
    also: Mapping[str, Any] = field(default_factory=dict)
    """What else the machines are made to be."""


POOL: Final = "pool"
KIB_OF_POOL: Final = (192, 240, 288, 384, 480, 576, 768, 960, 1152, 1536, 1920, 2304, 3072, 4096)
"""Of sizes twice as large as each other, a fourth more and half as much again."""
LADDERS: Final[Mapping[str, Ladder]] = {
    "rows": Ladder("pe_array.rows", (4, 8, 12, 16, 24, 32, 64, 128)),
    "columns": Ladder("pe_array.columns", (4, 8, 12, 16, 24, 32, 64, 128)),
    "dataflows": Ladder(
        "pe_array.dataflows", (("weight_stationary",), ("weight_stationary", "output_stationary"))
    ),
    "dataflows (reversed)": Ladder(
        "pe_array.dataflows", (("output_stationary",), ("output_stationary", "weight_stationary"))
    ),
    "buffer": Ladder("global_buffer.size_bytes", tuple(int(2**power) * 1024 for power in range(4, 12))),
    "bandwidth": Ladder("dram.bandwidth_bytes_per_cycle", (1, 2, 4, 6, 8, 16, 32, 64, 128)),
    "latency": Ladder("dram.latency_cycles", (400, 200, 100, 50, 20, 5, 0)),
    "descriptors": Ladder("dma.descriptors", (1, 2, 3, 4, 8, 16, 64)),
    "accumulators": Ladder(
        "pe_array.weight_stationary.accumulators_per_column", (8, 16, 32, 48, 64, 96, 128, 256, 1024)
    ),
    "port words": Ladder("pe_array.port_words_per_column", (1, 2, 3, 4, 8, 16)),
    "partial sums": Ladder("pe_array.output_stationary.partial_sums_per_pe", (1, 2, 3, 4, 6, 8, 12, 16, 32)),
    POOL: Ladder(
        "memories.global_buffer.size_bytes",
        tuple(kib * 1024 for kib in KIB_OF_POOL),
        machines=("16x16_128k",),
        also={"memories.global_buffer.banks": "pool", "memories.global_buffer.keeps": ["activations"]},
    ),
}
EACH_LAYER: Final = tuple(name for name in LADDERS if name != POOL)
"""Of machines on which each layer is mapped by itself."""


class Climb(NamedTuple):
    """One network, by one objective, up one ladder."""

    network: str
    machine: str
    parameter: str
    objective: Objective


class Rung(NamedTuple):
    """What a climb costs at one value."""

    value: Any
    cost: float
    worse: float
    """By which part, than the best rung below."""


def main() -> None:
    """Climb every ladder, print the table, say what got worse."""
    parser = argparse.ArgumentParser(description="Does a network get worse where a machine offers more?")
    parser.add_argument("--only", metavar="PARAMETER,...", help=f"some of: {', '.join(LADDERS)}")
    parser.add_argument("--objectives", metavar="OBJECTIVE,...", default=",".join(OBJECTIVES))
    parser.add_argument("--networks", metavar="NAME,...", default=",".join(NETWORKS))
    parser.add_argument("--write", action="store_true", help="bring the page of docs/decisions/ up to date")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(EACH_LAYER)
    if unknown := sorted({*names} - {*LADDERS}):
        parser.error(f"--only: {', '.join(unknown)}: must be among {', '.join(LADDERS)}")
    climbs = [
        Climb(network, machine, name, objective)
        for name in names
        for machine in LADDERS[name].machines
        for network in options.networks.split(",")
        for objective in options.objectives.split(",")
    ]
    climbed: dict[Climb, list[Rung]] = {}
    for name in names:
        some = [climb for climb in climbs if climb.parameter == name]
        found = dict(zip(some, in_parallel(rungs, some), strict=True))
        climbed |= found
        sys.stdout.write(table(found).splitlines()[-1] + "\n")
        for sentence in breaches(found):
            sys.stdout.write(f"{sentence}\n")
        sys.stdout.flush()
    if options.write:
        document = DECISIONS / ("residency.md" if names == [POOL] else "tile-sizes.md")
        write(document, with_table(document.read_text(encoding="utf-8"), table(climbed)))
    sys.exit(any(True for _ in breaches(climbed)))


def rungs(climb: Climb) -> list[Rung]:
    """What a network costs at each value of a parameter."""
    network, machine = load_network(climb.network), at_held_prices(load_hardware(climb.machine))
    ladder, found, least = LADDERS[climb.parameter], [], math.inf
    for value in ladder.values:
        hardware = vary(machine, **{**ladder.also, ladder.key: value})
        result = run_network(network, hardware, objective=climb.objective, cache=Cache())
        in_pool = climb.parameter == POOL
        cost = (
            product_of(result) if in_pool and climb.objective == "edp" else cost_of(result, climb.objective)
        )
        found.append(Rung(value, cost, cost / least - 1 if math.isfinite(least) else -math.inf))
        least = min(least, cost)
    return found


def at_held_prices(machine: Hardware) -> Hardware:
    """A machine on which what an access costs, and what is drawn at all times, do not depend on sizes."""
    laws = {
        f"memories.{memory.name}.energy": memory.energy.at_size(memory.size_bytes).model_dump()
        for memory in machine.memories
        if memory.energy is not None and memory.energy.at_bytes is not None
    }
    leaks = {
        f"memories.{memory.name}.leakage_mw_per_kib": None
        for memory in machine.memories
        if memory.leakage_mw_per_kib is not None
    }
    area = {} if machine.area is None else {"area.leakage_mw_per_mm2": None}
    return vary(machine, **laws, **leaks, **area)


def product_of(result: RunResult) -> float:
    """Energy times delay of a network as a whole."""
    return result.energy.total * result.cycles


def cost_of(result: RunResult, objective: Objective) -> float:
    """What the objective goes by, of a whole network."""
    match objective:
        case "time":
            return result.cycles
        case "energy":
            return result.energy.total
        case "edp":
            return math.fsum(layer.energy * layer.cycles for layer in result.layers)


def breaches(climbed: Mapping[Climb, Sequence[Rung]]) -> Iterator[str]:
    """A sentence for each rung that is worse than one below by more than is tolerated; the worst first."""
    worse = [
        (rung.worse, climb, rung)
        for climb, found in climbed.items()
        for rung in found
        if rung.worse > TOLERANCE
    ]
    for part, climb, rung in sorted(worse, key=lambda entry: -entry[0]):
        yield (
            f"{climb.network} on {climb.machine} by {climb.objective}: "
            f"{LADDERS[climb.parameter].key} = {rung.value} is {100 * part:.2f}% worse than a rung below"
        )


def table(climbed: Mapping[Climb, Sequence[Rung]]) -> str:
    """Of each parameter and objective: steps up, how many make anything worse, and the worst of them."""
    lines = ["| parameter | values | steps | worse by more than 0.5% | worst, by time | by energy | by edp |"]
    lines.append("|---|---|---:|---:|---:|---:|---:|")
    for name in dict.fromkeys(climb.parameter for climb in climbed):
        steps = {
            objective: [
                rung.worse
                for climb, found in climbed.items()
                if climb.parameter == name and climb.objective == objective
                for rung in found[1:]
            ]
            for objective in OBJECTIVES
        }
        worse = [part for parts in steps.values() for part in parts]
        worst = [f"{100 * max((0.0, *parts)):.2f}%" for parts in steps.values()]
        cells = [name, _values(LADDERS[name].values), str(len(worse)), str(sum(p > TOLERANCE for p in worse))]
        lines.append(f"| {' | '.join([*cells, *worst])} |")
    return "\n".join(lines)


def _values(values: Sequence[Any]) -> str:
    return ", ".join(str(len(value)) if isinstance(value, tuple) else f"{value:,}" for value in values)


def with_table(text: str, lines: str) -> str:
    """The document with a new table between its markers."""
    begin, end = "<!-- begin scan -->", "<!-- end scan -->"
    return re.sub(f"(?s){begin}.*?{end}", lambda _: f"{begin}\n\n{lines}\n\n{end}", text)


if __name__ == "__main__":
    main()

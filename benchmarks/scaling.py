"""How accelsim's own time grows: with layers, tiles and candidate mappings; and fast against events.

    python benchmarks/scaling.py                      everything; the events of ResNet-152 take minutes of it
    python benchmarks/scaling.py --quick              smaller cases, one run of each
    python benchmarks/scaling.py --only layers,tiles  some parts
    python benchmarks/scaling.py --write              and put the tables into docs/performance.md

Times are CPU times of a warm process: everything is imported, and descriptions are read. Nothing is
remembered from one run to the next, but where it says `again`.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

from accelsim.cli import settle
from accelsim.descriptions import shipped, vary
from accelsim.hardware import Hardware, load_hardware
from accelsim.mapping.candidates import candidates
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.schedule import Schedule
from accelsim.network.build import build
from accelsim.network.description import Network
from accelsim.network.load import load_network
from accelsim.network.lowering import lower
from accelsim.planning.compiler import make_schedule
from accelsim.reuse.cache import Cache
from accelsim.run import run_network
from accelsim.simulation.activity import Activity
from accelsim.simulation.engines import Engine, simulate
from accelsim.validation.published import load_published
from document import markdown, seconds, times, write_part
from timing import median_s, timed
from workloads import HARDWARE, synthetic

T = TypeVar("T")

RUNS: Final = 5
LAYERS: Final = (10, 20, 40, 80, 160)
ROWS_OF_PICTURE: Final = (8, 80, 800, 8000)
BATCHES: Final = (10, 100, 1000)
BUFFER_KIB: Final = (8, 32, 128, 512, 2048, 8192)
DEEP: Final = "resnet152"
DEEP_BATCH: Final = 64


def main() -> None:
    """Measure, print, and write what is asked for."""
    parser = argparse.ArgumentParser(description="How accelsim's own time grows.")
    parser.add_argument("--only", metavar="PART,...", help=f"some of: {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="smaller cases, one run of each")
    parser.add_argument("--write", action="store_true", help="bring docs/performance.md up to date")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(PARTS)
    if unknown := sorted({*names} - {*PARTS}):
        parser.error(f"--only: {', '.join(unknown)}: must be among {', '.join(PARTS)}")
    warm_up()
    for name in names:
        text = PARTS[name](options.quick)
        sys.stdout.write(f"{name}\n\n{text}\n\n")
        sys.stdout.flush()
        if options.write:
            quick = "--quick " if options.quick else ""
            write_part(name, text, f"python benchmarks/scaling.py {quick}--only {name} --write")


def warm_up() -> None:
    """Set up the process as `accelsim` does, import what a run imports, compute what no other run uses."""
    settle()
    hardware = vary(load_hardware(HARDWARE), **{"pe_array.rows": 3, "global_buffer.size_bytes": 50_000})
    network = synthetic(layers=2, rows=9)
    run_network(network, hardware, engine="fast")
    run_network(network, hardware, engine="events")


# --- parts


def networks_part(quick: bool) -> str:
    """The networks of the published table: nothing remembered, and everything."""
    table = load_published("squeezenext")
    machines = {name: load_hardware(name) for name in table.machines}
    rows = []
    for name in table.titles:
        network, cells, layers = load_network(name), [], 0
        for hardware in machines.values():
            cache = Cache()
            first, result = median_s(partial(run_network, network, hardware), 1 if quick else RUNS)
            run_network(network, hardware, cache=cache)
            again, _ = median_s(partial(run_network, network, hardware, cache=cache), RUNS)
            layers = len(result.layers)
            cells += [seconds(first), f"{layers / first:.0f}", seconds(again)]
        rows.append([name, str(layers), *cells])
    headers = ["network", "layers"]
    for name in machines:
        headers += [name, "layers/s", "again"]
    return markdown(headers, rows)


def repository_part(quick: bool) -> str:
    """Every network of the repository on every machine that runs all, one after the other in one process."""
    networks = [load_network(name) for name in shipped.names("networks")[: 3 if quick else None]]
    machines = [load_hardware(name) for name in shipped.names("hardware")]
    machines = [machine for machine in machines if not machine.keeps("activations")]
    took = _all_of_them(networks, machines)
    (slowest_s, slowest, layers), total = max(took), sum(time_s for time_s, *_ in took)
    rows = [
        ["networks x machines", f"{len(networks)} x {len(machines)}"],
        ["layers", f"{sum(count for *_, count in took):,}"],
        ["time", seconds(total)],
        ["slowest", f"{slowest}, {layers} layers: {seconds(slowest_s)}"],
    ]
    return markdown(["all networks of the repository", "nothing remembered"], rows, left=2)


def _all_of_them(networks: Sequence[Network], machines: Sequence[Hardware]) -> list[tuple[float, str, int]]:
    took = []
    for network in networks:
        for hardware in machines:
            time_s, result = timed(partial(run_network, network, hardware))
            took.append((time_s, f"{network.name} on {hardware.name}", len(result.layers)))
    return took


def layers_part(quick: bool) -> str:
    """Time against the number of layers, no two of which are alike."""
    hardware, rows = load_hardware(HARDWARE), []
    for count in LAYERS[: 3 if quick else None]:
        first, _ = median_s(partial(run_network, synthetic(layers=count), hardware), 1 if quick else RUNS)
        rows.append([str(count), seconds(first), seconds(first / count)])
    return markdown(["distinct layers", "time", "time / layer"], rows, left=0)


def tiles_part(quick: bool) -> str:
    """Time against the number of tiles of one layer: a higher picture, or more pictures."""
    hardware, rows, few = load_hardware("8x8_32k"), [], ROWS_OF_PICTURE[0]
    cases = [(f"{height:,} rows", height, 1) for height in ROWS_OF_PICTURE]
    cases += [(f"{few} rows, batch {batch:,}", few, batch) for batch in BATCHES]
    for label, height, batch in [case for case in cases if not quick or case[1] * case[2] <= 1000]:
        run = partial(run_network, synthetic(rows=height), hardware, batch=batch)
        first, result = median_s(run, 1 if quick else RUNS)
        rows.append([label, f"{result.layers[0].tiles:,}", f"{result.cycles:,}", seconds(first)])
    return markdown(["one 3x3 convolution on 8x8_32k", "tiles", "cycles", "time"], rows)


def candidates_part(quick: bool) -> str:
    """Time of the mapping search against the number of mappings that it compares."""
    graph, rows = lower(build(load_network(DEEP))), []
    for size in BUFFER_KIB[: 3 if quick else None]:
        hardware = vary(load_hardware(HARDWARE), **{"global_buffer.size_bytes": size * 1024})
        first, schedule = median_s(partial(make_schedule, graph, hardware), 1 if quick else RUNS)
        distinct = {mapping.layer for mapping in schedule.mappings}
        count = sum(
            len(candidates(layer, hardware, dataflow))
            for layer in distinct
            for dataflow in (hardware.pe_array.dataflows if layer.on_array else (VECTOR,))
        )
        cells = [f"{size:,} KB", str(len(distinct)), f"{count:,}", seconds(first), seconds(first / count)]
        rows.append(cells)
    headers = [f"{DEEP}, 16x16, buffer of", "distinct layers", "candidates", "search", "time / candidate"]
    return markdown(headers, rows)


def engines_part(quick: bool) -> str:
    """The fast engine against the event by event one, on the same schedules."""
    rows = []
    networks = list(load_published("squeezenext").titles)[: 3 if quick else None]
    for name in load_published("squeezenext").machines:
        hardware = load_hardware(name)
        schedules = [make_schedule(lower(build(load_network(network))), hardware) for network in networks]
        rows.append(_engines_row(f"{len(networks)} networks on {name}", schedules, hardware, quick))
    hardware, batch = load_hardware(HARDWARE), 2 if quick else DEEP_BATCH
    schedule = make_schedule(lower(build(load_network(DEEP))), hardware, MappingOptions(batch=batch))
    rows.append(_engines_row(f"{DEEP}, batch {batch}, on {HARDWARE}", [schedule], hardware, quick))
    return markdown(["simulation only", "tiles", "events", "fast", "events / fast", "results"], rows)


def _engines_row(label: str, schedules: Sequence[Schedule], hardware: Hardware, quick: bool) -> list[str]:
    events_s, expected = timed(partial(_simulated, schedules, hardware, "events"))
    fast_s, found = median_s(partial(_simulated, schedules, hardware, "fast"), 1 if quick else RUNS)
    tiles = sum(mapping.totals.steps for one in schedules for mapping in one.mappings)
    return [
        label,
        f"{tiles:,}",
        seconds(events_s),
        seconds(fast_s),
        times(events_s / fast_s),
        "identical" if found == expected else "DIFFERENT",
    ]


def _simulated(schedules: Sequence[Schedule], hardware: Hardware, engine: Engine) -> list[Activity]:
    return [simulate(schedule, hardware, engine=engine) for schedule in schedules]


PARTS: Final[Mapping[str, Callable[[bool], str]]] = {
    "networks": networks_part,
    "repository": repository_part,
    "layers": layers_part,
    "tiles": tiles_part,
    "candidates": candidates_part,
    "engines": engines_part,
}

if __name__ == "__main__":
    main()

"""Where the time of `accelsim run` goes: start-up, imports, stages, functions.

python benchmarks/where_time_goes.py                        print the tables
python benchmarks/where_time_goes.py --only stages          some of them
python benchmarks/where_time_goes.py --write                and put them into docs/performance.md
"""

import argparse
import cProfile
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import CodeType
from typing import Final

from accelsim.hardware import load_hardware
from accelsim.network.build import build
from accelsim.network.load import load_network
from accelsim.network.lowering import lower
from accelsim.planning.compiler import make_schedule
from accelsim.report.tables.run import run_report
from accelsim.report.text.table import Style
from accelsim.run import run_network
from accelsim.simulation.engines import simulate
from document import markdown, seconds, write_part
from timing import run_process, timed

NETWORK: Final = "squeezenet_v1_1"
HARDWARE: Final = "16x16_128k"
PROFILED_RUNS: Final = 20
NETWORKS: Final = (NETWORK, "sqnxt23v5", "resnet152")
RUN: Final = ("-m", "accelsim", "run", "--net", NETWORK, "--hw", HARDWARE)
READY: Final = (
    "from accelsim.cli import settle; settle(); "
    "import accelsim.cli.app, accelsim.run, accelsim.report.tables.run; "
    "from accelsim import load_hardware, load_network; "
    f"load_network({NETWORK!r}); load_hardware({HARDWARE!r})"
)
"""What happens before anything is computed."""
COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "python -c pass": ("-c", "pass"),
    "accelsim --version": ("-m", "accelsim", "--version"),
    "accelsim --help": ("-m", "accelsim", "--help"),
    "all imports and descriptions of the run": ("-c", READY),
    f"accelsim run --net {NETWORK} --hw {HARDWARE}": RUN,
}
RUNS: Final = 9
SHOWN: Final = 12
ROOT: Final = Path(__file__).parents[1]


def main() -> None:
    """Measure, print, and write what is asked for."""
    parser = argparse.ArgumentParser(description="Where the time of `accelsim run` goes.")
    parser.add_argument("--only", metavar="PART,...", help=f"some of: {', '.join(PARTS)}")
    parser.add_argument("--write", action="store_true", help="bring docs/performance.md up to date")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(PARTS)
    if unknown := sorted({*names} - {*PARTS}):
        parser.error(f"--only: {', '.join(unknown)}: must be among {', '.join(PARTS)}")
    for name in names:
        text = PARTS[name]()
        sys.stdout.write(f"{name}\n\n{text}\n\n")
        if options.write:
            write_part(name, text, f"python benchmarks/where_time_goes.py --only {name} --write")


def startup_part() -> str:
    """Whole processes, each one step further than the one before."""
    rows = []
    for label, arguments in COMMANDS.items():
        samples = [run_process((sys.executable, *arguments), Path.cwd()) for _ in range(RUNS + 1)][1:]
        time_s = statistics.median(sample.wall_s for sample in samples)
        peak_bytes = max(sample.peak_bytes for sample in samples)
        cpu_s = statistics.median(sample.cpu_s for sample in samples)
        what = f"`{label}`" if " -" in label else label
        rows.append([what, seconds(time_s), seconds(cpu_s), f"{peak_bytes >> 20} MB"])
    return markdown(["whole process", "time", "CPU", "memory"], rows)


def imports_part() -> str:
    """Time in the modules of each package that a run imports, the modules that they import left out."""
    own_us: Counter[str] = Counter()
    for line in _importtime().splitlines():
        own, _, name = line.removeprefix("import time:").split("|")
        if own.strip().isdecimal():
            package = name.strip().partition(".")[0]
            own_us["standard library" if package in sys.stdlib_module_names else package] += int(own)
    rows = [[package, seconds(microseconds / 1e6)] for package, microseconds in own_us.most_common(SHOWN)]
    return markdown(["package", "imports"], [["all", seconds(sum(own_us.values()) / 1e6)], *rows])


def _importtime() -> str:
    """What Python says of its imports in a run that finds its modules compiled, as in launcher.py."""
    command = [sys.executable, "-X", "importtime", *RUN]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(2):  # the first one compiles
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stderr


def stages_part() -> str:
    """Time of each stage from the files to the table, all of it imported, nothing remembered."""
    columns = [[_stages_s(name) for _ in range(RUNS)] for name in NETWORKS]
    rows = [
        [stage, *(seconds(statistics.median(run[stage] for run in runs)) for runs in columns)]
        for stage in columns[0][0]
    ]
    return markdown(["stage", *NETWORKS], rows)


def _stages_s(name: str) -> dict[str, float]:
    read_s, (network, hardware) = timed(lambda: (load_network(name), load_hardware(HARDWARE)))
    build_s, published = timed(lambda: build(network))
    lower_s, graph = timed(lambda: lower(published))
    map_s, schedule = timed(lambda: make_schedule(graph, hardware))
    simulate_s, _ = timed(lambda: simulate(schedule, hardware))
    result = run_network(network, hardware)
    table_s, _ = timed(lambda: run_report(result, Style(), "all"))
    return {
        "read both files": read_s,
        "build the graph": build_s,
        "lower it": lower_s,
        "choose the mappings": map_s,
        "simulate": simulate_s,
        "write the table": table_s,
    }


def functions_part() -> str:
    """The functions in which a run spends most, those that they call left out."""
    spent = _profiled()
    total_s = sum(own_s for _, own_s, _ in spent)
    rows = [
        [f"`{where}`", f"{calls:,}", f"{100 * own_s / total_s:.0f}%"] for where, own_s, calls in spent[:SHOWN]
    ]
    return markdown([f"{NETWORK} on {HARDWARE}", "calls", "own time"], rows)


def _profiled() -> list[tuple[str, float, int]]:
    """(where, own time [s], calls in a run) of every function, those that take longest first.

    Of several runs, and in processor time, so that other programs' share of a busy machine is nobody's.
    Built-in functions count to those that call them.
    """
    network, hardware = load_network(NETWORK), load_hardware(HARDWARE)
    profile = cProfile.Profile(time.process_time, builtins=False)
    for _ in range(PROFILED_RUNS):
        profile.runcall(run_network, network, hardware)
    rows = [
        (_where(entry.code), entry.inlinetime, round(entry.callcount / PROFILED_RUNS))
        for entry in profile.getstats()
    ]
    return sorted(rows, key=lambda row: -row[1])


def _where(code: str | CodeType) -> str:
    if isinstance(code, str):
        return code.strip("<>")
    if code.co_filename == "<string>":
        return "namedtuple __new__"  # compiled by the standard library
    path = Path(code.co_filename)
    file = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name
    return f"{file} {code.co_qualname}"


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "startup": startup_part,
    "imports": imports_part,
    "stages": stages_part,
    "functions": functions_part,
}

if __name__ == "__main__":
    main()

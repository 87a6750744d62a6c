"""Sweep files: read; of few candidates all are evaluated, of many some are made."""

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from accelsim.errors import AccelsimError
from accelsim.execution.processes import Processes
from accelsim.search.metrics import METRICS
from accelsim.search.sampling import plan_for
from accelsim.search.spec import Sweep, read_sweep
from accelsim.search.sweep import SweepResult, run_sweep
from fuzz.door import Door
from fuzz.doors.files import FIRST, SECOND, lay
from fuzz.judge import check_network, require
from fuzz.mutate import CORPUS, file_like, shown

_FEW: Final = 12


@dataclass(frozen=True)
class SweepFile:
    """A file, and which candidates are made where there are many."""

    content: bytes
    fractions: tuple[float, ...]


def _make(random: Random) -> SweepFile:
    return SweepFile(file_like("sweeps", random), tuple(random.random() for _ in range(3)))


def _feed(file: SweepFile) -> None:
    lay(FIRST, "first.yaml")
    lay(SECOND, "second.yaml")
    for name in ("small", "published", "wide"):
        lay(CORPUS / "machines" / f"{name}.yaml", f"{name}.yaml")
    Path("sweep.yaml").write_bytes(file.content)
    sweep = read_sweep("sweep.yaml")
    if sweep.size <= _FEW:
        _check(run_sweep(sweep, plan_for(sweep), executor=Processes(1)))
    for fraction in file.fractions:
        _make_candidate(sweep, int(fraction * sweep.size))


def _make_candidate(sweep: Sweep, index: int) -> None:
    """A candidate may be impossible; that is no mistake of the file."""
    try:
        sweep.hardware(index)
        check_network(sweep.network(index))
    except AccelsimError:
        return


def _check(result: SweepResult) -> None:
    """Raise NonsenseError where a candidate has figures that no machine has."""
    require(result.evaluated == result.sweep.size, "candidates that were not evaluated")
    for candidate in result.candidates:
        for name in METRICS:
            figure = candidate.figure(name)
            possible = figure is None or 0 <= figure < float("inf")
            require(possible, "a figure that is negative or no number", f"{name}: {figure}")


def _show(file: SweepFile) -> str:
    return shown({"sweep.yaml": file.content})


DOOR: Final = Door("sweep", _make, _feed, _show)

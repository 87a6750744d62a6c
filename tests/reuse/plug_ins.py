"""A package of somebody else's that brings a dataflow, in a folder of its own."""

import importlib
import sys

from accelsim.hardware import registry
from accelsim.reuse import foreign

DATAFLOW = """
from dataclasses import replace

from accelsim.mapping.dataflows.weight_stationary import WeightStationary

from theirs.factor import FACTOR


class Slow(WeightStationary):
    name, short, title = "slow", "SL", "slow"

    def execute(self, layer, tile, resumes, hardware):
        work = super().execute(layer, tile, resumes, hardware)
        return replace(work, cycles=work.cycles * FACTOR)


SLOW = Slow()
"""


PASSES = """
from accelsim.verification.passes import ArrayPasses
from accelsim.verification.passes.weight_stationary import accumulate, walk

from theirs.factor import FACTOR


def slower(tile, machine):
    counts = walk(tile, machine)
    counts.cycles *= FACTOR
    return counts


PASSES = ArrayPasses(slower, accumulate, skips_zeros=False)
"""


def install(
    folder,
    *,
    entries="slow = theirs.slow:SLOW",
    passes="",
    factor="FACTOR = 2\n",
    version="1.0",
    package="theirs",
):
    """Write the package with its entry points into a folder, which is on the path of imports."""
    sources = folder / "theirs"
    sources.mkdir(parents=True, exist_ok=True)
    (sources / "__init__.py").write_text("")
    (sources / "slow.py").write_text(DATAFLOW)
    (sources / "passes.py").write_text(PASSES)
    (sources / "factor.py").write_text(factor)
    information = folder / f"{package}-{version}.dist-info"
    information.mkdir(exist_ok=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    (information / "entry_points.txt").write_text(
        f"[accelsim.dataflows]\n{entries}\n[accelsim.passes]\n{passes}\n"
    )
    forget()


def forget():
    """Know nothing of other packages, as a new process does."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "theirs"]:
        del sys.modules[name]
    importlib.invalidate_caches()
    for cached in (registry.registered, registry.entry_points_by_name, foreign.code_of):
        cached.cache_clear()

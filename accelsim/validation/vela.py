"""What Arm's Vela estimates for Ethos-U55-128, as it was kept: `benchmarks/vela.py` runs it.

Vela is the compiler of that machine and says for each network how many cycles it expects, what lies in SRAM
and in flash. That is another model, not a measurement.
"""

import csv
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

Mode: TypeAlias = Literal["performance", "size"]
MACHINE: Final = "ethos_u55_128"
NETWORKS: Final = ("mobilenet_v2", "mlperf_tiny_ic", "mlperf_tiny_vww", "mlperf_tiny_kws", "mlperf_tiny_ad")
KEPT: Final = Path(__file__).with_name("vela_ethos_u55_128.csv")
SOURCE: Final = "Arm, Vela 5.2.0, ethos-u55-128, models with random weights (benchmarks/vela.py)"


class VelaEstimate(NamedTuple):
    """Of one network, compiled in one mode.

    Attributes:
        cycles: Its estimate of an inference, of 500 MHz.
        sram_bytes: Of the arena.
        vela: The release.
        date: When it ran.
    """

    network: str
    mode: Mode
    """`performance` runs each layer at once, `size` runs chains of layers stripe by stripe."""
    cycles: int
    sram_bytes: int
    flash_bytes: int
    """Of weights and offsets as they lie in flash, once."""
    flash_read_bytes: int
    """That an inference reads: layers that are run in stripes read theirs several times."""
    vela: str
    date: str


def load_vela() -> tuple[VelaEstimate, ...]:
    """What was kept.

    Example:
        >>> {estimate.vela for estimate in load_vela()}, len(load_vela())
        ({'5.2.0'}, 10)
    """
    with KEPT.open(encoding="utf-8", newline="") as file:
        return tuple([_estimate(row) for row in csv.DictReader(file)])


def _estimate(row: dict[str, str]) -> VelaEstimate:
    mode: Mode = "size" if row["mode"] == "size" else "performance"
    return VelaEstimate(
        network=row["network"],
        mode=mode,
        cycles=int(row["cycles"]),
        sram_bytes=int(row["sram_bytes"]),
        flash_bytes=int(row["flash_bytes"]),
        flash_read_bytes=int(row["flash_read_bytes"]),
        vela=row["vela"],
        date=row["date"],
    )

"""What machines were held against: whose figures, of what kind, and how far off the simulation is.

A machine is told by the digest of its description (`Hardware.digest`), not by its name: one that differs in
any value that results follow from was held against nothing. The errors are those of `accelsim reproduce`;
tests/published hold them to it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

Kind = Literal["silicon", "RTL", "simulator"]
"""What was measured: a chip, its description at the level of registers, or another simulation."""


class QuantityErrors(NamedTuple):
    """|ln(simulated / measured)| of one quantity.

    Attributes:
        cells: How many figures there are.
        median: Of the absolute errors.
        largest: Likewise.

    Example:
        >>> QuantityErrors("time", cells=5, median=0.03, largest=0.06).quantity
        'time'
    """

    quantity: str
    """As `time`."""
    cells: int
    median: float
    largest: float


class HeldAgainst(NamedTuple):
    """Figures that a machine was held against.

    Attributes:
        kind: What they are of.
        measured_by: Who published them, and where.
        of: What was run.

    Example:
        >>> from accelsim import run_network
        >>> held = run_network("sqnxt23v5", "16x16_128k").held_against
        >>> held.kind, [errors.quantity for errors in held.errors]
        ('simulator', ['time', 'energy'])
    """

    kind: Kind
    measured_by: str
    of: str
    errors: tuple[QuantityErrors, ...]
    fitted: str
    """Which parameters were chosen by these figures; empty where none was."""

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {**self._asdict(), "errors": [errors._asdict() for errors in self.errors]}


_SQUEEZENEXT: Final = HeldAgainst(
    kind="simulator",
    measured_by="Gholami et al., SqueezeNext, arXiv:1803.10615",
    of="13 networks on two machines",
    errors=(
        QuantityErrors("time", cells=24, median=0.0149, largest=0.0370),
        QuantityErrors("energy", cells=26, median=0.0209, largest=0.0951),
    ),
    fitted="what the paper leaves open",
)
_EYERISS: Final = HeldAgainst(
    kind="silicon",
    measured_by="Chen et al., Eyeriss, JSSC 2017",
    of="5 layers of AlexNet, by the chip's mappings, and 13 of VGG-16",
    errors=(
        QuantityErrors("active PEs", cells=18, median=0.0, largest=0.2624),
        QuantityErrors("processing time", cells=18, median=0.0201, largest=0.0598),
        QuantityErrors("time", cells=18, median=0.0845, largest=0.1422),
        QuantityErrors("buffer traffic", cells=15, median=0.0027, largest=0.0394),
        QuantityErrors("DRAM traffic", cells=18, median=0.0427, largest=0.1192),
        QuantityErrors("power", cells=18, median=0.0332, largest=0.1318),
    ),
    fitted="two constants of power on AlexNet; channels of a pass on VGG-16's processing",
)
_GEMMINI: Final = HeldAgainst(
    kind="RTL",
    measured_by="Hong et al., DOSA, MICRO 2023",
    of="36 layers in 82 mappings, in 94 groups of repeats, each as it was run",
    errors=(QuantityErrors("time", cells=94, median=0.0519, largest=1.1800),),
    fitted="two constants of the cache on half of them; eight values by trials on all",
)
_GAP9: Final = HeldAgainst(
    kind="silicon",
    measured_by="GreenWaves Technologies, MLPerf Tiny v1.0",
    of="2 of 4 networks of MLPerf Tiny",
    errors=(QuantityErrors("time", cells=2, median=0.0013, largest=0.0019),),
    fitted="two constants on both; the other two networks are predictions",
)
_VELA: Final = HeldAgainst(
    kind="simulator",
    measured_by="Arm, Vela 5.2.0, ethos-u55-128",
    of="mobilenet_v2 and the 4 networks of MLPerf Tiny, weights drawn evenly",
    errors=(
        QuantityErrors("time", cells=5, median=0.0478, largest=0.1828),
        QuantityErrors("flash", cells=5, median=0.0168, largest=0.1068),
    ),
    fitted="",
)
HELD_AGAINST: Final[Mapping[str, HeldAgainst]] = MappingProxyType(
    {
        "1365c07e5efb2507": _SQUEEZENEXT,  # 8x8_32k
        "e6ef0e077ddced45": _SQUEEZENEXT,  # 16x16_128k
        "51502a14c39695c3": _EYERISS,  # eyeriss
        "08b416f7d8998d17": _GEMMINI,  # gemmini_16x16
        "5a4de2fe3f62c5d5": _GAP9,  # gap9_ne16
        "9c35cf64125963dc": _VELA,  # ethos_u55_128
    }
)
"""By the digests of their descriptions. What moves a digest, or an error, asks for `accelsim reproduce`."""

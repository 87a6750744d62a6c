"""What verifying a schedule came to."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from accelsim.verification.mismatch import Mismatch
from accelsim.version import __version__

Extent = Literal["all", "sampled"]


@dataclass(frozen=True)
class LayerVerification:
    """One layer, executed.

    Example:
        >>> import accelsim
        >>> (conv1,) = accelsim.verify("sqnxt23v5", "16x16_128k", layers=["conv1"]).layers
        >>> conv1.extent, conv1.computed_macs == conv1.macs, conv1.mismatch
        ('sampled', False, None)
    """

    name: str
    """As the schedule has it."""
    dataflow: str
    """The one that its mapping runs by."""
    like: str | None
    """The layer of the same form whose program was executed in its place."""
    steps: int
    """All of them are walked: what is where, bytes, room and counts."""
    macs: int
    """Multiply-accumulates of the loop nest; of a layer of the vector unit, elements in its windows."""
    computed_macs: int
    """Those that were computed on integers."""
    extent: Extent
    """Whether integers were computed for all tiles, or for some of a large layer."""
    traffic: dict[str, dict[str, dict[str, int]]]
    """Counted on the way, by memory, access and operand: bytes; of registers and hops words."""
    mismatch: Mismatch | None
    """The first access that differs; None where there is none."""


def together(outcomes: Sequence[LayerVerification]) -> LayerVerification:
    """A layer that runs for one image after the other, or stripe by stripe: the sums, and what differs first.

    Args:
        outcomes: Of each time that it runs, in turn.

    Returns:
        One of all of them.

    Example:
        >>> import accelsim
        >>> (conv1,) = accelsim.verify("sqnxt23v5", "16x16_128k", layers=["conv1"]).layers
        >>> together([conv1, conv1]).steps == 2 * conv1.steps
        True
    """
    first, *_ = outcomes
    traffic: dict[str, dict[str, dict[str, int]]] = {}
    for outcome in outcomes:
        for memory, accesses in outcome.traffic.items():
            for access, by_operand in accesses.items():
                summed = traffic.setdefault(memory, {}).setdefault(access, {})
                for operand, amount in by_operand.items():
                    summed[operand] = summed.get(operand, 0) + amount
    return replace(
        first,
        steps=sum([outcome.steps for outcome in outcomes]),
        macs=sum([outcome.macs for outcome in outcomes]),
        computed_macs=sum([outcome.computed_macs for outcome in outcomes]),
        extent="all" if all(outcome.extent == "all" for outcome in outcomes) else "sampled",
        traffic=traffic,
        like=None if any(outcome.like is None for outcome in outcomes) else first.like,
        mismatch=next((outcome.mismatch for outcome in outcomes if outcome.mismatch is not None), None),
    )


@dataclass(frozen=True)
class Verification:
    """A schedule, executed on integers.

    Example:
        >>> import accelsim
        >>> verification = accelsim.verify("sqnxt23v5", "16x16_128k", layers=["conv1"])
        >>> verification.proven, verification.mismatches
        (True, {})
    """

    network: str
    """Its name."""
    hardware: str
    """The machine's."""
    batch: int
    """Images that ran together."""
    layers: tuple[LayerVerification, ...]
    """Those that were asked for, in the order of the schedule: once all that stays is on chip."""
    first_inference: tuple[LayerVerification, ...] = ()
    """The same layers in the first inference, in which pinned weights come; empty where none are pinned."""
    seconds: float = field(default=0.0, compare=False)
    """How long it took; no part of the JSON, which is the same each time."""

    @property
    def proven(self) -> bool:
        """Whether nothing differs."""
        return not self.mismatches

    @property
    def mismatches(self) -> dict[str, Mismatch]:
        """Of the layers that differ, by their names; `NAME (first inference)` where they do in that one."""
        steady = {layer.name: layer.mismatch for layer in self.layers if layer.mismatch is not None}
        first = {
            f"{layer.name} (first inference)": layer.mismatch
            for layer in self.first_inference
            if layer.mismatch is not None
        }
        return steady | first

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "accelsim": __version__,
            "network": self.network,
            "hardware": self.hardware,
            "batch": self.batch,
            "proven": self.proven,
            "macs": sum(layer.macs for layer in self.layers),
            "computed_macs": sum(layer.computed_macs for layer in self.layers),
            "layers": _rows(self.layers),
            **({"first_inference": _rows(self.first_inference)} if self.first_inference else {}),
        }


def _rows(layers: tuple[LayerVerification, ...]) -> list[dict[str, Any]]:
    return [layer_row(layer) | {"traffic": layer.traffic} for layer in layers]


def layer_row(layer: LayerVerification) -> dict[str, Any]:
    """A layer as a row of a table."""
    return {
        "name": layer.name,
        "dataflow": layer.dataflow,
        "like": layer.like,
        "steps": layer.steps,
        "macs": layer.macs,
        "computed_macs": layer.computed_macs,
        "extent": layer.extent,
        "mismatch": None if layer.mismatch is None else str(layer.mismatch),
    }

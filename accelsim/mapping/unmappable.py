"""Unmappable: why a layer has no mapping, as values; their sentences are what a `MappingError` says."""

from typing import NamedTuple, TypeAlias

from accelsim.descriptions.phrases import counted
from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.network.layer import Layer


class NoTileFits(NamedTuple):
    """The smallest tile that is tried is larger than half of the bank that it exceeds most.

    Attributes:
        bank: That of which operand.
        tile_bytes: What the tile takes.
        half_bank_bytes: What there is for it.

    Example:
        >>> str(NoTileFits(Operand.INPUTS, "sram", 90, 64, "size_bytes", 540))[-46:]
        'memories.sram.size_bytes = 540 would hold them'
    """

    bank: Operand
    memory: str
    """Which the bank is a part of."""
    tile_bytes: int
    half_bank_bytes: int
    key: str
    """Of the memory, with dots: what says how large the bank is."""
    needed_bytes: int
    """Its least value with which half of the bank holds the tile."""

    def __str__(self) -> str:
        memory, size = self.memory.replace("_", " "), counted(self.tile_bytes, "byte")
        return (
            f"no tile fits: for one output and one input channel the {self.bank} take {size}, "
            f"half of their share of the {memory} is {self.half_bank_bytes}; "
            f"memories.{self.memory}.{self.key} = {self.needed_bytes} would hold them"
        )


class Uncountable(NamedTuple):
    """What a layer does for a batch exceeds the 64 bits in which it is counted.

    Attributes:
        batch: Images.

    Example:
        >>> print(Uncountable(batch=65536, largest_batch=16))
        what it does for 65536 images together cannot be counted in 64 bits: a batch of 16 can
    """

    batch: int
    largest_batch: int
    """That can be counted; 0 where a single image cannot."""

    def __str__(self) -> str:
        remedy = f"a batch of {self.largest_batch} can" if self.largest_batch else "make it smaller"
        together = f"{self.batch} images together" if self.batch > 1 else "an image"
        return f"what it does for {together} cannot be counted in 64 bits: {remedy}"


class NotListed(NamedTuple):
    """The array cannot run the dataflow that is asked for.

    Attributes:
        dataflow: Its name.

    Example:
        >>> print(NotListed("row_stationary", ("weight_stationary",)))
        the array cannot run the dataflow 'row_stationary': pe_array.dataflows lists weight_stationary
    """

    dataflow: str
    listed: tuple[str, ...]
    """Those that the machine lists."""

    def __str__(self) -> str:
        return (
            f"the array cannot run the dataflow {self.dataflow!r}: pe_array.dataflows lists "
            f"{', '.join(self.listed)}"
        )


class NoDataflowRuns(NamedTuple):
    """No dataflow of the array can run the layer, and there is no host.

    Attributes:
        refusals: Each dataflow with its reason.

    Example:
        >>> print(NoDataflowRuns((("row_stationary", "kernels of 1x1 alone"),)))
        no dataflow of the array can run it (row_stationary: kernels of 1x1 alone); a `host:` would
    """

    refusals: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        reasons = "; ".join(f"{dataflow}: {reason}" for dataflow, reason in self.refusals)
        return f"no dataflow of the array can run it ({reasons}); a `host:` would"


class NotPriced(NamedTuple):
    """The machine's table of multiply-accumulates by bits has none as wide as a layer's operands.

    Attributes:
        bits: Of the wider operand.

    Example:
        >>> print(NotPriced(bits=16, listed=(4, 8)))
        multiplies 16 bits, and energy.mac has prices for 4 and 8 bits: must have one for 16 or more
    """

    bits: int
    listed: tuple[int, ...]
    """For which the machine has prices."""

    def __str__(self) -> str:
        listed = " and ".join(map(str, self.listed))
        sentence = f"multiplies {self.bits} bits, and energy.mac has prices for {listed} bits"
        return f"{sentence}: must have one for {self.bits} or more"


class NothingAsGiven(NamedTuple):
    """No mapping is as it is said beforehand.

    Attributes:
        key: Of what is said: `tile`, `bounds.K`.
        sentence: Why.

    Example:
        >>> print(NothingAsGiven("bounds.K", "no tile of K, of which there are 8, is a multiple of 16"))
        no tile of K, of which there are 8, is a multiple of 16
    """

    key: str
    sentence: str

    def __str__(self) -> str:
        return self.sentence


Unmappable: TypeAlias = NoTileFits | Uncountable | NotListed | NoDataflowRuns | NotPriced | NothingAsGiven
"""Why a layer has no mapping."""


def unmappable_sentence(layer: Layer, hardware: Hardware, reason: Unmappable) -> str:
    """What is said of a layer without a mapping; first where it was told how it is to be mapped."""
    sentence = f"{layer.name} on {hardware.name}: {reason}"
    if layer.given is None or not isinstance(reason, NothingAsGiven):
        return sentence
    return f"{layer.given.position}: {reason.key}: {sentence}"

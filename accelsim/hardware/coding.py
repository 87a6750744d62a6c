"""Coding: how memories off chip hold what lies in them compressed."""

import math
from typing import Self

from pydantic import model_validator

from accelsim.descriptions import Description
from accelsim.descriptions.quantities import PairsPerWord, Ratio, RunBits


class RunLength(Description):
    """A code of pairs: how many zeros, and the next element (Chen et al., Eyeriss, JSSC 2017).

    Of elements of 16 bits, three pairs and a bit that ends them are a word of 64.

    Example:
        >>> RunLength().part(density=0.25, bits=16) < 0.34 < RunLength().part(density=1.0, bits=16)
        True
    """

    run_bits: RunBits = 5
    """Of the number of zeros; longer runs take a pair with an element that is zero."""
    pairs_per_word: PairsPerWord = 3
    """That share the bit which says whether the last of them is there."""

    def part(self, density: float, bits: int) -> float:
        """What elements take, for each bit that they are.

        Args:
            density: The part of them that is not zero; where zeros are is taken to be random.
            bits: Of an element.

        Returns:
            Bits of the code for each bit.
        """
        # A pair is for one element that is not zero, or for 2^run_bits zeros, whichever comes first.
        most_elements = 1 << self.run_bits
        elements_of_pair = (1 - math.pow(1 - density, most_elements)) / density
        bits_of_pair = self.run_bits + bits + 1 / self.pairs_per_word
        return bits_of_pair / (bits * elements_of_pair)


class Compress(Description):
    """How what a memory holds is compressed; coding and decoding keep up with the channel, at no cost."""

    weights: Ratio | None = None
    """Bytes for each byte of weights and offsets, of layers of which the network says no `weight_ratio`; None
    where weights lie as they are."""
    activations: RunLength | None = None
    """The code of outputs of which the network says an `activation_density`; others lie as they are."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.weights is None and self.activations is None:
            raise ValueError("must say how weights, activations or both are compressed")
        return self

"""Area: what the parts of a chip take, in one process; nothing is scaled to another."""

from typing import Annotated

from pydantic import Field

from accelsim.descriptions import Description
from accelsim.descriptions.quantities import Bits, SquareMillimetres

Words = Annotated[str, Field(min_length=1)]


class AreaTable(Description):
    """What the parts of a chip take [mm2], in one process; nothing is scaled to another."""

    process: Words
    """In which the figures are: `65 nm`."""
    word_bits: Bits
    """Of the PEs that the source measured."""
    pe_mm2: SquareMillimetres
    """A PE with its multiplier, adder and operand registers, without its register file of partial sums."""
    register_file_mm2_per_kib: SquareMillimetres
    """Partial sums in the PEs and accumulators below the columns."""
    global_buffer_mm2_per_kib: SquareMillimetres
    """Of memories on chip."""
    rest_mm2: SquareMillimetres
    """What is there whatever the size of the rest: control."""

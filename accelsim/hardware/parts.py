"""Parts of a machine of which its file says little: its compiler, where networks end, the vector unit."""

from typing import Literal

from accelsim.descriptions import Description
from accelsim.descriptions.quantities import PerColumn
from accelsim.hardware.memory import MemoryName

Objective = Literal["time", "energy", "edp"]
"""What is to be small: cycles, energy, or their product (energy-delay product)."""
RunningOrder = Literal["network", "least_peak"]
"""Of layers."""


class Mapper(Description):
    """By what the machine's compiler chooses among the mappings of a layer."""

    tiles: Objective = "time"
    """Tile sizes and loop order, for each dataflow."""
    dataflow: Objective = "time"
    """The dataflow, each with its best tiles."""
    order: RunningOrder = "network"
    """In which layers run: as the network lists them, or so that tensors take as little at once as can be."""


class Ends(Description):
    """Where the network's input lies before it runs, and its results afterwards.

    Attributes:
        inputs: A memory; None is the outermost one that holds them.
        outputs: A memory.

    Example:
        >>> Ends(inputs="sram").outputs is None
        True
    """

    inputs: MemoryName | None = None
    outputs: MemoryName | None = None


class VectorUnit(Description):
    """Where bias, activation, addition and pooling happen, on the way from the array to memory."""

    lanes_per_column: PerColumn = 1
    """Operations per cycle, for each column of the array."""

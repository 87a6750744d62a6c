"""Along which axes the tensors of a layer lie."""

from collections.abc import Mapping
from typing import Final

AXES: Final[Mapping[str, tuple[str, ...]]] = {
    "inputs": ("N", "operand", "G", "C", "IY", "IX"),
    "factors": ("N", "G", "factor"),
    "weights": ("G", "K", "C", "FY", "FX"),
    "offsets": ("G", "K"),
    "residual": ("N", "operand", "G", "K", "OY", "OX"),
    "residual_factors": ("N", "G", "K", "factor"),
    "outputs": ("N", "G", "K", "OY", "OX"),
    "results": ("N", "G", "K", "OY", "OX"),
}
"""By the name of the tensor; the axes of a region's ranges."""

"""Operand: what a tile holds, and what memories keep, move and count."""

from enum import StrEnum


class Operand(StrEnum):
    """The tensors of a layer, as memories see them; their order is that of counts and reports.

    Example:
        >>> [str(operand) for operand in Operand]
        ['inputs', 'weights', 'outputs', 'residual']
    """

    INPUTS = "inputs"
    WEIGHTS = "weights"
    """With their offsets."""
    OUTPUTS = "outputs"
    """Partial sums while they are unfinished."""
    RESIDUAL = "residual"
    """What a fused operator reads beside the layer's outputs: what a shortcut adds, a gate multiplies by."""

    @property
    def of_layers(self) -> bool:
        """Whether it is what other layers put out, and so has to wait for them."""
        return self is not Operand.WEIGHTS

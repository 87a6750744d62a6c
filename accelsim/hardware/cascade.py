"""Cascade: how many layers of a chain a machine may run stripe by stripe, the rows between them on chip."""

from accelsim.descriptions import Description
from accelsim.descriptions.quantities import CascadeLayers


class Cascade(Description):
    """What a machine's compiler may do depth first.

    Attributes:
        layers: Of one cascade, at most: layers that follow one another, of which each runs a stripe of rows
            as soon as the one before it has written what it reads.

    Example:
        >>> Cascade(layers=4).layers
        4
    """

    layers: CascadeLayers

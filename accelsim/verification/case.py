"""What is executed: a layer, the program that a mapping has for it, and the machine it was made for."""

from collections.abc import Callable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.regions import Region
from accelsim.network.layer import Layer
from accelsim.verification.forms import Form, form_of
from accelsim.verification.functions import Integers
from accelsim.verification.homes import homes_of
from accelsim.verification.passes import passes_of
from accelsim.verification.sizes import Sizes
from accelsim.verification.storage import slices
from accelsim.verification.tensors import Tensors, operand_counts, random_tensors, with_zeros

SEED = 2018
"""Of the integers and of the tiles that are drawn; any other does as well."""


def with_images_as_groups(layer: Layer, batch: int) -> tuple[Layer, int]:
    """The same work, and how many images it is for: one where each image multiplies by a matrix of its own.

    A group is a part of the work that shares nothing with others, and so is such an image.
    """
    if not layer.multiplies_activations:
        return layer, batch
    fused = tuple(replace(operator, vector_ops=operator.vector_ops * batch) for operator in layer.fused)
    return replace(layer, G=layer.G * batch, fused=fused), 1


@dataclass(frozen=True)
class Case:
    """A layer and a mapping of it, on a machine."""

    layer: Layer
    """As it was lowered, for one image."""
    mapping: Mapping
    hardware: Hardware
    batch: int
    pool_bytes: int = 0
    """What tensors take of the pool while the layer runs."""
    places: MappingOf[Operand, str] = field(default_factory=dict)
    """The memories that its operands lie in; what is left out is where it always is."""

    @cached_property
    def homes(self) -> dict[str, str]:
        """The memory that each operand comes from or goes to."""
        return homes_of(self.hardware, self.places)

    @property
    def mapped(self) -> Layer:
        """The mapping's own layer, which may be another form of the same work."""
        return self.mapping.layer

    @cached_property
    def form(self) -> Form:
        """The form that it is."""
        return form_of(self.layer, self.mapped, self.batch)

    @property
    def images(self) -> int:
        """Images that the mapping's own layer goes through."""
        return self.form.images

    @property
    def products(self) -> int:
        """Of the loop nest, for all images: multiply-accumulates, or what stands in windows and operands."""
        layer = self.layer
        window = layer.C * layer.FY * layer.FX
        return self.batch * layer.output_elements * window * layer.operands

    @cached_property
    def density(self) -> float:
        """The part of the weights that is not zero, of a pruned layer or of one whose zeros are skipped."""
        if self.mapped.weight_density is not None:
            return self.mapped.weight_density
        dataflow = self.mapping.dataflow
        if not self.layer.on_array or not passes_of(dataflow).skips_zeros:
            return 1.0
        density: float = getattr(self.hardware.pe_array.dataflows[dataflow], "weight_density", 1.0)
        return density

    @cached_property
    def tensors(self) -> Tensors:
        """Operands of random integers, with as many zeros among the weights as the layer has."""
        tensors = random_tensors(self.layer, self.batch, SEED)
        if not self.layer.on_array:
            return tensors
        weights = with_zeros(tensors.arrays["weights"], self.mapping.tile, self.density)
        return Tensors(self.layer, self.batch, {**tensors.arrays, "weights": weights})

    @cached_property
    def nonzero(self) -> Callable[[Region], int]:
        """Counts the weights of a region that are not zero."""
        counts: dict[Region, int] = {}
        weights: Integers = self.tensors.arrays["weights"] if self.layer.on_array else np.zeros(())

        def nonzero(region: Region) -> int:
            if region not in counts:
                counts[region] = int(np.count_nonzero(weights[slices(region.ranges)]))
            return counts[region]

        return nonzero

    @cached_property
    def sizes(self) -> Sizes:
        """Bytes of the layer's regions on the machine."""
        return Sizes(self.mapped, self.hardware.precision, self.nonzero)

    @cached_property
    def fused(self) -> list[tuple[str, int, int]]:
        """Fused operators: name, tensors and factors for each channel that it reads."""
        return [(operator.operator, *operand_counts(self.layer, operator)) for operator in self.layer.fused]

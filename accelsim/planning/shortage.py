"""Shortage: why a network does not fit a pool, and how large a pool, or how small an image, would do."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from accelsim.descriptions.limits import MAX_BUFFER_BYTES
from accelsim.descriptions.phrases import counted
from accelsim.hardware import Hardware, Operand
from accelsim.mapping.staircase import StepPrices
from accelsim.network.layer import Layer
from accelsim.planning.planner import nothing_kept
from accelsim.planning.residency import DoesNotFit, Pool, ResidencyPlan
from accelsim.planning.tensors import NetworkTensors

_UNBOUNDED: Final = 2**62
"""Bytes that no network takes."""
_STRIDES: Final = 8
"""What rows and columns that a stride need not round up are a multiple of: the largest tensors come early."""


class StepNeed(NamedTuple):
    """What a step needs of the pool at least.

    Example:
        >>> StepNeed(step=3, tensors=(2, 3), tensor_bytes=4096, tile_bytes=96).size_bytes
        4192
    """

    step: int
    """Its place among all steps."""
    tensors: tuple[int, ...]
    """Those that cannot be elsewhere."""
    tensor_bytes: int
    """Of them."""
    tile_bytes: int
    """Of its smallest tiles."""

    @property
    def size_bytes(self) -> int:
        """Of both."""
        return self.tensor_bytes + self.tile_bytes


def step_needs(network: NetworkTensors, pool: Pool, prices: Sequence[StepPrices]) -> list[StepNeed]:
    """What each step needs of the pool at least, whatever its size.

    Args:
        network: Tensors and their uses.
        pool: Where tensors may lie.
        prices: Of each step.

    Returns:
        The needs, in running order: the pool holds the network if it is as large as the largest.

    Example:
        >>> from accelsim.mapping.staircase import StepCost, Staircase
        >>> from accelsim.planning.tensors import LayerUse, Tensor
        >>> tensors = Tensor("image", 60, is_image=True), Tensor("fc", 10, is_result=True)
        >>> network = NetworkTensors(tensors, (LayerUse((0,), (), 1),))
        >>> fc = {frozenset(): Staircase((20,), (70.0,), (StepCost(9),), (0,))}
        >>> step_needs(network, Pool(50, outside=False, image_inside=True, results_inside=True), [fc])
        [StepNeed(step=0, tensors=(0, 1), tensor_bytes=70, tile_bytes=20)]
    """
    plan = nothing_kept(network, replace(pool, size_bytes=_UNBOUNDED), prices)
    assert isinstance(plan, ResidencyPlan)
    return [
        StepNeed(number, step.in_pool, _UNBOUNDED - step.room_bytes, of_step[step.moved].room_bytes[0])
        for number, (step, of_step) in enumerate(zip(plan.steps, prices, strict=True))
    ]


@dataclass(frozen=True)
class Shortage:
    """A network that a machine's pool does not hold.

    Attributes:
        hardware: The machine.
        layers: Of each step.
        network: Their tensors.
        batch: Images that run together.
        fault: The first step that cannot run.
        needs: Of each step, on this machine.
        roomiest: The step that would need most, on a machine whose pool holds all of them.
    """

    hardware: Hardware
    layers: tuple[Layer, ...]
    network: NetworkTensors
    batch: int
    fault: DoesNotFit
    needs: tuple[StepNeed, ...]
    roomiest: StepNeed

    def __str__(self) -> str:
        fault, memory = self.fault, self.memory
        tensors = ", ".join(self._tensor(index) for index in fault.tensors)
        tiles = fault.needed_bytes - sum(self.network.tensors[index].size_bytes for index in fault.tensors)
        beside = f" and {counted(tiles, 'byte')} of tiles" if tiles else ""
        what = f"{tensors}{beside}" if tensors else "its smallest tiles"
        needed = counted(fault.needed_bytes, "byte")
        return (
            f"{self.layers[fault.step].name} on {self.hardware.name}: needs {needed} "
            f"of {memory}, which has {fault.pool_bytes}: {what}{self._why_there()}{self._remedies()}"
        )

    @property
    def memory(self) -> str:
        """The name of the one in which tensors stay."""
        return "" if self.hardware.tensor_bank is None else self.hardware.tensor_bank.memory

    def _tensor(self, index: int) -> str:
        """A tensor with its size; one that several layers write is more than the first one's outputs."""
        tensor = self.network.tensors[index]
        writers = sum(use.output == index for use in self.network.uses)
        others = f" with {counted(writers - 1, 'layer')} beside it" if writers > 1 else ""
        return f"{tensor.name}{others} ({counted(tensor.size_bytes, 'byte')})"

    def _bytes_of_one_pixel(self, index: int) -> int:
        """The size of a tensor that consists of vectors; 0 of others."""
        layers = [
            layer for layer, use in zip(self.layers, self.network.uses, strict=True) if use.output == index
        ]
        is_of_one_pixel = layers and all(layer.stored_elements == layer.G * layer.K for layer in layers)
        return self.network.tensors[index].size_bytes if is_of_one_pixel else 0

    def _why_there(self) -> str:
        """Why tensors have to lie in the pool."""
        if not self.fault.tensors:
            return ""
        home = self.hardware.home(Operand.OUTPUTS)
        if home is not None:
            return f", where io says that the network's ends lie and not in {home.name}"
        return f", and {self.hardware.off_chip[0].name} holds no activations"

    def _remedies(self) -> str:
        """What would help, of what there may be."""
        most, remedies = self.roomiest, []
        if most.size_bytes <= MAX_BUFFER_BYTES:
            whose = (
                f" (as much as {self.layers[most.step].name} takes)" if most.step != self.fault.step else ""
            )
            remedies.append(f"memories.{self.memory}.size_bytes = {most.size_bytes}{whose}")
        if image := self._smaller_image():
            remedies.append(image)
        if self.batch > 1:
            remedies.append(f"fewer images than {self.batch} at a time")
        return f"; would help: {' or '.join(remedies)}" if remedies else ""

    def _smaller_image(self) -> str:
        """About how small an image would have to be: tensors are in proportion to its area, but for rows and
        columns that strides round up, of which there are fewest where they divide it; and for those of one
        pixel, which are as large for every image.
        """
        first, area = self.layers[0], math.inf
        for need in self.needs:
            of_one_pixel = sum([self._bytes_of_one_pixel(index) for index in need.tensors])
            left_bytes = self.fault.pool_bytes - need.tile_bytes - of_one_pixel
            if left_bytes < 0:
                return ""
            if need.tensor_bytes > of_one_pixel:
                area = min(area, left_bytes / (need.tensor_bytes - of_one_pixel))
        if not 0 < area < 1:
            return ""
        height, width = (
            math.floor(side * math.sqrt(area) / _STRIDES) * _STRIDES for side in (first.IY, first.IX)
        )
        if not min(height, width):
            return ""
        return f"images of about {height} x {width} instead of {first.IY} x {first.IX} pixels"

"""DeadlockError: the machine has come to a stop, since a step lacks room that nothing will give up."""

from collections.abc import Sequence
from typing import Self

from accelsim.simulation.task_queue import TileTask


class DeadlockError(RuntimeError):
    """Nothing happens any more, and a layer is not finished: both engines say which in the same words.

    Args:
        layer: The first that is not finished, from 0 on in the order of the schedule; those of images in turn
            are counted on from one image to the next.

    Example:
        >>> str(DeadlockError(3))
        'the simulation came to a stop in layer 3'
    """

    def __init__(self, layer: int) -> None:
        super().__init__(f"the simulation came to a stop in layer {layer}")

    @classmethod
    def of(cls, waiting: Sequence[TileTask], asking_layer: int) -> Self:
        """Of a machine in which nothing is executed or moves: what is not done are the steps that wait for
        the array, and those of the layer that is being asked for.
        """
        return cls(waiting[0].layer if waiting else asking_layer)

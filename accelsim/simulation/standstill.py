"""Standstill: cycles in which nothing is executed, and what the next step still lacks in each of them.

Steps are executed in the order of the schedule, by the array, by the host where they are its own, or by the
vector unit where they have no array cycles. What delays a step is found in the order in which it gets its
things: its operands as they were asked for, then room for its outputs. Each cycle is put down to the first of
them that is missing.
"""

from collections.abc import Mapping, Sequence

import simpy

from accelsim.hardware.operand import Operand
from accelsim.mapping.mapping import Step


class Standstill:
    """Collects what steps were waited for, layer by layer."""

    def __init__(self, layers: int) -> None:
        self._cycles: list[dict[Operand, int]] = [{} for _ in range(layers)]
        self._executed_until = 0
        self._to_execute = 0
        """Steps that the vector unit executes and has been handed."""
        self._to_finish = 0
        """Steps that it has been handed, those of the array included."""
        self._vector_free_at = 0
        """When it was done with the last of them."""
        self._on_host = 0
        """Steps that the host has been handed."""

    def begins(
        self, layer: int, step: Step, loaded: Sequence[tuple[Operand, simpy.Event]], cycle: int
    ) -> None:
        """A step has all that it needs, for the array to execute it or to pass it on to the vector unit."""
        on_vector_unit = not step.array_cycles and not step.on_host
        if self._on_host or (self._to_finish if on_vector_unit else self._to_execute):
            return  # something is executed, or what should execute the step has work left
        since = max(self._executed_until, self._vector_free_at if on_vector_unit else 0)
        for operand, arrival in loaded:
            assert arrival.value is not None  # since it has happened
            since = self._put_down(layer, operand, since, arrival.value)
        self._put_down(layer, Operand.OUTPUTS, since, cycle)

    def leaves_array(self, step: Step, cycle: int) -> None:
        """The array has executed a step, or passed it on."""
        if step.on_host:
            self._on_host += 1
            return
        self._to_finish += step.completes
        if step.completes and not step.array_cycles:
            self._to_execute += 1
        else:
            self._executed_until = max(self._executed_until, cycle)

    def leaves_vector_unit(self, step: Step, cycle: int) -> None:
        """The vector unit has executed a step, or finished one of the array."""
        self._to_finish -= 1
        self._vector_free_at = cycle
        if not step.array_cycles:
            self._to_execute -= 1
            self._executed_until = max(self._executed_until, cycle)

    def leaves_host(self, cycle: int) -> None:
        """The host has executed a step."""
        self._on_host -= 1
        self._executed_until = max(self._executed_until, cycle)

    def cycles(self) -> Sequence[Mapping[Operand, int]]:
        """Of each layer, by what was missing."""
        return self._cycles

    def _put_down(self, layer: int, operand: Operand, since: int, until: int) -> int:
        """Put the time until then down to an operand; what comes next is waited for from there on."""
        if until <= since:
            return since
        of_layer = self._cycles[layer]
        of_layer[operand] = of_layer.get(operand, 0) + until - since
        return until

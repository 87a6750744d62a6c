"""The odometer of loops over tiles: which loops have moved since the step before, and which move next.

Where operands come to a place on chip and stay there, a step brings only what no step before it has brought.
"""

from typing import ClassVar, Final, NamedTuple

from accelsim.hardware.operand import Operand
from accelsim.mapping.mapping import ArrivingPinningStep, ArrivingStep, PinningStep, Step


class TileExtent(NamedTuple):
    """What one tile covers along one loop."""

    size: int
    """Outputs (or channels, or taps)."""
    inputs: tuple[int, ...]
    """Input rows or columns, for each part of the kernel that goes over them."""
    stored: int
    """Output rows or columns that are completed and stored."""
    part: int
    """Which part of the kernel it is; 0 along all loops but those over taps."""
    resumes: bool
    """Whether it adds to the partial sums of the iteration before."""
    completes: bool
    """Whether no other iteration adds to its own."""


class Iterations(NamedTuple):
    """Successive iterations of one loop that are alike, and where in the loop they are."""

    tiles: int
    extent: TileExtent
    """Of one of them."""
    kind: int
    """Which of the loop's kinds of tiles they are."""
    first: bool
    last: bool


class Loop(NamedTuple):
    """One loop over tiles."""

    of_inputs: bool
    """Whether each iteration needs inputs of its own."""
    of_weights: bool
    iterations: tuple[Iterations, ...]
    kinds: tuple[TileExtent, ...]
    """What its tiles cover."""

    @property
    def moves(self) -> bool:
        """Whether there is more than one iteration."""
        return not self.iterations[0].last


class Position(NamedTuple):
    """Where the outer loops of the odometer are, as far as the steps inside depend on it."""

    depth: int
    """How many of the loops that move have been entered."""
    kind: int
    """Of the tiles inside, as far as it is known: a number with a digit for each loop."""
    weights_come: bool
    """Whether the first of the steps inside needs other weights than the step before it."""
    inputs_come: bool
    weights_go: bool
    """Whether the step after the last of those inside needs other weights."""
    inputs_go: bool

    def into(self, loop: Loop, iterations: Iterations) -> "Position":
        """One loop further in; the loop is one that moves.

        From the innermost outwards, a loop at its first iteration has wrapped round, and the next one out has
        moved too; one that is not has moved by one, and those outside stand still.
        """
        return Position(
            self.depth + 1,
            self.kind * len(loop.kinds) + iterations.kind,
            loop.of_weights or (iterations.first and self.weights_come),
            loop.of_inputs or (iterations.first and self.inputs_come),
            loop.of_weights or (iterations.last and self.weights_go),
            loop.of_inputs or (iterations.last and self.inputs_go),
        )


class _BringingPosition(Position):
    """Where operands come once, to the place where they stay: a tile of one is new as long as each loop that
    does not need elements of its own is at its first iteration. They do not go.
    """

    stay: ClassVar[frozenset[Operand]]

    def into(self, loop: Loop, iterations: Iterations) -> "Position":
        """One loop further in."""
        inside = super().into(loop, iterations)
        if Operand.WEIGHTS in self.stay:
            are_new = self.weights_come and (loop.of_weights or iterations.first)
            inside = inside._replace(weights_come=are_new, weights_go=False)
        if Operand.INPUTS in self.stay:
            are_new = self.inputs_come and (loop.of_inputs or iterations.first)
            inside = inside._replace(inputs_come=are_new, inputs_go=False)
        return type(self)(*inside)


class _BringingWeights(_BringingPosition):
    stay = PinningStep.in_place


class _BringingInputs(_BringingPosition):
    stay = ArrivingStep.in_place


class _BringingBoth(_BringingPosition):
    stay = ArrivingPinningStep.in_place


_BEFORE_THE_FIRST_LOOP: Final = Position(0, 0, True, True, True, True)
"""The first step needs everything, and the last one leaves nothing behind."""
BEFORE: Final[dict[frozenset[Operand], tuple[Position, type[Step]]]] = {
    frozenset(): (_BEFORE_THE_FIRST_LOOP, Step),
    PinningStep.in_place: (_BringingWeights(0, 0, True, True, False, True), PinningStep),
    ArrivingStep.in_place: (_BringingInputs(0, 0, True, True, True, False), ArrivingStep),
    ArrivingPinningStep.in_place: (_BringingBoth(0, 0, True, True, False, False), ArrivingPinningStep),
}
"""By what comes to where it stays: where the program begins, and the steps that bring it."""

"""A thousand inputs at each door: each is answered, or refused in a sentence, in little time and memory."""

from collections import Counter

import pytest

from fuzz.door import AnyDoor
from fuzz.doors import DOORS
from fuzz.judge import Failure
from fuzz.workers import verdicts

INPUTS = 1_000
PARTS = 4
"""Of each door's inputs, so that test workers share them."""
SEED = 0


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_inputs_are_answered_or_refused(door: AnyDoor, part: int) -> None:
    became = list(verdicts(door, SEED, range(0, INPUTS, door.every)[part::PARTS]))
    failures = [verdict for verdict in became if isinstance(verdict, Failure)]
    examples = {failure.kind: failure.replay for failure in failures}
    counts = Counter(failure.kind for failure in failures)
    assert not failures, "\n".join(f"{counts[kind]} {kind}: {replay}" for kind, replay in examples.items())
    assert became.count("answered") > len(became) / 20, "hardly any input came far enough to find something"

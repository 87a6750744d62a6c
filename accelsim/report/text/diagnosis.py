"""Why a layer takes the time it takes, in words."""

import math
from collections.abc import Iterator
from typing import Final, assert_never

from accelsim.descriptions.phrases import memory_word
from accelsim.report.text.table import ratio
from accelsim.search.diagnosis import Diagnosis, Fill, FillLoop

NOTABLY: Final = 0.9
"""What is below this part of what could be is named."""
AS_MUCH: Final = 0.995
"""From here on a ratio reads 1.00."""
LOOPS: Final[dict[FillLoop, str]] = {
    "k": "output channels",
    "c": "input channels",
    "y": "output rows",
    "x": "output columns",
}


def reason(diagnosis: Diagnosis) -> str:
    """One sentence."""
    return "; ".join(_reasons(diagnosis))


def loop_words(fill: Fill) -> str:
    """`input channels`, `input channels of a group`."""
    return LOOPS[fill.loop] + (" of a group" if fill.of_group else "")


def _reasons(diagnosis: Diagnosis) -> Iterator[str]:
    match diagnosis.bound_by:
        case "vector":
            yield f"the vector unit works for {diagnosis.busy:.0%} of the time"
        case "host":
            yield f"the host works for {diagnosis.busy:.0%} of the time"
        case "latency":
            tiles = "its only tile waits" if diagnosis.tiles == 1 else f"its {diagnosis.tiles} tiles wait"
            busy = f"{diagnosis.busy:.0%} of the time"
            yield f"{tiles} for {_memory(diagnosis)} and each other: nothing works for more than {busy}"
        case "dram":
            yield from _of_dram(diagnosis)
        case "compute" | "array_fill":
            yield f"the array works for {diagnosis.busy:.0%} of the time"
            yield from _of_array(diagnosis)
        case bound:
            assert_never(bound)


def _of_dram(diagnosis: Diagnosis) -> Iterator[str]:
    traffic = f"{ratio(diagnosis.times_compulsory)} times the least traffic"
    if diagnosis.times_compulsory < AS_MUCH:
        traffic += " of a layer of which nothing stays on chip"
    yield f"{_memory(diagnosis)} streams for {diagnosis.busy:.0%} of the time, {traffic}"
    intensity, balance = diagnosis.macs_per_byte, diagnosis.balance
    if not intensity:
        yield "it multiplies nothing"
    elif intensity < balance:
        yield f"{intensity:.1f} MACs a byte, where a full array needs {balance:.3g}"


def _memory(diagnosis: Diagnosis) -> str:
    return memory_word(diagnosis.memory)


def _of_array(diagnosis: Diagnosis) -> Iterator[str]:
    by_zero = diagnosis.by_zero
    zeros = f", {by_zero:.0%} of them by a weight of zero" if by_zero > 1 - NOTABLY else ""
    yield f"while it works, {diagnosis.array_utilization:.0%} of the array's PE cycles multiply{zeros}"
    badly = [fill for fill in diagnosis.fills if fill.filled < NOTABLY]
    if diagnosis.idle_rows:
        are = "is" if diagnosis.idle_rows == 1 else "are"
        yield f"{diagnosis.idle_rows} of {diagnosis.rows} rows {are} left idle, which is better for the layer"
    yield from (_badly_filled(fill) for fill in badly if fill.across)
    filled = math.prod(fill.filled for fill in diagnosis.fills if fill.across)
    if diagnosis.array_utilization < NOTABLY * filled * (1 - diagnosis.idle_rows / diagnosis.rows):
        yield from (_badly_filled(fill) for fill in badly if not fill.across)
        yield "the rest loads operands and drains results"


def _badly_filled(fill: Fill) -> str:
    room = "a pass has room for" if fill.across else "a loaded block of inputs can serve"
    words = f"{room} {fill.of_a_pass} {loop_words(fill)}"
    if fill.passes == 1:
        return f"{words}, the layer has {fill.extent}"
    return f"{words}, its {fill.extent} fill {fill.filled:.0%} of {fill.passes} passes"

"""A mismatch in words: the one place that writes them."""

import string
from collections.abc import Callable, Mapping
from typing import Any, Final

from accelsim.descriptions.phrases import counted
from accelsim.hardware.counts import Direction
from accelsim.mapping.regions import Range, Region
from accelsim.verification.axes import AXES
from accelsim.verification.difference import Difference, Element, Part, Quantity, TileOfStep

_SENTENCES: Final = {
    Difference.NUMBER: "{quantity}: the schedule says {scheduled}, executing it gives {observed}",
    Difference.LOADS_WHAT_IS_NOT: (
        "loads {tensor} {axis} {start} to {last}, but there are only 0 to {last_of_all}"
    ),
    Difference.FREES_WHAT_IS_NOT_HELD: "frees {region}, which the buffer does not hold",
    Difference.READS_WHAT_IS_NOT_HELD: (
        "reads {tensor} at {axis} {index}, which is not in the buffer; it holds {held:regions}"
    ),
    Difference.READS_OF_SEVERAL_LOADS: (
        "reads {region}, which no single load brought; it holds {held:regions}"
    ),
    Difference.BANK_TOO_SMALL: (
        "{operand} need {used:bytes} of the bank of {bank} together with what is there; it has {room}"
    ),
    Difference.FREES_MORE_THAN_IS_TAKEN: (
        "frees {excess:bytes} of {operand} more than the bank of {bank} holds"
    ),
    Difference.LEAVES_ELEMENTS: "leaves {region} in the buffer",
    Difference.LEAVES_ROOM_TAKEN: "leaves {used:bytes} taken in the bank of {bank}",
    Difference.ADDS_CHANNELS_AGAIN: "adds input channels {channels:range} to {outputs} once more",
    Difference.ADDS_TAPS_AGAIN: (
        "adds input channels {channels:range}, taps {rows:range}, {columns:range}, to {outputs} once more"
    ),
    Difference.LACKS_TAP: "completes {outputs} without tap {row}, {column} of input channel {channel}",
    Difference.LACKS_CHANNELS: "completes {outputs} without input channels {channels:range}",
    Difference.STARTS_ANEW: "starts {outputs} anew while their partial sums are in the buffer",
    Difference.RESUMES_WHAT_IS_NOT_HELD: "adds to partial sums of {outputs}, which are not in the buffer",
    Difference.LEAVES_INCOMPLETE: "leaves {outputs} incomplete",
    Difference.STORES_WHAT_IS_NOT: "stores {results}, which is more than there is",
    Difference.STORES_AGAIN: "stores {results} once more",
    Difference.NEVER_STORES: "never stores {results}",
    Difference.STORES_NOTHING: "completes outputs and stores nothing of them",
    Difference.STORES_OTHER_OUTPUTS: "stores {results}, but completed {outputs}",
    Difference.STORES_OTHER_IMAGES: "stores {results}, which are of other images than the outputs are",
    Difference.STORES_UNFINISHED_WINDOW: "stores {results} before its window is complete",
    Difference.WINDOWS_TOO_LARGE: (
        "keeps {unfinished:bytes} of unfinished pooling windows, but has taken room for {room}"
    ),
    Difference.VALUE: "{element} is {value:g}, computed directly {expected:g}",
    Difference.STEP_WITHOUT_TILE: "has a step {step}, but no tile is left for it",
    Difference.TILE_WITHOUT_STEP: "has no step for the tiles behind its last one",
    Difference.IMAGES_ARE_NO_ROWS: (
        "images are mapped as rows of one picture, but a pixel reads more than one pixel"
    ),
    Difference.PIXELS_ARE_NO_CHANNELS: (
        "pixels are mapped as input channels, but the window is not the whole picture"
    ),
    Difference.OTHER_BOUND: "is mapped as a layer of {bound} = {mapped} where it has {expected}",
    Difference.NOT_SCHEDULED: "is not scheduled",
    Difference.OUT_OF_ORDER: "is scheduled where {layer} should be",
    Difference.READS_LATER_LAYER: "reads the outputs of {producer}, which runs after it",
    Difference.DOES_NOT_WAIT: "reads the outputs of {producer}, but does not wait for it",
    Difference.POOLING_DOES_NOT_WAIT: "pools the outputs of {layer}, but does not wait for it",
    Difference.OTHER_INPUTS: "reads {read} elements of inputs, its producers leave {left}",
    Difference.OTHER_WEIGHTS: "multiplies {read} elements of another layer, which leaves {left}",
    Difference.OTHER_RESIDUAL: "reads {read} elements of second operands, its producers leave {left}",
    Difference.NOT_OF_NETWORK: "is scheduled, but is no layer of the network",
    Difference.NO_SUCH_PLACE: "{operand} lie in {place}; activations may lie in {places}",
    Difference.OTHER_PLACE: "{operand} lie in {place}, but its mapping has them elsewhere",
    Difference.MOVES_WHAT_STAYS: "{operand} lie in {memory}, but are moved",
    Difference.MOVES_TO_NO_PLACE: "{operand} are moved, but {memory} does not hold them",
    Difference.NEVER_MOVES: "{operand} do not move between {place}, where they lie, and tiles",
    Difference.LIES_NOWHERE: "{operand} lie neither in {memory} nor outside",
    Difference.WEIGHTS_ELSEWHERE: "weights are read elsewhere than in {memory}, which holds them",
    Difference.WEIGHTS_COME_AGAIN: "weights lie in {memory} already, but are moved",
    Difference.WEIGHTS_NEVER_COME: (
        "weights are read in {memory}, where nothing brings them in the first inference"
    ),
    Difference.TAKES_ROOM_AGAIN: (
        "has {scheduled} come to where it stays, executing it {observed}: else room is taken for tiles"
    ),
    Difference.LOADS_AGAIN: "loads {region} once more, which stays",
    Difference.NEVER_LOADS: "brings {loaded} of {elements} elements of {tensor}, all of which are to stay",
    Difference.READS_ELSEWHERE: "reads {piece} as {operand} in {place}, where it does not lie",
    Difference.TENSORS_TOO_LARGE: "tensors take {used:bytes} of {memory}; it has {room}",
    Difference.GIVES_UP_WHAT_IS_READ: (
        "gives up {freed:bytes} of {memory}, among them {piece}, which {layer} uses there"
    ),
    Difference.GIVES_UP_RESULT: (
        "gives up {freed:bytes} of {memory}, among them {piece}, which has to lie there in the end"
    ),
    Difference.GIVES_UP_NO_TENSOR: (
        "gives up {freed:bytes} of {memory}; tensors that nobody uses there afterwards take {left}"
    ),
    Difference.RESULT_ELSEWHERE: "{piece}, a result, does not lie in {place} in the end",
    Difference.LACKS_ROWS: "stripe by stripe stores {rows} rows of {all_rows}",
    Difference.READS_LOST_ROW: "reads row {row} of the output of {producer}, in whose place {found} lies",
    Difference.DOES_NOT_WAIT_TO_WRITE: "writes where rows lie that {reader} reads, but does not wait for it",
    Difference.WEIGHTS_MOVE_OTHERWISE: "weights are to {expected} in stripe {stripe}, and do not",
}
_QUANTITIES: Final = {
    Quantity.LOADED_BYTES: "bytes of {operand} that are loaded",
    Quantity.READ_BYTES: "bytes of {operand} as they lie outside",
    Quantity.WRITTEN_BYTES: "bytes of what is stored, as it lies outside",
    Quantity.MOVED_LOAD_BYTES: "bytes that move for {operand} that are loaded",
    Quantity.MOVED_STORE_BYTES: "bytes that move for outputs that are stored",
    Quantity.FREED_BYTES: "bytes of {operand} that are freed",
    Quantity.FREED_BY_VECTOR_UNIT_BYTES: "bytes that the vector unit frees",
    Quantity.TAKEN_BYTES: "bytes that are taken for outputs",
    Quantity.TAKEN_AGAIN_BYTES: "bytes of outputs that are taken once more",
    Quantity.STORED_BYTES: "bytes that are stored",
    Quantity.STORED_INCOMPLETE_BYTES: "bytes of incomplete outputs that are stored",
    Quantity.FREED_INCOMPLETE_BYTES: "bytes of outputs that are freed before they are complete",
    Quantity.COMPLETES: "whether outputs are complete",
    Quantity.STEPS: "steps of the program",
    Quantity.ARRAY_CYCLES: "array cycles",
    Quantity.VECTOR_CYCLES: "vector cycles",
    Quantity.PROGRAM_ARRAY_CYCLES: "array cycles of the program",
    Quantity.PROGRAM_VECTOR_CYCLES: "vector cycles of the program",
    Quantity.ACTIONS: "{action:name} of {component}",
    Quantity.ACCESSED_BYTES: "bytes of {operand} that {component} {direction:verb} the {memory:name}",
    Quantity.IMAGE_BYTES: "bytes of {memory} that the image takes before the first layer",
    Quantity.IMAGE_AND_WEIGHT_BYTES: (
        "bytes of {memory} that the image and pinned weights take before the first layer"
    ),
    Quantity.TENSOR_BYTES: "bytes of {memory} that its tensors take",
    Quantity.LEFT_BYTES: "bytes of {memory} that tensors take in the end",
}
_VERBS: Final = {
    Direction.READ: "reads from",
    Direction.WRITE: "writes to",
    Direction.OVERFETCH: "reads for nothing from",
    Direction.MASKED: "masks of bursts to",
}


class _Sentence(string.Formatter):
    """Fills a sentence with the parts of a mismatch."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """One part, as its place in the sentence asks for it."""
        if format_spec in _FORMATS:
            return _FORMATS[format_spec](value)
        if isinstance(value, Region):
            return region_words(value)
        return element_words(value) if isinstance(value, Element) else format(value, format_spec)


_SENTENCE: Final = _Sentence()


def mismatch_text(difference: Difference, parts: Mapping[str, Part], tile: TileOfStep | None) -> str:
    """What a schedule does otherwise, and at which step: `step 3 (N0:1 K0:16 ...): stores ...`."""
    filled: dict[str, Any] = dict(parts)
    if isinstance(quantity := parts.get("quantity"), Quantity):
        filled["quantity"] = _SENTENCE.vformat(_QUANTITIES[quantity], (), parts)
    sentence = _SENTENCE.vformat(_SENTENCES[difference], (), filled)
    if tile is None:
        return sentence
    sizes = " ".join(f"{letters}{start}:{end}" for letters, (start, end) in tile.ranges.items())
    return f"step {tile.step} ({sizes}): {sentence}"


def element_words(element: Element) -> str:
    """`weights G 0, K 3, C 1, FY 0, FX 2`."""
    axes = zip(AXES[element.tensor], element.indexes, strict=True)
    return f"{element.tensor} {', '.join(f'{axis} {index}' for axis, index in axes)}"


def region_words(region: Region) -> str:
    """`weights G 0, K 0-15, C 0-31`: the axes along which there is more than one element, and where."""
    axes = zip(AXES[region.tensor], region.ranges, strict=True)
    return f"{region.tensor} {', '.join(f'{axis} {range_words(bounds)}' for axis, bounds in axes)}"


def range_words(bounds: Range) -> str:
    """`3`, `0-15`."""
    start, end = bounds
    return str(start) if end - start == 1 else f"{start}-{end - 1}"


_FORMATS: Final[Mapping[str, Callable[[Any], str]]] = {
    "bytes": lambda size: counted(size, "byte"),
    "name": lambda name: str(name).replace("_", " "),
    "range": range_words,
    "regions": lambda regions: "; ".join(map(region_words, regions)) or "none",
    "verb": _VERBS.__getitem__,
}
"""How parts are written that their type does not tell."""

"""What became of published operators, in words."""

from typing import Final

from accelsim.network.executed import Note, Reason

_SENTENCES: Final[dict[Reason, str]] = {
    Reason.IMAGE: "is there before the first layer runs",
    Reason.ON_ARRAY: "runs on the array",
    Reason.INTO_WEIGHTS: "its scale goes into the weights, its shift into the offset",
    Reason.ON_THE_WAY: "is applied to the outputs on their way to memory",
    Reason.NO_LAYER_OF_ITS_OWN: "{about} is the image, or is pooled, put together, or read elsewhere too",
    Reason.POOLS_OUTPUTS: "is applied to the outputs, so that only its results are stored",
    Reason.POOLS_ALONE: (
        "runs on the vector unit: its input is not only its own, or no layer of the array makes it"
    ),
    Reason.COMBINES_OUTPUTS: "is applied to the outputs of its layer",
    Reason.OPERAND_SHARED: "{about}, the last of its operands, is no layer's output that only it reads",
    Reason.OPERAND_NOT_ON_ARRAY: "{about}, which produces its last operand, does not run on the array",
    Reason.OPERAND_SMALLER: "{about}, the last of its operands, is smaller than its output",
    Reason.OPERANDS_TOO_LATE: "its other operands are not complete before {about} runs",
    Reason.RESIZES: "its outputs are others than its inputs",
    Reason.WRITTEN_IN_PLACE: "its producers write straight to their places",
    Reason.OPERANDS_STAY: (
        "some operands have to stay where they are: they are read elsewhere in another order"
    ),
    Reason.CHANNELS_MOVE: "channels change places, so all of them move",
    Reason.SLICES_MOVE: "its slices move, each on its own",
    Reason.MOVES_AS_SOURCE: "its channels move to the places that {about} gives them",
    Reason.PART_IS_READ: "its readers read a part of the channels",
    Reason.ELEMENTS_MOVE: "elements change places, so they move",
    Reason.SAME_ADDRESSES: "rows and columns get other names, and no element moves",
    Reason.INTERLEAVED: "runs on the array as several convolutions, whose outputs lie interleaved",
    Reason.OPERAND_INTERLEAVED: "the layer of {about}, the last of its operands, writes it interleaved",
    Reason.OPERAND_IS_PRODUCT: "{about}, which produces its last operand, reads two tensors as it is",
    Reason.NEEDS_STATISTICS: "needs mean and variance of all before it can change one",
    Reason.NOTHING_AT_INFERENCE: "does nothing at inference",
    Reason.STORED_OUTSIDE: "is stored for somebody outside, too",
    Reason.NO_OPERATOR_HERE: (
        "is no operator here: priced as an operation for each output, on the host where it is said so"
    ),
}
"""Of a note's operator; of the layers that do its work they say "its layer"."""


def reason_words(note: Note) -> str:
    """Why an operator has its fate."""
    return _SENTENCES[note.reason].format(about=note.about)

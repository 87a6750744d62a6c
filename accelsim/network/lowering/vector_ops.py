"""How many operations of the vector unit an operator takes, for each element (docs/model.md lists them)."""

from typing import Final

ACTIVATION_OPS: Final = {
    "relu": 1,  # maximum with 0
    "relu6": 1,  # clamp
    "leaky_relu": 1,  # multiplication by one of two slopes
    "clip": 1,  # clamp
    "linear": 1,  # multiplication or addition
    "abs": 1,
    "negate": 1,
    "sign": 1,
    "step": 1,  # comparison with a constant
    "round": 1,
    "exp": 1,  # table look-up, as all that follow to erf
    "log": 1,
    "power": 1,
    "sqrt": 1,
    "reciprocal": 1,
    "sine": 1,
    "erf": 1,
    "cumulative_sum": 1,  # addition of the sum so far
    "quantize": 3,  # minimum and maximum of all, scale and round
    "elu": 1,  # table look-up
    "softplus": 1,  # table look-up
    "sigmoid": 1,  # table look-up
    "tanh": 1,  # table look-up
    "hard_sigmoid": 2,  # scale and shift, clamp
    "swish": 2,  # table look-up, multiplication
    "gelu": 2,  # table look-up, multiplication
    "mish": 2,  # table look-up, multiplication
    "hard_swish": 3,  # scale and shift, clamp, multiplication
}
"""Operations of the vector unit for each element; assumed: a clamp or a table look-up is one of them."""
BATCH_NORM_OPS: Final = 1
"""For each element, where it cannot be folded into weights: one multiply-add."""
SOFTMAX_OPS: Final = 5
"""For each element: running maximum, difference, table look-up of the exponential, sum, division."""
NORMALIZATION_OPS: Final = {
    "layer_norm": 4,  # sum, sum of squares, multiply-adds by mean and variance, and by scale and shift
    "rms_norm": 3,  # sum of squares, multiplication by the root's reciprocal, multiplication by the scale
    "instance_norm": 3,  # sum, sum of squares, one multiply-add: scale and shift are a channel's
    "group_norm": 3,
}
"""For each element."""
MOVE_OPS: Final = 1
"""For each element that changes its place, in a shuffle or a copy: one move through the vector unit."""
FOREIGN_OPS: Final = 1
"""For each output of what is no operator here: nobody knows; the user lets it pass at that price."""
RESIZE_OPS: Final = {"nearest": 1, "linear": 4, "cubic": 16}
"""For each element that a resizing puts out: a move, or a multiply-add for each neighbour it is made of."""
LRN_EXTRA_OPS: Final = 3
"""For each element, beside the square and the sum over `size` channels (which are `size` operations): scale
and shift, table look-up of the power, multiplication."""

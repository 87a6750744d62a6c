"""Lowering: the published graph -> the graph as executed, and a note on what became of each operator.

The operators are gone through in their order, and a rule says how each is executed: a function from the node
and the layers that there are by then to new layers, or to layers that take the place of those. A rule changes
nothing; what it says (`execution.py`) is taken in by `progress.py`. The table of rules is in `rules.py`.

    loop_nests.py     operators as layers, before anything is fused into them
    convolutions.py   convolution and matrix product are layers of the array
    elementwise.py    batch normalisation is folded into the weights of the convolution before it; operators
                      on single elements are fused into the layer that they read, if nobody else reads it
    residuals.py      an addition, or a gate, is fused into the last of its producers
    pooling.py        a pooling is fused into the layers that produce what it reads
    concatenation.py  a concatenation vanishes where it can be a matter of addresses: channels lie one after
                      another in memory (`layout.py`), so a producer can write straight to its place
    channels.py       slices vanish in the same way; shuffles move
    resizing.py       a layer of its own
    passing.py        what there is nothing to execute of
    splitting.py      a pooling is taken out of a layer again, for machines that cannot execute both at once

Whatever is left is a layer.
"""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.network.lowering.rules import lower
    from accelsim.network.lowering.splitting import unfused

__all__ = [
    "lower",
    "unfused",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "rules": ("lower",),
        "splitting": ("unfused",),
    },
)

"""Even and odd channels apart: ShuffleNet v2's shuffle and split in one."""

from accelsim.errors import NetworkError
from accelsim.network import operators
from accelsim.network.graph import Draft


def split_even_and_odd(draft: Draft, name: str, source: str) -> tuple[str, str]:
    """The even and the odd channels of the source (github.com/megvii-model/ShuffleNet-Series).

    The release shuffles at the start of a unit, not at the end of the one before as the paper draws it.
    """
    channels = draft.shape(source).channels
    if channels % 2:
        raise NetworkError(
            f"{name}: {channels} input channels cannot be split into as many even and odd ones: "
            "give the block before an even number"
        )
    half = channels // 2
    shuffled = operators.channel_shuffle(draft, f"{name}.shuffle", source, groups=half)
    even = operators.channel_slice(draft, f"{name}.even", shuffled, first=0, channels=half)
    odd = operators.channel_slice(draft, f"{name}.odd", shuffled, first=half, channels=half)
    return even, odd

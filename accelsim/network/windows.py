"""Windows: kernels that slide over an input, and how many of them find room in it.

An argument for both axes is one number or (vertical, horizontal). Padding is "same" (as TensorFlow: output =
input / stride rounded up, the smaller half before), one number, (vertical, horizontal) or (top, bottom, left,
right). A negative one leaves out rows or columns of the input: NASNet shifts an input so.
"""

from typing import Literal, NamedTuple, TypeAlias, assert_never

from accelsim.descriptions.limits import MAX_WINDOW
from accelsim.descriptions.quantities import Extent, SignedMargin
from accelsim.errors import NetworkError

Axes: TypeAlias = Extent | tuple[Extent, Extent]
"""One number for both axes, or [vertical, horizontal]."""
SidePadding: TypeAlias = (
    SignedMargin
    | tuple[SignedMargin, SignedMargin]
    | tuple[SignedMargin, SignedMargin, SignedMargin, SignedMargin]
)
"""One number, [vertical, horizontal] or [top, bottom, left, right]."""
AnyPadding: TypeAlias = Literal["same"] | SidePadding
"""`same`, one number, [vertical, horizontal] or [top, bottom, left, right]."""
Rounding: TypeAlias = Literal["floor", "ceil"]


class SizeError(NetworkError):
    """A window that finds no room: the input of the network is too small, or has been shrunk too often."""


class Padding(NamedTuple):
    """Rows and columns of zeros around an input."""

    top: int
    bottom: int
    left: int
    right: int


class Window(NamedTuple):
    """A kernel that slides over an input, in elements; pairs are (vertical, horizontal)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: Padding

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns of the input from the first to the last that a kernel reads."""
        return span(self.kernel[0], self.dilation[0]), span(self.kernel[1], self.dilation[1])


def window_over(
    height: int, width: int, kernel: Axes, stride: Axes, padding: AnyPadding, dilation: Axes = 1
) -> Window:
    """The window over an input of height x width, with everything spelled out."""
    kernels, strides, dilations = both(kernel), both(stride), both(dilation)
    reach = span(kernels[0], dilations[0]), span(kernels[1], dilations[1])
    return Window(kernels, strides, dilations, _padding((height, width), reach, strides, padding))


def output_size(name: str, window: Window, height: int, width: int, rounding: Rounding) -> tuple[int, int]:
    """How many windows of the node of that name there are in an input: height and width of its output."""
    reach, stride, pad = window.reach, window.stride, window.padding
    if max(*reach, *stride, *pad) > MAX_WINDOW:
        raise NetworkError(
            f"{name}: kernel, stride and padding may be {MAX_WINDOW:,} at most, dilation included"
        )
    rows = windows(height, reach[0], stride[0], (pad.top, pad.bottom), rounding)
    columns = windows(width, reach[1], stride[1], (pad.left, pad.right), rounding)
    if rows < 1 or columns < 1:
        padded = f"{height + pad.top + pad.bottom} x {width + pad.left + pad.right}"
        note = f" ({padded} with padding)" if any(pad) else ""
        raise SizeError(
            f"{name}: a kernel of {reach[0]} x {reach[1]} finds no room in its input of "
            f"{height} x {width}{note}; "
            "enlarge the resolution, or shrink the kernel or the strides before it"
        )
    return rows, columns


def span(kernel: int, dilation: int) -> int:
    """Input elements from the first to the last that a kernel reads, along one axis."""
    return (kernel - 1) * dilation + 1


def windows(size: int, reach: int, stride: int, padding: tuple[int, int], rounding: Rounding) -> int:
    """How many windows there are along one axis; 0 when the padded input is smaller than one.

    Rounding up is Caffe's rule for pooling: the last window may hang over the end, but not start there.
    """
    before, after = padding
    slack = size + before + after - reach
    if slack < 0:
        return 0
    match rounding:
        case "floor":
            return slack // stride + 1
        case "ceil":
            count = -(-slack // stride) + 1
            # The last of them starts at (count - 1) * stride of before + size + after elements.
            return count - 1 if (count - 1) * stride >= size + before else count
        case _:
            assert_never(rounding)


def both(axes: Axes) -> tuple[int, int]:
    """An argument for both axes as (vertical, horizontal)."""
    return (axes, axes) if isinstance(axes, int) else axes


def _padding(
    sizes: tuple[int, int], reach: tuple[int, int], stride: tuple[int, int], padding: AnyPadding
) -> Padding:
    if padding == "same":
        return Padding(*_same(sizes[0], reach[0], stride[0]), *_same(sizes[1], reach[1], stride[1]))
    return sides(padding)


def _same(size: int, reach: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME: as much padding as makes the output size / stride, the smaller half first."""
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def sides(padding: SidePadding) -> Padding:
    """A padding that is given in numbers, on each side."""
    if isinstance(padding, int):
        return Padding(padding, padding, padding, padding)
    if len(padding) == 2:
        return Padding(padding[0], padding[0], padding[1], padding[1])
    return Padding(*padding)

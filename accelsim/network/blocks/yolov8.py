"""The blocks of YOLOv8: C2f, SPPF and the head that finds boxes, Detect.

There is no paper; they are github.com/ultralytics/ultralytics, ultralytics/nn/modules/block.py and head.py.
C2f is CSPNet's idea (Wang et al., arXiv:1911.11929) with every bottleneck's output kept; SPPF pools as SPPNet
(He et al., arXiv:1406.4729) does, three times one after another in place of three sizes; Detect has a branch
for boxes and one for classes at each scale, and a box's sides are means over bins (Li et al., Generalized
Focal Loss, arXiv:2006.04388, equation 5).
"""

from collections.abc import Sequence

from accelsim.descriptions.quantities import Channels, Extent, Repeats
from accelsim.errors import NetworkError
from accelsim.network import operators
from accelsim.network.blocks.block import Activation, Block, Position, block
from accelsim.network.blocks.units import normalised
from accelsim.network.graph import Draft


def _halved(name: str, role: str, channels: int) -> int:
    if channels % 2:
        raise NetworkError(f"{name}: {channels} {role} channels cannot be halved; make them a multiple of 2")
    return channels // 2


def _conv(draft: Draft, name: str, source: str, channels: int, kernel: int, activation: Activation) -> str:
    conv = operators.conv(draft, name, source, out_channels=channels, kernel=kernel, padding=kernel // 2)
    return normalised(draft, conv, activation)


@block("c2f")
class C2f(Block):
    """A 1x1 convolution in two halves, bottlenecks one after another on the second, all of them together."""

    out_channels: Channels
    bottlenecks: Repeats = 1
    shortcut: bool = False
    """Whether a bottleneck's input is added to its output."""
    activation: Activation = "swish"

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Two 1x1 convolutions, and two of 3x3 for each bottleneck between them."""
        name, half = position.name, _halved(position.name, "output", self.out_channels)
        both = _conv(draft, f"{name}.cv1", source, 2 * half, 1, self.activation)
        parts = [
            operators.channel_slice(draft, f"{name}.split{part + 1}", both, first=part * half, channels=half)
            for part in (0, 1)
        ]
        for index in range(1, self.bottlenecks + 1):
            branch = _conv(draft, f"{name}.m{index}.cv1", parts[-1], half, 3, self.activation)
            branch = _conv(draft, f"{name}.m{index}.cv2", branch, half, 3, self.activation)
            if self.shortcut:
                branch = operators.add(draft, f"{name}.m{index}.add", (branch, parts[-1]))
            parts.append(branch)
        together = operators.concat(draft, f"{name}.concat", parts)
        return _conv(draft, f"{name}.cv2", together, self.out_channels, 1, self.activation)


@block("sppf")
class SPPF(Block):
    """Half of the channels, and what three maximum poolings one after another make of them."""

    out_channels: Channels
    kernel: Extent = 5
    activation: Activation = "swish"

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """A 1x1 convolution, three poolings at stride 1, another 1x1 convolution of all four."""
        name, half = position.name, _halved(position.name, "input", draft.shape(source).channels)
        parts = [_conv(draft, f"{name}.cv1", source, half, 1, self.activation)]
        for index in (1, 2, 3):
            parts.append(
                operators.max_pool(
                    draft, f"{name}.pool{index}", parts[-1], kernel=self.kernel, padding=self.kernel // 2
                )
            )
        together = operators.concat(draft, f"{name}.concat", parts)
        return _conv(draft, f"{name}.cv2", together, self.out_channels, 1, self.activation)


@block("yolov8_detect")
class Detect(Block):
    """Boxes and classes of the scales that the row reads: 4 + `classes` channels, a column for each place.

    Suppression of boxes that overlap comes after it and is no part of it, as in the models that are exported.
    """

    operands = "several"
    classes: Channels = 80
    bins: Channels = 16
    """Distances from a place to a side of its box, of which the mean is taken."""
    activation: Activation = "swish"

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """For each scale two branches of three convolutions; then all places together become boxes."""
        name, scales = position.name, (source, *position.others)
        first = draft.shape(source).channels
        widths = {"box": max(16, first // 4, 4 * self.bins), "class": max(first, min(self.classes, 100))}
        outputs = {"box": 4 * self.bins, "class": self.classes}
        branches = {
            branch: [
                self._branch(draft, f"{name}.scale{index}.{branch}", scale, widths[branch], outputs[branch])
                for index, scale in enumerate(scales, start=1)
            ]
            for branch in widths
        }
        distances = self._distances(draft, name, _places(draft, f"{name}.box", branches["box"]))
        boxes = _boxes(draft, name, distances)
        classes = _places(draft, f"{name}.class", branches["class"])
        classes = operators.activation(draft, f"{name}.class.sigmoid", classes, function="sigmoid")
        return operators.concat(draft, f"{name}.concat", (boxes, classes))

    def _branch(self, draft: Draft, name: str, source: str, width: int, out_channels: int) -> str:
        last = _conv(draft, f"{name}.conv1", source, width, 3, self.activation)
        last = _conv(draft, f"{name}.conv2", last, width, 3, self.activation)
        last = operators.conv(draft, f"{name}.conv3", last, out_channels=out_channels, bias=True)
        shape = draft.shape(last)
        return operators.reshape(draft, f"{name}.places", last, size=(1, shape.height * shape.width))

    def _distances(self, draft: Draft, name: str, bins: str) -> str:
        """The mean over the bins of each side, by a convolution whose weights are the bins' distances."""
        places = draft.shape(bins).width
        sides = operators.rearrange(
            draft, f"{name}.dfl.sides", bins, channels=self.bins, height=4, width=places
        )
        shares = operators.softmax(draft, f"{name}.dfl.softmax", sides)
        means = operators.conv(draft, f"{name}.dfl.conv", shares, out_channels=1)
        return operators.rearrange(draft, f"{name}.dfl.distances", means, channels=4, width=places)


def _places(draft: Draft, name: str, scales: Sequence[str]) -> str:
    """The places of all scales, one after another."""
    return operators.concat(draft, f"{name}.places", scales, axis="width")


def _boxes(draft: Draft, name: str, distances: str) -> str:
    """Centre and size, in pixels, of the boxes whose sides are so far from their places."""
    corners = []
    for part, corner in enumerate(("left_top", "right_bottom")):
        sides = operators.channel_slice(
            draft, f"{name}.{corner}.sides", distances, first=2 * part, channels=2
        )
        corners.append(operators.activation(draft, f"{name}.{corner}", sides, function="linear"))
    centre = operators.add(draft, f"{name}.centre.sum", corners)
    centre = operators.activation(draft, f"{name}.centre", centre, function="linear")
    size = operators.add(draft, f"{name}.size", corners)
    boxes = operators.concat(draft, f"{name}.boxes", (centre, size))
    return operators.activation(draft, f"{name}.boxes.pixels", boxes, function="linear")

"""What a model has and nothing here is an operator of, where the user lets it pass at a price."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from accelsim.descriptions.quantities import AxisLength, Channels
from accelsim.errors import NetworkError
from accelsim.network.declaration import OF_MODELS, SAID, operator, reads_several
from accelsim.network.graph import Operator, Shape, Site

ForeignUnit: TypeAlias = Literal["host", "vector"]
"""What does it: the host where the machine has one, or the vector unit."""


@operator("foreign")
@dataclass(frozen=True, kw_only=True)
class Foreign(Operator):
    """Reads all of its inputs once and puts out what it puts out: an operation for each output element."""

    kind: ClassVar[str] = "foreign"
    operands = "several"
    channels: Channels
    height: AxisLength = 1
    width: AxisLength = 1
    unit: Annotated[ForeignUnit, SAID] = "vector"
    function: Annotated[str, Field(max_length=200), OF_MODELS] = ""
    """What the model calls it."""

    def output_at(self, site: Site) -> Shape:
        """As it is said to be."""
        if not site.inputs:
            raise NetworkError(f"{site.name}: reads nothing; give it one tensor or more")
        return Shape(self.channels, self.height, self.width)


foreign = reads_several(Foreign)

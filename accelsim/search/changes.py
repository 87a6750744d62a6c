"""Changes that might help, as values: one of a machine, of a network, or of how layers are mapped.

A remedy is a change and what to run instead; what cannot be had has what is in its way beside it.
"""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final, Literal, TypeAlias, get_args

from accelsim.errors import Complaint
from accelsim.hardware import Hardware
from accelsim.hardware.memory import Kept, Layout
from accelsim.network.description import Network
from accelsim.network.graph_changes import GraphChange
from accelsim.search.graph_moves import Direction, GraphMove

RemedyKind: TypeAlias = Literal["machine", "mapping", "network"]
"""What a remedy changes."""
PartOnChip: TypeAlias = Literal["rows", "columns", "buffer", "vector_lanes"]
Part: TypeAlias = Literal["bandwidth", "arena"] | PartOnChip
"""Of a machine, of which a remedy gives it twice as much."""
PARTS_ON_CHIP: Final[tuple[PartOnChip, ...]] = get_args(PartOnChip)
ChannelObstacle: TypeAlias = Literal["none_alone", "none_followed", "multiples_already", "no_multiples_below"]
"""Why channels are not rounded: no number of them can change by itself, or be followed to all that have it;
all that can are multiples already, or none has one below it."""


@dataclass(frozen=True)
class PartChange:
    """More of a part of the machine."""

    kind: ClassVar[RemedyKind] = "machine"
    part: Part
    before: float
    after: float
    memories: tuple[str, ...] = ()
    """Names of the memories that it is a part of: one with a channel (`dram.read`: the one of its two for
    what is read), or all with tiles."""
    one_of_several: bool = False
    """Whether there are others that have such a part too."""
    of_each_column: bool = False
    """Whether so many belong to each column of the array, and not to the machine."""

    @property
    def name(self) -> str:
        """`bandwidth`; `flash_bandwidth` where other memories have one too."""
        return f"{self.memories[0].replace('.', '_')}_{self.part}" if self.one_of_several else self.part


@dataclass(frozen=True)
class LatencyChange:
    """A shorter latency of a memory off chip."""

    kind: ClassVar[RemedyKind] = "machine"
    memory: str
    """Its name, and which way where it has two channels: `dram.read`."""
    before_cycles: int
    after_cycles: int
    one_of_several: bool = False
    """Whether there are others off chip."""

    @property
    def name(self) -> str:
        """`latency`; `flash_latency` where there are others."""
        return f"{self.memory.replace('.', '_')}_latency" if self.one_of_several else "latency"


@dataclass(frozen=True)
class PoolChange:
    """No banks in a memory on chip: its operands share the whole of it."""

    kind: ClassVar[RemedyKind] = "machine"
    name: ClassVar[str] = "pool"
    memory: str
    """Its name."""


@dataclass(frozen=True)
class KeepChange:
    """One kind of tensors more that may stay in a memory on chip, which is a pool then."""

    kind: ClassVar[RemedyKind] = "machine"
    memory: str
    """Its name."""
    tensors: Kept

    @property
    def name(self) -> str:
        """`keep`, of activations; `pin`, of weights."""
        return "keep" if self.tensors == "activations" else "pin"


@dataclass(frozen=True)
class CascadeChange:
    """Layers that may run stripe by stripe, or more of them together."""

    kind: ClassVar[RemedyKind] = "machine"
    name: ClassVar[str] = "cascade"
    before: int
    """How many together, at most; 0 is none."""
    after: int


@dataclass(frozen=True)
class HostChange:
    """A host that does all in a part of the time."""

    kind: ClassVar[RemedyKind] = "machine"
    name: ClassVar[str] = "host"
    host: str
    """Its name."""


@dataclass(frozen=True)
class LayoutChange:
    """Another layout of the activations in a memory that moves whole bursts."""

    kind: ClassVar[RemedyKind] = "machine"
    name: ClassVar[str] = "layout"
    memory: str
    """Its name."""
    before: Layout
    after: Layout


@dataclass(frozen=True)
class AddedDataflow:
    """A dataflow that the array does not have, beside those that it has."""

    kind: ClassVar[RemedyKind] = "machine"
    name: str


@dataclass(frozen=True)
class DataflowChange:
    """One of the array's dataflows for every layer, or the best of them for each."""

    kind: ClassVar[RemedyKind] = "mapping"
    name: str
    """`auto`: chosen layer by layer."""


@dataclass(frozen=True)
class BitsChange:
    """Fewer bits for each weight, or each activation."""

    kind: ClassVar[RemedyKind] = "network"
    tensors: Literal["weights", "activations"]
    before: int
    after: int

    @property
    def name(self) -> str:
        """`weights_bits`."""
        return f"{self.tensors}_bits"


@dataclass(frozen=True)
class ChannelsChange:
    """Channels rounded to the array."""

    kind: ClassVar[RemedyKind] = "network"
    multiple: int
    direction: Direction = "up"
    channels: tuple[tuple[str, int], ...] = ()
    """Of a network of operators: the new numbers, each by the first layer that has it."""

    @property
    def name(self) -> str:
        """`channels`; `fewer_channels` where they are rounded down."""
        return "channels" if self.direction == "up" else "fewer_channels"


@dataclass(frozen=True)
class RedesignChange:
    """Other kernels or groups in some layers, or another image, of a network of operators."""

    kind: ClassVar[RemedyKind] = "network"
    name: str
    """`kernel1`, `groups2`, by the place of the layers among those that take longest; `resolution`."""
    move: GraphMove


Change: TypeAlias = (
    PartChange
    | LatencyChange
    | PoolChange
    | KeepChange
    | CascadeChange
    | HostChange
    | LayoutChange
    | AddedDataflow
    | DataflowChange
    | BitsChange
    | ChannelsChange
    | RedesignChange
)
"""What a remedy changes; words.py names it."""


def graph_change(change: Change) -> GraphChange | None:
    """What a remedy changes in a network of operators, row by row; None where it is none such."""
    match change:
        case RedesignChange():
            return change.move.change
        case ChannelsChange() if change.channels:
            return GraphChange(channels=change.channels)
        case _:
            return None


@dataclass(frozen=True)
class Proposal:
    """A change that might help."""

    change: Change
    """What is another than before, in numbers."""

    @property
    def name(self) -> str:
        """`bandwidth`, `output_stationary`, `channels`."""
        return self.change.name

    @property
    def kind(self) -> RemedyKind:
        """Whether it is of the machine, of the network, or of how layers are mapped."""
        return self.change.kind


@dataclass(frozen=True)
class Remedy(Proposal):
    """One change, and what to run instead.

    Example:
        >>> from accelsim import load_hardware, load_network
        >>> from accelsim.search.remedies import remedies
        >>> first = next(remedies(load_network("alexnet"), load_hardware("16x16_128k"), "auto"))
        >>> first.name, first.hardware.channels[0].bytes_per_cycle
        ('bandwidth', 32.0)
    """

    network: Network = field(compare=False)
    """The network to run."""
    hardware: Hardware = field(compare=False)
    """The machine to run it on."""
    dataflow: str
    """As in `run_network`."""


@dataclass(frozen=True)
class ImpossibleRemedy(Proposal):
    """A change that cannot be had, and why."""

    obstacle: ChannelObstacle | tuple[Complaint, ...]
    """What is in its way: a kind, or what an error says. words.py says it."""


@dataclass(frozen=True)
class Baseline:
    """What is run as it is."""

    network: Network
    hardware: Hardware
    dataflow: str

    def remedy(self, change: Change, **replaced: Any) -> Remedy:
        """The same with a change: fields of a remedy that are others than here."""
        return replace(Remedy(change, self.network, self.hardware, self.dataflow), **replaced)

"""What is given of a network's mappings beforehand, told to its layers."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from accelsim.hardware import Hardware
from accelsim.mapping.given_file import GivenMappings, MappingRule
from accelsim.mapping.given_layers import with_given
from accelsim.mapping.options import MappingOptions
from accelsim.network.lowered import LoweredNetwork

MappingGiven: TypeAlias = GivenMappings | str | Path | Sequence[MappingRule]
"""A mapping file, or what it would say."""


def told(
    mapping: MappingGiven, lowered: LoweredNetwork, hardware: Hardware, options: MappingOptions
) -> tuple[GivenMappings, LoweredNetwork]:
    """The rules, and the network whose layers know them. Raises AccelsimError where that cannot be.

    Args:
        mapping: What is given.
        lowered: The network, in running order.
        hardware: The machine.
        options: How it is mapped.
    """
    given = GivenMappings.of(mapping)
    return given, lowered._replace(graph=with_given(lowered.graph, given, hardware, options))

"""Networks that are the same but for their depths, found by what they consist of, not by their names."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from accelsim.descriptions import shipped
from accelsim.errors import AccelsimError
from accelsim.network.blocks import Block
from accelsim.network.description import Network
from accelsim.network.load import load_network
from accelsim.reuse.model_version import code_digest
from accelsim.search.space import Depths, depths_of


@dataclass(frozen=True)
class Relative:
    """A known network that is a candidate's equal in all but depth."""

    name: str
    depths: Depths


def relatives(network: Network) -> list[Relative]:
    """Those that `accelsim list networks` shows, at their default parameters, and the network itself."""
    related = [Relative(network.name, depths_of(network))]
    for name in shipped.names("networks"):
        if name == network.name or not _may_be_relative(
            name, {row.block for row in network.description.stages}
        ):
            continue
        try:
            candidate = load_network(name)
        except AccelsimError:  # another file's mistakes are not this search's affair
            continue
        if but_for_depth(candidate) == but_for_depth(network):
            related.append(Relative(name, depths_of(candidate)))
    return related


def but_for_depth(network: Network) -> dict[str, Any]:
    """What a network computes, depths left out, as plain values; reports do not belong to it.

    Nor do the names of stages, unless there are patterns of names that say which layers are compressed.
    """
    image, rows = network.image, {stage.name: row for row, stage in enumerate(network.stages)}
    return {
        "image": [image.channels, image.height, image.width, network.description.input.activation_density],
        "stages": [
            [
                _kind(type(stage.block)),
                stage.block.model_dump(mode="json"),
                stage.repeat is not None,
                [rows.get(name) for name in stage.reads],
            ]
            for stage in network.stages
        ],
        "precision": network.description.precision.model_dump(mode="json"),
        "compression": [placed.entry.model_dump(mode="json") for placed in network.compression],
        "names": [stage.name for stage in network.stages] if network.compression else None,
    }


@cache
def _kind(block: type[Block]) -> str:
    """Which block it is; of one that is not accelsim's own, and so not in the model's version, its code too.

    A block whose code cannot be found, such as one that was typed in, is another one in each process.
    """
    name = f"{block.__module__}.{block.__qualname__}"
    if block.__module__.partition(".")[0] == __name__.partition(".")[0]:
        return name
    try:
        return f"{name} {code_digest(block.__module__)}"
    except OSError:
        return f"{name} {os.urandom(16).hex()}"


def _may_be_relative(name: str, blocks: set[str]) -> bool:
    """Whether a file, or what it is a preset of, names all the blocks; to read all files takes seconds."""
    return any(all(block in text for block in blocks) for text in _texts(name, frozenset()))


def _texts(name: str, visited: frozenset[str]) -> Iterator[str]:
    try:
        text = shipped.find("networks", name).read_text(encoding="utf-8")
    except (AccelsimError, OSError, UnicodeDecodeError):
        return
    yield text
    base = re.search(r"""preset_of['"]?:\s*['"]?([^\s'"]+)""", text)
    if base is not None and base[1] not in visited:
        yield from _texts(base[1], visited | {base[1]})

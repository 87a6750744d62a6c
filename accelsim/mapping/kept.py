"""KeptMappings: mappings in a file, so that the next process need not search for them again."""

import hashlib
import json
import sqlite3
import weakref
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from accelsim.errors import AccelsimError
from accelsim.hardware import Hardware
from accelsim.mapping.mapping import Choice, Mapping, Order
from accelsim.mapping.program import mappings
from accelsim.mapping.search import as_executed
from accelsim.mapping.tile import TileShape
from accelsim.model_version import model_version
from accelsim.network.layer import Layer

WAIT_SECONDS: Final = 30
"""For other processes that write to the same file."""


class MappingFile:
    """A SQLite file of mappings: several processes may read and write it, and none leaves a half-written one.

    A mapping is found again by the version of the model, the machine, the options and the layer without its
    names; whatever differs is another entry. What is kept is the choice (dataflow, tile, loop order); its
    program is written down anew.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file. Raises AccelsimError where that is no file of mappings."""
        self.path = path
        try:
            self._rows = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
            weakref.finalize(self, self._rows.close)  # at the end of the process too: SQLite then tidies up
            self._rows.execute("PRAGMA journal_mode = WAL")
            self._rows.execute("PRAGMA synchronous = OFF")  # a lost entry is searched for again
            self._rows.execute("CREATE TABLE IF NOT EXISTS mappings (key TEXT PRIMARY KEY, choice TEXT)")
            self._rows.execute("SELECT key, choice FROM mappings LIMIT 1")
        except sqlite3.Error as error:
            raise AccelsimError(f"{path}: cannot be used as a file of mappings ({error})") from None

    def read(self, key: str) -> list[str | int] | None:
        """What was written under a key."""
        row = self._rows.execute("SELECT choice FROM mappings WHERE key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row[0])

    def write(self, key: str, choice: list[str | int]) -> None:
        """Complete or not at all; what another process wrote meanwhile is the same."""
        self._rows.execute("INSERT OR REPLACE INTO mappings VALUES (?, ?)", (key, json.dumps(choice)))

    def mappings(self, hardware: Hardware, batch: int, options: str) -> "KeptMappings":
        """Those of one machine, one batch and one choice of options."""
        machine = hardware.model_dump_json(exclude={"name", "title", "source", "assumed"})
        return KeptMappings(self, f"{model_version()}\n{machine}\n{batch}\n{options}\n", hardware, batch)


@dataclass
class KeptMappings(MutableMapping[Layer, Mapping]):
    """Mappings of layers on one machine: in memory as far as they were used, else in the file."""

    file: MappingFile
    context: str
    hardware: Hardware
    batch: int
    used: dict[Layer, Mapping] = field(default_factory=dict)

    def __getitem__(self, layer: Layer) -> Mapping:
        if layer not in self.used:
            choice = self.file.read(self._key(layer))
            if choice is None:
                raise KeyError(layer)
            self.used[layer] = self._mapping(layer, choice)
        return self.used[layer]

    def __setitem__(self, layer: Layer, mapping: Mapping) -> None:
        tile = mapping.tile
        self.used[layer] = mapping
        sizes = (tile.g, tile.k, tile.c, tile.y, tile.x, mapping.estimated_cycles)
        self.file.write(self._key(layer), [mapping.dataflow, mapping.order, *sizes])

    def __delitem__(self, layer: Layer) -> None:
        del self.used[layer]

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.used)

    def __len__(self) -> int:
        return len(self.used)

    def _key(self, layer: Layer) -> str:
        return hashlib.sha256(f"{self.context}{layer!r}".encode()).hexdigest()

    def _mapping(self, layer: Layer, written: list[str | int]) -> Mapping:
        dataflow, written_order, *numbers = written
        g, k, c, y, x, estimated_cycles = map(int, numbers)
        executed, images = as_executed(layer, self.batch)
        tile = TileShape(g, k, c, y, x)
        order: Order = "pixels_outer" if written_order == "pixels_outer" else "filters_outer"
        choice = Choice(executed, str(dataflow), tile, order, estimated_cycles)
        return mappings([choice], images, self.hardware)[0]

"""KeptMappings: mappings in a file, so that the next process need not search for them again."""

import hashlib
import json
import weakref
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from accelsim.hardware import Hardware
from accelsim.mapping.letters import order_in_words, order_words
from accelsim.mapping.mapping import Choice, Mapping
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.program import mappings
from accelsim.mapping.search import as_executed
from accelsim.mapping.tile import TileShape
from accelsim.network.layer import Layer
from accelsim.reuse.file import FileFormat, OwnFile, checksum
from accelsim.reuse.foreign import foreign_code

MAPPINGS_FILE: Final = FileFormat(
    noun="file of mappings",
    option="--cache",
    application_id=0x61636D61,
    format=1,
    tables=(
        "CREATE TABLE mappings (key TEXT PRIMARY KEY, choice TEXT NOT NULL, checksum TEXT NOT NULL) "
        "WITHOUT ROWID",
    ),
)
_NO_RESULT: Final = {"name", "title", "source", "assumed"}
"""Keys of a machine that change no mapping."""
_NUMBERS: Final = 10
"""Of a choice: eight sizes of a tile, estimated cycles, idle rows; the dataflow's parameters come behind."""
_MOST_WAITING: Final = 500
"""Mappings that are written together; what was not written when a process is killed is searched for again."""


class MappingFile:
    """A file of mappings: several processes may read and write it, and none leaves a half-written one.

    A mapping is found again by the version of the model, the code of the machine's dataflows that are not in
    it, the machine, the options and the layer without its names; whatever differs is another entry. What is
    kept is the choice (dataflow, tile, loop order, idle rows); its program is written down anew.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file. Raises AccelsimError where that is no file of mappings."""
        self._rows = OwnFile(path, MAPPINGS_FILE, durable=False)
        self._rows.note_model_version()
        self._waiting: dict[str, str] = {}
        weakref.finalize(self, _write, self._rows, self._waiting)  # at the end of the process, too

    def read(self, key: str) -> list[str | int] | None:
        """What was written under a key."""
        if key in self._waiting:
            return _choice(self._waiting[key])
        for choice, mark in self._rows.read("SELECT choice, checksum FROM mappings WHERE key = ?", (key,)):
            if mark == checksum(key, choice):
                return _choice(choice)
            self._rows.note_damaged_rows()
        return None

    def write(self, key: str, choice: list[str | int]) -> None:
        """Have it written by the next `flush`; what another process wrote meanwhile is the same."""
        self._waiting[key] = json.dumps(choice)
        if len(self._waiting) >= _MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        """Write what waits for it: all of it or, if the process ends meanwhile, nothing."""
        _write(self._rows, self._waiting)

    def mappings(
        self, hardware: Hardware, options: MappingOptions, recent: MutableMapping[Layer, Mapping]
    ) -> "KeptMappings":
        """Those of one machine and one choice of options; `recent` holds those that were used."""
        machine = hardware.model_dump_json(exclude=_NO_RESULT)
        code = "".join(f"{name} {code}\n" for name, code in foreign_code(hardware).items())
        context = f"{self._rows.model_version()}\n{machine}\n{options}\n{code}"
        return KeptMappings(self, context, hardware, options.batch, recent)


def _write(rows: OwnFile, waiting: dict[str, str]) -> None:
    if waiting:
        values = [(key, choice, checksum(key, choice)) for key, choice in waiting.items()]
        rows.write([("INSERT OR REPLACE INTO mappings VALUES (?, ?, ?)", values)])
        waiting.clear()


def _choice(text: str) -> list[str | int]:
    choice: list[str | int] = json.loads(text)
    return choice


@dataclass
class KeptMappings(MutableMapping[Layer, Mapping]):
    """Mappings of layers on one machine: in memory as far as they were used lately, else in the file."""

    file: MappingFile
    context: str
    hardware: Hardware
    batch: int
    recent: MutableMapping[Layer, Mapping]

    def __getitem__(self, layer: Layer) -> Mapping:
        mapping = self.recent.get(layer)
        if mapping is None:
            choice = self.file.read(self.key(layer))
            if choice is None:
                raise KeyError(layer)
            mapping = self.recent[layer] = self._mapping(layer, choice)
        return mapping

    def __setitem__(self, layer: Layer, mapping: Mapping) -> None:
        tile = mapping.tile
        self.recent[layer] = mapping
        sizes = (tile.n, tile.g, tile.k, tile.c, tile.y, tile.x, tile.fy, tile.fx)
        numbers = (*sizes, mapping.estimated_cycles, mapping.idle_rows)
        parameters = [part for parameter in mapping.parameters for part in parameter]
        self.file.write(
            self.key(layer), [mapping.dataflow, order_words(mapping.order), *numbers, *parameters]
        )

    def __delitem__(self, layer: Layer) -> None:
        del self.recent[layer]

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.recent)

    def __len__(self) -> int:
        return len(self.recent)

    def flush(self) -> None:
        """Write what was found out into the file."""
        self.file.flush()

    def key(self, layer: Layer) -> str:
        """What a mapping of a layer is kept under: a digest of all that it follows from."""
        return hashlib.sha256(f"{self.context}{layer!r}".encode()).hexdigest()

    def _mapping(self, layer: Layer, written: list[Any]) -> Mapping:
        dataflow, written_order, *others = written
        numbers, parameters = others[:_NUMBERS], others[_NUMBERS:]
        *sizes, estimated_cycles, idle_rows = map(int, numbers)
        executed, images = as_executed(layer, self.batch)
        fixed = tuple(zip(map(str, parameters[::2]), map(int, parameters[1::2]), strict=True))
        choice = Choice(
            executed,
            str(dataflow),
            TileShape(*sizes),
            order_in_words(str(written_order)),
            estimated_cycles,
            idle_rows,
            parameters=fixed,
        )
        return mappings([choice], images, self.hardware)[0]

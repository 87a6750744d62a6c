"""Format 1 of a machine's file: one global buffer, one DRAM and one DMA, each a table of its own.

It is read for ever: `upgraded` says the same as a list of memories, which is what a machine is, and
`as_written` finds the key of the file that a mistake is about. The keys of format 1 go on to work wherever a
machine's parameters are varied, if its memories have the names that they have in this format.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError

from accelsim.descriptions import KeyPath, Mistake, Upgrade, absent, mistakes_of
from accelsim.hardware.registry import parameters_of

OFF_CHIP: Final = "dram"
ON_CHIP: Final = "global_buffer"
MEMORIES: Final = (OFF_CHIP, ON_CHIP)
"""Those of a machine of this format, by their places in the list."""
TABLES: Final = ("global_buffer", "dram", "dma")
"""Keys that only this format has."""

RENAMED: Final[Mapping[KeyPath, tuple[KeyPath, ...]]] = {
    ("dram", "latency_cycles"): (("memories", "dram", "latency_cycles"),),
    ("dram", "bandwidth_bytes_per_cycle"): (("memories", "dram", "bandwidth", "bytes_per_cycle"),),
    ("dma", "descriptors"): (("memories", "dram", "prefetch"),),
    ("global_buffer", "size_bytes"): (("memories", "global_buffer", "size_bytes"),),
    ("global_buffer", "shares"): (("memories", "global_buffer", "banks", "shares"),),
    ("energy", "dram"): (
        ("memories", "dram", "energy", "read"),
        ("memories", "dram", "energy", "write"),
    ),
    ("energy", "global_buffer"): (
        ("memories", "global_buffer", "energy", "read"),
        ("memories", "global_buffer", "energy", "write"),
    ),
    ("pe_array", "weight_stationary"): (("pe_array", "dataflows", "weight_stationary"),),
    ("pe_array", "output_stationary"): (("pe_array", "dataflows", "output_stationary"),),
}
"""Where the values of this format stand in a machine; a price stands twice, for reads and for writes."""


REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "precision": ("weights_bits", "activations_bits", "partial_sums_bits"),
    "pe_array": ("dataflows", "port_words_per_column"),
    "global_buffer": ("size_bytes", "shares"),
    "dram": ("latency_cycles", "bandwidth_bytes_per_cycle"),
    "dma": ("descriptors",),
    "vector_unit": ("lanes_per_column",),
    "mapper": ("tiles", "dataflow"),
    "energy": (
        *("unit", "word_bits", "mac", "vector_op", "register_file", "inter_pe", "global_buffer", "dram"),
    ),
}
"""What each table of this format must say: it takes nothing for granted."""
REQUIRED_OF_DATAFLOWS: Final = {
    "weight_stationary": "accumulators_per_column",
    "output_stationary": "partial_sums_per_pe",
}


def is_format1(data: Mapping[str, Any]) -> bool:
    """Whether a file is one of this format."""
    return "memories" not in data and any(table in data for table in TABLES)


def may_be_format1(text: str) -> bool:
    """Whether the text of a file may be of this format: one with a list of memories is not."""
    return re.search(r"(?m)^memories\s*:", text) is None


def old_keys() -> Iterator[str]:
    """The keys of this format that a machine has under another name, with dots."""
    for key in RENAMED:
        yield ".".join(map(str, key))


def renamed(key: str) -> tuple[str, ...]:
    """What a key of this format, with dots, is called in a machine; other keys are called what they are."""
    keys = tuple(key.split("."))
    for length in range(len(keys), 0, -1):
        if keys[:length] in RENAMED:
            return tuple(".".join((*map(str, new), *keys[length:])) for new in RENAMED[keys[:length]])
    return (key,)


def in_place_of(key: str, off_chip: Sequence[str], on_chip: Sequence[str]) -> tuple[str, ...]:
    """The keys of a machine with these memories that say what a key of this format says of a memory."""
    target = _assumed_key(key)
    match target.split("."):
        case ["memories", name, *inner] if target != key:
            holders = off_chip if name == OFF_CHIP else on_chip
            return tuple(".".join(("memories", holder, *inner)) for holder in holders)
    return ()


class Missing(NamedTuple):
    """A key that a file of this format must have."""

    path: KeyPath
    target: KeyPath
    """Where its value stands in a machine."""
    keys: tuple[str, ...] = ()
    """Of a table: those that it must have."""


def missing(data: Mapping[str, Any]) -> Iterator[Missing]:
    """What a file of this format leaves out that it must say."""
    for key in ("source", "clock_mhz"):
        if key not in data:
            yield Missing((key,), (key,))
    for table, keys in REQUIRED.items():
        inside = data.get(table)
        if table not in data:
            yield Missing((table,), (table,), keys)
        if isinstance(inside, dict):
            absent = [key for key in keys if key not in inside]
            yield from (Missing((table, key), _target((table, key))) for key in absent)
    yield from _missing_of_dataflows(data.get("pe_array"))


def absence(fault: Missing, machine: type[BaseModel]) -> str:
    """What to say of a key that format 1 needs."""
    if fault.path == ("source",):
        return absent(machine, ("name",))  # any text but an empty one
    if fault.keys:
        return f"missing, must be a mapping with the keys {', '.join(fault.keys)}"
    match fault.target:
        case ("pe_array", "dataflows", str(name), str(key)):
            return absent(parameters_of(name), (key,))
        case _:
            return absent(machine, fault.target)


def _missing_of_dataflows(array: Any) -> Iterator[Missing]:
    """Parameters of those that the array runs."""
    names = array.get("dataflows") if isinstance(array, dict) else None
    if not isinstance(array, dict) or not isinstance(names, list):
        return
    for name, key in REQUIRED_OF_DATAFLOWS.items():
        inside = array.get(name, {}) if name in names else None
        if isinstance(inside, dict) and key not in inside:
            yield Missing(("pe_array", name, key), ("pe_array", "dataflows", name, key))


def _target(path: KeyPath) -> KeyPath:
    """Where a value stands in a machine; memories by their places."""
    target = RENAMED.get(path, (path,))[0]
    if target[0] == "memories":
        return ("memories", MEMORIES.index(str(target[1])), *target[2:])
    return target


def upgraded(data: Mapping[str, Any]) -> Upgrade:
    """A file of this format as the data of a machine."""
    mistakes = [
        Mistake((table,), "must be a mapping")
        for table in TABLES
        if not isinstance(data.get(table, {}), dict)
    ]
    machine: dict[str, Any] = {key: _copied(value) for key, value in data.items() if key not in TABLES}
    machine["memories"] = [{"name": name} for name in MEMORIES]
    mistakes += _with_dataflows(machine)
    for table in TABLES:
        inside = data.get(table)
        for key, value in inside.items() if isinstance(inside, dict) else ():
            for target in RENAMED.get((table, key), (_of_no_meaning(table, key),)):
                _write(machine, target, value)
    energy = machine.get("energy")
    for name in MEMORIES:
        if isinstance(energy, dict) and name in energy:
            price = energy.pop(name)
            for target in RENAMED["energy", name]:
                _write(machine, target, price)
    if isinstance(assumed := machine.get("assumed"), dict):
        machine["assumed"] = {_assumed_key(key): reason for key, reason in assumed.items()}
    return Upgrade(machine, _AsWritten(data), tuple(mistakes))


def _write(machine: dict[str, Any], target: KeyPath, value: Any) -> None:
    """Set a value of a machine; memories go by their names, and what holds the value is made."""
    holder: Any = machine
    for step in target[:-1]:
        if isinstance(holder, list):
            holder = holder[MEMORIES.index(str(step))]
        else:
            holder = holder.setdefault(step, {})
    holder[target[-1]] = value


def _copied(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else value


def _of_no_meaning(table: str, key: str) -> KeyPath:
    """Where a key lands that the format has not, so that it is reported."""
    return ("memories", ON_CHIP if table == ON_CHIP else OFF_CHIP, key)


def _assumed_key(key: str) -> str:
    """A price that stands twice is explained once."""
    targets = renamed(key)
    return targets[0] if len(targets) == 1 else targets[0].rpartition(".")[0]


def _with_dataflows(machine: dict[str, Any]) -> Iterator[Mistake]:
    """Have a list of dataflows and a table of each become one mapping."""
    array = machine.get("pe_array")
    if not isinstance(array, dict) or not isinstance(array.get("dataflows"), list):
        return
    names = array["dataflows"]
    if any(names.count(name) > 1 for name in names):
        yield Mistake(("pe_array", "dataflows"), "must name each dataflow once")
    tables = {name: array.pop(name) for name in REQUIRED_OF_DATAFLOWS if name in array}
    for name, table in tables.items():
        if name not in names:  # it is in no machine, so nobody else finds what is wrong with it
            yield from _wrong(name, table)
    array["dataflows"] = {str(name): tables.get(str(name), {}) for name in names}


def _wrong(name: str, table: Any) -> Iterator[Mistake]:
    """What is wrong with the parameters of a dataflow, by their places in the file."""
    kind = parameters_of(name)
    try:
        kind.model_validate_json(json.dumps(table))
    except ValidationError as error:
        for mistake in mistakes_of(error, table, kind):
            yield Mistake(("pe_array", name, *mistake.path), mistake.sentence)


def not_run(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Dataflows of which a valid file says something, but which its array does not run."""
    array, assumed = data["pe_array"], data.get("assumed", {})
    return tuple(
        name
        for name in REQUIRED_OF_DATAFLOWS
        if name not in array["dataflows"]
        and (name in array or any(is_of_dataflow(_assumed_key(key), name) for key in assumed))
    )


def is_of_dataflow(key: str, name: str) -> bool:
    """Whether a dotted key of a machine is that of a dataflow, or of one of its parameters."""
    return f"{key}.".startswith(f"pe_array.dataflows.{name}.")


class _AsWritten:
    """From the place of a value in a machine to the key of the file in which it was written."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        array = data.get("pe_array")
        self._array: Mapping[str, Any] = array if isinstance(array, dict) else {}
        assumed = data.get("assumed")
        self._assumed = {_assumed_key(key): key for key in assumed} if isinstance(assumed, dict) else {}

    def __call__(self, path: KeyPath) -> KeyPath:
        match path:
            case ("memories", int(index), *inner):
                return self._of_memory(MEMORIES[index], tuple(inner))
            case ("pe_array", "dataflows", str(name), *inner):
                return self._of_dataflow(name, tuple(inner))
            case ("assumed", str(key)):
                return ("assumed", self._assumed.get(key, key))
            case _:
                return path

    def _of_memory(self, name: str, inner: KeyPath) -> KeyPath:
        for old, targets in RENAMED.items():
            for target in targets:
                suffix = target[2:]
                if target[:2] == ("memories", name) and inner[: len(suffix)] == suffix:
                    return (*old, *inner[len(suffix) :])
        for old, targets in RENAMED.items():  # a mistake of a part that the file writes in pieces
            if inner and targets[0][:2] == ("memories", name) and targets[0][2] == inner[0]:
                return old
        return (name, *inner)

    def _of_dataflow(self, name: str, inner: KeyPath) -> KeyPath:
        names = self._array.get("dataflows")
        if inner or name in self._array or not isinstance(names, list):
            return ("pe_array", name, *inner)
        written = [str(entry) for entry in names]
        return ("pe_array", "dataflows", *((written.index(name),) if name in written else ()))

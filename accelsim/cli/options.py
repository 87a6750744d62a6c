"""The options that commands share."""

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from accelsim.choices import AUTO
from accelsim.cli.numbers import positive_number, whole_number
from accelsim.descriptions.limits import MAX_BATCH, MAX_BATTERY_MWH, MAX_BUFFER_BYTES, MAX_FRAMES_PER_SECOND

if TYPE_CHECKING:
    from accelsim.hardware import Hardware
    from accelsim.power import FrameDemand


class Format(StrEnum):
    """What a result looks like."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class Objective(StrEnum):
    """What mappings are chosen by."""

    TIME = "time"
    ENERGY = "energy"
    EDP = "edp"


class Goal(StrEnum):
    """What mappings of one run are chosen by."""

    TIME = "time"
    ENERGY = "energy"
    EDP = "edp"
    PEAK = "peak"


class Inferences(StrEnum):
    """Which inference a search judges."""

    STEADY = "steady"
    FIRST = "first"


class Engine(StrEnum):
    """How the schedule is simulated."""

    FAST = "fast"
    EVENTS = "events"


LAYER_WORDS: Final = ("all", "top", "none")
"""Which layers a report has: all, those that matter most, or none; or a number says how many of those."""
LAYERS_METAVAR: Final = "all|top|none|N"
_MOST_DIGITS: Final = 9
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?) ?(b|kib|mib|)", re.IGNORECASE)
_UNITS: Final = {"": 1, "b": 1, "kib": 1024, "mib": 1024**2}
Networks: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--net",
        metavar="NET",
        help="A network: a name (`accelsim list networks`), with parameters after an @ as in "
        "mobilenet_v1@width=0.5,resolution=160, or a path to a YAML file or an ONNX model.",
    ),
]
Machines: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--hw", metavar="HW", help="A machine: a name (`accelsim list hardware`) or a path to a YAML file."
    ),
]
OverlayOption: TypeAlias = Annotated[
    list[Path] | None,  # one; a list, so that a second one is refused and does not replace the first
    typer.Option(
        "--overlay",
        metavar="FILE",
        help="A YAML file that gives the network other bits and other zeros (precision, compression).",
    ),
]
OverlaysOption: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        "--overlay",
        metavar="FILE",
        help="Each network also with the bits and zeros of this YAML file; may be repeated.",
    ),
]
FormatOption: TypeAlias = Annotated[
    Format | None,
    typer.Option("--format", help="Default: what the name of --output ends in, otherwise table."),
]
OutputOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="Write there, complete or not at all, instead of to stdout.",
    ),
]
MappingOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--mapping",
        metavar="FILE",
        help="A YAML file of what is given of layers' mappings; the rest is searched for.",
    ),
]
CacheOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="FILE",
        help="Keep the mappings that are found in this file, and look there first. Same result, sooner. "
        "Of machines with a pool on chip it keeps none.",
    ),
]
MemoryOption: TypeAlias = Annotated[Path | None, typer.Option("--memory", hidden=True)]
"""What `--cache` was called before, for one release."""


def _a_dataflow(name: str) -> str:
    """Refuse what no dataflow is called."""
    from accelsim.hardware.registry import dataflow_names

    if name != AUTO and name not in dataflow_names():
        allowed = ", ".join(map(repr, (AUTO, *dataflow_names())))
        raise typer.BadParameter(f"{name!r} must be one of {allowed}")
    return name


def arena_bytes(text: str) -> int:
    """What `200KiB`, `1.5 MiB` or a number of bytes say."""
    said = _SIZE.fullmatch(text.strip())
    size = float(said[1]) * _UNITS[said[2].lower()] if said else 0.0
    in_range = 1 <= size <= MAX_BUFFER_BYTES
    if not in_range or size != int(size):
        is_part = f"; it is {size:.2f}" if in_range else ""
        raise typer.BadParameter(
            f"{text!r} must be whole bytes, as 51200, 50KiB or 1.5MiB, from 1 to {MAX_BUFFER_BYTES}{is_part}"
        )
    return int(size)


ArenaOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--arena",
        metavar="SIZE",
        parser=arena_bytes,
        help="What of the memory on chip that keeps tensors the network may take, as 200KiB: activations, "
        "rows of cascades, tiles and pinned weights together. Default: all, or what the machine says.",
    ),
]


def with_arena(hardware: "Hardware", size_bytes: int | None) -> "Hardware":
    """The machine with that limit. Raises AccelsimError where its memory for tensors is smaller."""
    if size_bytes is None:
        return hardware
    from accelsim.descriptions import vary

    bank = hardware.tensor_bank
    if bank is None:
        raise typer.BadParameter(
            f"{hardware.name} has no pool, nor a memory for tensors", param_hint="--arena"
        )
    return vary(hardware, **{f"memories.{bank.memory}.arena_bytes": size_bytes})


def with_arenas(machines: "dict[str, Hardware]", size_bytes: int | None) -> "dict[str, Hardware]":
    """The same of several."""
    return {name: with_arena(hardware, size_bytes) for name, hardware in machines.items()}


BatchOption: TypeAlias = Annotated[
    int | None,
    whole_number(
        "--batch",
        least=1,
        most=MAX_BATCH,
        text="Images that run together. Default: 1, or as many as the file of an imported model fixes.",
    ),
]
DataflowOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--dataflow",
        metavar="NAME",
        callback=_a_dataflow,
        help="For every layer of the PE array: weight_stationary, output_stationary or another that the "
        "machine lists; auto chooses for each.",
    ),
]
ObjectiveOption: TypeAlias = Annotated[
    Objective | None,
    typer.Option(
        "--objective",
        help="What dataflows and tiles are chosen by (edp: energy x time). Default: what the machine says.",
    ),
]
GoalOption: TypeAlias = Annotated[
    Goal | None,
    typer.Option(
        "--objective",
        help="What dataflows and tiles are chosen by (edp: energy x time). peak: the least memory with which "
        "nothing but weights, and the network's ends as io says, lies outside, and in that the least time. "
        "Default: what the machine says.",
    ),
]
InferencesOption: TypeAlias = Annotated[
    Inferences,
    typer.Option(
        "--inferences",
        help="Which to judge where a machine keeps weights: with those that stay on chip there (steady), or "
        "the first, in which they come.",
    ),
]
EngineOption: TypeAlias = Annotated[
    Engine, typer.Option("--engine", help="Same result: events runs every tile as events.")
]
RelativeToOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--relative-to",
        metavar="NAME",
        help="A network (cases are relative to it on the same machine) or a machine (to the same network "
        "there). Default: the first network, or the first machine if there is one network.",
    ),
]


def layer_choice(text: str) -> str:
    """`all`, `top`, `none`, or how many."""
    if text not in LAYER_WORDS and not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        words = ", ".join(LAYER_WORDS)
        raise typer.BadParameter(f"{text!r} must be one of {words}, or a number of layers such as 3")
    return text


def layer_count(choice: str, top: int) -> int | None:
    """How many layers a choice asks for, where `top` are so many; None is all of them."""
    return {"all": None, "top": top, "none": 0}[choice] if choice in LAYER_WORDS else int(choice)


FpsOption: TypeAlias = Annotated[
    float | None,
    positive_number(
        "--fps",
        metavar="F",
        most=MAX_FRAMES_PER_SECOND,
        text="Also power, and energy of an image, where so many images come in a second and the machine "
        "waits between them. Of machines whose energy is known in joules.",
    ),
]
BatteryOption: TypeAlias = Annotated[
    float | None,
    positive_number(
        "--battery-mwh",
        metavar="C",
        most=MAX_BATTERY_MWH,
        text="With --fps: for how many hours a battery of so many mWh lasts.",
    ),
]


def demand_of(fps: float | None, battery_mwh: float | None) -> "FrameDemand | None":
    """What the two options ask for; None where they are left out."""
    if fps is None:
        if battery_mwh is None:
            return None
        sentence = "needs --fps, the rate at which the battery is used"
        raise typer.BadParameter(sentence, param_hint="--battery-mwh")
    from accelsim.power import FrameDemand

    return FrameDemand(fps, battery_mwh)


QuietOption: TypeAlias = Annotated[bool, typer.Option("--quiet", help="Nothing on stderr but mistakes.")]


def mapping_options(batch: int | None, dataflow: str, objective: Objective | Goal | None) -> dict[str, Any]:
    """The options as `run_network` takes them."""
    return {
        "batch": batch,
        "dataflow": dataflow,
        "objective": None if objective is None else objective.value,
    }

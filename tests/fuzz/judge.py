"""What may come out of accelsim: an answer that can be true, or a refusal that a person can read."""

import json
import math
import os
import shutil
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import accelsim
from accelsim.errors import FileWarning
from accelsim.network.build import build
from accelsim.network.description import Network
from accelsim.result import RunResult
from fuzz.door import AnyDoor, NonsenseError

PACKAGE: Final = Path(accelsim.__file__).parent
MOST_LINE_LENGTH: Final = 1_000
MOST_TEXT_LENGTH: Final = 1_000_000
_OF_PYTHON: Final = ("Traceback", " object at 0x", "Error:", "Error(", "<class ", "np.int64(", "np.float64(")
"""What only a programmer understands."""


@dataclass(frozen=True)
class Failure:
    """An input that accelsim should have answered or refused otherwise."""

    door: str
    seed: int
    index: int
    kind: str
    """What it has in common with others: the exception and where it came from."""
    details: str

    @property
    def replay(self) -> str:
        """The command that feeds this input alone."""
        return f"python scripts/fuzz.py --door {self.door} --seed {self.seed} --only {self.index}"


Verdict: TypeAlias = Failure | Literal["answered", "refused"]


def judge(door: AnyDoor, seed: int, index: int) -> Verdict:
    """Feed an input, in a working folder that is emptied for it."""
    empty_working_folder()
    trial = door.input(seed, index)
    try:
        door.feed(trial)
        return "answered"
    except NonsenseError as error:
        kind, details = str(error).partition("\n")[0], str(error)
    except door.refusals as error:
        wrong = wrong_with_sentence(str(error))
        if not wrong:
            return "refused"
        kind, details = f"{wrong}, {_origin(error)}", str(error)[:MOST_LINE_LENGTH]
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever it is, it is what is looked for
        kind, details = f"{type(error).__name__}, {_origin(error)}", _last_lines(error)
    return Failure(door.name, seed, index, kind, details)


def forbid_warnings() -> None:
    """Make errors of warnings, which reach the user, too; but for those that accelsim gives on purpose."""
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", FileWarning)


def empty_working_folder() -> None:
    """Remove what the input before left behind."""
    for entry in Path.cwd().iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def wrong_with_sentence(text: str) -> str:
    """Why a refusal is of no use to the person who reads it; nothing if it is."""
    if not text.strip():
        return "a refusal without a word"
    if len(text) > MOST_TEXT_LENGTH:
        return "a refusal that never ends"
    for line in text.split("\n"):
        if not line.strip():
            return "a refusal with an empty line"
        if len(line) > MOST_LINE_LENGTH:
            return "a refusal on a line that is too long"
        if any(word in line for word in _OF_PYTHON):
            return "a refusal in words of Python"
    return ""


def require(condition: bool, kind: str, details: object = "") -> None:
    """Raise NonsenseError unless something holds."""
    if not condition:
        raise NonsenseError(f"{kind}\n{details}")


def check_network(network: Network) -> None:
    """Raise NonsenseError where a layer of the published graph computes nothing."""
    published = build(network)
    for node in published.nodes:
        output = node.operator.output
        smallest = min(output.channels, output.height, output.width)
        require(smallest >= 1, "a layer without channels or pixels", f"{node.name}: {output}")


def check_result(result: RunResult) -> None:
    """Raise NonsenseError where a result contradicts itself."""
    for key, number in _numbers(result.to_dict()):
        cropped = ".pad_" in key  # negative where a picture is cut off instead of padded
        require(
            cropped or (math.isfinite(number) and number >= 0), "a number that is negative or no number", key
        )
    require(result.cycles > 0, "no cycles")
    kept = result.lower_bound_if_kept_cycles  # the other bound has what stays on chip moved
    bound = result.lower_bound_cycles if kept is None else kept
    require(bound <= result.cycles, "less time than the bound allows")
    require(result.utilization <= 1, "more work than the array can do", result.utilization)
    require(sum(layer.cycles for layer in result.layers) == result.cycles, "layers do not add up to cycles")
    energies = math.fsum(layer.energy for layer in result.layers)
    require(math.isclose(energies, result.energy.total, rel_tol=1e-9), "layers do not add up to the energy")
    json.dumps(result.to_dict(), allow_nan=False)


def _numbers(value: object, key: str = "") -> Iterator[tuple[str, float]]:
    """All numbers in a result, each with where it stands."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _numbers(inner, f"{key}.{name}")
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _numbers(inner, key)
    elif isinstance(value, int | float):
        yield key, value


def _origin(error: BaseException) -> str:
    """The innermost function of accelsim that an exception passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if Path(frame.filename).is_relative_to(PACKAGE)] or frames
    frame = inside[-1]
    return f"{os.path.relpath(frame.filename, PACKAGE.parent)}:{frame.name}"


def _last_lines(error: BaseException) -> str:
    return "".join(traceback.format_exception(error, limit=-8))[-4000:]

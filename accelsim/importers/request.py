"""What is asked of a model beside its file: sizes that it leaves open, where it is cut, what may be priced.

    net.onnx@resolution=224
    net.onnx@input=1x3x48x320
    net.onnx@batch=8,width=320
    net.onnx@until=/head/Conv,unsupported=host

The command line and Python say the same things; both become a `ModelRequest` here, once.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, get_args

from accelsim.errors import Complaint, DescriptionError
from accelsim.importers.model import Dims, visible

Unsupported: TypeAlias = Literal["refuse", "host", "elementwise"]
"""What becomes of nodes that nothing here is an operator of."""

INPUT_KEY: Final = "input"
"""What stands for the only input, whatever the model calls it."""
RESERVED: Final = ("resolution", "until", "from", "unsupported")
"""Keys that are no names of a model's."""
MAX_SIZE: Final = 1 << 20
"""Of one axis."""
MOST_AXES: Final = 8
_MOST_LETTERS: Final = 60
_NAMES_SHOWN: Final = 12


@dataclass(frozen=True)
class ModelRequest:
    """What is asked of a model; by default nothing.

    Example:
        >>> request = requested("net.onnx", {"input": "1x3x48x320", "batch": 8, "until": "conv5"})
        >>> request.shapes, request.sizes, request.until, request.words
        ({'input': (1, 3, 48, 320)}, {'batch': 8}, ('conv5',), 'input=1x3x48x320,batch=8,until=conv5')
    """

    resolution: int | None = None
    """Height and width of a square image."""
    shapes: Mapping[str, Dims] = field(default_factory=dict)
    """Of inputs, by their names."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Of axes, by the names that the file has for them; or of an input of one axis."""
    until: tuple[str, ...] = ()
    """Nodes or tensors with which the network ends."""
    since: tuple[str, ...] = ()
    """Nodes or tensors with which it begins."""
    unsupported: Unsupported = "refuse"
    """What becomes of nodes that nothing here is an operator of."""

    @property
    def words(self) -> str:
        """As it is written after the @; empty where nothing is asked."""
        pairs = [("resolution", str(self.resolution))] if self.resolution is not None else []
        pairs += [(name, "x".join(map(str, dims))) for name, dims in self.shapes.items()]
        pairs += [(name, str(size)) for name, size in self.sizes.items()]
        pairs += [("from", name) for name in self.since] + [("until", name) for name in self.until]
        pairs += [("unsupported", self.unsupported)] if self.unsupported != "refuse" else []
        return ",".join(f"{quoted(key)}={quoted(visible(value))}" for key, value in pairs)


NOTHING_ASKED: Final = ModelRequest()


def quoted(text: str) -> str:
    """A text that may stand on either side of = after the @: in quotes where it has commas."""
    return f'"{text}"' if set(text) & set(",=") and '"' not in text else text


def requested(label: str, settings: Mapping[str, Any]) -> ModelRequest:
    """What is asked, from texts of a command line or values of a program.

    Args:
        label: What messages call the model.
        settings: By key: numbers, `1x3x48x320` or a tuple of numbers, names; for `until` and `from` also
            several.

    Returns:
        The request; whether a model has what it names is for the model to say.

    Raises:
        DescriptionError: With a line for each setting that is none.

    Example:
        >>> requested("net", {"input": (1, 3, 48, 320), "width": "8"}).words
        'input=1x3x48x320,width=8'
    """
    shapes: dict[str, Dims] = {}
    sizes: dict[str, int] = {}
    mistakes: list[Complaint] = []
    for key, value in settings.items():
        if key in RESERVED:
            continue
        dims = _dims(value)
        if dims is None:
            wanted = "must be a size as 8, or a shape as 1x3x224x224"
            mistakes.append(Complaint(wanted, label, _shown(key), repr(_shown(str(value)))))
        elif isinstance(dims, int):
            sizes[key] = dims
        else:
            shapes[key] = dims
    unsupported = settings.get("unsupported", "refuse")
    if unsupported not in get_args(Unsupported):
        allowed = " or ".join(get_args(Unsupported))
        mistakes.append(Complaint(f"must be {allowed}", label, "unsupported", repr(_shown(str(unsupported)))))
    names = {key: _names(settings.get(key, ())) for key in ("until", "from")}
    if mistakes:
        raise DescriptionError.of(*mistakes)
    return ModelRequest(settings.get("resolution"), shapes, sizes, names["until"], names["from"], unsupported)


def _names(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(map(str, value))


def _dims(value: Any) -> Dims | int | None:
    """A shape, a size, or neither."""
    if isinstance(value, str):
        parts: Sequence[Any] = value.strip().split("x")
        numbers = [int(part) for part in parts if part.isascii() and part.isdecimal() and len(part) < 10]
        single = len(parts) == 1
    elif isinstance(value, tuple | list):
        parts, single = value, False
        numbers = [size for size in parts if isinstance(size, int) and not isinstance(size, bool)]
    else:
        parts, single = [value], True
        numbers = [value] if isinstance(value, int) and not isinstance(value, bool) else []
    valid = len(numbers) == len(parts) <= MOST_AXES and all(1 <= size <= MAX_SIZE for size in numbers)
    if not valid or not numbers:
        return None
    return numbers[0] if single else tuple(numbers)


def _shown(text: str) -> str:
    return visible(text)[:_MOST_LETTERS]


def near(name: str, names: Iterable[str]) -> str:
    """`, did you mean conv5?`, or the first of the names there are."""
    known = [visible(known) for known in dict.fromkeys(names)]
    meant = difflib.get_close_matches(name, known[:5000], n=3) if len(name) <= _MOST_LETTERS * 3 else []
    meant = meant or [known_name for known_name in known if name and name in known_name][:3]
    if meant:
        return f", did you mean {', '.join(meant)}?"
    more = f" and {len(known) - _NAMES_SHOWN:,} more" if len(known) > _NAMES_SHOWN else ""
    return f": there are {', '.join(known[:_NAMES_SHOWN])}{more}" if known else ""

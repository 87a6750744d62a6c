"""Parameters: the knobs of a family of networks, and the input, which every family may vary."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Self, TypeAlias

from pydantic import Field, StringConstraints, model_validator

from accelsim.descriptions import Description, Mistake, one_of, shown, unknown
from accelsim.descriptions.limits import MAX_CHANNELS, MAX_RESOLUTION, MAX_VALUE
from accelsim.descriptions.quantities import AxisLength, Channels, Fraction
from accelsim.network.expressions import ExpressionError, Value, evaluate

Expression: TypeAlias = Annotated[
    str, StringConstraints(pattern="^="), Field(description='an expression such as "=2*width"')
]


RESOLUTION: Final = "resolution"
"""The parameter that sets height and width of a square input."""


class InputShape(Description):
    """The image: channels (a network that is part of another one may have a rule for them), and pixels."""

    channels: Channels | Expression
    height: AxisLength
    width: AxisLength
    activation_density: Fraction | None = None
    """The part of it that is not zero, where it is what other layers have put out, and coded as that is."""


class Parameter(Description):
    """A knob of a family of networks: its default, and the values it may take."""

    default: int | float | bool | str
    allowed: tuple[int | float | bool | str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None

    @model_validator(mode="after")
    def _default_is_allowed(self) -> Self:
        if not self.allows(self.default):
            raise ValueError(f"its default is {shown(self.default)}, must be {self.words}")
        return self

    def allows(self, value: object) -> bool:
        """Whether the knob may be set to a value; an int stands for a float, nothing else is converted."""
        same_type = type(value) is type(self.default)
        if isinstance(self.default, float):
            same_type = isinstance(value, int | float) and not isinstance(value, bool)
        if not same_type or (isinstance(value, int | float) and not abs(value) <= MAX_VALUE):
            return False
        if self.allowed is not None:
            return value in self.allowed
        if isinstance(value, bool) or not isinstance(value, int | float):
            return True
        low = self.minimum is None or value >= self.minimum
        high = self.maximum is None or value <= self.maximum
        return low and high

    @property
    def words(self) -> str:
        """What `allows` allows, as a message says it."""
        if self.allowed is not None:
            return one_of(shown(value) for value in self.allowed)
        kind = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
        limits = (("from", self.minimum), ("to", self.maximum))
        words = [f"{word} {limit:g}" for word, limit in limits if limit is not None]
        if not words and type(self.default) in {int, float}:
            words = [f"from -{MAX_VALUE:.0e} to {MAX_VALUE:.0e}"]
        return " ".join([kind[type(self.default)], *words])

    def from_text(self, text: str) -> Value:
        """The value that a command line's text stands for; the text itself where it stands for none."""
        if isinstance(self.default, bool):
            return {"true": True, "false": False}.get(text.lower(), text)
        try:
            return type(self.default)(text)
        except ValueError:
            return text


def knobs_of(parameters: Mapping[str, Parameter], image: InputShape) -> dict[str, Parameter]:
    """The parameters with the one that every network has whose input is square."""
    if image.height != image.width:
        return dict(parameters)
    return {**parameters, RESOLUTION: Parameter(default=image.height, minimum=1, maximum=MAX_RESOLUTION)}


IMAGE_SIDE: Final = Parameter(default=1, minimum=1, maximum=MAX_RESOLUTION)
"""The one parameter of an imported model."""


def no_parameter(name: str, legal: Iterable[str], network: str = "") -> str:
    """What is said of a parameter that a network, of that name if it is given, does not have."""
    if name == RESOLUTION:
        return (
            f"is for square inputs, which {network or 'this network'}'s is not: leave it out; "
            "input.height and input.width say its size"
        )
    return unknown(name, f"parameter of {network}" if network else "parameter", legal)


def wrong_values(knobs: Mapping[str, Parameter], settings: Mapping[str, Value]) -> list[Mistake]:
    """What is wrong with values for parameters, by their names."""
    return [
        Mistake(
            (key,),
            f"must be {knobs[key].words}" if key in knobs else no_parameter(key, sorted(knobs)),
        )
        for key, value in settings.items()
        if key not in knobs or not knobs[key].allows(value)
    ]


def channels_of(image: InputShape, values: Mapping[str, Value]) -> int:
    """The channels of the input; ExpressionError if their rule gives no number of channels."""
    if not isinstance(image.channels, str):
        return image.channels
    channels = evaluate(image.channels, values)
    if isinstance(channels, bool) or not isinstance(channels, int) or not 1 <= channels <= MAX_CHANNELS:
        raise ExpressionError(f"must be a whole number from 1 to {MAX_CHANNELS}, gives {shown(channels)}")
    return channels


def under(key: str | int, mistakes: Iterable[Mistake]) -> list[Mistake]:
    """The mistakes of what stands under a key, with their places from there."""
    return [Mistake((key, *mistake.path), mistake.sentence) for mistake in mistakes]

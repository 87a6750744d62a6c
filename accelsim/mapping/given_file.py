"""Mapping files: what is said of layers' mappings beforehand, rule by rule."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from accelsim.descriptions import (
    MOST_NAMES,
    Description,
    Document,
    Mistake,
    Upgrade,
    check,
    in_words,
    one_of,
    refusal,
    unknown,
)
from accelsim.descriptions.limits import MAX_ELEMENTS
from accelsim.descriptions.reader import parse_list
from accelsim.errors import AccelsimError, Complaint, DescriptionError
from accelsim.hardware.memory import MemoryName
from accelsim.hardware.operand import Operand
from accelsim.mapping.loop_order import Letter
from accelsim.network.given import GivenMapping, SizeBounds

TileSize: TypeAlias = Annotated[int, Field(ge=1, le=MAX_ELEMENTS)]
_NOUN = "rules, each with `layers` and what is said of their mappings, or with `cascade`"


class Said(Description):
    """What a file says or a program: what is wrong with it is told in the same words."""

    def __init__(self, **said: Any) -> None:
        """What a program says, checked as a file is: it may say lists and names, too."""
        kind = type(self)
        try:
            checked = check(Document(kind.__name__, said, {}), kind)
        except TypeError as error:  # of a value that no file can hold
            raise DescriptionError.about(kind.__name__, str(error)) from None
        super().__init__(**{name: getattr(checked, name) for name in checked.model_fields_set})

    # So that pydantic, when it reads a file, does not come here with what it has just checked.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def upgraded(cls, data: dict[str, Any]) -> Upgrade:
        """Without keys that are null: they say as much as keys that are left out."""
        said = {key: value for key, value in data.items() if value is not None}
        sentences = cls.elsewhere()
        mistakes = [Mistake((key,), sentences[key]) for key in said if key in sentences]
        return Upgrade(said, mistakes=tuple(mistakes))

    @classmethod
    def elsewhere(cls) -> dict[str, str]:
        """Keys that are said in rules of the other kind, each with what to say of it here."""
        return {}


class LoopBounds(Said):
    """What tiles' sizes along a loop have to be.

    Attributes:
        min: The least.
        max: The largest.

    Example:
        >>> LoopBounds(max=64, multiple_of=16).multiple_of
        16
    """

    min: TileSize = 1
    max: TileSize | None = None
    multiple_of: TileSize = 1
    """What sizes are multiples of."""

    @model_validator(mode="after")
    def _allow_some(self) -> Self:
        if self.max is not None and self.min > self.max:
            raise ValueError(f"min is {self.min} and max is {self.max}: must not be above it")
        if self.max is not None and self.max // self.multiple_of * self.multiple_of < self.min:
            raise ValueError(f"no multiple of {self.multiple_of} is from {self.min} to {self.max}")
        return self


class MappingRule(Said):
    """What a mapping file says of the layers of a pattern; what is left out is searched for.

    Attributes:
        layers: A shell pattern on names of executed layers; of rules that fit a layer the last one holds.

    Example:
        >>> rule = MappingRule(layers="conv*", dataflow="weight_stationary", tile={"K": 16})
        >>> rule.given().size("K"), rule.given().size("C")
        (16, None)
    """

    layers: Annotated[str, Field(min_length=1)]
    dataflow: Annotated[str, Field(min_length=1)] | None = None
    """One of the machine's, `vector` or `host`; the rule then fits only layers that may run so."""
    tile: MappingOf[Letter, TileSize] = {}
    """Sizes along loops."""
    order: tuple[Letter, ...] | None = None
    """Loops over tiles, outermost first: images and groups lie around what is named, loops over the kernel's
    taps inside that over input channels, and all others inside."""
    bounds: MappingOf[Letter, LoopBounds] = {}
    """Of sizes along loops of which none is said."""
    homes: MappingOf[
        Operand, MemoryName | Annotated[tuple[MemoryName, ...], Field(min_length=2, max_length=2)]
    ] = {}
    """Of operands: the memory that each comes from or goes to; or two, where it moves and lies on chip."""
    parameters: MappingOf[str, int] = {}
    """Of the dataflow's own."""
    idle_rows: Annotated[int, Field(ge=0, le=MAX_ELEMENTS)] | None = None
    """Of the array."""
    images: Literal["together", "in_turn"] | None = None
    """Of a batch: together through each layer, or in turn through all of them."""
    from_stripe: Annotated[int, Field(ge=1, le=MAX_ELEMENTS)] | None = None
    """Of layers in a cascade: the first stripe, counted from 1, that the rule is about; None is of all."""

    @model_validator(mode="after")
    def _is_of_one_mind(self) -> Self:
        mistakes = [
            Mistake((key,), "must be left out of a rule with from_stripe: it is said of all stripes")
            for key in ("homes", "images")
            if self.from_stripe is not None and getattr(self, key)
        ]
        if self.order is not None and len(set(self.order)) < len(self.order):
            mistakes.append(Mistake(("order",), "must name each loop once"))
        mistakes += [
            Mistake(("bounds", letter), "must be left out: tile says the size")
            for letter in self.bounds
            if letter in self.tile
        ]
        if mistakes:
            raise refusal("MappingRule", mistakes)
        return self

    @classmethod
    def elsewhere(cls) -> dict[str, str]:
        """Keys of cascades."""
        return _keys_only_of(CascadeRule, cls, "must be said in a rule with cascade, not with layers")

    def given(self, position: str = "") -> GivenMapping:
        """The same as what a layer is told; `position` says where it stands."""
        bounds = [
            (letter, SizeBounds(of_loop.min, of_loop.max, of_loop.multiple_of))
            for letter, of_loop in self.bounds.items()
        ]
        homes = [
            (operand.value, (home,) if isinstance(home, str) else tuple(home))
            for operand, home in self.homes.items()
        ]
        return GivenMapping(
            self.dataflow,
            tuple(sorted(self.tile.items())),
            None if self.order is None else whole_order(self.order),
            tuple(sorted(bounds)),
            tuple(sorted(homes)),
            tuple(sorted(self.parameters.items())),
            self.idle_rows,
            self.images,
            position,
        )


class CascadeRule(Said):
    """What a mapping file says of layers that run stripe by stripe; what is left out is searched for.

    Attributes:
        cascade: Names of executed layers, one after the other in running order.

    Example:
        >>> rule = CascadeRule(cascade=["conv1", "conv2"], stripe_rows=4, weights_stay=["conv2"])
        >>> rule.cascade, rule.weights_stay
        (('conv1', 'conv2'), ('conv2',))
    """

    cascade: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=2)]
    stripe_rows: Annotated[int, Field(ge=1, le=MAX_ELEMENTS)] | None = None
    """Rows of a stripe, of what the last layer stores."""
    weights_stay: tuple[str, ...] | None = None
    """Layers whose weights come with their first stripe, and stay; of the others they come with each stripe,
    unless they are at home on chip."""

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        mistakes = [
            Mistake((key,), "must name each layer once")
            for key in ("cascade", "weights_stay")
            if len(set(getattr(self, key) or ())) < len(getattr(self, key) or ())
        ]
        mistakes += [
            Mistake(("weights_stay", number), f"must be {one_of(self.cascade)}, of which the cascade is")
            for number, name in enumerate(self.weights_stay or ())
            if name not in self.cascade
        ]
        if mistakes:
            raise refusal("CascadeRule", mistakes)
        return self

    @classmethod
    def elsewhere(cls) -> dict[str, str]:
        """Keys of layers, of which each has rules of its own."""
        return _keys_only_of(MappingRule, cls, "must be said in a rule with layers, not with cascade")


Rule: TypeAlias = MappingRule | CascadeRule


def _keys_only_of(one: type[Said], other: type[Said], sentence: str) -> dict[str, str]:
    """A sentence for each key that one kind of rules has, and the other has not."""
    return dict.fromkeys(one.model_fields.keys() - other.model_fields.keys(), sentence)


def whole_order(named: Sequence[Letter]) -> tuple[Letter, ...]:
    """All eight loops of an order of which some are named.

    Example:
        >>> whole_order(["C", "OY", "OX", "K"])
        ('N', 'G', 'C', 'FY', 'FX', 'OY', 'OX', 'K')
    """
    outer: tuple[Letter, ...] = ("N", "G")
    inner: tuple[Letter, ...] = ("K", "OY", "OX", "C")
    taps: tuple[Letter, ...] = ("FY", "FX")
    order = [*(letter for letter in outer if letter not in named), *named]
    order += [letter for letter in inner if letter not in named]
    at = order.index("C") + 1
    return (*order[:at], *(letter for letter in taps if letter not in named), *order[at:])


@dataclass(frozen=True)
class GivenMappings:
    """Rules for the layers of a network, each with where it stands.

    Attributes:
        rules: In the order of the file.

    Example:
        >>> given = GivenMappings.of([MappingRule(layers="*"), MappingRule(layers="conv1")])
        >>> given.fitting("conv1"), given.fitting("fc")
        ([0, 1], [0])
    """

    rules: tuple[Rule, ...]
    documents: tuple[Document, ...]
    """Of each rule, for messages."""

    @classmethod
    def of(cls, mapping: "GivenMappings | str | Path | Sequence[Rule]") -> Self:
        """Rules of a file, or those that a program made. Raises AccelsimError where there is a mistake."""
        if isinstance(mapping, cls):
            return mapping
        if isinstance(mapping, str | Path):
            given = read_mappings(mapping)
            return cls(given.rules, given.documents)
        listed: Sequence[object] = mapping if isinstance(mapping, Sequence) else ()
        rules = tuple(rule for rule in listed if isinstance(rule, Rule))
        if not rules or len(rules) < len(listed):
            sentence = "must be the path of a mapping file, or a list of MappingRule and CascadeRule"
            raise AccelsimError(f"mapping = {in_words(mapping)}: {sentence}")
        documents = [
            Document(f"mapping[{number}]", rule.model_dump(mode="json", exclude_defaults=True), {})
            for number, rule in enumerate(rules)
        ]
        return cls(rules, tuple(documents))

    @property
    def of_layers(self) -> dict[int, MappingRule]:
        """The rules about layers that fit a pattern, by their numbers."""
        return {number: rule for number, rule in enumerate(self.rules) if isinstance(rule, MappingRule)}

    @property
    def cascades(self) -> dict[int, CascadeRule]:
        """The rules about layers that run stripe by stripe, by their numbers."""
        return {number: rule for number, rule in enumerate(self.rules) if isinstance(rule, CascadeRule)}

    def fitting(self, name: str) -> list[int]:
        """Numbers of the rules whose patterns fit the name of a layer."""
        return [number for number, rule in self.of_layers.items() if fnmatchcase(name, rule.layers)]

    def given(self, number: int) -> GivenMapping:
        """What one of the rules about layers says."""
        return self.of_layers[number].given(self.position(number, "layers"))

    def position(self, number: int, key: str) -> str:
        """Where a rule stands that has a key: `FILE:LINE`."""
        document = self.documents[number]
        line = document.line((key,))
        return document.label if line is None else f"{document.label}:{line}"

    def check_used(self, last_stripes: MappingOf[str, int]) -> None:
        """Hold the rules against the layers that a schedule has: a pooling may run within another layer.

        Args:
            last_stripes: By names of those layers, the last stripe of each; 1 where it runs as a whole.

        Raises:
            DescriptionError: A rule fits none.
        """
        names, mistakes = list(last_stripes), []
        fitted: dict[int, list[str]] = {number: [] for number in self.of_layers}
        for name in names:
            for number in self.fitting(name):
                fitted[number].append(name)
        for number, fitting in fitted.items():
            stripe = self.of_layers[number].from_stripe or 1
            last = max([last_stripes[name] for name in fitting], default=0)
            if not fitting:
                words = unknown(
                    self.of_layers[number].layers, "executed layer", names[:MOST_NAMES], len(names)
                )
                mistakes.append((number, Mistake(("layers",), words)))
            elif stripe > last:
                words = f"must be at most {last}, the last stripe of {one_of(fitting)}"
                mistakes.append((number, Mistake(("from_stripe",), words)))
        if mistakes:
            raise self.error(mistakes)

    def error(self, mistakes: Sequence[tuple[int, Mistake]]) -> DescriptionError:
        """Mistakes of rules, by their numbers, as one error with a line for each."""
        complaints = [self.documents[number].complaint(mistake) for number, mistake in sorted(mistakes)]
        return DescriptionError.of(*dict.fromkeys(complaints))


def read_mappings(path: str | Path) -> GivenMappings:
    """The rules of a mapping file.

    Args:
        path: As `--mapping` takes it.

    Returns:
        What it says, checked by itself; whether it fits a network and a machine is seen with them.

    Raises:
        DescriptionError: With a line for each mistake.

    Example:
        >>> read_mappings("absent.yaml")
        Traceback (most recent call last):
        ...
        accelsim.errors.DescriptionError: absent.yaml: no such file
    """
    documents = parse_list(path, _NOUN)
    if not documents:
        raise DescriptionError.about(f"{path}:1", f"is an empty list: must be a list of {_NOUN}")
    rules: list[Rule] = []
    complaints: list[Complaint] = []
    for document in documents:
        try:
            rules.append(_rule(document))
        except DescriptionError as error:
            complaints += error.complaints
    if complaints:
        raise DescriptionError.of(*complaints)
    return GivenMappings(tuple(rules), documents)


def _rule(document: Document) -> Rule:
    """One of them: about a cascade where it says which, or has only such keys."""
    said, kinds = document.data, (CascadeRule, MappingRule)
    of_cascade, of_layers = (kind.model_fields.keys() & said.keys() for kind in kinds)
    if said.get("cascade") is not None or (of_cascade and not of_layers):
        return check(document, CascadeRule)
    return check(document, MappingRule)

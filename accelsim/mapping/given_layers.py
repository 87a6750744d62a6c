"""Layers that know what a mapping file says of them, checked against network and machine."""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace

from accelsim.descriptions import MOST_NAMES, Mistake, one_of, unknown
from accelsim.hardware import Hardware, Operand
from accelsim.hardware.host import HOST
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.given_cascades import cascade_mistakes, cascade_names, home_mistakes, homes_of
from accelsim.mapping.given_file import GivenMappings, MappingRule
from accelsim.mapping.given_search import LETTERS, extents_of
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.search import as_executed
from accelsim.mapping.units import array_dataflows, dataflows_for, fuses_pooling, takes
from accelsim.mapping.unmappable import NoDataflowRuns, NotPriced
from accelsim.network.executed import ExecutedGraph
from accelsim.network.given import GivenCascade, GivenFrom
from accelsim.network.layer import Layer
from accelsim.network.lowering.splitting import unfused


def with_given(
    graph: ExecutedGraph, given: GivenMappings, hardware: Hardware, options: MappingOptions
) -> ExecutedGraph:
    """The same layers, which say what is given of their mappings, and which of them are to run in cascades.

    Args:
        graph: In running order.
        given: The rules.
        hardware: The machine.
        options: How networks are mapped.

    Raises:
        DescriptionError: With a line for each rule that fits no layer, and for each value that cannot be.
    """
    layers = [part for layer in graph.layers for part in _parts(layer)]
    carrying = [layer for layer in graph.layers if layer.pooling and fuses_pooling(layer, hardware)]
    carried = {unfused(layer)[1].name for layer in carrying}
    alone = [layer.name for layer in layers if layer.name not in carried]
    mistakes = [*cascade_mistakes(given, [layer.name for layer in layers], alone, hardware)]
    if mistakes:
        raise given.error(mistakes)
    telling = _Telling(given, hardware, options)
    told = [replace(node, layer=telling.told(node.layer)) for node in graph.nodes]
    cascades = telling.cascades({layer.name: layer for layer in layers})
    mistakes = [*telling.mistakes, *telling.without_layers()]
    if mistakes:
        raise given.error(mistakes)
    return replace(graph, nodes=tuple(told), given_cascades=cascades)


def _parts(layer: Layer) -> list[Layer]:
    """A layer, and its pooling, which a machine may run by itself."""
    return [layer] if layer.pooling is None else [layer, unfused(layer)[1]]


@dataclass
class _Telling:
    """Tells layers what is said of them, and collects what is wrong with that."""

    given: GivenMappings
    hardware: Hardware
    options: MappingOptions

    def __post_init__(self) -> None:
        self.mistakes: list[tuple[int, Mistake]] = []
        self.names: list[str] = []
        self.striped = cascade_names(self.given)
        """Layers that are said to be in cascades."""
        shares = self.options.batch > 1 and bool(self.striped)
        self.images: str | None = "in_turn" if shares else None
        """Which way a batch goes, as the first rule that speaks of it has it, or a cascade."""
        self.fitted: set[int] = set()
        """Rules that hold for a layer, or would if no later one did."""
        self.refused: dict[int, str] = {}
        """Rules whose dataflow no layer of the pattern so far can run, with the reason."""
        self.of_stripes: dict[int, str] = {}
        """Rules about stripes of layers that are in no cascade, with the first of these."""

    def told(self, layer: Layer) -> Layer:
        """A layer with what is said of it, and of its pooling."""
        of_layer, of_pooling, *_ = *map(self._rule_of, _parts(layer)), None
        if of_layer is None and of_pooling is None:
            return layer
        return replace(
            layer,
            given=None if of_layer is None else self.given.given(of_layer),
            given_pooling=None if of_pooling is None else self.given.given(of_pooling),
        )

    def cascades(self, layers: MappingOf[str, Layer]) -> tuple[GivenCascade, ...]:
        """What is said of layers that run stripe by stripe.

        Args:
            layers: All that there are, by their names.
        """
        cascades = []
        for number, rule in self.given.cascades.items():
            of_rule = [layers[name] for name in rule.cascade]
            told = tuple(map(self._of_stripes, of_rule))
            homes = tuple([homes_of(rule, *each, self.hardware) for each in zip(told, of_rule, strict=True)])
            found = home_mistakes(rule, homes, of_rule, self.hardware)
            self.mistakes += [(number, mistake) for mistake in found]
            position = self.given.position(number, "cascade")
            cascades.append(
                GivenCascade(rule.cascade, rule.stripe_rows, rule.weights_stay, told, homes, position)
            )
        return tuple(cascades)

    def without_layers(self) -> Iterator[tuple[int, Mistake]]:
        """Rules that fit no layer."""
        for number, rule in self.given.of_layers.items():
            if number in self.fitted:
                continue
            if number in self.of_stripes:
                words = f"{self.of_stripes[number]} is in no cascade of this file"
                yield number, Mistake(("from_stripe",), words)
            elif number in self.refused:
                yield number, Mistake(("dataflow",), self.refused[number])
            else:
                words = unknown(rule.layers, "executed layer", self.names[:MOST_NAMES], len(self.names))
                yield number, Mistake(("layers",), words)

    def _rule_of(self, layer: Layer) -> int | None:
        """The last rule that fits a layer that runs as a whole."""
        if layer.name not in self.names:
            self.names.append(layer.name)
        if layer.name in self.striped:
            return None
        fitting = self._fitting(layer)
        of_stripes = [number for number in fitting if self.given.of_layers[number].from_stripe is not None]
        self.of_stripes = dict.fromkeys(of_stripes, layer.name) | self.of_stripes
        fitting = [number for number in fitting if number not in of_stripes]
        self.fitted.update(fitting)
        if not fitting:
            return None
        self._check(fitting[-1], layer)
        return fitting[-1]

    def _of_stripes(self, layer: Layer) -> tuple[GivenFrom, ...]:
        """Of the stripes of a layer in a cascade: the last rules that fit, each from a stripe on."""
        fitting = self._fitting(layer)
        self.fitted.update(fitting)
        parts: list[tuple[int, int]] = []
        for number in fitting:
            stripe = self.given.of_layers[number].from_stripe or 1
            parts = [part for part in parts if part[0] < stripe] + [(stripe, number)]
        for _, number in parts:
            self._check(number, layer)
            if self.given.of_layers[number].dataflow == HOST:
                words = f"{layer.name} is in a cascade, of which the host runs nothing"
                self.mistakes.append((number, Mistake(("dataflow",), words)))
        return tuple([GivenFrom(stripe, self.given.given(number)) for stripe, number in parts])

    def _fitting(self, layer: Layer) -> list[int]:
        """The rules that fit a layer, and by which it may run."""
        return [number for number in self.given.fitting(layer.name) if self._may_run(number, layer)]

    def _check(self, number: int, layer: Layer) -> None:
        """Collect what is wrong with a rule that holds for a layer."""
        rule = self.given.of_layers[number]
        found = [*self._size_mistakes(number, layer), *self._home_mistakes(rule, layer)]
        found += [*self._parameter_mistakes(rule, layer), *self._row_mistakes(rule, layer)]
        found += self._image_mistakes(rule)
        self.mistakes += [(number, mistake) for mistake in found]

    def _runs_by(self, layer: Layer) -> Sequence[str] | NoDataflowRuns | NotPriced:
        """The dataflows by which a layer may run, or a unit alone."""
        executed, _ = as_executed(layer, self.options.batch)
        return dataflows_for(executed, array_dataflows(self.hardware, self.options), self.hardware)

    def _may_run(self, number: int, layer: Layer) -> bool:
        """Whether a layer may run by a rule's dataflow."""
        dataflow, runs_by = self.given.of_layers[number].dataflow, self._runs_by(layer)
        if dataflow is None or (isinstance(runs_by, Sequence) and dataflow in tuple(runs_by)):
            return True
        self.refused.setdefault(number, self._why_not(layer, dataflow, runs_by))
        return False

    def _why_not(
        self, layer: Layer, dataflow: str, runs_by: Sequence[str] | NoDataflowRuns | NotPriced
    ) -> str:
        """Why a layer cannot run by a dataflow."""
        if takes(layer, self.hardware):
            return f"{layer.name} runs on the host, which takes {layer.operator} ({HOST})"
        if not layer.on_array:
            return f"{layer.name} is a {layer.operator}, which runs on the vector unit ({VECTOR})"
        if isinstance(runs_by, NoDataflowRuns | NotPriced):
            return f"{layer.name}: {runs_by}"
        listed = self.hardware.pe_array.dataflows
        if dataflow in listed:
            reason = dataflow_of(dataflow).refusal(layer)
            if reason:
                return f"{layer.name}: {dataflow} cannot run it ({reason})"
        if tuple(runs_by) == (HOST,):
            return f"{layer.name} runs on the host, since no dataflow of the array can run it ({HOST})"
        return f"{layer.name} may run by {one_of(runs_by)} on {self.hardware.name}"

    def _size_mistakes(self, number: int, layer: Layer) -> Iterator[Mistake]:
        """Tiles that are larger than the layer."""
        rule = self.given.of_layers[number]
        # A machine that cannot fuse a pooling runs the layer without, perhaps in another form.
        forms = [layer] if layer.pooling is None else [layer, unfused(layer)[0]]
        in_cascade = layer.name in self.striped
        batch = 1 if in_cascade else self.options.batch
        executed = [as_executed(replace(form, given=rule.given()), batch) for form in forms]
        of_forms = [extents_of(form, images) for form, images in executed]
        extents = {letter: max(of_form[letter] for of_form in of_forms) for letter in LETTERS}
        if in_cascade:  # images go in turn: a tile of several is refused as such
            extents["N"] = self.options.batch
        for letter, size in rule.tile.items():
            if size > extents[letter]:
                yield Mistake(("tile", letter), f"{layer.name} has {extents[letter]} of {letter}")
        for letter, bounds in rule.bounds.items():
            least = -(-bounds.min // bounds.multiple_of) * bounds.multiple_of
            if least > extents[letter]:
                sentence = f"{layer.name} has {extents[letter]} of {letter}, and {least} is the least allowed"
                yield Mistake(("bounds", letter), sentence)

    def _home_mistakes(self, rule: MappingRule, layer: Layer) -> Iterator[Mistake]:
        """Memories in which an operand cannot lie."""
        for operand, home in rule.homes.items():
            allowed = self._places_of(operand)
            named = (home,) if isinstance(home, str) else home
            if not set(named) <= set(allowed):
                yield Mistake(("homes", operand.value), f"must be {one_of(allowed)} on {self.hardware.name}")
            elif len(named) > 1 and (named[0] == named[1] or operand not in _IN_TWO_PLACES):
                yield Mistake(
                    ("homes", operand.value), "must be one memory; inputs and outputs may lie in two"
                )
            elif operand is Operand.RESIDUAL and not layer.residual_elements:
                yield Mistake(("homes", operand.value), f"{layer.name} has no residual")
            elif operand is Operand.WEIGHTS and not layer.on_array:
                yield Mistake(("homes", operand.value), f"{layer.name} has no weights")

    def _places_of(self, operand: Operand) -> list[str]:
        """The memories that an operand may come from, or go to."""
        home, bank = self.hardware.home(operand), self.hardware.tensor_bank
        keeps = self.hardware.keeps("weights" if operand is Operand.WEIGHTS else "activations")
        places = [] if home is None else [home.name]
        return [*places, bank.memory] if bank is not None and keeps else places

    def _parameter_mistakes(self, rule: MappingRule, layer: Layer) -> Iterator[Mistake]:
        """Parameters that the dataflow does not leave to a mapping."""
        if not rule.parameters:
            return
        if rule.dataflow is None:
            yield Mistake(("parameters",), "needs dataflow, whose parameters they are")
            return
        if rule.dataflow in (VECTOR, HOST):
            yield Mistake(("parameters",), f"must be left out of {rule.dataflow}")
            return
        dataflow = dataflow_of(rule.dataflow)
        for name in rule.parameters:
            if name not in dataflow.mapping_parameters:
                yield Mistake(
                    ("parameters", name),
                    unknown(name, f"parameter of {rule.dataflow}", dataflow.mapping_parameters),
                )
                return
        try:
            dataflow.fixed(tuple(sorted(rule.parameters.items())))
        except ValueError as error:
            yield Mistake(("parameters",), f"{layer.name}: {error}")

    def _image_mistakes(self, rule: MappingRule) -> Iterator[Mistake]:
        """Ways that a batch does not go."""
        key = "tile" if "N" in rule.tile else "bounds"
        shares = self.options.batch > 1 and not rule.given().allows("N", 1)
        if shares and "in_turn" in (rule.images, self.images):
            which = "this rule" if rule.images == "in_turn" else "another rule"
            words = f"a tile of several images needs these together, and {which} has them in turn"
            yield Mistake((key, "N"), words)
            return
        self.images = self.images or ("together" if shares else rule.images)
        if rule.images is None:
            return
        said, hardware = self.images, self.hardware
        if self.options.batch == 1:
            yield Mistake(("images",), "must be left out: a single image is run")
        elif rule.images == "in_turn" and not (
            hardware.keeps("activations") and hardware.tensor_memory is None
        ):
            yield Mistake(("images",), f"must be together on {hardware.name}")
        elif rule.images != said:
            yield Mistake(("images",), f"must be {said}, as another rule has it: a batch goes one way")

    def _row_mistakes(self, rule: MappingRule, layer: Layer) -> Iterator[Mistake]:
        rows = self.hardware.pe_array.rows
        if rule.idle_rows and not layer.on_array:
            yield Mistake(("idle_rows",), f"{layer.name} does not run on the array")
        elif rule.idle_rows and (rule.idle_rows >= rows or self.hardware.tensor_bank is not None):
            most = 0 if self.hardware.tensor_bank is not None else rows - 1
            yield Mistake(("idle_rows",), f"must be at most {most} on {self.hardware.name}")


_IN_TWO_PLACES = (Operand.INPUTS, Operand.OUTPUTS)

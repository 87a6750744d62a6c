"""What a mapping file says of layers that run stripe by stripe, checked against network and machine."""

from collections.abc import Iterator, Sequence

from accelsim.descriptions import MOST_NAMES, Mistake, unknown
from accelsim.hardware import Hardware, Operand
from accelsim.mapping.given_file import CascadeRule, GivenMappings
from accelsim.network.given import GivenFrom, GivenMapping
from accelsim.network.layer import Layer

_INPUTS, _WEIGHTS = Operand.INPUTS.value, Operand.WEIGHTS.value


def cascade_names(given: GivenMappings) -> frozenset[str]:
    """Names of layers that are said to be in cascades."""
    return frozenset([name for rule in given.cascades.values() for name in rule.cascade])


def cascade_mistakes(
    given: GivenMappings, names: Sequence[str], alone: Sequence[str], hardware: Hardware
) -> Iterator[tuple[int, Mistake]]:
    """What cannot be in cascades, by the rules that say so.

    Args:
        given: The rules.
        names: Of all layers there are, in running order.
        alone: Those without poolings that other layers may carry: what is proposed instead.
        hardware: The machine.
    """
    seen: dict[str, int] = {}
    for number, rule in given.cascades.items():
        if hardware.cascade is None:
            words = f"must be left out: {hardware.name} runs nothing stripe by stripe, it has no cascade"
            yield number, Mistake(("cascade",), words)
            continue
        most = hardware.cascade.layers
        if len(rule.cascade) > most:
            words = f"has {len(rule.cascade)} layers: a cascade of {hardware.name} has at most {most}"
            yield number, Mistake(("cascade",), words)
        for place, name in enumerate(rule.cascade):
            if name not in names:
                words = unknown(name, "executed layer", alone[:MOST_NAMES], len(alone))
                yield number, Mistake(("cascade", place), words)
            elif name in seen:
                other = given.position(seen[name], "cascade")
                yield number, Mistake(("cascade", place), f"is in the cascade of {other}, too")
            seen.setdefault(name, number)


def homes_of(rule: CascadeRule, told: Sequence[GivenFrom], layer: Layer, hardware: Hardware) -> GivenMapping:
    """Where all stripes of a layer have their operands.

    Where it is said whose weights stay, those of others are at home outside, unless another rule says more.

    Args:
        rule: About its cascade.
        told: What is said of its stripes.
        layer: The whole of it.
        hardware: The machine.
    """
    said = told[0].given if told and told[0].stripe == 1 else GivenMapping()
    outside = hardware.home(Operand.WEIGHTS)
    if rule.weights_stay is None or outside is None or _WEIGHTS in dict(said.homes) or not has_weights(layer):
        return GivenMapping(homes=said.homes, position=said.position)
    return GivenMapping(homes=(*said.homes, (_WEIGHTS, (outside.name,))), position=said.position)


def home_mistakes(
    rule: CascadeRule, homes: Sequence[GivenMapping], layers: Sequence[Layer], hardware: Hardware
) -> Iterator[Mistake]:
    """What is wrong with where operands of a cascade are said to be.

    Args:
        rule: About the cascade.
        homes: Of its layers.
        layers: The same.
        hardware: The machine.
    """
    bank = hardware.tensor_bank
    for layer, said in zip(layers, homes, strict=True):
        of_layer = dict(said.homes)
        if len(of_layer.get(_INPUTS, ())) > 1:
            words = f"{layer.name} has its inputs come to stay ({said.position}), which stripes do not"
            yield Mistake(("cascade",), words)
        if layer.name not in (rule.weights_stay or ()):
            continue
        place = (rule.weights_stay or ()).index(layer.name)
        if not has_weights(layer):
            yield Mistake(("weights_stay", place), "has no weights")
        elif bank is not None and Operand.WEIGHTS not in bank.operands:
            words = f"must be left out: {bank.memory} of {hardware.name} holds no weights"
            yield Mistake(("weights_stay", place), words)
        elif bank is not None and of_layer.get(_WEIGHTS) == (bank.memory,):
            words = f"is at home in {bank.memory} ({said.position}), and need not come"
            yield Mistake(("weights_stay", place), words)


def has_weights(layer: Layer) -> bool:
    """Whether a layer has weights, which are not another layer's outputs."""
    return layer.on_array and not layer.multiplies_activations

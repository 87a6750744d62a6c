"""What machine files assume, varied: each number halved and doubled, each choice replaced by the others.

Shares of the buffer, which add up to one, are halved and doubled against each other, and a twentieth of the
buffer is moved from each bank to each other.

The machines of a table differ in array and buffer only, so an assumption is changed in all of them at once.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any, Final, get_args

from accelsim.descriptions import value_of, vary
from accelsim.errors import AccelsimError, Complaint, DescriptionError
from accelsim.hardware import Hardware, Objective
from accelsim.validation.evaluate import ColumnJob, Cost, evaluate_columns, shipped_hardware
from accelsim.validation.published import CellKey, PublishedTable
from accelsim.validation.reproduction import Reproduction, compare_with

MOVED_SHARE: Final = 0.05
"""Of the buffer, from one bank to another."""


@dataclass(frozen=True)
class Variant:
    """One assumed parameter with another value."""

    key: str
    """Dotted, as in the machine file."""
    old: str
    new: str
    changes: Mapping[str, Any] = field(repr=False)
    """As `descriptions.vary` takes them."""

    def __str__(self) -> str:
        return f"{self.key} = {self.new}"


@dataclass(frozen=True)
class VariantOutcome:
    """What becomes of the reproduction under a variant."""

    variant: Variant
    reproduction: Reproduction | None
    """None where some network cannot be mapped, or there is no such machine."""
    complaint: Complaint | None = None
    """The first thing that is in its way."""


def assumed_values(hardware: Hardware) -> dict[str, str]:
    """Every assumption of a machine file with its value, as a person writes it."""
    return {key: _value_text(_value_and_choices(hardware, key)[0]) for key in hardware.assumed}


def assumed_variants(hardware: Hardware) -> list[Variant]:
    """Every assumption of a machine file with each of its other values."""
    return [variant for key in hardware.assumed for variant in variants(hardware, key)]


def variants(hardware: Hardware, key: str) -> list[Variant]:
    """One parameter halved and doubled, or each of the other choices that it has; shares are moved, too."""
    value, alternatives = _value_and_choices(hardware, key)
    if isinstance(value, Mapping):
        return [*_scaled_shares(key, value), *_moved_shares(key, value)]
    if isinstance(value, bool):
        choices: Sequence[Any] = [not value]
    elif isinstance(value, int):
        choices = [value // 2, value * 2]
    elif isinstance(value, float):
        choices = [value / 2, value * 2]
    else:
        choices = alternatives
    return [
        Variant(key, _value_text(value), _value_text(choice), {key: choice})
        for choice in choices
        if choice != value
    ]


def sensitivity(table: PublishedTable, step: Callable[[str], None] = lambda _: None) -> list[VariantOutcome]:
    """The reproduction of a table under every variant of what its machines assume."""
    machines = {name: shipped_hardware(name) for name in table.machines}
    return outcomes(table, machines, assumed_variants(next(iter(machines.values()))), step)


def outcomes(
    table: PublishedTable,
    machines: Mapping[str, Hardware],
    some_variants: Sequence[Variant],
    step: Callable[[str], None] = lambda _: None,
) -> list[VariantOutcome]:
    """The reproduction of a table under each variant; all columns share the cores."""
    varied: dict[int, Mapping[str, Hardware]] = {}
    impossible: dict[int, Complaint] = {}
    for index, variant in enumerate(some_variants):
        try:
            varied[index] = {name: vary(machine, **variant.changes) for name, machine in machines.items()}
        except DescriptionError as error:
            impossible[index] = error.complaints[0]
    networks = tuple(row.network for row in table.rows)
    jobs = [ColumnJob(networks, varied[index][name]) for index in varied for name in table.machines]
    columns = iter(evaluate_columns(jobs, step))
    variant_outcomes: list[VariantOutcome] = []
    for index, variant in enumerate(some_variants):
        if index in impossible:
            variant_outcomes.append(VariantOutcome(variant, None, impossible[index]))
        else:
            variant_outcomes.append(_outcome(table, variant, [next(columns) for _ in table.machines]))
    return variant_outcomes


def _outcome(
    table: PublishedTable, variant: Variant, columns: Sequence[Sequence[Cost] | AccelsimError]
) -> VariantOutcome:
    costs: dict[CellKey, Cost] = {}
    for name, column in zip(table.machines, columns, strict=True):
        if isinstance(column, AccelsimError):
            return VariantOutcome(variant, None, column.complaints[0])
        costs |= {(row.network, name): cost for row, cost in zip(table.rows, column, strict=True)}
    return VariantOutcome(variant, compare_with(table, costs))


def _value_and_choices(hardware: Hardware, key: str) -> tuple[Any, tuple[Any, ...]]:
    """The value at a dotted key, and what may stand there if that is a choice."""
    exists, value = value_of(hardware.model_dump(mode="json"), key)
    if not exists:
        raise TypeError(f"{key} is no key of a machine file")
    return value, get_args(Objective) if key.startswith("mapper.") else ()


def _scaled_shares(key: str, shares: Mapping[str, float]) -> Iterator[Variant]:
    """Each bank halved and doubled against the others; the sum stays."""
    total = sum(shares.values())
    for bank, share in shares.items():
        for factor in (0.5, 2):
            scale = total / (total - share + factor * share)
            changed = {**shares, bank: factor * share}
            # Rounded down, so that they do not sum to more than the buffer.
            new = {name: math.floor(part * scale * 1e6) / 1e6 for name, part in changed.items()}
            yield Variant(key, _value_text(shares), _value_text(new), {key: new})


def _moved_shares(key: str, shares: Mapping[str, float]) -> Iterator[Variant]:
    """A twentieth of the buffer moved from each bank that has more to each other."""
    for source, target in permutations(shares, 2):
        if shares[source] > MOVED_SHARE:
            moved = {source: shares[source] - MOVED_SHARE, target: shares[target] + MOVED_SHARE}
            new = {bank: round(share, 6) for bank, share in {**shares, **moved}.items()}
            yield Variant(key, _value_text(shares), _value_text(new), {key: new})


def _value_text(value: Any) -> str:
    """`4`, `0.5`, `edp`, `inputs 0.25, weights 0.5`."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_value_text(part)}" for name, part in value.items())
    return f"{value:.3g}" if isinstance(value, float) else str(value)

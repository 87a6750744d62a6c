"""The stripes of layers put together: a schedule in which each layer is one entry, as results have it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from accelsim.mapping.mapping import Mapping, Totals
from accelsim.mapping.schedule import PoolChange, Schedule


def by_layer(schedule: Schedule) -> Schedule:
    """A schedule with the stripes of each layer put together: what results and reports say of layers.

    A layer's mapping is the one that most of its stripes have, with the sums of all of them. It waits for
    whatever one of its stripes waits for, and takes and gives up what they do.

    Args:
        schedule: Whose entries are layers, or stripes of layers.

    Returns:
        One with an entry a layer: the same, where nothing runs stripe by stripe.

    Example:
        >>> from accelsim.run import plan_run
        >>> schedule = plan_run("squeezenet_v1_1", "16x16_128k").schedule
        >>> by_layer(schedule) is schedule
        True
    """
    striped = schedule.striped
    if striped is None:
        return schedule
    layer_of = [entry.layer for entry in striped.entries]
    of_layers = striped.entries_of
    changes = schedule.pool_changes
    return replace(
        schedule,
        layers=striped.layers,
        mappings=_together(schedule.mappings, of_layers),
        waits_for=tuple(
            [
                tuple(
                    sorted({layer_of[n] for number in of_layer for n in schedule.waits_for[number]} - {layer})
                )
                for layer, of_layer in enumerate(of_layers)
            ]
        ),
        pool_changes=tuple(
            [
                PoolChange(*map(sum, zip(*[changes[number] for number in of_layer], strict=True)))
                for of_layer in (of_layers if changes else ())
            ]
        ),
        places=tuple([schedule.places[of_layer[-1]] for of_layer in (of_layers if schedule.places else ())]),
        first_mappings=_together(schedule.first_mappings, of_layers),
        first_places=tuple(
            [schedule.first_places[of_layer[-1]] for of_layer in (of_layers if schedule.first_places else ())]
        ),
        later_mappings=_together(schedule.later_mappings, of_layers),
        striped=None,
    )


def _together(mappings: Sequence[Mapping], of_layers: Sequence[Sequence[int]]) -> tuple[Mapping, ...]:
    """Of each layer the mapping that most of its entries have, with the sums of all of them."""
    if not mappings:
        return ()
    together = []
    for of_layer in of_layers:
        times = Counter([id(mappings[number]) for number in of_layer])
        distinct = {id(mappings[number]): mappings[number] for number in of_layer}
        most, _ = times.most_common(1)[0]
        together.append(
            distinct[most]
            if len(of_layer) == 1
            else replace(
                distinct[most],
                totals=sum([distinct[which].totals * count for which, count in times.items()], Totals()),
                estimated_cycles=sum([mappings[number].estimated_cycles for number in of_layer]),
                room_bytes=max([mapping.room_bytes for mapping in distinct.values()]),
            )
        )
    return tuple(together)

"""What results say of layers that run stripe by stripe."""

from accelsim.hardware import Operand
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.stripes import Striped, Stripes
from accelsim.mapping.together import by_layer
from accelsim.result import CascadePart, LayerResult
from accelsim.simulation.activity import Activity
from accelsim.simulation.together import activity_by_layer


def in_layers(
    schedule: Schedule, activity: Activity, first: Activity | None
) -> tuple[Schedule, Activity, Activity | None]:
    """A schedule, and what was observed of it, with the stripes of each layer put together.

    Args:
        schedule: What was simulated.
        activity: What was observed of it.
        first: What was observed of the first inference, where weights are pinned.

    Returns:
        The same, where nothing runs stripe by stripe.
    """
    of_first = None if first is None else activity_by_layer(first, schedule)
    return by_layer(schedule), activity_by_layer(activity, schedule), of_first


def with_cascades(layers: tuple[LayerResult, ...], striped: Striped | None) -> tuple[LayerResult, ...]:
    """Results of layers, of which those in cascades say so.

    Args:
        layers: In running order.
        striped: Which of them run stripe by stripe; None where none does.

    Returns:
        The same in other respects.
    """
    if striped is None:
        return layers
    parts: dict[int, CascadePart] = {}
    for number, stripes in enumerate(striped.cascades):
        parts |= {step: _part(number, stripes, step, layers[step]) for step in stripes.cascade.steps}
    return tuple(
        [layer._replace(cascade=parts[step]) if step in parts else layer for step, layer in enumerate(layers)]
    )


def _part(number: int, stripes: Stripes, step: int, layer: LayerResult) -> CascadePart:
    inside = dict(zip(stripes.cascade.steps, stripes.windows, strict=False))
    window, pinned = inside.get(step), Operand.WEIGHTS.value in (layer.on_chip_places or {})
    return CascadePart(
        number,
        stripes=len(stripes.of_step(step)),
        stripe_rows=stripes.cascade.stripe_rows,
        weights_stay=pinned or step in stripes.cascade.resident,
        window_rows=None if window is None else window.rows,
        window_bytes=None if window is None else window.size_bytes,
    )

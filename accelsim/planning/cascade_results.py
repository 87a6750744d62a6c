"""What results say of layers that run stripe by stripe."""

from collections.abc import Sequence

from accelsim.hardware import Operand
from accelsim.mapping.stripes import Striped, Stripes
from accelsim.result import CascadePart, LayerResult


def with_cascades(layers: Sequence[LayerResult], striped: Striped) -> tuple[LayerResult, ...]:
    """Results of layers, of which those in cascades say so.

    Args:
        layers: In running order.
        striped: Which of them run stripe by stripe.

    Returns:
        The same in other respects.
    """
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

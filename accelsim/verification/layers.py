"""verify_mapping: one layer's program, executed and held against the layer."""

from collections.abc import Callable, Iterable
from collections.abc import Mapping as MappingOf

from accelsim.hardware import Hardware, Operand
from accelsim.mapping.mapping import Mapping, Step
from accelsim.mapping.regions import Visit, visits
from accelsim.network.layer import Layer
from accelsim.verification.case import Case, with_images_as_groups
from accelsim.verification.difference import Difference
from accelsim.verification.mismatch import refuse
from accelsim.verification.sampling import sampled_outputs
from accelsim.verification.walk import Executed, walk


def verify_mapping(
    layer: Layer,
    mapping: Mapping,
    hardware: Hardware,
    *,
    batch: int = 1,
    pool_bytes: int = 0,
    places: MappingOf[Operand, str] | None = None,
) -> tuple[Executed, bool]:
    """Execute a mapping of a layer.

    Args:
        layer: As it was lowered, for one image.
        mapping: What the search chose for it; its own layer may be another form of the same work.
        hardware: The machine.
        batch: Images.
        pool_bytes: What tensors take of the pool while the layer runs.
        places: The memories that its operands lie in; None where they always are.

    Returns:
        What was counted, and whether all integers were computed.

    Raises:
        MismatchError: At the first access that differs.

    Example:
        >>> from accelsim.run import plan_run
        >>> plan = plan_run("sqnxt23v5", "16x16_128k")
        >>> layer, mapping = plan.schedule.layers[-1], plan.schedule.mappings[-1]
        >>> executed, is_whole = verify_mapping(layer, mapping, plan.hardware)
        >>> layer.name, executed.products == layer.macs, is_whole
        ('fc', True, True)
    """
    executed, images = with_images_as_groups(layer, batch)
    case = Case(executed, mapping, hardware, images, pool_bytes, places or {})
    return execute(case, lambda: visits(mapping, case.images), mapping.steps())


def execute(
    case: Case, visits_of: Callable[[], Iterable[Visit]], steps: Iterable[Step]
) -> tuple[Executed, bool]:
    """Execute steps by what they move."""
    computed = sampled_outputs(case, visits_of)
    walked = walk(case, _together(steps, visits_of()), computed)
    return walked, computed is None


def _together(steps: Iterable[Step], visited: Iterable[Visit]) -> Iterable[tuple[Step, Visit]]:
    """Each step with what it moves."""
    remaining = iter(visited)
    for number, step in enumerate(steps):
        visit = next(remaining, None)
        if visit is None:
            refuse(Difference.STEP_WITHOUT_TILE, step=number)
        yield step, visit
    if next(remaining, None) is not None:
        refuse(Difference.TILE_WITHOUT_STEP)

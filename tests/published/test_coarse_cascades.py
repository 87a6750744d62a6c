"""What a prototype says that networks move with cascades; its plans in the model, and the model's own.

The prototype was written apart. `scripts/coarse_cascades.py` has rules that give its figures, and its table
stands in docs/decisions/cascades.md.
"""

import importlib.util
from pathlib import Path

import pytest

from accelsim.hardware import Operand
from accelsim.simulation import simulate, simulate_events
from accelsim.verification import verify_plan

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "decisions" / "cascades.md").read_text(encoding="utf-8")


def _script():
    spec = importlib.util.spec_from_file_location("coarse_cascades", ROOT / "scripts" / "coarse_cascades.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = _script()
FIGURES = SCRIPT.figures()
FIRST, *_ = FIGURES


def steps_of(*names):
    """The steps of the first network with these names."""
    layers = SCRIPT.asked_about(FIRST.network, FIRST.pool_kib).network.layers
    return range(*(next(step for step, layer in enumerate(layers) if layer.name == name) for name in names))


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: f"{figure.network}-{figure.pool_kib}")
def test_the_rules_give_its_figures_and_no_plan_of_the_model_moves_much_more(figure):
    """One set of rules for all cells; its plans move in the model what it says within a tenth."""
    cell, figures = (figure.network, figure.pool_kib), (figure.kept_kib, figure.cascades_kib)
    by_rules = [SCRIPT.coarse_plan(*cell, layers).price / SCRIPT.KIB for layers in (1, SCRIPT.LAYERS)]
    assert by_rules[0] == pytest.approx(figures[0], rel=0.02)
    assert by_rules[1] == pytest.approx(figures[1], rel=0.005)
    executed = SCRIPT.moved_bytes(SCRIPT.executed_plan(*cell)) / SCRIPT.KIB
    assert executed == pytest.approx(figures[1], rel=0.10)
    own = [SCRIPT.moved_bytes(SCRIPT.model_plan(*cell, layers)) / SCRIPT.KIB for layers in (1, SCRIPT.LAYERS)]
    assert own[0] <= 1.005 * min(figures[0], by_rules[0])
    assert own[1] <= min(1.025 * figures[1], executed)
    assert SCRIPT.row(figure) in PAGE


def test_what_the_rules_have_no_room_for_fits_in_the_model():
    """A chain of mobilenet_v1 that saves 784 KiB in 128 KB; by the rules it needs 149,248 bytes at least."""
    asked = SCRIPT.asked_about(FIRST.network, FIRST.pool_kib)
    steps = steps_of("stage2.block1.pointwise", "stage3.block1.pointwise")
    ends = frozenset({Operand.INPUTS, Operand.OUTPUTS})
    of_tensors = asked.network.tensors.tensors
    inner = [asked.network.tensors.uses[step].output for step in steps[:-1]]
    needed = SCRIPT.rows_of_stripe(asked.network, steps, 1)
    assert [needed[tensor] for tensor in inner] == [5, 3, 3]  # kernel of 3 before a kernel of 3 with stride 2
    row_bytes = of_tensors[inner[0]].size_bytes // 56
    weights = sum(SCRIPT.weight_bytes(asked.network.layers[step]) for step in steps)
    moved_rows = 5 * 56 * 64 + 28 * 128
    least_room = (5 + 3 + 3) * row_bytes + weights + 2 * moved_rows
    (by_rules,) = SCRIPT.chain_prices(asked.network, steps).staircases[ends].room_bytes[:1]
    assert by_rules == least_room == 149_248 > asked.pool.size_bytes

    plan = SCRIPT.model_plan(FIRST.network, FIRST.pool_kib)
    made = next(found for found in plan.schedule.striped.cascades if found.cascade.steps == steps)
    assert [window.rows for window in made.windows] == [4, 3, 3]
    assert made.window_bytes + weights == 71_680 + 27_392
    assert verify_plan(plan, layers=[plan.schedule.striped.layers[step].name for step in steps]).proven


@pytest.mark.parametrize("plan_of", [SCRIPT.model_plan, SCRIPT.executed_plan], ids=["model", "rules"])
def test_both_plans_run_alike_in_both_engines(plan_of):
    plan = plan_of(FIRST.network, FIRST.pool_kib)
    assert simulate(plan.schedule, plan.hardware) == simulate_events(plan.schedule, plan.hardware)
    assert verify_plan(plan).proven

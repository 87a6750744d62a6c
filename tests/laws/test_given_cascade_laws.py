"""Cascades of a mapping file: what ran stripe by stripe, written down and given back, runs so again."""

from hypothesis import assume, given, settings
from test_cascade_laws import cascaded, differences

from accelsim.hardware import Operand
from accelsim.mapping.chosen import chosen_rules
from accelsim.mapping.given_file import MappingRule
from accelsim.planning.cascades.cascade import stored_rows
from accelsim.run import plan_run, run_plan

SOME = settings(max_examples=settings.default.max_examples // 3)


def given_back(case):
    """A plan that is told all that was chosen of another one, of which a planner would make its like."""
    plan = case.plan
    assume(plan.options.batch == 1 or plan.schedule.images_in_turn > 1)  # a cascade is of one image
    cascade, striped = case.cascade, plan.schedule.striped
    assume(cascade.stripe_rows <= stored_rows(striped.layers[cascade.steps[-1]]))
    rules = chosen_rules(plan.schedule, plan.hardware, plan.options)
    results = [
        rule for rule in rules if isinstance(rule, MappingRule) and rule.layers in plan.lowered.graph.outputs
    ]
    # No result stays on chip, where nobody reads it.
    assume(not any(isinstance(rule.homes.get(Operand.OUTPUTS), tuple) for rule in results))
    return plan_run(plan.network, plan.hardware, plan.options, mapping=rules)


@SOME
@given(case=cascaded(keeps=("activations", "weights")))
def test_what_ran_stripe_by_stripe_runs_so_again(case):
    again = given_back(case)
    first, second = run_plan(case.plan), run_plan(again)
    assert again.schedule.striped.cascades[0].cascade == case.plan.schedule.striped.cascades[0].cascade
    assert second.layers == first.layers
    for value in ("cycles", "energy", "memories", "dram_bytes", "first_inference"):
        assert getattr(second, value) == getattr(first, value), value
    assert run_plan(again, "events") == second


@SOME
@given(case=cascaded())
def test_and_is_proven(case):
    again = given_back(case)
    assert not differences(again), differences(again)

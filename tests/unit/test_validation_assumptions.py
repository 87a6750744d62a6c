"""Assumptions varied: which values are tried, what is kept, what is said where there is no such machine."""

import math

import pytest

from accelsim import load_network, run_network
from accelsim.descriptions import vary
from accelsim.errors import AccelsimError, MappingError
from accelsim.hardware.memory import bank_shares
from accelsim.validation import generality, sensitivity
from accelsim.validation.evaluate import ColumnJob, Cost, Job, evaluate_column, shipped_hardware
from accelsim.validation.sensitivity import assumed_values, assumed_variants, outcomes, variants

PORT = "pe_array.port_words_per_column"
SUMS = "pe_array.dataflows.output_stationary.partial_sums_per_pe"
SHARES = "memories.global_buffer.banks.shares"


def partial_sums(machine):
    return machine.pe_array.dataflows["output_stationary"].partial_sums_per_pe


def shares_of(machine):
    """What part of the buffer each bank takes."""
    return {operand.value: share for operand, share in bank_shares(machine.on_chip[0]).items()}


@pytest.fixture(params=["8x8_32k", "16x16_128k"])
def machine(request):
    return shipped_hardware(request.param)


def _new(machine, key):
    return [variant.new for variant in variants(machine, key)]


def test_a_number_is_halved_and_doubled(machine):
    value = partial_sums(machine)
    assert _new(machine, SUMS) == [str(value // 2), str(value * 2)]
    price = machine.energy.vector_op
    assert _new(machine, "energy.vector_op") == [f"{price / 2:.3g}", f"{price * 2:.3g}"]


def test_a_choice_becomes_each_of_the_others(machine):
    others = {"time", "energy", "edp"} - {machine.mapper.tiles}
    assert set(_new(machine, "mapper.tiles")) == others


def test_a_share_of_the_buffer_is_halved_and_doubled_against_the_others(machine):
    shares = shares_of(machine)
    tried = [variant.changes[SHARES] for variant in variants(machine, SHARES)]
    for new in tried:
        assert math.isclose(sum(new.values()), sum(shares.values()), abs_tol=1e-5)
    halved, doubled = tried[:2]
    for new, factor in ((halved, 0.5), (doubled, 2)):
        odds = {bank: new[bank] / shares[bank] for bank in shares}
        assert odds["inputs"] / odds["weights"] == pytest.approx(factor, rel=1e-4)
        assert odds["outputs"] / odds["weights"] == pytest.approx(1, rel=1e-4)


def test_a_twentieth_of_the_buffer_moves_from_each_bank_to_each_other(machine):
    shares = shares_of(machine)
    tried = [variant.changes[SHARES] for variant in variants(machine, SHARES)]
    for source in shares:
        for target in {*shares} - {source}:
            moved = {source: shares[source] - 0.05, target: shares[target] + 0.05}
            assert pytest.approx({**shares, **moved}) in tried


def test_a_bank_that_has_no_more_than_a_twentieth_gives_none_of_it_away(machine):
    poor = vary(machine, **{SHARES: {"inputs": 0.05, "weights": 0.7, "outputs": 0.25}})
    tried = [variant.changes[SHARES] for variant in variants(poor, SHARES)]
    assert min(new["inputs"] for new in tried) > 0
    assert len(tried) == 6 + 4


def test_every_assumption_of_a_machine_file_is_varied(machine):
    assert {variant.key for variant in assumed_variants(machine)} == set(machine.assumed)
    assert all(variant.old != variant.new for variant in assumed_variants(machine))


def test_both_machines_assume_the_same():
    small, large = shipped_hardware("8x8_32k"), shipped_hardware("16x16_128k")
    assert assumed_values(small) == assumed_values(large)
    assert small.assumed == large.assumed


@pytest.fixture
def simulated(monkeypatch):
    """Replaces the simulation of columns by a made-up cost of each job; returns the columns asked for."""

    def install(cost_of):
        asked = []

        def evaluate_column(column):
            asked.append(column)
            costs = [cost_of(Job(network, column.hardware)) for network in column.networks]
            return next((cost for cost in costs if isinstance(cost, AccelsimError)), costs)

        def evaluate_columns(columns, step):
            return [evaluate_column(column) for column in columns]

        monkeypatch.setattr(sensitivity, "evaluate_columns", evaluate_columns)
        monkeypatch.setattr(generality, "evaluate_columns", evaluate_columns)
        monkeypatch.setattr(generality, "evaluate_column", evaluate_column)
        return asked

    return install


@pytest.fixture
def ideal(published):
    """The cost of a job that meets the published table, times the distance of a machine from a better one."""

    def cost_of(job, far=0.0):
        name = job.hardware.name
        cycles = 1e9 * published.column(name, "time")[job.network]
        energy = published.column(name, "energy")[job.network]
        return Cost(round(cycles), energy * math.exp(far))

    return cost_of


def test_each_variant_simulates_the_whole_table_on_machines_that_differ_in_it_alone(
    simulated, ideal, published
):
    asked = simulated(ideal)
    machines = {name: shipped_hardware(name) for name in published.machines}
    found = outcomes(published, machines, variants(machines["8x8_32k"], SUMS))
    assert [column.hardware.name for column in asked] == 2 * ["8x8_32k", "16x16_128k"]
    assert [outcome.reproduction.energy.max_abs_log_error for outcome in found] == [0, 0]
    changed = {partial_sums(column.hardware) for column in asked}
    assert changed == {int(outcome.variant.new) for outcome in found}


def test_a_variant_that_is_no_machine_says_why(simulated, ideal, published):
    asked = simulated(ideal)
    machines = {name: shipped_hardware(name) for name in published.machines}
    halved, doubled = outcomes(published, machines, variants(machines["8x8_32k"], PORT))
    assert halved.reproduction is None
    assert str(halved.complaint) == f"8x8_32k: {PORT} = 0: must be a whole number from 1 to 4096"
    assert doubled.reproduction is not None
    assert [column.hardware.name for column in asked] == ["8x8_32k", "16x16_128k"]


def test_a_variant_on_which_a_network_cannot_be_mapped_says_which(simulated, ideal, published):
    def cost_of(job):
        return (
            MappingError(f"conv1 on {job.hardware.name}: no tile fits")
            if job.network == "alexnet"
            else ideal(job)
        )

    simulated(cost_of)
    machines = {name: shipped_hardware(name) for name in published.machines}
    for outcome in outcomes(published, machines, variants(machines["8x8_32k"], SUMS)):
        assert (outcome.reproduction, str(outcome.complaint)) == (None, "conv1 on 8x8_32k: no tile fits")


def test_the_search_finds_the_assumption_that_its_column_asks_for(simulated, ideal, published, monkeypatch):
    """Planted: the column is met where the register file holds 16 partial sums."""

    def cost_of(job):
        held = partial_sums(job.hardware)
        return ideal(job, far=0.01 * abs(math.log2(held / 16)))

    asked = simulated(cost_of)
    chosen = generality.fit(published, "8x8_32k")
    assert partial_sums(chosen.best.machine) == 16
    assert chosen.best.objective == pytest.approx(0)
    assert set(chosen.ends) == {"shipped", "halved", "doubled"}
    # It never looks at the other column, and tries no machine twice.
    assert {column.hardware.name for column in asked} == {"8x8_32k"}
    assert len({column.hardware.model_dump_json() for column in asked}) == len(asked) == chosen.evaluated


def test_the_search_also_starts_where_shares_owe_nothing_to_the_shipped_ones(machine):
    points = generality.starting_points(machine)
    assert points["shipped"] == machine
    for name, factor in (("halved", 0.5), ("doubled", 2)):
        shares = shares_of(points[name])
        assert shares["inputs"] == shares["weights"] == shares["outputs"] == pytest.approx(1 / 3)
        assert points[name].energy.vector_op == factor * machine.energy.vector_op


def test_the_search_finds_shares_between_those_that_are_halved_and_doubled(simulated, ideal, published):
    """Planted: the column is met where weights have 0.45 of the buffer and outputs 0.3."""

    def cost_of(job):
        shares = shares_of(job.hardware)
        return ideal(job, far=abs(shares["weights"] - 0.45) + abs(shares["outputs"] - 0.3))

    simulated(cost_of)
    found = shares_of(generality.fit(published, "8x8_32k").best.machine)
    assert (found["weights"], found["outputs"]) == pytest.approx((0.45, 0.3))


def test_the_search_does_not_leave_the_neighbourhood_of_the_shipped_values(simulated, ideal, published):
    """Planted: the less a vector operation costs, the better."""
    simulated(lambda job: ideal(job, far=0.1 * job.hardware.energy.vector_op))
    price = shipped_hardware("8x8_32k").energy.vector_op
    assert generality.fit(published, "8x8_32k").best.machine.energy.vector_op == price / 4


def test_the_search_stays_where_no_change_helps(simulated, ideal, published):
    simulated(ideal)
    chosen = generality.fit(published, "16x16_128k")
    assert chosen.best.machine == shipped_hardware("16x16_128k")
    assert generality.changed_between(shipped_hardware("16x16_128k"), chosen.best.machine) == {}


def test_the_search_passes_by_what_cannot_be_mapped(simulated, ideal, published):
    start = shipped_hardware("8x8_32k")
    held = partial_sums(start)

    def cost_of(job):
        same = partial_sums(job.hardware) == held
        return ideal(job) if same else AccelsimError("no tile fits")

    simulated(cost_of)
    chosen = generality.fit(published, "8x8_32k")
    assert chosen.best.machine == start
    assert {end.objective for end in chosen.ends.values()} == {0}


def test_what_one_machine_assumes_is_judged_on_the_other_s_array_and_buffer(simulated, ideal, published):
    asked = simulated(ideal)
    chosen = generality.fit(published, "8x8_32k")
    asked.clear()
    judged = generality.judge(published, chosen.best.machine, "16x16_128k")
    (column,) = asked
    assert len(judged.cells) == len(column.networks) == 13
    assert column.hardware.pe_array.rows == 16
    assert column.hardware.on_chip_bytes == 128 * 1024


def test_the_judged_column_s_orderings_are_those_of_the_table_on_that_machine(simulated, ideal, published):
    def cost_of(job):
        return ideal(job, far=1.0 if job.network == "sqnxt23v5" else 0.0)

    simulated(cost_of)
    judged = generality.judge(published, shipped_hardware("8x8_32k"), "16x16_128k")
    of_table = [one for one in published.checked_orderings() if one.hardware == "16x16_128k"]
    assert set(judged.orderings) == set(of_table)
    assert judged.violated
    assert {"sqnxt23v5"} == {one.less for one in judged.violated}
    assert {"energy"} == {one.quantity for one in judged.violated}


def test_assumptions_that_the_other_machine_cannot_run_are_an_error(simulated, ideal, published):
    simulated(ideal)
    chosen = generality.fit(published, "8x8_32k")
    simulated(lambda job: MappingError("fc on 16x16_128k: no tile fits"))
    with pytest.raises(MappingError, match="fc on 16x16_128k: no tile fits"):
        generality.judge(published, chosen.best.machine, "16x16_128k")


def test_networks_that_are_simulated_together_cost_what_they_cost_alone(machine):
    networks = ("sqnxt23v4", "sqnxt23v5", "squeezenet_v1_1")
    alone = [run_network(load_network(network), machine) for network in networks]
    together = evaluate_column(ColumnJob(networks, machine))
    assert together == [Cost(result.cycles, result.energy.total) for result in alone]


def test_a_column_where_a_network_cannot_be_mapped_says_why():
    tiny = vary(shipped_hardware("16x16_128k"), **{"global_buffer.size_bytes": 64})
    assert "no tile fits" in str(evaluate_column(ColumnJob(("sqnxt23", "alexnet"), tiny)))

"""Sweeps: candidates cost what `run` says, are judged as the file says, and are evaluated once."""

import itertools
from contextlib import contextmanager
from dataclasses import replace

import pytest

import accelsim
from accelsim import load_hardware, load_network, run_network
from accelsim.descriptions import dump, vary
from accelsim.errors import DescriptionError
from accelsim.execution.processes import Processes
from accelsim.hardware import dataflow_names
from accelsim.report.tables.sweep import setting_word
from accelsim.search import sweep as sweeps
from accelsim.search.depth import search_depth
from accelsim.search.evaluate import SearchTask
from accelsim.search.metrics import METRICS, constraint
from accelsim.search.pareto import dominates
from accelsim.search.sampling import SamplingPlan, plan_for
from accelsim.search.space import SpaceError, depth_space
from accelsim.search.spec import SweepAxis, read_sweep
from accelsim.search.sweep import Feedback, run_sweep

TINY = """\
name: tiny
title: A network of some layers
source: made up for these tests
input: {channels: 3, height: 16, width: 16}
parameters:
  width: {default: 1.0, allowed: [0.5, 1.0, 2.0]}
reported: {top1: 50.0}
reported_at:
  - {at: {width: 2.0}, top1: 60.0}
stages:
  - {block: conv, name: conv1, out_channels: "=8*width", kernel: 3, stride: 2, activation: relu}
  - {block: residual_basic, name: stage1, out_channels: "=8*width", repeat: 2}
  - {block: residual_basic, name: stage2, out_channels: "=16*width", repeat: 1, stride: 2}
  - {block: fully_connected, name: fc, out_features: 10}
"""
SPEC = """\
networks: [tiny.yaml]
hardware: [8x8_32k]
hardware_parameters:
  pe_array.rows: [4, 8]
  global_buffer.size_bytes: [16384, 32768]
network_parameters:
  width: [0.5, 1.0, 2.0]
objectives: [cycles, energy, area_mm2]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with a network."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(TINY)
    return tmp_path


@pytest.fixture
def sweep_of(folder):
    """Reads a sweep from text."""

    def read(text=SPEC):
        (folder / "sweep.yaml").write_text(text)
        return read_sweep("sweep.yaml")

    return read


def found_by(sweep, plan=None, **options):
    options = {"executor": Processes(1), **options}
    return replace(run_sweep(sweep, plan or plan_for(sweep), **options), seconds=0.0, reused=0)


@pytest.fixture
def evaluated(monkeypatch):
    """Every task that is simulated, as (network, machine)."""
    seen = []
    cost = sweeps.run_cost

    def counted(task, memory):
        seen.append((task.network.name, task.network.stages, task.hardware.model_dump_json()))
        return cost(task, memory)

    monkeypatch.setattr(sweeps, "run_cost", counted)
    return seen


# --- a candidate is what `run` runs


EVERY_AXIS = """\
networks: [sqnxt23v2, sqnxt23v5]
hardware: [8x8_32k, 16x16_128k]
hardware_parameters:
  pe_array.columns: [12, 16]
  pe_array.dataflows: [[weight_stationary], [weight_stationary, output_stationary]]
  precision.weights_bits: [8, 16]
  pe_array.output_stationary.partial_sums_per_pe: [2, 8]
network_parameters:
  resolution: [96, 112]
  width: [1.0, 1.5]
  stages.conv1.kernel: [5, 3]
  depths: [[6, 6, 8, 1], [2, 2, 2, 1]]
objectives: [time_ms, energy]
batch: 2
"""


def test_a_candidates_figures_are_those_of_run_on_its_files(sweep_of, folder):
    sweep = sweep_of(EVERY_AXIS)
    assert sweep.size == 2**10
    sample = range(5, sweep.size, 257)
    outcomes = sweeps.measurer_of(sweep)(tuple(sample))
    for index, (outcome, _) in zip(sample, outcomes, strict=True):
        network, hardware = sweep.network(index), sweep.hardware(index)
        (folder / "network.yaml").write_text(dump(network.description))
        (folder / "hardware.yaml").write_text(dump(hardware))
        result = run_network(
            load_network("network.yaml", **network.parameters), load_hardware("hardware.yaml"), batch=2
        )
        assert outcome.cost.cycles == result.cycles
        assert outcome.cost.energy == result.energy.total
        assert outcome.cost.dram_bytes == result.dram_bytes.total
        assert (outcome.size.params, 2 * outcome.size.macs) == (result.params, result.macs)
        figures = sweeps.simulated_figures(outcome.cost, hardware)
        assert figures["utilization"] == result.utilization
        assert figures["time_ms"] == result.time_ms


def test_machines_that_differ_in_bandwidth_alone_come_to_a_worker_together(sweep_of):
    axes = "  dram.bandwidth_bytes_per_cycle: [4, 8]\nnetwork_parameters:"
    sweep = sweep_of(SPEC.replace("network_parameters:", axes).replace("[0.5, 1.0, 2.0]", "[1.0]"))
    received = []

    class Recording(Processes):
        @contextmanager
        def prepared(self, prepare, setup):
            with super().prepared(prepare, setup) as workers:

                def recorded(work, **options):
                    return workers((received.append(piece) or piece for piece in work), **options)

                yield recorded

    found = found_by(sweep, executor=Recording(1))
    assert received == [(0, 1), (2, 3), (4, 5), (6, 7)]
    one_by_one = {index: sweeps.measurer_of(sweep)((index,))[0].numbers for index in range(sweep.size)}
    assert {candidate.index: candidate.numbers for candidate in found.candidates} == one_by_one


def test_settings_are_those_of_the_file_and_the_machine_varies_slowest(sweep_of):
    sweep = sweep_of()
    settings = [sweep.settings(index) for index in range(sweep.size)]
    expected = itertools.product([4, 8], [16384, 32768], [0.5, 1.0, 2.0])
    names = ("pe_array.rows", "global_buffer.size_bytes", "width")
    assert [tuple(one[name] for name in names) for one in settings] == list(expected)
    assert all(sweep.index(sweep.digits(index)) == index for index in range(sweep.size))
    assert sweep.hardware(7).pe_array.rows == 8
    assert sweep.network(7).parameters["width"] == 1.0


def test_the_front_is_what_nothing_dominates_and_ranks_follow_the_first_objective(sweep_of):
    result = found_by(sweep_of())
    names = [one.name for one in result.sweep.objectives]
    figures = {one.index: tuple(one.figure(name) for name in names) for one in result.candidates}
    assert len(figures) == result.evaluated == 12
    for one in result.candidates:
        beaten = any(dominates(other, figures[one.index]) for other in figures.values())
        assert one.on_front == (not beaten)
    assert [figures[one.index] for one in result.ranked] == sorted(figures.values())
    assert [one.rank for one in result.ranked] == list(range(1, 13))


def test_a_dataframe_has_a_row_for_each_candidate(sweep_of):
    frame = found_by(sweep_of()).to_dataframe()
    assert len(frame) == 12
    assert {"rank", "on_front", "pe_array.rows", "width", *METRICS} <= set(frame.columns)
    assert frame["cycles"].is_monotonic_increasing


# --- published accuracy


def top1s(sweep):
    """Of each candidate, in the order of the space."""
    candidates = sorted(found_by(sweep).candidates, key=lambda one: one.index)
    return [one.figure("top1") for one in candidates]


def test_accuracy_is_that_of_exactly_this_network_or_none(sweep_of):
    sweep = sweep_of(
        SPEC.replace("area_mm2", "top1").replace("[4, 8]", "[8]").replace("[16384, 32768]", "[32768]")
    )
    assert top1s(sweep) == [None, 50.0, 60.0]
    result = found_by(sweep)
    assert [one.figure("top1") for one in result.candidates if one.rank is None] == [None]
    assert not any(one.on_front for one in result.candidates if one.rank is None)


@pytest.mark.parametrize(
    "parameters",
    [
        "depths: [[2, 1], [1, 2]]",
        "stages.conv1.kernel: [3, 5]",
        "stages.stage1.repeat: [2, 3]",
        "resolution: [16, 32]",
    ],
)
def test_another_network_has_no_published_accuracy(sweep_of, parameters):
    text = SPEC.replace("width: [0.5, 1.0, 2.0]", parameters).replace("[4, 8]", "[8]")
    text = text.replace("[16384, 32768]", "[32768]")
    assert top1s(sweep_of(text)) == [50.0, None]


def test_other_bits_have_no_published_accuracy(sweep_of):
    text = "networks: [tiny.yaml]\nhardware: [8x8_32k]\nobjectives: [energy]\nhardware_parameters:\n"
    assert top1s(sweep_of(text + "  precision.weights_bits: [16, 8]\n")) == [50.0, None]


def test_objectives_that_no_candidate_has_are_said(sweep_of):
    text = SPEC.replace("[0.5, 1.0, 2.0]", "[0.5]").replace("area_mm2]", "top1]")
    with pytest.raises(
        SpaceError, match="objectives: no top-1 accuracy is published of any candidate, and none"
    ):
        found_by(sweep_of(text))


# --- constraints


@pytest.mark.parametrize(
    ("text", "value", "excess"),
    [
        ("area_mm2 <= 4", 5.0, 1.0),
        ("area_mm2<=4", 4.0, 0.0),
        ("top1 >= 60", 57.5, 2.5),
        ("params <= 1.5M", 2e6, 5e5),
        ("macs <= 3e8", 1.0, 0.0),
        ("energy <= 2G", None, float("inf")),
    ],
)
def test_a_constraint_says_by_how_much_it_is_broken(text, value, excess):
    assert constraint(text).excess(value) == excess


def test_what_is_known_to_be_excluded_is_not_simulated(sweep_of, evaluated):
    result = found_by(sweep_of(SPEC + "constraints: [buffer_bytes <= 20000, params <= 20k]\n"))
    assert {one.figure("buffer_bytes") for one in result.candidates} == {16384}
    assert max(one.figure("params") for one in result.candidates) <= 20_000
    assert len(evaluated) == result.feasible == 4
    assert result.evaluated == 12


@pytest.mark.parametrize(
    ("constraints", "sentence"),
    [
        ("pes <= 10", "pes <= 10: excludes all 12 candidates: the nearest, pe_array.rows = 4, "),
        ("pes <= 10", "has 32, 22 more"),
        ("top1 >= 70", "top1 >= 70: excludes all 12 candidates: the nearest, "),
        ("top1 >= 70", "width = 2.0, has 60, 10 less"),
        ("cycles <= 1", "cycles <= 1: excludes all 12 candidates: the nearest, "),
        (
            "buffer_bytes <= 20k, cycles <= 1",
            "cycles <= 1: excludes all 6 candidates that the others leave to be simulated: the nearest, ",
        ),
        (
            "pes <= 40, area_mm2 >= 1.4, top1 <= 55",
            "constraints: together they exclude all 12 candidates, none alone (pes <= 40, area_mm2 >= 1.4, "
            "top1 <= 55): the nearest, ",
        ),
        ("pes <= 40, area_mm2 >= 1.4", "too "),
    ],
)
def test_constraints_that_leave_nothing_say_which_and_by_how_much(sweep_of, constraints, sentence):
    with pytest.raises(SpaceError) as error:
        found_by(sweep_of(SPEC + f"constraints: [{constraints}]\n"))
    assert sentence in str(error.value)


def test_candidates_that_cannot_be_executed_are_counted_with_the_reason(sweep_of):
    text = SPEC.replace("[16384, 32768]", "[64, 32768]")
    result = found_by(sweep_of(text))
    assert (result.evaluated, result.simulated) == (12, 6)
    assert len(result.problems) == 6
    assert result.feasible == 6
    assert "tiny" in result.problems[0][1] or "8x8_32k" in result.problems[0][1]
    with pytest.raises(SpaceError, match="none of 6 candidates can be executed, the first because: "):
        found_by(sweep_of(SPEC.replace("[16384, 32768]", "[64]")))


def test_parameters_that_do_not_fit_each_other_are_their_candidates_problem(sweep_of):
    text = SPEC.replace("[16384, 32768]", "[32, 32768]") + ""
    text = text.replace("  pe_array.rows: [4, 8]", "  precision.partial_sums_bits: [16, 64]")
    result = found_by(sweep_of(text))
    assert result.evaluated == 12
    assert any("global_buffer.size_bytes = 32: must be at least" in problem for _, problem in result.problems)


def test_a_value_that_needs_one_of_another_parameter_is_no_mistake_of_the_file(sweep_of):
    """What stays does so in a pool only: whether there is one, the other parameter says."""
    keeps = "  memories.global_buffer.keeps: [[], [activations]]\n"
    text = SPEC.replace("hardware_parameters:\n", f"hardware_parameters:\n{keeps}")
    with pytest.raises(DescriptionError, match=r"keeps\.1 = .*must be left out where banks is not pool"):
        sweep_of(text)
    pool = f"{keeps}  memories.global_buffer.banks: [pool]\n"
    result = found_by(sweep_of(text.replace(keeps, pool)))
    assert (result.evaluated, len(result.problems)) == (24, 0)
    row = next(row for row in map(result.row, result.candidates) if row["memories.global_buffer.keeps"])
    hardware = vary(
        load_hardware("8x8_32k"),
        **{key: value for key, value in row.items() if key.startswith(("memories.", "pe_array."))},
        **{"global_buffer.size_bytes": row["global_buffer.size_bytes"]},
    )
    network = load_network(f"tiny.yaml@width={row['width']}")
    assert run_network(network, hardware).cycles == row["cycles"]


# --- resuming


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("memories.acc.banks", {"shares": {"outputs": 0.5}}, "{shares: {outputs: 0.5}}"),
        ("memories.acc.banks", None, "null"),
        ("memories", [{"name": "a"}, {"name": "b"}], "[name: a, name: b]"),
        ("width", True, "true"),
        ("depths", [6, 6, 8, 1], "6-6-8-1"),
        ("memories.acc.size_bytes", 131072, "128 KiB"),
        ("pe_array.dataflows", ["weight_stationary", "output_stationary"], "WS+OS"),
        (
            "pe_array.dataflows",
            {"weight_stationary": {"accumulators_per_column": 8}},
            "{weight_stationary: {accumulators_per_column: 8}}",
        ),
    ],
)
def test_a_value_is_told_in_words_or_as_the_file_has_it(key, value, word):
    assert setting_word(SweepAxis("hardware_parameters", key, (value,)), value) == word


def test_what_is_in_the_store_is_not_evaluated_again(sweep_of, folder, evaluated):
    sweep, store = sweep_of(SPEC + "constraints: [energy <= 100M, params <= 20k]\n"), folder / "found.sqlite"
    first = found_by(sweep, store=store)
    assert len(evaluated) == len(set(evaluated)) == 8
    evaluated.clear()
    assert found_by(sweep, store=store) == first
    assert evaluated == []
    assert run_sweep(sweep, plan_for(sweep), store=store, executor=Processes(1)).reused == 8


def test_a_sweep_that_was_stopped_goes_on_where_it_was(sweep_of, folder, evaluated):
    sweep, store = sweep_of(), folder / "found.sqlite"

    def stop(_):
        if len(evaluated) >= 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        found_by(sweep, store=store, step=stop)
    assert 6 <= len(evaluated) < 12
    resumed = found_by(sweep, store=store)
    assert len(evaluated) == len(set(evaluated)) == 12
    assert resumed == found_by(sweep)


def test_what_cannot_be_mapped_is_not_tried_again(sweep_of, folder, evaluated):
    sweep, store = sweep_of(SPEC.replace("[16384, 32768]", "[64, 32768]")), folder / "found.sqlite"
    first = found_by(sweep, store=store)
    evaluated.clear()
    assert found_by(sweep, store=store) == first
    assert evaluated == []


def test_what_two_candidates_have_in_common_is_found_by_both(sweep_of, folder, evaluated):
    text = SPEC.replace("[tiny.yaml]", "[tiny.yaml, tiny.yaml@resolution=16]")
    sweep, store = sweep_of(text), folder / "found.sqlite"
    first = found_by(sweep, store=store)
    evaluated.clear()
    assert found_by(sweep, store=store) == first
    assert evaluated == []
    assert run_sweep(sweep, plan_for(sweep), store=store, executor=Processes(1)).reused == sweep.size


def test_another_constraint_finds_what_is_known(sweep_of, folder, evaluated):
    store = folder / "found.sqlite"
    found_by(sweep_of(), store=store)
    evaluated.clear()
    limited = sweep_of(SPEC + "constraints: [pes <= 40]\n")
    assert found_by(limited, store=store).feasible == 6
    assert evaluated == []


def test_a_search_for_depths_and_a_sweep_of_depths_share_their_results(sweep_of, folder, evaluated):
    network, hardware, store = load_network("tiny.yaml"), load_hardware("8x8_32k"), folder / "found.sqlite"
    searched = search_depth(SearchTask(network, hardware), depth_space(network), store=store)
    sweep = sweep_of(
        "networks: [tiny.yaml]\nhardware: [8x8_32k]\nobjectives: [cycles]\n"
        "network_parameters: {depths: [[1, 2], [2, 1]]}\n"
    )
    swept = found_by(sweep, store=store)
    assert evaluated == []
    assert [one.figure("cycles") for one in swept.ranked] == [one.cycles for one in searched.ranked]
    assert swept == found_by(sweep)


def test_one_worker_and_several_find_the_same(sweep_of):
    sweep = sweep_of()
    assert found_by(sweep, executor=Processes(1)) == found_by(sweep, executor=Processes(2))


# --- sampling


LARGE = """\
networks: [tiny.yaml]
hardware: [8x8_32k]
hardware_parameters:
  pe_array.rows: [2, 4, 8, 12, 16]
  pe_array.columns: [2, 4, 8, 12, 16]
  pe_array.dataflows: [[output_stationary], [weight_stationary], [weight_stationary, output_stationary]]
  dram.bandwidth_bytes_per_cycle: [1, 2, 4, 8]
objectives: [cycles, area_mm2]
"""


def test_small_spaces_are_evaluated_as_a_whole_and_large_ones_sampled(sweep_of):
    small = sweep_of()
    assert (
        plan_for(small)
        == plan_for(small, samples=12)
        == plan_for(small, samples=99)
        == SamplingPlan("exhaustive", 12)
    )
    assert plan_for(small, samples=5, seed=3) == SamplingPlan("nsga2", 5, 3)
    assert plan_for(small, name="tpe") == SamplingPlan("tpe", 12)
    many = "[" + ", ".join(map(str, range(1, 201))) + "]"
    large = sweep_of(LARGE.replace("[2, 4, 8, 12, 16]", many, 1).replace("[1, 2, 4, 8]", many))
    assert large.size == 200 * 200 * 5 * 3
    assert plan_for(large) == SamplingPlan("nsga2", 1000)
    assert plan_for(large, name="exhaustive") == SamplingPlan("exhaustive", large.size)


@pytest.mark.parametrize(("name", "samples"), [("nsga2", 55), ("tpe", 25)])
def test_a_sample_follows_from_the_seed_alone(sweep_of, folder, evaluated, name, samples):
    sweep, store = sweep_of(LARGE + "constraints: [cycles <= 40k, pes <= 150]\n"), folder / "found.sqlite"
    plan = SamplingPlan(name, samples, seed=1)
    first = found_by(sweep, plan, store=store)
    assert first.evaluated == samples
    assert len(evaluated) == len(set(evaluated)) < samples
    evaluated.clear()
    assert found_by(sweep, plan, store=store) == first
    assert evaluated == []
    assert found_by(sweep, plan, executor=Processes(2)) == first
    proposed = [list(next(replace(plan, seed=seed).sampler(sweep).generations())) for seed in (1, 1, 2)]
    assert proposed[0] == proposed[1] != proposed[2]


@pytest.mark.parametrize(("name", "samples"), [("nsga2", 600), ("tpe", 150)])
def test_a_sampler_goes_where_candidates_are_better(sweep_of, name, samples):
    """Judged by the sum of their digits, which is 39 on average; the least of 600 at random is about 13."""
    values = list(range(1, 21))
    text = LARGE.replace("[2, 4, 8, 12, 16]", str(values)).replace("[1, 2, 4, 8]", str(values))
    sweep = sweep_of(text + "network_parameters: {resolution: " + str(values) + "}\n")
    sampler = SamplingPlan(name, samples).sampler(sweep)
    sums = []
    for indexes in sampler.generations():
        for index in indexes:
            total = sum(sweep.digits(index))
            sums.append((total, index))
            sampler.tell(index, Feedback((float(total), float(total)), ()))
    assert len(set(sums)) == len(sums) == samples
    assert min(sums)[0] <= 10
    assert sum(total for total, _ in sums) / samples < 30


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"samples": 0}, "samples = 0: must be a whole number from 1 to 10000000"),
        ({"name": "exhaustive", "samples": 3}, "an exhaustive sweep evaluates all 12 candidates"),
    ],
)
def test_wishes_that_contradict_each_other_are_refused(sweep_of, options, sentence):
    with pytest.raises(accelsim.AccelsimError, match=sentence):
        plan_for(sweep_of(), **options)


def test_without_optuna_the_error_says_what_to_install(sweep_of, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    sweep = sweep_of()
    with pytest.raises(accelsim.AccelsimError, match=r'pip install "accelsim\[search\]"'):
        found_by(sweep, SamplingPlan("tpe", 3))


# --- the file


@pytest.mark.parametrize(
    ("old", "new", "sentences"),
    [
        ("[tiny.yaml]", "[tinny.yaml]", ["sweep.yaml:1: networks.0 = 'tinny.yaml': no such file"]),
        ("[tiny.yaml]", "[tiny.yaml, tiny.yaml]", ["sweep.yaml:1: networks.1 = 'tiny.yaml': is there twice"]),
        ("[8x8_32k]", "[8x8]", ["sweep.yaml:2: hardware.0 = '8x8': no such hardware, did you mean 8x8_32k?"]),
        (
            "pe_array.rows: [4, 8]",
            "rows: [4, 8]",
            ["hardware_parameters.rows = [4, 8]: 8x8_32k: no such key, did you mean 'pe_array.rows'?"],
        ),
        ("pe_array.rows", "speed", ["8x8_32k: no such key: allowed are clock_mhz, precision"]),
        (
            "[4, 8]",
            "[0, 8, eight]",
            [
                "sweep.yaml:4: hardware_parameters.pe_array.rows.0 = 0: must be a whole number from 1 to",
                "sweep.yaml:4: hardware_parameters.pe_array.rows.2 = 'eight': must be a whole number from 1",
            ],
        ),
        (
            "[4, 8]",
            "[]",
            ["sweep.yaml:4: hardware_parameters.pe_array.rows = []: must be a list that is not empty"],
        ),
        ("[4, 8]", "[4, 4]", ["sweep.yaml:4: hardware_parameters.pe_array.rows.1 = 4: is there twice"]),
        ("[4, 8]", "4", ["sweep.yaml:4: hardware_parameters.pe_array.rows = 4: must be a list"]),
        (
            "width: [",
            "wdith: [",
            ["no such parameter of tiny, did you mean 'width'? allowed are width, resolution, "],
        ),
        ("[0.5, 1.0, 2.0]", "[3.0]", ["network_parameters.width.0 = 3.0: must be 0.5, 1.0 or 2.0"]),
        (
            "width: [0.5, 1.0, 2.0]",
            "depths: [[1], [0, 1], 3]",
            [
                "network_parameters.depths.0 = [1]: tiny: must be a list of 2 whole numbers from 1 to 1000, "
                "the depths of stage1, stage2$",
                "network_parameters.depths.1 = [0, 1]: tiny: must be",
                "network_parameters.depths.2 = 3: tiny: must be",
            ],
        ),
        (
            "width: [0.5, 1.0, 2.0]",
            "stages.conv: [1]",
            ["must be stages.STAGE.KEY, as in stages.conv1.kernel"],
        ),
        (
            "width: [0.5, 1.0, 2.0]",
            "stages.conv9.kernel: [1]",
            ["no such stage of tiny, did you mean 'conv1'?"],
        ),
        (
            "width: [0.5, 1.0, 2.0]",
            "stages.conv1.kernle: [1]",
            ["no such key of the block conv, did you mean"],
        ),
        (
            "width: [0.5, 1.0, 2.0]",
            "stages.conv1.kernel: [0]",
            ["stages.0.kernel = 0: must be a whole number"],
        ),
        (
            "cycles",
            "time",
            ["sweep.yaml:8: objectives.0 = 'time': no such metric, did you mean 'time_ms'? allowed are"],
        ),
        ("area_mm2]", "area_mm2, cycles]", ["objectives.3 = 'cycles': is there twice"]),
        ("[cycles, energy, area_mm2]", "[]", ["objectives = []: must be a list that is not empty"]),
        (
            "objectives",
            "goals",
            ['goals = ["cycles", "energy", "area_mm2"]: no such key', "objectives: missing"],
        ),
        (
            "",
            "constraints: [cycles < 3]\n",
            ["constraints.0 = 'cycles < 3': must be METRIC <= NUMBER or METRIC >= "],
        ),
        ("", "constraints: [speed <= 3]\n", ["constraints.0 = 'speed <= 3': no such metric"]),
        (
            "  pe_array.rows: [4, 8]",
            "  energy.unit: [MAC, pJ]",
            ['sweep.yaml:4: hardware_parameters.energy.unit = ["MAC", "pJ"]: energies in different units'],
        ),
        ("", "dataflow: fastest\n", [f"dataflow = 'fastest': must be 'auto', {dataflow_names()[0]!r}"]),
    ],
)
def test_every_mistake_in_the_file_has_a_line(sweep_of, old, new, sentences):
    text = SPEC.replace(old, new, 1) if old else new + SPEC
    with pytest.raises(DescriptionError) as error:
        sweep_of(text)
    for sentence in sentences:
        assert any(sentence in f"{line}$" for line in error.value.lines), error.value


def test_networks_without_depths_have_none_to_vary(sweep_of, folder):
    lines = [line for line in TINY.splitlines() if "residual" not in line]
    (folder / "tiny.yaml").write_text("\n".join(lines))
    with pytest.raises(DescriptionError, match="none of its stages repeats: it has no depths"):
        sweep_of(SPEC.replace("width: [0.5, 1.0, 2.0]", "depths: [[1, 2]]"))


def test_networks_whose_input_is_not_square_have_no_resolution_to_vary(sweep_of, folder):
    (folder / "tiny.yaml").write_text(TINY.replace("width: 16}", "width: 12}"))
    with pytest.raises(DescriptionError) as error:
        sweep_of(SPEC.replace("width: [0.5, 1.0, 2.0]", "resolution: [16, 32]"))
    (line,) = error.value.lines
    assert ": network_parameters.resolution = [16, 32]: is for square inputs, which tiny's is not: " in line


def test_energies_in_different_units_are_not_compared(sweep_of, folder):
    other = vary(load_hardware("8x8_32k"), name="other", **{"energy.unit": "pJ"})
    (folder / "other.yaml").write_text(dump(other))
    with pytest.raises(
        DescriptionError, match=r"hardware = .*: energies in MAC and in pJ cannot be compared"
    ):
        sweep_of(SPEC.replace("[8x8_32k]", "[8x8_32k, other.yaml]"))


def test_areas_need_a_table_of_areas(sweep_of, folder):
    machine = load_hardware("8x8_32k").model_copy(update={"area": None, "assumed": {}, "name": "bare"})
    (folder / "bare.yaml").write_text(dump(machine))
    with pytest.raises(DescriptionError, match=r"bare has no table of areas \(area:\), which area_mm2 needs"):
        sweep_of(SPEC.replace("[8x8_32k]", "[bare.yaml]"))
    assert (
        found_by(sweep_of(SPEC.replace("[8x8_32k]", "[bare.yaml]").replace(", area_mm2", ""))).feasible == 12
    )


def test_words_wider_than_the_table_of_areas_have_no_area(sweep_of):
    text = SPEC.replace("pe_array.rows: [4, 8]", "precision.weights_bits: [16, 32]")
    result = found_by(sweep_of(text))
    assert {one.figure("area_mm2") is None for one in result.candidates if one.rank is None} == {True}
    assert (result.feasible, len(result.ranked)) == (12, 6)


# --- a candidate that cannot be built stops nothing


SHUFFLED = """\
networks: [shufflenet_v1]
hardware: [8x8_32k]
network_parameters:
  resolution: [64]
  stages.stage4.out_channels: [240, 480, 960]
objectives: [energy, params]
"""


def test_candidates_whose_blocks_have_no_channels_are_not_ranked_and_say_why(sweep_of):
    result = found_by(sweep_of(SHUFFLED))
    assert (result.evaluated, result.simulated, result.feasible) == (3, 1, 1)
    assert result.best.index == 2
    assert [index for index, _ in result.problems] == [0, 1]
    assert result.problems[1][1] == (
        "shufflenet_v1@resolution=64: stage4.block1: has 480 output channels, of which the input's 480 leave "
        "0 for the branch: give the stage more than 480 channels, or the one before fewer"
    )


def test_a_fault_in_one_candidate_does_not_end_a_sweep(sweep_of, monkeypatch, tmp_path):
    cost = sweeps.run_cost

    def faulty(task, memory):
        if task.hardware.pe_array.rows == 4:
            raise ZeroDivisionError("integer modulo by zero")
        return cost(task, memory)

    monkeypatch.setattr(sweeps, "run_cost", faulty)
    result = found_by(sweep_of(), store=tmp_path / "found.sqlite")
    assert (result.evaluated, result.feasible, len(result.problems)) == (12, 6, 6)
    assert result.problems[0][1].startswith(
        "a fault of accelsim itself, please report it: ZeroDivisionError at test_search_sweep.py:"
    )
    again = run_sweep(
        sweep_of(), plan_for(sweep_of()), store=tmp_path / "found.sqlite", executor=Processes(1)
    )
    assert again.reused == 12
    assert again.problems == result.problems


def test_nor_does_one_in_what_is_worked_out_of_its_cost(sweep_of, monkeypatch):
    figures = sweeps.simulated_figures

    def faulty(cost, hardware, *demand):
        if hardware.pe_array.rows == 4:
            raise ZeroDivisionError("integer modulo by zero")
        return figures(cost, hardware, *demand)

    monkeypatch.setattr(sweeps, "simulated_figures", faulty)
    result = found_by(sweep_of())
    assert (result.evaluated, result.feasible, len(result.problems)) == (12, 6, 6)


def test_an_interrupt_that_a_library_wrapped_ends_a_sweep(sweep_of, monkeypatch):
    def interrupted(task, memory):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise ValueError("error calling a function") from error

    monkeypatch.setattr(sweeps, "run_cost", interrupted)
    with pytest.raises(KeyboardInterrupt):
        found_by(sweep_of())


def test_a_fault_in_every_candidate_is_the_reason_why_there_is_none(sweep_of, monkeypatch):
    def faulty(task, memory):
        raise OverflowError("too large")

    monkeypatch.setattr(sweeps, "run_cost", faulty)
    with pytest.raises(
        SpaceError, match=r"^none of 12 candidates can be executed, the first because: a fault"
    ):
        found_by(sweep_of())


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[4, 8]", str([4] * 1001), "pe_array.rows = [...]: must be a list of at most 1000 values"),
        (
            "objectives:",
            "constraints: [params <= 1e99]\nobjectives:",
            "constraints.0 = 'params <= 1e99': is a bound of more than 1e+30, which nothing comes near",
        ),
        ("objectives:", "batch: 65537\nobjectives:", "batch = 65537: must be a whole number from 1 to 65536"),
    ],
)
def test_numbers_of_a_sweep_have_bounds(sweep_of, old, new, sentence):
    with pytest.raises(DescriptionError) as error:
        sweep_of(SPEC.replace(old, new))
    assert sentence in str(error.value)


def test_samples_and_seeds_have_bounds_and_may_be_numbers_of_numpy(sweep_of):
    np = pytest.importorskip("numpy")
    sweep = sweep_of()
    assert plan_for(sweep, name="tpe", samples=np.int64(3), seed=np.uint8(1)) == SamplingPlan("tpe", 3, 1)
    with pytest.raises(
        accelsim.AccelsimError, match=r"^seed = 4294967296: must be a whole number from 0 to 4294967295$"
    ):
        plan_for(sweep, seed=2**32)
    with pytest.raises(
        accelsim.AccelsimError, match=r"^samples = 10000001: must be a whole number from 1 to 10000000$"
    ):
        plan_for(sweep, samples=10_000_001)

"""The walk of docs/codesign.md, step by step, and every figure in that page's text.

Its outputs are checked with those of all pages (tests/docs/test_docs_pages.py).
"""

from pathlib import Path

import pytest

from accelsim import Cache, load_hardware, load_network, run_network
from accelsim.descriptions import vary
from accelsim.network.configuration import configure
from accelsim.report.text.diagnosis import reason
from accelsim.search.path import LEAST_PARAMS, MORE_MACS, MORE_PARAMS, search_path
from accelsim.search.words import move_words

PAGE = " ".join((Path(__file__).parents[2] / "docs" / "codesign.md").read_text(encoding="utf-8").split())
LARGE = load_hardware("16x16_128k")
CACHE = Cache()


def less(after, before):
    """`2.5%`."""
    return f"{100 * (1 - after / before):.1f}%"


@pytest.fixture(scope="module")
def walked():
    return search_path(load_network("sqnxt23"), LARGE)


def run(name):
    return run_network(load_network(name), LARGE, cache=CACHE)


def test_the_walk_from_the_baseline(walked):
    assert [(move_words(step.best.move), step.depths) for step in walked.steps] == [
        ("5x5 instead of 7x7 in conv1", (6, 6, 8, 1)),
        ("a block from stage1 to stage3", (5, 6, 9, 1)),
        ("a block from stage1 to stage3", (4, 6, 10, 1)),
        ("a block from stage1 to stage3", (3, 6, 11, 1)),
        ("a block from stage1 to stage3", (2, 6, 12, 1)),
        ("a block from stage1 to stage3", (1, 6, 13, 1)),
        ("3x3 instead of 5x5 in conv1", (1, 6, 13, 1)),
        ("a block from stage2 to stage3", (1, 5, 14, 1)),
    ]
    assert [step.worst.name for step in walked.steps] == ["stage1"] * 6 + ["conv1"] * 2
    assert (walked.stopped, walked.end.cycles, walked.end.params) == ("budget", 1_188_213, 913_040)


def test_the_walk_agrees_with_the_authors_in_what_the_page_says(walked):
    first = walked.steps[0]
    assert len(first.moves) == 10
    assert "Of ten moves the 5x5 kernel gains most." in PAGE
    before, after = first.before, first.after
    assert after.energy < before.energy
    assert after.macs < before.macs
    assert after.params < before.params
    assert "3.2 MACs a byte, where a full array needs 16" in reason(walked.steps[1].worst.diagnosis)
    assert "3.2 MACs for each byte, where a full array needs 16" in PAGE


def test_the_walk_ends_beside_v5_as_the_page_says(walked):
    v5 = run("sqnxt23v5")
    sentence = (
        f"takes {less(walked.end.cycles, v5.cycles)} less time and "
        f"{less(walked.end.energy, v5.energy.total)} less energy than v5 and has "
        f"{less(walked.end.params, v5.params)} fewer parameters"
    )
    assert sentence in PAGE


def test_a_kernel_of_3x3_gains_little_as_the_page_says(walked):
    five = run_network(configure(vary(walked.final, **{"stages.0.kernel": 5})), LARGE, cache=CACHE)
    longer, more = (
        f"{100 * (of_five / of_three - 1):.1f}%"
        for of_five, of_three in (
            (five.cycles, walked.end.cycles),
            (five.energy.total, walked.end.energy),
        )
    )
    assert f"with 5x5 the end takes {longer} longer and {more} more energy" in PAGE
    three = run_network(configure(walked.final), LARGE, cache=CACHE)
    assert three.layers[0].shape.endswith("113x113 -> 56x56")
    energy = search_path(load_network("sqnxt23"), LARGE, objective="energy")
    assert [step.best.move.kind for step in energy.steps[:2]] == ["kernel", "kernel"]
    assert (energy.end, energy.steps[-1].depths) == (walked.end, walked.steps[-1].depths)


def test_a_tighter_budget_leads_to_the_neighbour_of_v4():
    v4, tight = run("sqnxt23v4"), search_path(load_network("sqnxt23"), LARGE, max_params=770_000)
    assert tight.steps[-1].depths == (2, 9, 9, 1)
    gains = less(tight.end.cycles, v4.cycles), less(tight.end.energy, v4.energy.total)
    assert f"2-9-9-1, which takes {gains[0]} less time and {gains[1]} less energy than v4" in PAGE


def test_the_budget_is_that_of_the_authors_v5():
    v5, baseline = (load_network(name).reported for name in ("sqnxt23v5", "sqnxt23"))
    assert round(v5.params / baseline.params, 1) == MORE_PARAMS
    decision = (Path(__file__).parents[2] / "docs" / "decisions" / "path-moves.md").read_text()
    for words in (f"{MORE_PARAMS} times the parameters", f"{MORE_MACS} times the MACs"):
        assert words in decision
    assert f"at least {LEAST_PARAMS} times" in decision


def keeping(kib):
    """The machine whose buffer is a pool of so many KiB, in which activations stay; as on the page."""
    return vary(
        LARGE,
        **{
            "memories.global_buffer.banks": "pool",
            "memories.global_buffer.keeps": ["activations"],
            "memories.global_buffer.size_bytes": kib * 1024,
        },
    )


def test_what_keeping_activations_changes_as_the_page_says():
    old = {name: run(name) for name in ("sqnxt23", "sqnxt23v2", "sqnxt23v4", "sqnxt23v5")}
    asked = {
        128: ["sqnxt23"],
        256: ["sqnxt23v2", "sqnxt23v4", "sqnxt23v5"],
        512: ["sqnxt23v2", "sqnxt23v5"],
    }
    new = {
        kib: {name: run_network(load_network(name), keeping(kib), cache=CACHE) for name in names}
        for kib, names in asked.items()
    }

    def saved(after, before):
        return less(after.cycles, before.cycles), less(after.energy.total, before.energy.total)

    def more(after, before):
        return f"{100 * (after.energy.total / before.energy.total - 1):.1f}%"

    baseline = saved(new[128]["sqnxt23"], old["sqnxt23"])
    assert f"the baseline takes {baseline[0]} less time and {baseline[1]} less energy" in PAGE
    redesign = saved(old["sqnxt23v5"], old["sqnxt23"])
    assert f"the machine of 2018 saves {redesign[0]} and {redesign[1]}." in PAGE
    assert new[128]["sqnxt23"].energy.total < old["sqnxt23v4"].energy.total
    then, now = (saved(runs["sqnxt23v5"], runs["sqnxt23v2"]) for runs in (old, new[512]))
    assert f"v5 takes {then[0]} less time and {then[1]} less energy than v2" in PAGE
    dearer = more(new[512]["sqnxt23v5"], new[512]["sqnxt23v2"])
    assert f"v5 takes {now[0]} less time and {dearer} *more* energy than v2" in PAGE
    moved = [run.dram_bytes.total / 1e6 for run in (new[512][name] for name in ("sqnxt23v5", "sqnxt23v2"))]
    assert f"{moved[0]:.2f} MB move instead of {moved[1]:.2f} MB" in PAGE
    step = more(new[256]["sqnxt23v5"], new[256]["sqnxt23v4"])
    assert f"takes {step} more energy than v4" in PAGE
    assert new[256]["sqnxt23v4"].energy.total < new[256]["sqnxt23v2"].energy.total

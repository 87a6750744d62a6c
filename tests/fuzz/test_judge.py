"""The fuzz is able to fail: whatever goes wrong behind a door is noticed, named, and can be fed again."""

from pathlib import Path

import pytest

from fuzz import planted
from fuzz.door import AnyDoor, Door
from fuzz.doors import DOORS
from fuzz.judge import Failure, Verdict, judge, wrong_with_sentence
from fuzz.workers import Limits, verdicts

LITTLE = Limits(processor_seconds=0.5, data_bytes=1 << 29)


def became(door: AnyDoor, inputs: int = 1, limits: Limits = LITTLE) -> list[Verdict]:
    return list(verdicts(door, 0, range(inputs), limits=limits))


@pytest.mark.parametrize(
    ("door", "kind"),
    [
        (planted.IN_WORDS_OF_PYTHON, "a refusal in words of Python"),
        (planted.SPINS, "more than 0.5 s of processor time"),
        (planted.COMPUTES, "more than 0.5 s of processor time"),
        (planted.FILLS_MEMORY, "MemoryError"),
        (planted.DIES, "the process ended: SIGABRT"),
        (planted.FAULTY_READER, "KeyError, accelsim/hardware/load.py:load_hardware"),
        (planted.LEAVES_A_FILE, "exit code 2 without a word"),
        (planted.OVERWRITES, "a file that was read was overwritten"),
        (planted.NOBODY_ASKED, "a file that nobody asked for"),
        (planted.NONSENSE, "nothing was said"),
    ],
    ids=lambda value: value.name if isinstance(value, Door) else "",
)
def test_whatever_goes_wrong_is_named(door: AnyDoor, kind: str) -> None:
    (verdict,) = became(door)
    assert isinstance(verdict, Failure)
    assert verdict.kind.startswith(kind)


def test_whatever_waits_for_ever_is_ended() -> None:
    (verdict,) = became(planted.WAITS, limits=Limits(clock_seconds=1.0))
    assert isinstance(verdict, Failure)
    assert verdict.kind.startswith("more than 1 s by the clock")


@pytest.mark.parametrize("door", [planted.DIES, planted.NONSENSE], ids=["dies", "nonsense"])
def test_inputs_after_a_failure_are_fed_all_the_same_and_each_says_how_it_is_fed_again(door: AnyDoor) -> None:
    for index, verdict in enumerate(became(door, 3)):
        assert isinstance(verdict, Failure)
        assert verdict.replay == f"python scripts/fuzz.py --door {door.name} --seed 0 --only {index}"


def test_a_result_that_contradicts_itself_is_noticed() -> None:
    kinds = {verdict.kind for verdict in became(planted.LOSES_CYCLES, 20) if isinstance(verdict, Failure)}
    assert kinds == {"a number that is negative or no number"}


def test_answers_and_refusals_are_as_they_should_be() -> None:
    assert became(planted.OK, 3) == ["answered"] * 3
    assert became(planted.REFUSES, 3) == ["refused"] * 3
    assert became(planted.ASKED_FOR) == ["answered"]


def test_every_input_is_fed_once_however_many_workers_there_are() -> None:
    assert list(verdicts(planted.OK, 0, range(7), workers=3)) == ["answered"] * 7


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("m.yaml:3: rows = 0: must be at least 1\nm.yaml:4: columns: no such key", ""),
        ("", "a refusal without a word"),
        ("a\n\nb", "a refusal with an empty line"),
        ("x" * 1_001, "a refusal on a line that is too long"),
        ("\n".join(["x" * 999] * 1_100), "a refusal that never ends"),
        ("<accelsim.Layer object at 0x7f>", "a refusal in words of Python"),
    ],
)
def test_a_refusal_is_for_people(text: str, wrong: str) -> None:
    assert wrong_with_sentence(text) == wrong


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_an_input_follows_from_seed_and_number_alone(door: AnyDoor) -> None:
    assert door.input(3, 14) == door.input(3, 14)
    assert len({door.show(door.input(0, index)) for index in range(20)}) > 10
    assert [door.input(0, index) for index in range(20)] != [door.input(1, index) for index in range(20)]


def test_the_working_folder_is_empty_for_each_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("left")
    (tmp_path / "link").symlink_to("nowhere")
    assert judge(planted.OK, 0, 0) == "answered"
    assert not list(tmp_path.iterdir())

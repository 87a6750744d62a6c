"""A file of far too much is refused soon, and in few lines."""

import time

import pytest

from accelsim.descriptions import Description, read
from accelsim.errors import DescriptionError


class Machine(Description):
    name: str


def mistakes(tmp_path, text):
    (tmp_path / "m.yaml").write_text(text)
    with pytest.raises(DescriptionError) as error:
        read(tmp_path / "m.yaml", Machine)
    return [line.removeprefix(f"{tmp_path}/") for line in error.value.lines]


def test_repeated_keys_in_an_alias_bomb_are_counted_as_values_are(tmp_path):
    levels = ["a0: &a0 {" + ", ".join(["x: 1"] * 500) + "}"]
    levels += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]" for n in range(1, 5)]
    start = time.process_time()
    (line,) = mistakes(tmp_path, "\n".join(levels))
    assert "has more than 20 levels or 20000 values, aliases expanded" in line
    assert time.process_time() - start < 2


def test_a_file_of_too_many_values_is_not_read_to_its_end(tmp_path):
    start = time.process_time()
    (line,) = mistakes(tmp_path, "a: [" + "x, " * 300_000 + "x]")
    assert line == "m.yaml: has more than 20000 values"
    assert time.process_time() - start < 5


def test_of_thousands_of_mistakes_the_first_are_listed_and_the_others_counted(tmp_path):
    lines = mistakes(tmp_path, "name: test\n" + "".join(f"key{index}: 1\n" for index in range(2_000)))
    assert len(lines) == 51
    assert lines[-1] == "m.yaml: and 1950 more mistakes"

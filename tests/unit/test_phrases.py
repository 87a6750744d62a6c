"""What a number counts is one thing or several."""

import pytest

from accelsim.descriptions.phrases import all_of, counted, these
from accelsim.report.text.table import kibibytes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (counted(0, "layer"), "0 layers"),
        (counted(1, "layer"), "1 layer"),
        (counted(2, "layer"), "2 layers"),
        (counted(1, "entry", "entries"), "1 entry"),
        (counted(2, "entry", "entries"), "2 entries"),
        (these(["conv1"], "layer"), "its layers, of which there is one, conv1"),
        (these(["conv1", "pool", "fc"], "layer"), "the 3 layers, which are conv1 to fc"),
        (kibibytes(1), "1 byte"),
        (kibibytes(90), "90 bytes"),
    ],
)
def test_a_noun_agrees_with_its_number(text, said):
    assert text == said


def test_the_last_of_several_names_follows_an_and():
    assert [all_of(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]

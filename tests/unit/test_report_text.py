"""Numbers and tables of plain text."""

import pytest

from accelsim.report.text.table import (
    Column,
    Style,
    bar,
    kibibytes,
    labelled,
    percent,
    percent_digits,
    quantity,
    shortened,
    si,
    table,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (7, "7"),
        (999, "999"),
        (1000, "1.00k"),
        (9_999, "10.0k"),
        (12_345, "12.3k"),
        (999_400, "999k"),
        (999_600, "1.00M"),
        (60_211_200, "60.2M"),
        (2.01e9, "2.01G"),
        (1.5e18, "1.50E"),
        (1e21, "1e+21"),
        (0.25, "0.25"),
        (12.34, "12.3"),
        (999.9, "1.00k"),
        (-1_234, "-1.23k"),
        (float("inf"), "inf"),
    ],
)
def test_a_number_has_three_digits_and_a_suffix(value, text):
    assert si(value) == text


def test_a_quantity_has_its_suffix_before_the_unit():
    assert quantity(8_750_000, "B") == "8.75 MB"
    assert quantity(90, "B") == "90 B"


@pytest.mark.parametrize(
    ("size", "text"), [(90, "90 bytes"), (131_072, "128 KiB"), (6_656, "6.5 KiB"), (32 << 20, "32 MiB")]
)
def test_memories_come_in_powers_of_two(size, text):
    assert kibibytes(size) == text


@pytest.mark.parametrize(("fraction", "text"), [(0, "0.0"), (0.004, "0.4"), (0.385, "38.5"), (1, "100")])
def test_a_percentage_has_four_characters_at_most(fraction, text):
    assert percent_digits(fraction) == text
    assert percent(fraction) == f"{text}%"


@pytest.mark.parametrize(
    ("fraction", "blocks", "ascii_"),
    [(0, "", ""), (0.5, "██", "##"), (0.53, "██▏", "##"), (1, "████", "####"), (7, "████", "####")],
)
def test_a_bar_is_full_at_one(fraction, blocks, ascii_):
    assert bar(fraction, 4, ascii_only=False) == blocks
    assert bar(fraction, 4, ascii_only=True) == ascii_


def test_a_long_text_keeps_its_beginning_and_its_end():
    assert shortened("stage3.block14.squeeze1", 23) == "stage3.block14.squeeze1"
    assert shortened("stage3.block14.squeeze1", 12) == "stage3.b~ze1"


def test_columns_are_aligned_and_lines_end_without_spaces():
    columns = [
        Column("name", ["a", "long"], "left"),
        Column("n", ["1", "22"]),
        Column("why", ["", "x"], "left"),
    ]
    assert table(columns, 80) == ["name  n why", "a     1", "long 22 x"]


def test_a_column_is_left_out_where_there_is_no_room_for_it():
    columns = [Column("a", ["1"]), Column("wide", ["2"], rank=2), Column("b", ["3"], rank=1)]
    assert table(columns, 80)[0] == "a wide b"
    assert table(columns, 7)[0] == "a b"
    assert table(columns, 2)[0] == "a"


def test_the_widest_column_that_may_shrink_is_shortened_first():
    columns = [Column("x", ["abcdefghijkl"], "left", least=4), Column("y", ["mnopqrst"], "left", least=4)]
    assert table(columns, 15)[1] == "abcd~kl mnop~st"


def test_a_column_is_shortened_no_further_than_it_may():
    assert table([Column("x", ["abcdefgh"], least=6), Column("y", ["z"])], 4)[1] == "abcd~h z"


def test_a_label_stands_before_all_the_lines_of_its_text():
    lines = labelled("source", "word " * 20, Style(width=60))
    assert len(lines) == 3
    assert lines[0].startswith("source         word")
    assert lines[1].startswith("               word")
    assert max(map(len, lines)) <= 60


def test_only_a_style_with_bold_writes_escapes():
    assert Style(bold=True).strong("x") == "\x1b[1mx\x1b[0m"
    assert Style().strong("x") == "x"

"""Did a cell of the published table move? Each is pinned to the cycle and to the last bit of its energy."""

from accelsim.report.text.reproduction import moved_line
from accelsim.validation.pinned import REMEDY, load_pinned, moved


def test_every_cell_of_the_squeezenext_table_is_what_it_was(reproduction):
    differences = moved(reproduction.costs, load_pinned("squeezenext"))
    assert not differences, "\n".join([*map(moved_line, differences), REMEDY])


def test_nothing_is_pinned_that_is_not_simulated(published):
    assert set(load_pinned("squeezenext")) == set(published.cell_keys)

"""How far a network is outside of a budget, in words."""

from collections.abc import Iterable

from accelsim.search.path_moves import Excess


def excess_words(excesses: Iterable[Excess]) -> str:
    """`98 params too many, 5 MACs too many`; nothing where there is none."""
    return ", ".join(
        f"{excess.amount} {excess.quantity} too {'many' if excess.above else 'few'}" for excess in excesses
    )

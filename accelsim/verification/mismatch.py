"""MismatchError: the first access of a schedule that is not what it should be, in words."""

from typing import NoReturn


class MismatchError(Exception):
    """A schedule does something else than its layer or its counts say; the sentence says what."""


def refuse(sentence: str) -> NoReturn:
    """Stop at an access that differs."""
    raise MismatchError(sentence)


def expect_equal(quantity: str, scheduled: object, observed: object) -> None:
    """Stop where the schedule says another number than what was counted."""
    if scheduled != observed:
        refuse(f"{quantity}: the schedule says {scheduled}, executing it gives {observed}")

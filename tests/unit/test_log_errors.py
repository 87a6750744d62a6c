"""Errors of simulated against measured figures, repeats weighed once."""

import math

import pytest

from accelsim.validation.log_errors import MeasuredFigure, log_errors


def _figures(*pairs: tuple[float, float]) -> list[MeasuredFigure]:
    return [
        MeasuredFigure(f"layer {index}", measured, simulated)
        for index, (measured, simulated) in enumerate(pairs)
    ]


def test_errors_are_logarithms_of_simulated_over_measured() -> None:
    errors = log_errors(_figures((100, 110), (100, 80), (1000, 1000)))
    by_hand = [math.log(1.1), math.log(0.8), 0.0]
    assert errors.mean_abs_log_error == pytest.approx(sum(map(abs, by_hand)) / 3)
    assert errors.median_abs_log_error == pytest.approx(math.log(1.1))
    assert errors.max_abs_log_error == pytest.approx(-math.log(0.8))
    assert errors.bias == pytest.approx(sum(by_hand) / 3)


def test_ten_percent_more_or_less_is_within_ten_percent() -> None:
    assert log_errors(_figures((10, 11), (10, 9), (10, 11.01), (10, 8.99))).within_10_percent == 0.5


def test_repeats_count_as_much_as_one_measurement() -> None:
    repeats = [MeasuredFigure("a", 100, 200, repeats="a") for _ in range(9)]
    once = [MeasuredFigure("b", 100, 100)]
    errors = log_errors([*repeats, *once])
    assert errors.mean_abs_log_error == pytest.approx(math.log(2) / 2)
    assert errors.median_abs_log_error == pytest.approx(math.log(2) / 2)
    assert errors.within_10_percent == pytest.approx(0.5)


def test_the_median_of_an_even_number_is_between_the_middle_two() -> None:
    errors = log_errors(_figures((1, 1), (1, math.e**0.1), (1, math.e**0.3), (1, math.e**0.9)))
    assert errors.median_abs_log_error == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("simulated", "correlation"), [((1, 2, 3), 1.0), ((30, 20, 10), -1.0), ((2, 2, 2), None)]
)
def test_rank_correlation(simulated: tuple[float, ...], correlation: float | None) -> None:
    found = log_errors(_figures(*zip((5.0, 6.0, 7.0), simulated, strict=True))).rank_correlation
    assert found is None if correlation is None else found == pytest.approx(correlation)


def test_rank_correlation_of_some_ties_is_spearmans() -> None:
    # Ranks less their mean: -1.5, 0, 0, 1.5 and -1.5, -0.5, 1.5, 0.5. Products 3, squares 4.5 and 5.
    errors = log_errors(_figures((1, 10), (2, 20), (2, 40), (3, 30)))
    assert errors.rank_correlation == pytest.approx(3.0 / math.sqrt(4.5 * 5.0))


def test_nothing_and_nothings_are_refused() -> None:
    with pytest.raises(ValueError, match="no figure"):
        log_errors([])
    with pytest.raises(ValueError, match="layer 0 is 0, measured as 1"):
        log_errors(_figures((1, 0)))

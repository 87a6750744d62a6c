"""Arithmetic in a stage table: what it gives, and that it gives nothing but arithmetic."""

import contextlib
import time

import pytest

from accelsim.network.expressions import ExpressionError, evaluate, is_expression, round_to_multiple

NAMES = {"width": 0.75, "groups": 3, "se": True, "variant": "small"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("=32*width", 24),
        ("=int(32*width) // 5", 4),
        ("=max(int(64*width), 8)", 48),
        ("=round_to_multiple(32*width, 16)", 32),
        ("={1: 144, 2: 200, 3: 240}[groups]", 240),
        ("=[1, 2, 4, 8][groups]", 8),
        ("=-groups % 5", 2),
        ("=8 if width < 1 and not groups > 4 else 16", 8),
        ("=8 if width == 1.0 or se else 16", 8),
        ("={'small': 1, 'large': 2}[variant]", 1),
        ("=1 < groups <= 3 != 4", True),
        ("=groups / 2", 1.5),
        ("=ceil(7/2) + floor(7/2) + round(2.6) - abs(-1) - min(1, 2)", 8),
        ("=[groups, 2*groups]", [3, 6]),
        ("=  groups ", 3),
    ],
)
def test_the_value_of_an_expression(text, value):
    result = evaluate(text, NAMES)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("=", "is not an expression"),
        ("=3 +", "is not an expression"),
        ("=height * 2", "'height' is no parameter: there are groups, se, variant, width"),
        ("=1/0", "'1 / 0' has no value: division by zero"),
        ("={1: 2}[groups]", "no entry for 3: there are 1"),
        ("=[1, 2][groups]", "'[1, 2][groups]' has no such entry"),
        ("=groups[0]", "'groups[0]' has no such entry"),
        ("=2 ** 9", "'2 ** 9' is not allowed: use + - * / // %"),
        ("='a' * 99", "\"'a' * 99\" calculates with text"),
        ("=1000000000000 * [1]", "'1000000000000 * [1]' calculates with text or a list"),
        ("=variant + 'x'", "\"variant + 'x'\" calculates with text"),
        (
            "=round(1, -999999999)",
            "'round(1, -999999999)' has no value: rounds to -999999999 places, must be from -12 to 12",
        ),
        ("=round(width, 10**9)", "'10 ** 9' is not allowed"),
        ("=round(width, 13)", "'round(width, 13)' has no value: rounds to 13 places, must be from -12 to 12"),
        ("=1e12 + 1", "'1000000000000.0 + 1' is larger than 1e+12"),
        ("=groups is 3", "'groups is 3' is not allowed: use == != < <= > >="),
        (
            "=variant < 3",
            "'variant < 3' has no value: '<' not supported between instances of 'str' and 'int'",
        ),
        ("=~3", "'~3' is not allowed in an expression"),
        ("=None", "'None' is not allowed in an expression"),
        ("=groups.real", "'groups.real' is not allowed in an expression"),
        ("=(lambda: 3)()", "'(lambda: 3)()' is no known function"),
        ("=__import__('os')", "is no known function: there are abs, ceil, floor, int, max, min, round"),
        ("=max(1, 2, key=3)", "is no known function"),
        ("=max()", "'max()' has no value"),
        ("=[x for x in [1]]", "is not allowed in an expression"),
        ("={**{1: 2}}", "is not allowed in an expression"),
        ("=f'{groups}'", "is not allowed in an expression"),
        ("=999999999 * 999999999", "'999999999 * 999999999' is larger than 1e+12"),
        ("=1e999", "'1e309' is larger than 1e+12"),
        ("=1e999 - 1e999", "is larger than 1e+12"),
        ("=" + "1+" * 200 + "1", "is longer than 200 characters"),
        ("=" + "(" * 150 + ")" * 20, "is not an expression"),
    ],
)
def test_what_is_not_allowed_says_so(text, sentence):
    with pytest.raises(ExpressionError) as error:
        evaluate(text, NAMES)
    assert sentence in str(error.value)


def test_only_text_that_starts_with_an_equals_sign_is_an_expression():
    assert is_expression("=3")
    assert not is_expression("same")
    assert not is_expression(3)


def test_no_expression_takes_long():
    start = time.process_time()
    with pytest.raises(ExpressionError):
        evaluate("=" + "*".join(["999999999999"] * 15), {})
    assert time.process_time() - start < 0.1


@pytest.mark.parametrize(
    ("value", "rounded"), [(24.0, 24), (11.2, 16), (33.6, 32), (3, 8), (44.8, 48), (12, 16), (27.9, 32)]
)
def test_channels_round_to_multiples_of_eight_as_in_mobilenet_v2(value, rounded):
    """Channels of the released checkpoints: at least 90% of the value, at least 8."""
    assert round_to_multiple(value, 8) == rounded


@pytest.mark.parametrize(
    "text",
    [
        "=round(1, -999999999)",
        "=round(9, -(99999999*9999))",
        "=" + "(" * 199,
        "=" + "-" * 199,
        "=" + "[" * 90 + "]" * 90,
        "=" + "9" * 199,
        "=" + "9 if " * 39 + "9",
        "=int('" + "9" * 190 + "')",
        "='\\d'",
        "='\ud800'",
    ],
)
def test_every_expression_ends_at_once_and_without_a_warning(text):
    start = time.process_time()
    with contextlib.suppress(ExpressionError):
        evaluate(text, NAMES)
    assert time.process_time() - start < 0.5

"""Money is whole minor units, and every way in or out is exact."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.money import (
    CURRENCY_DECIMALS,
    MINOR_MAX,
    MoneyError,
    convert,
    format_minor,
    parse_minor,
    percent,
)


@given(st.integers(0, MINOR_MAX), st.sampled_from(sorted(set(CURRENCY_DECIMALS.values()))))
def test_formatting_and_parsing_are_inverse(minor: int, decimals: int) -> None:
    """Every amount reads back as itself, in currencies of any number of decimals."""
    assert parse_minor(format_minor(minor, decimals), decimals) == minor


@pytest.mark.parametrize(
    ("text", "decimals", "code"),
    [
        ("200.505", 2, "too_many_decimals"),
        ("1.5", 0, "too_many_decimals"),
        ("-1", 2, "not_money"),
        ("+1", 2, "not_money"),
        ("1e3", 2, "not_money"),
        ("01", 2, "not_money"),
        ("1.", 2, "not_money"),
        (".5", 2, "not_money"),
        ("", 2, "not_money"),
        (" 1", 2, "not_money"),
        ("1_000", 2, "not_money"),
        ("1,000", 2, "not_money"),
        ("NaN", 2, "not_money"),
        ("٣", 2, "not_money"),
        ("1\n", 2, "not_money"),
        ("90071992547409.92", 2, "amount_too_large"),
    ],
)
def test_what_is_no_amount_is_refused(text: str, decimals: int, code: str) -> None:
    """Signs, exponents, blanks, other digits and excess decimals never become money."""
    with pytest.raises(MoneyError) as caught:
        parse_minor(text, decimals)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("minor", "share", "expected"),
    [(5, 50, 2), (15, 50, 8), (25, 50, 12), (1, 50, 0), (3, 50, 2), (1000, Fraction("12.5"), 125)],
)
def test_percent_rounds_half_to_even(minor: int, share: Fraction | int, expected: int) -> None:
    """A half goes to the even neighbour, so that many roundings cancel out."""
    assert percent(minor, share) == expected


def test_conversion_uses_the_rate_of_major_units() -> None:
    """100 yen at 0.0065 dollars are 65 cents; 1 dinar (3 decimals) at 3.25 is 3.25 dollars."""
    assert convert(100, decimals=0, rate=Fraction("0.0065"), to_decimals=2) == 65
    assert convert(1000, decimals=3, rate=Fraction("3.25"), to_decimals=2) == 325

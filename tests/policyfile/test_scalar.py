"""Plain scalars: what they mean, and which are refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.policyfile.scalar import PlainValue, Surprise, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("200", 200),
        ("-3", -3),
        ("0", 0),
        ("200.50", 200.5),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("front_desk", "front_desk"),
        ("07:00-23:00", "07:00-23:00"),
        ("2026-03-01T21:00:00-05:00", "2026-03-01T21:00:00-05:00"),
        ("2026-03-01", "2026-03-01"),
        ("90d", "90d"),
        ("-", "-"),
        ("1.2.3", "1.2.3"),
        ("north", "north"),
    ],
)
def test_the_core_schema_of_yaml_is_read(text: str, value: PlainValue) -> None:
    """Numbers, booleans and null are those of YAML 1.2; everything else is text."""
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("12:30", "yaml_sexagesimal"),
        ("1:30:45", "yaml_sexagesimal"),
        ("04:00", "yaml_sexagesimal"),
        ("010", "yaml_leading_zero"),
        ("-007", "yaml_leading_zero"),
        ("NO", "yaml_boolean"),
        ("yes", "yaml_boolean"),
        ("On", "yaml_boolean"),
        ("off", "yaml_boolean"),
        ("y", "yaml_boolean"),
        ("1_000", "yaml_underscore"),
        ("1_0.5", "yaml_underscore"),
        ("0x1F", "yaml_other_base"),
        ("0o17", "yaml_other_base"),
        ("0b101", "yaml_other_base"),
        ("1e3", "yaml_exponent"),
        ("1.5E-3", "yaml_exponent"),
        (".inf", "yaml_not_a_number"),
        ("-.Inf", "yaml_not_a_number"),
        (".nan", "yaml_not_a_number"),
        ("1" * 20, "number_too_large"),
    ],
)
def test_what_programs_read_differently_is_refused(text: str, code: str) -> None:
    """No file means one thing to its author and another to the machine."""
    with pytest.raises(Surprise) as caught:
        resolve(text)
    assert caught.value.code == code
    assert caught.value.remedy


@given(st.text(alphabet="0123456789+-._:eExobnfaINFyYsStrue~", max_size=8))
def test_whatever_is_read_is_finite(text: str) -> None:
    """No text is read as infinity or as something that is no number."""
    try:
        value = resolve(text)
    except Surprise:
        return
    assert not isinstance(value, float) or math.isfinite(value)

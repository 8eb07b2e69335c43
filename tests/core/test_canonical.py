"""An entry's bytes are RFC 8785's, whatever library is asked."""

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from service.core.canonical import canonical_bytes

INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | INTEGERS | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


@given(JSON)
def test_the_bytes_are_those_of_the_reference(value: object) -> None:
    """The reference library writes the same bytes for everything entries may hold."""
    assert canonical_bytes(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [1.5, 2**53, {"é": 1}, {1: 2}, {"a": [b"x"]}, {"a": {"b": 0.1}}])
def test_what_entries_may_not_hold_is_refused(value: object) -> None:
    """Floats, large integers, other keys and other types never reach the log."""
    with pytest.raises(TypeError):
        canonical_bytes(value)

"""Values in columns: each reads back as it was, and has one rendering."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.sql.columns import Files, Instant, Spends, Texts, instant, microseconds

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANTS = st.timedeltas(timedelta(days=-300_000), timedelta(days=2_000_000)).map(EPOCH.__add__)


@given(INSTANTS)
def test_instants_are_exact(at: datetime) -> None:
    """Every microsecond over millennia is a number of its own, and comes back aware."""
    assert instant(microseconds(at)) == at
    assert instant(microseconds(at)).tzinfo is UTC
    assert microseconds(at + timedelta(microseconds=1)) == microseconds(at) + 1


@given(INSTANTS, st.integers(-14, 14))
def test_an_instant_is_the_same_in_every_zone(at: datetime, hours: int) -> None:
    """The zone an instant is written in does not change what is stored."""
    assert Instant().encode(at.astimezone(timezone(timedelta(hours=hours)))) == microseconds(at)


def test_a_naive_instant_is_refused() -> None:
    """A time without a zone could be any instant, so it is an error and not a guess."""
    with pytest.raises(TypeError):
        Instant().encode(EPOCH.replace(tzinfo=None))


@given(st.lists(st.text()).map(tuple))
def test_lists_of_texts_come_back(texts: tuple[str, ...]) -> None:
    """Any texts survive, in their order."""
    assert Texts().decode(Texts().encode(texts)) == texts


@given(st.lists(st.tuples(INSTANTS, st.integers(0, 2**53 - 1))).map(tuple))
def test_spends_come_back(spends: tuple[tuple[datetime, int], ...]) -> None:
    """Any charges survive, to the microsecond and the minor unit."""
    assert Spends().decode(Spends().encode(spends)) == spends


@given(st.dictionaries(st.text(), st.binary()))
def test_files_come_back(files: dict[str, bytes]) -> None:
    """Any files survive, and their order does not change what is stored."""
    stored = Files().encode(files)
    assert Files().decode(stored) == files
    assert Files().encode(dict(reversed(files.items()))) == stored

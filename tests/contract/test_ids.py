"""What every source of ids guarantees."""

import re
from base64 import urlsafe_b64decode
from datetime import UTC, datetime

import pytest

from service.adapters.ids import RandomIds
from service.app.ports import Ids
from tests.fakes.ids import FakeIds

AT = datetime(2026, 3, 1, 21, tzinfo=UTC)
SHAPE = re.compile(r"[a-z]+_[0-9a-hjkmnp-tv-z]{26}")


@pytest.fixture(params=[RandomIds, FakeIds])
def ids(request: pytest.FixtureRequest) -> Ids:
    made: Ids = request.param()
    return made


def test_ids_and_surrogates_have_one_shape(ids: Ids) -> None:
    """A prefix, an underscore and 26 characters of Crockford's alphabet, whatever the time."""
    assert SHAPE.fullmatch(ids.new("res", AT))
    assert SHAPE.fullmatch(ids.surrogate("sub"))


def test_ids_of_one_instant_increase(ids: Ids) -> None:
    """Ids that are drawn for the same instant sort in the order in which they were drawn."""
    drawn = [ids.new("res", AT) for _ in range(1_000)]
    assert drawn == sorted(set(drawn))


def test_surrogates_are_distinct(ids: Ids) -> None:
    """No surrogate is handed out twice."""
    drawn = {ids.surrogate("sub") for _ in range(1_000)}
    assert len(drawn) == 1_000


def test_numbers_stay_below_their_bound(ids: Ids) -> None:
    """Each of a few numbers comes up, and nothing else."""
    assert {ids.below(3) for _ in range(1_000)} == {0, 1, 2}
    assert ids.below(1) == 0


def test_salts_have_128_bits_and_secrets_256(ids: Ids) -> None:
    """Salts decode to 16 bytes and secrets to 32, base64url without padding."""
    assert len(urlsafe_b64decode(ids.salt() + "==")) == 16
    assert len(urlsafe_b64decode(ids.secret() + "=")) == 32
    assert "=" not in ids.salt() + ids.secret()

"""What every clock guarantees."""

from datetime import UTC

import pytest

from service.adapters.clock import SystemClock
from service.app.ports import Clock
from tests.fakes.clock import FakeClock


@pytest.fixture(params=[SystemClock, FakeClock])
def clock(request: pytest.FixtureRequest) -> Clock:
    made: Clock = request.param()
    return made


def test_it_tells_an_aware_instant_in_utc(clock: Clock) -> None:
    """An instant carries UTC as its zone, so nobody can take it for local time."""
    assert clock.now().tzinfo is UTC


def test_it_does_not_go_back_by_itself(clock: Clock) -> None:
    """Two readings in a row are in order."""
    assert clock.now() <= clock.now()

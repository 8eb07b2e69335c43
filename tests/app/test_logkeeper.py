"""The log goes on by itself, says what stands in its way, and tries again."""

from collections.abc import Callable, Iterator
from threading import Event

import pytest

from service.app.logalarm import LogAlarm
from service.app.logkeeper import ALARM_PAUSES, LogKeeper
from tests.app.house import House
from tests.logged import Logged, alter, logged

WAIT_SECONDS = 30


def until(holds: Callable[[], bool]) -> None:
    pause = Event()
    for _ in range(WAIT_SECONDS * 20):
        if holds():
            return
        pause.wait(0.05)
    raise AssertionError("it never came about")


def alarm_of(keeper: LogKeeper) -> str | None:
    alarm = keeper.state.alarm
    return None if alarm is None else alarm.code


class Told:
    """What the operator was told."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []
        self.alarms: list[LogAlarm] = []

    def keeper(self, log: Logged) -> LogKeeper:
        return LogKeeper(
            log.integrator,
            log.publisher,
            log.keys,
            report=self.failures.append,
            tell=self.alarms.append,
        )


@pytest.fixture
def log(sqlite_url: str) -> Iterator[Logged]:
    with logged(sqlite_url) as opened:
        yield opened


def test_what_is_decided_is_published_by_itself(house: House) -> None:
    """Nobody asks: within a moment a checkpoint covers every entry."""
    house.propose()
    size = len(house.entries())
    until(lambda: house.services.log_keeper.state.published == size)
    assert house.services.log_keeper.state.alarm is None
    assert house.services.readiness().log.published == size


def test_what_was_left_is_published_after_a_restart(log: Logged) -> None:
    """Entries that nobody integrated, and some that nobody published, wait in the database."""
    log.begin(2)
    log.write(3)
    log.integrator.integrate()
    log.write(4)
    log.clock.at = log.clock.at.replace(year=2027)
    told = Told()
    keeper = told.keeper(log)
    keeper.start()
    until(lambda: keeper.state.published == 10)
    keeper.stop()
    assert (told.failures, told.alarms) == ([], [])


def test_an_alarm_is_told_and_told_again_while_it_lasts(log: Logged) -> None:
    """Not with every look, and integration goes on meanwhile."""
    log.begin(2)
    log.alter("UPDATE log_extent SET boundary = 1")
    told = Told()
    keeper = told.keeper(log)
    for _ in range(ALARM_PAUSES + 2):
        keeper.keep()
    assert [alarm.code for alarm in told.alarms] == ["log_shrunk"] * 2
    assert keeper.state.alarm is told.alarms[-1]
    log.write(1)
    keeper.keep()
    assert log.extent().size == 4


def test_an_alarm_ends_with_its_cause(log: Logged) -> None:
    """Once the rows are what they were, it publishes again."""
    log.begin(2)
    log.alter("UPDATE log_extent SET boundary = 1")
    told = Told()
    keeper = told.keeper(log)
    keeper.keep()
    assert alarm_of(keeper) == "log_shrunk"
    log.alter("UPDATE log_extent SET boundary = 3")
    for _ in range(ALARM_PAUSES + 1):
        keeper.keep()
    assert alarm_of(keeper) is None
    assert len(told.alarms) == 1


def test_a_database_that_is_away_is_reported_and_looked_at_again(log: Logged) -> None:
    """A failure ends neither the thread nor the log."""
    told = Told()
    keeper = told.keeper(log)
    keeper.start()
    alter(log.url, "ALTER TABLE log_extent RENAME TO elsewhere", is_schema=True)
    log.write(1)
    until(lambda: bool(told.failures))
    alter(log.url, "ALTER TABLE elsewhere RENAME TO log_extent", is_schema=True)
    until(lambda: log.extent().size == 2)
    keeper.stop()


def test_a_process_with_a_foreign_key_serves_and_says_so(log: Logged) -> None:
    """It starts, signs nothing, and goes on once somebody restarts the log under its key."""
    log.begin(2)
    stranger = Logged(log.store, log.clock, log.url, seed=b"\x09" * 32)
    told = Told()
    keeper = told.keeper(stranger)
    keeper.start()
    assert alarm_of(keeper) == "unknown_signing_key"
    stranger.restarter.restart(by="operator")
    keeper.stop()
    for _ in range(ALARM_PAUSES + 1):
        keeper.keep()
    assert alarm_of(keeper) is None
    assert log.last().origin == stranger.keys.list()[-1].origin

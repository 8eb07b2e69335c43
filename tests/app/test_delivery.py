"""Who takes up a line, and what becomes of a notice after each attempt."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from service.app.delivery import (
    KEPT,
    LINE_MAX,
    Attempt,
    Noted,
    Unasked,
    forget_delivered,
    note,
    take_up,
)
from service.app.noticerecords import NoticeRecord
from service.app.ports import Filter, Page
from service.app.records import Writes
from service.app.sending import Undelivered
from service.core.receiver import Hook, Patience, Receiver
from tests.app.holding import HoldingHouse, clock_for, open_holding

T = TypeVar("T")

WAIT_SECONDS = 30
FAILED = Undelivered("http_500")
DESK = Receiver(
    id="desk",
    kind="webhook",
    to=Hook(url="http://127.0.0.1/"),
    patience=Patience(
        timeout=timedelta(seconds=10),
        first=timedelta(seconds=4),
        longest=timedelta(seconds=20),
        attempts=6,
        within=timedelta(hours=1),
    ),
)


class Line:
    """The desk's line in a house where nobody delivers."""

    def __init__(self, house: HoldingHouse) -> None:
        self.house = house

    def now(self) -> datetime:
        with self.house.services.store.read() as reader:
            return reader.now()

    def add(self, *ids: str) -> None:
        at = self.now()
        notices = [
            NoticeRecord(
                id=id_,
                receiver="desk",
                event="escalation.opened",
                about="esc_1",
                resolution="res_1",
                site="main",
                role="manager",
                at=at,
                data=b"{}",
                queued_at=at,
                due_at=at,
            )
            for id_ in ids
        ]
        with self.house.services.store.begin() as tx:
            tx.write(Writes(notices=notices))

    def done(self, command: Unasked[T]) -> T:
        reply: T = self.house.services.committer.submit(command).result(WAIT_SECONDS)  # type: ignore[assignment]
        return reply

    def taken(self, holder: str = "me", receiver: Receiver = DESK) -> list[str]:
        return [notice.id for notice in self.done(take_up(receiver, holder))]

    def find(self, id_: str) -> NoticeRecord:
        with self.house.services.store.read() as reader:
            found = reader.find_notice(id_)
        assert found is not None
        return found

    def attempt(
        self,
        id_: str,
        failure: Undelivered | None = None,
        *,
        holder: str = "me",
        is_last: bool = False,
        receiver: Receiver = DESK,
    ) -> Noted | None:
        made = Attempt(
            receiver=receiver,
            holder=holder,
            notice=self.find(id_),
            failure=failure,
            is_last=is_last,
        )
        return self.done(note(made))

    def wait(self, **by: float) -> None:
        self.house.wait(**by)


@pytest.fixture
def line(tmp_path: Path, database_url: str) -> Iterator[Line]:
    with (
        clock_for(database_url) as clock,
        open_holding(tmp_path, database_url, clock) as house,
    ):
        yield Line(house)


def test_a_line_is_taken_up_by_one(line: Line) -> None:
    """Nobody else gets it until the work is done, or its time has run out."""
    line.add("ntc_1", "ntc_2")
    assert line.taken() == ["ntc_1", "ntc_2"]
    assert line.taken("you") == []
    assert line.taken() == ["ntc_1", "ntc_2"]
    line.wait(seconds=DESK.patience.lease.total_seconds() - 1)
    assert line.taken("you") == []
    line.wait(seconds=1)
    assert line.taken("you") == ["ntc_1", "ntc_2"]


def test_work_on_a_line_keeps_it(line: Line) -> None:
    """Each attempt that is noted gives as much time for the next one."""
    line.add("ntc_1", "ntc_2")
    line.taken()
    line.wait(seconds=14)
    assert line.attempt("ntc_1") is not None
    line.wait(seconds=14)
    assert line.taken("you") == []


def test_a_lease_outlasts_an_attempt() -> None:
    """So two processes never send to one receiver at the same time."""
    assert DESK.patience.lease > DESK.patience.timeout


def test_what_was_taken_is_delivered(line: Line) -> None:
    """Once, and the line goes on behind it; at its end it is free."""
    line.add("ntc_1", "ntc_2")
    line.taken()
    first = line.attempt("ntc_1")
    last = line.attempt("ntc_2", is_last=True)
    assert first is not None
    assert last is not None
    assert (first.goes_on, last.goes_on) == (True, False)
    assert (first.notice.state, first.notice.attempts) == ("delivered", 1)
    assert first.notice.ended_at is not None
    assert line.taken("you") == []
    line.add("ntc_3")
    assert line.taken("you") == ["ntc_3"]


def test_what_failed_holds_up_its_line(line: Line) -> None:
    """The next one does not overtake it; the line is free, and due when it is."""
    line.add("ntc_1", "ntc_2")
    line.taken()
    failed = line.attempt("ntc_1", FAILED)
    assert failed is not None
    assert (failed.goes_on, failed.notice.state, failed.notice.failure) == (
        False,
        "waiting",
        "http_500",
    )
    assert line.taken("you") == []
    line.wait(seconds=4)
    assert line.taken("you") == ["ntc_1", "ntc_2"]


def test_the_wait_doubles_up_to_the_longest(line: Line) -> None:
    """And is at least half of it, so that a random part spreads those who failed together."""
    line.add("ntc_1")
    for longest in (4, 8, 16, 20, 20):
        line.taken()
        at = line.now()
        failed = line.attempt("ntc_1", FAILED)
        assert failed is not None
        wait = failed.notice.due_at - at
        assert timedelta(seconds=longest / 2) <= wait <= timedelta(seconds=longest)
        line.wait(seconds=longest)


@pytest.mark.parametrize(
    ("asked", "expected"), [(0, (2, 4)), (3, (3, 4)), (17, (17, 17)), (3_600, (20, 20))]
)
def test_a_receiver_may_ask_to_be_left_alone(
    line: Line, asked: int, expected: tuple[int, int]
) -> None:
    """For no longer than the longest wait."""
    line.add("ntc_1")
    line.taken()
    at = line.now()
    failed = line.attempt("ntc_1", Undelivered("http_429", wait=timedelta(seconds=asked)))
    assert failed is not None
    shortest, longest = (timedelta(seconds=seconds) for seconds in expected)
    assert shortest <= failed.notice.due_at - at <= longest


def test_after_enough_attempts_it_is_given_up(line: Line) -> None:
    """And lets the next one of its line go at once."""
    line.add("ntc_1", "ntc_2")
    for _ in range(DESK.patience.attempts - 1):
        line.taken()
        assert getattr(line.attempt("ntc_1", FAILED), "goes_on", None) is False
        line.wait(seconds=20)
    line.taken()
    dead = line.attempt("ntc_1", FAILED)
    assert dead is not None
    assert (dead.goes_on, dead.notice.state, dead.notice.attempts) == (True, "dead", 6)
    assert line.attempt("ntc_2") is not None


def test_after_long_enough_it_is_given_up(line: Line) -> None:
    """However few the attempts were: those behind it have waited as long."""
    line.add("ntc_1", "ntc_2")
    line.wait(hours=1)
    line.taken()
    for id_ in ("ntc_1", "ntc_2"):
        dead = line.attempt(id_, FAILED)
        assert dead is not None
        assert (dead.goes_on, dead.notice.state, dead.notice.attempts) == (True, "dead", 1)


def test_a_final_failure_is_final(line: Line) -> None:
    """There is no second attempt."""
    line.add("ntc_1")
    line.taken()
    dead = line.attempt("ntc_1", Undelivered("http_410", final=True))
    assert dead is not None
    assert (dead.notice.state, dead.notice.failure) == ("dead", "http_410")


def test_who_lost_the_line_notes_nothing(line: Line) -> None:
    """An attempt that came back too late changes nothing of what the next one did."""
    line.add("ntc_1")
    line.taken()
    line.wait(seconds=15)
    line.taken("you")
    assert line.attempt("ntc_1", FAILED) is None
    assert line.find("ntc_1").attempts == 0
    assert line.attempt("ntc_1", holder="you", is_last=True) is not None
    line.taken("you")
    assert line.attempt("ntc_1", FAILED, holder="you") is None
    assert line.find("ntc_1").state == "delivered"


def test_so_many_are_taken_up_at_once(line: Line) -> None:
    """A long line is worked through in parts."""
    ids = [f"ntc_{number:03}" for number in range(LINE_MAX + 1)]
    line.add(*ids)
    assert line.taken() == ids[:LINE_MAX]


def test_what_was_delivered_is_forgotten_in_time(line: Line) -> None:
    """After some days, and no sooner."""
    line.add("ntc_1")
    line.taken()
    line.attempt("ntc_1", is_last=True)
    line.wait(seconds=KEPT.total_seconds())
    line.done(forget_delivered())
    assert line.find("ntc_1").state == "delivered"
    line.wait(microseconds=1)
    line.done(forget_delivered())
    with line.house.services.store.read() as reader:
        assert reader.list_notices(Filter(), Page()) == []


def test_one_that_is_sent_again_goes_last(line: Line) -> None:
    """With all its attempts before it; one that waits already is left where it is."""
    line.add("ntc_1", "ntc_2")
    line.taken()
    line.attempt("ntc_1", Undelivered("http_410", final=True), is_last=True)
    line.wait(seconds=1)
    again = line.house.services.outbox.redeliver(None, "ntc_1")
    assert (again["state"], again["attempts"]) == ("waiting", 0)
    assert line.taken() == ["ntc_2", "ntc_1"]


def test_patience_has_no_end_of_numbers() -> None:
    """The wait after a thousand attempts is still the longest."""
    patience = replace(DESK.patience, attempts=1_000)
    assert patience.wait(1_000) == patience.longest
    assert patience.wait(1) == patience.first

"""The courier: in order for each receiver, and nobody waits for somebody else's receiver."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Lock

import pytest

from service.adapters.clock import SystemClock
from service.app.courier import AT_ONCE_MAX, Courier, Desk
from service.app.delivery import take_up
from service.app.noticerecords import NoticeRecord
from service.app.ports import Filter, Page
from service.app.records import Writes
from service.app.sending import Letter, Undelivered
from service.core.receiver import Hook, Patience, Receiver
from tests.app.house import House, open_house
from tests.receiving import WAIT_SECONDS, until

QUICK = Patience(
    timeout=timedelta(seconds=1),
    first=timedelta(milliseconds=20),
    longest=timedelta(milliseconds=20),
    attempts=5,
)
Behaviour = Callable[[str], None]
"""What happens to a letter, by its id."""


class FakeSender:
    """Notes what it is given, by receiver, and lets each letter do what it must."""

    def __init__(self, behaviour: Behaviour = lambda _: None) -> None:
        self.sent: dict[str, list[str]] = {}
        self._behaviour = behaviour
        self._guard = Lock()

    def send(self, receiver: Receiver, letter: Letter, at: datetime) -> None:
        with self._guard:
            self.sent.setdefault(receiver.id, []).append(letter.id)
        self._behaviour(letter.id)


def receiver(id_: str) -> Receiver:
    to = Hook(url="http://127.0.0.1/")
    return Receiver(id=id_, kind="webhook", to=to, patience=QUICK)


@contextmanager
def courier(
    house: House,
    sender: FakeSender,
    *ids: str,
    holder: str = "me",
    told: list[NoticeRecord] | None = None,
) -> Iterator[list[Exception]]:
    """A courier at work for receivers; what it reported."""
    reported: list[Exception] = []
    services = house.services
    desk = Desk(
        store=services.store,
        committer=services.committer,
        clock=SystemClock(),
        vault=services.vault,
        senders={"webhook": sender},
        report=reported.append,
        tell=(lambda _: None) if told is None else told.append,
        holder=holder,
    )
    made = Courier(desk, [receiver(id_) for id_ in ids])
    made.start()
    try:
        yield reported
    finally:
        made.stop()


def add(house: House, *ids: str, to: str = "desk") -> None:
    with house.services.store.begin() as tx:
        notices = [
            NoticeRecord(
                id=id_,
                receiver=to,
                event="escalation.opened",
                about="esc_1",
                resolution="res_1",
                site="main",
                role="manager",
                at=tx.at,
                data=b'{"escalation":{"answer_by":null,"answered_by":null}}',
                queued_at=tx.at,
                due_at=tx.at,
            )
            for id_ in ids
        ]
        tx.write(Writes(notices=notices))


def states(house: House) -> dict[str, str]:
    with house.services.store.read() as reader:
        return {one.id: one.state for one in reader.list_notices(Filter(), Page(limit=1_000))}


def all_ended(house: House) -> bool:
    return set(states(house).values()) <= {"delivered", "dead"}


def test_a_line_is_delivered_in_order(house: House) -> None:
    """Each once where nothing goes wrong, more than are taken up at once, and later ones too."""
    ids = [f"ntc_{number:03}" for number in range(70)]
    sender = FakeSender()
    add(house, *ids[:60])
    told: list[NoticeRecord] = []
    with courier(house, sender, "desk", told=told) as reported:
        until(lambda: all_ended(house), "not all delivered")
        add(house, *ids[60:])
        until(lambda: len(states(house)) == 70 and all_ended(house), "not all delivered")
    assert sender.sent == {"desk": ids}
    assert reported == []
    assert [(one.id, one.state) for one in told] == [(id_, "delivered") for id_ in ids]


def test_nobody_overtakes_one_that_fails(house: House) -> None:
    """It is tried until it is taken; only then comes the next."""
    left = {"ntc_2": 3, "ntc_4": 1}

    def behave(id_: str) -> None:
        left[id_] = left.get(id_, 0) - 1
        if left[id_] >= 0:
            raise Undelivered("http_500")

    sender = FakeSender(behave)
    add(house, *[f"ntc_{number}" for number in range(1, 6)])
    with courier(house, sender, "desk"):
        until(lambda: all_ended(house), "not all delivered")
    tried = [1, 2, 2, 2, 2, 3, 4, 4, 5]
    assert sender.sent["desk"] == [f"ntc_{number}" for number in tried]


def test_one_that_cannot_be_written_stops_nobody(house: House) -> None:
    """A defect of ours is reported, and the line goes on once the notice is given up."""

    def behave(id_: str) -> None:
        if id_ == "ntc_1":
            raise ZeroDivisionError

    sender = FakeSender(behave)
    add(house, "ntc_1", "ntc_2")
    with courier(house, sender, "desk") as reported:
        until(lambda: states(house)["ntc_2"] == "delivered", "not delivered")
    assert states(house)["ntc_1"] == "dead"
    assert {type(failure) for failure in reported} == {ZeroDivisionError}
    assert sender.sent["desk"].count("ntc_1") == QUICK.attempts


def test_a_receiver_that_hangs_keeps_nobody_else_waiting(embedded: House) -> None:
    """Its own line waits, and no other one."""
    hanging, let_go = Event(), Event()

    def behave(id_: str) -> None:
        if id_ == "ntc_1":
            hanging.set()
            let_go.wait(WAIT_SECONDS)

    sender = FakeSender(behave)
    add(embedded, "ntc_1", "ntc_2", to="slow")
    with courier(embedded, sender, "slow", "quick"):
        assert hanging.wait(WAIT_SECONDS)
        add(embedded, "ntc_3", to="quick")
        until(lambda: states(embedded)["ntc_3"] == "delivered", "the quick one waits")
        assert sender.sent["slow"] == ["ntc_1"]
        let_go.set()
        until(lambda: all_ended(embedded), "not all delivered")
    assert sender.sent["slow"] == ["ntc_1", "ntc_2"]


def test_only_so_many_are_at_work_at_once(embedded: House) -> None:
    """However many receivers there are, a process keeps its threads together."""
    number, most = 0, 0
    guard, let_go = Lock(), Event()

    def behave(_: str) -> None:
        nonlocal number, most
        with guard:
            number += 1
            most = max(most, number)
        let_go.wait(0.2)
        with guard:
            number -= 1

    ids = [f"desk-{place}" for place in range(AT_ONCE_MAX + 4)]
    for id_ in ids:
        add(embedded, f"ntc_{id_}", to=id_)
    with courier(embedded, FakeSender(behave), *ids):
        until(lambda: all_ended(embedded), "not all delivered")
    assert 1 < most <= AT_ONCE_MAX


def test_two_processes_send_nothing_twice(tmp_path: Path, postgresql_url: str) -> None:
    """They share the lines, and each line stays in order."""
    ids = [f"ntc_{number:03}" for number in range(80)]
    sender = FakeSender()
    with (
        open_house(tmp_path / "one", postgresql_url) as one,
        open_house(tmp_path / "two", postgresql_url) as two,
    ):
        add(one, *ids)
        with (
            courier(one, sender, "desk", holder="one"),
            courier(two, sender, "desk", holder="two"),
        ):
            until(lambda: all_ended(one), "not all delivered")
    assert sender.sent == {"desk": ids}


@pytest.mark.parametrize("holder", ["me", "you"])
def test_a_line_that_was_left_is_taken_up(embedded: House, holder: str) -> None:
    """At once by the one process of an embedded database, else when the lease runs out."""
    add(embedded, "ntc_1")
    left = embedded.services.committer.submit(take_up(receiver("desk"), "me")).result(30)
    assert len(left) == 1  # type: ignore[arg-type]
    sender, begun = FakeSender(), SystemClock().now()
    with courier(embedded, sender, "desk", holder=holder):
        until(lambda: all_ended(embedded), "not delivered")
    took = SystemClock().now() - begun
    assert sender.sent == {"desk": ["ntc_1"]}
    assert (took < QUICK.lease) == (holder == "me")

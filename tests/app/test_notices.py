"""What happens to escalations is told to those who want to know, and to nobody else."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from service.app.noticerecords import NoticeRecord
from service.app.notices import events_between
from service.app.ports import Filter, Page
from service.app.records import EscalationRecord
from service.bootstrap import open_services
from service.core.escalation import Event
from service.core.notice import SENTENCES, NoticeEvent, sentence
from tests.app.holding import HoldingHouse, clock_for
from tests.app.house import shop_settings, write_shop
from tests.app.upwards import answering, escalated, owning
from tests.fakes.clock import FakeClock
from tests.receiving import SECRET, Receiver, Taken, answer, receiving, until
from tests.stored import AT, ESCALATION

OPEN = replace(ESCALATION, approvals=())
ASKED = replace(OPEN, state="asked", asked_by="max", asked_at=AT)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (OPEN, OPEN, None),
        (OPEN, replace(OPEN, answer_by=None), None),
        (OPEN, replace(OPEN, state="approved"), NoticeEvent.APPROVED),
        (OPEN, replace(OPEN, state="approved", offer_minor=100), NoticeEvent.COUNTERED),
        (OPEN, replace(OPEN, state="approved", offer_quantity=1), NoticeEvent.COUNTERED),
        (ASKED, replace(ASKED, state="approved"), NoticeEvent.APPROVED),
        (OPEN, replace(OPEN, state="denied"), NoticeEvent.DENIED),
        (OPEN, replace(OPEN, state="withdrawn"), NoticeEvent.WITHDRAWN),
        (OPEN, replace(OPEN, state="expired"), NoticeEvent.EXPIRED),
        (OPEN, replace(OPEN, role="owner"), NoticeEvent.MOVED_UP),
        (replace(OPEN, approvals=("a",)), replace(OPEN, role="owner"), NoticeEvent.MOVED_UP),
        (ASKED, replace(OPEN, role="owner"), NoticeEvent.MOVED_UP),
        (OPEN, replace(OPEN, approvals=("max",)), NoticeEvent.CONCURRED),
        (OPEN, replace(OPEN, approvals=("max",), offer_minor=1), NoticeEvent.CONCURRED),
        (OPEN, ASKED, NoticeEvent.ASKED),
        (ASKED, OPEN, NoticeEvent.REPLIED),
        (OPEN, replace(OPEN, reminded_at=AT), NoticeEvent.REMINDED),
        (replace(OPEN, reminded_at=AT), replace(ASKED, reminded_at=AT), NoticeEvent.ASKED),
    ],
)
def test_each_change_is_one_event(
    before: EscalationRecord, after: EscalationRecord, expected: NoticeEvent | None
) -> None:
    """Or none, where nothing happened that anybody waits for."""
    assert list(events_between(before, after)) == ([] if expected is None else [expected])


def test_each_event_has_its_sentence() -> None:
    """It names the resolution and the site, and nothing that came with the proposal."""
    assert set(SENTENCES) == set(NoticeEvent)
    for event in NoticeEvent:
        said = sentence(event, resolution="credit", role="manager", site="main")
        assert "credit" in said
        assert "main" in said


@contextmanager
def told(
    folder: Path, database: str, clock: FakeClock, receiver: Receiver, **keys: Any
) -> Iterator[HoldingHouse]:
    """The shop with one receiver, who wants everything but what ``keys`` say."""
    usual = {
        "id": "desk",
        "kind": "webhook",
        "url": receiver.url,
        "secret": SECRET,
        "allow_private": "true",
        "retry": "{first: 1s, longest: 1s}",
    }
    lines = [f"    {key}: {value}" for key, value in (usual | keys).items()]
    file = folder / "receivers.yaml"
    head = "console_url: https://remit.example.com/e/\nreceivers:\n  -\n"
    file.write_text(head + "\n".join(lines) + "\n")
    settings = shop_settings(write_shop(folder / "shop"), database)
    with open_services(replace(settings, receivers=file), clock) as services:
        yield HoldingHouse(services, folder, clock)


def types(taken: list[Taken]) -> list[str]:
    return [one.json["type"].removeprefix("escalation.") for one in taken]


def stored(house: HoldingHouse) -> list[NoticeRecord]:
    with house.services.store.read() as reader:
        return list(reader.list_notices(Filter(), Page()))


def test_a_case_is_told_from_its_beginning_to_its_end(tmp_path: Path, database_url: str) -> None:
    """Every step, in order, each with how things stood then."""
    with clock_for(database_url) as clock, receiving() as receiver:
        with told(tmp_path, database_url, clock, receiver) as house:
            id_ = escalated(house)
            house.decide(answering(house, "max", id_, "ask", "which room?"))
            house.decide(owning(house, "ana", id_, Event.REPLY, "12"))
            house.decide(answering(house, "max", id_, "approve"))
            taken = receiver.wait_for(4)
            until(lambda: {one.state for one in stored(house)} == {"delivered"}, "not noted")
        assert len(receiver.arrived) == 4
    assert types(taken) == ["opened", "asked", "replied", "approved"]
    opened = taken[0].json["data"]
    assert opened["escalation"]["id"] == id_
    assert opened["escalation"]["to"] == "manager"
    assert opened["resolution"]["value"] == {"amount": "300.00", "currency": "USD"}
    assert opened["resolution"]["proposed_by"] == {"id": "ana", "kind": "human", "owner": None}
    assert opened["resolution"]["reasons"][0]["message"]
    assert opened["link"] == f"https://remit.example.com/e/{id_}"
    last = taken[-1].json["data"]["escalation"]
    assert (last["state"], last["answered_by"]) == ("approved", "max")


def test_time_is_told_too(tmp_path: Path, database_url: str) -> None:
    """A reminder, a way further up and an end that nobody answered."""
    with (
        clock_for(database_url) as clock,
        receiving() as receiver,
        told(tmp_path, database_url, clock, receiver) as house,
    ):
        escalated(house)
        for minutes in (8, 8, 121, 121):
            house.wait(minutes=minutes)
            house.sweep()
        taken = receiver.wait_for(5)
    assert types(taken) == ["opened", "reminded", "moved_up", "reminded", "expired"]
    assert [one.json["data"]["escalation"]["to"] for one in taken[2:]] == ["owner"] * 3
    assert all("value" in one.json["data"]["resolution"] for one in taken)


def test_nothing_personal_goes_out_unasked(tmp_path: Path, sqlite_url: str) -> None:
    """Nor does any fact, note or text of an answer, or a surrogate."""
    with (
        receiving() as receiver,
        told(tmp_path, sqlite_url, FakeClock(), receiver) as house,
    ):
        id_ = escalated(house, note="the guest in 12 wept")
        house.decide(answering(house, "max", id_, "deny", "because of her"))
        taken = receiver.wait_for(2)
    assert [one.json["data"]["facts"] for one in taken] == [{}, {}]
    for text in (b"G-1", b"S-1", b"wept", b"because of her", b"sub_", b"psn_"):
        assert all(text not in one.body for one in taken), text


def test_facts_go_out_as_the_operator_names_them(tmp_path: Path, sqlite_url: str) -> None:
    """A personal one is opened for the letter alone: no row of the outbox holds it."""
    with receiving() as receiver:
        keys = {"facts": "[guest.id, stay.id, stay.rate, stay]"}
        with told(tmp_path, sqlite_url, FakeClock(), receiver, **keys) as house:
            escalated(house, guest="G-4711")
            (taken,) = receiver.wait_for(1)
            assert b"G-4711" not in b"".join(one.data for one in stored(house))
    assert taken.json["data"]["facts"] == {"guest.id": "G-4711", "stay.id": "S-1"}
    assert b"G-4711" not in Path(sqlite_url.removeprefix("sqlite:///")).read_bytes()


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"events": "[escalation.denied]"}, ["denied"]),
        ({"roles": "[manager]"}, ["opened", "denied"]),
        ({"roles": "[owner]"}, []),
        ({"sites": "[annex]"}, []),
        ({"sites": "[main]", "events": "[escalation.opened]"}, ["opened"]),
    ],
)
def test_everybody_is_told_what_they_want(
    tmp_path: Path, sqlite_url: str, keys: dict[str, str], expected: list[str]
) -> None:
    """By event, site and role; what nobody wants is not written."""
    with (
        receiving() as receiver,
        told(tmp_path, sqlite_url, FakeClock(), receiver, **keys) as house,
    ):
        id_ = escalated(house)
        house.decide(answering(house, "max", id_, "deny", "no"))
        taken = receiver.wait_for(len(expected))
        assert len(stored(house)) == len(expected)
    assert types(taken) == expected


def test_nobody_is_told_where_nobody_is_named(holding: HoldingHouse) -> None:
    """Without a receivers file nothing is written."""
    escalated(holding)
    assert stored(holding) == []


def test_several_steps_of_one_batch_are_all_told(tmp_path: Path, sqlite_url: str) -> None:
    """Though only the last of them is what stands in the table."""
    with (
        receiving() as receiver,
        told(tmp_path, sqlite_url, FakeClock(), receiver) as house,
    ):
        id_ = escalated(house, amount="800.00")
        answers = [answering(house, person, id_) for person in ("gus", "grace")]
        submit = house.services.committer.submit
        for future in [submit(command) for command in answers]:
            future.result(30)
        taken = receiver.wait_for(3)
    assert types(taken) == ["opened", "concurred", "approved"]


def test_a_step_never_overtakes_the_one_before(tmp_path: Path, database_url: str) -> None:
    """A transaction that began earlier and waited comes behind the one that it waited for."""
    with (
        clock_for(database_url) as clock,
        receiving(*[answer(500)] * 3) as receiver,
        told(tmp_path, database_url, clock, receiver) as house,
    ):
        id_ = escalated(house)
        with house.services.store.read() as reader:
            at = reader.now()
        with house.services.store.begin() as tx:
            assert tx.last_queued([id_]) == {id_: at}
        house.decide(answering(house, "max", id_, "ask", "what?"))
        queued = {one.event: one.queued_at for one in stored(house)}
    assert queued["escalation.opened"] == at
    assert queued["escalation.asked"] == at + timedelta(microseconds=1)


def erase(database: str) -> None:
    """Destroy every key and every opening, as an erasure does."""
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as file, file:
        file.execute("DELETE FROM openings")
        file.execute("DELETE FROM subject_keys")


def test_a_letter_does_without_what_was_erased(tmp_path: Path, sqlite_url: str) -> None:
    """The notice still arrives, and the personal fact does not."""
    with (
        receiving(answer(500)) as receiver,
        told(tmp_path, sqlite_url, FakeClock(), receiver, facts="[guest.id]") as house,
    ):
        escalated(house)
        until(lambda: [one.attempts for one in stored(house)] == [1], "no attempt")
        erase(sqlite_url)
        house.wait(seconds=2)
        first, second = receiver.wait_for(2)
    assert first.json["data"]["facts"] == {"guest.id": "G-1"}
    assert second.json["data"]["facts"] == {}
    assert (first.id, first.json["timestamp"]) == (second.id, second.json["timestamp"])

"""Receivers that fail in every way and processes that are killed: every notice arrives, in order.

The receivers are real ones on loopback, the processes are real ones, and what is killed
is killed while a notice is on its way.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

import pytest

from service.adapters.clock import SystemClock
from service.adapters.sql.store import open_database
from service.app.noticerecords import NoticeRecord
from service.app.ports import Filter, Page
from tests.attack import replicas
from tests.attack.policy import proposal
from tests.attack.replicas import Replica
from tests.receiving import (
    SECRET,
    Manner,
    Receiver,
    answer,
    drip,
    drop,
    hang,
    receiving,
    slow,
    until,
)

MANNERS: tuple[Manner, ...] = (
    answer(500),
    drop,
    answer(302, Location="/elsewhere"),
    hang,
    slow(0.5),
    answer(429, Retry_After="1"),
    drip,
    answer(404),
)
"""One after the other, each for one request."""

RECEIVER = """\
  - id: {id}
    kind: webhook
    url: {url}
    secret: {secret}
    allow_private: true
    timeout: 1s
    retry: {{first: 1s, longest: 1s, attempts: 20}}
"""


def write(folder: Path, **receivers: Receiver) -> Path:
    """A file of receivers that want everything."""
    shown = [
        RECEIVER.format(id=id_, url=receiver.url, secret=SECRET)
        for id_, receiver in receivers.items()
    ]
    path = folder / "receivers.yaml"
    path.write_text("receivers:\n" + "".join(shown))
    return path


@contextmanager
def serving(
    database: str, policies: Path, file: Path, number: int
) -> Iterator[tuple[list[Replica], str]]:
    """Replicas that tell the receivers of a file, and a caller's secret."""
    with replicas.running(database, policies, number, REMIT_RECEIVERS=str(file)) as running:
        yield running, replicas.key_for("ana", database, policies)


def escalate(running: Sequence[Replica], secret: str, number: int) -> str:
    """The id of an escalation; asked for at whichever replica answers."""
    body = json.dumps(proposal(f"notices-{number}", f"guest-{number}", "150.00"))
    headers = {
        "Authorization": f"Bearer {secret}",
        "Content-Type": "application/json",
        "Idempotency-Key": f"notices-{number}",
    }
    for replica in running:
        try:
            with replica.connected() as connection:
                connection.request("POST", "/v1/resolutions", body, headers)
                response = connection.getresponse()
                told = json.loads(response.read())
        except (OSError, HTTPException):
            continue
        assert response.status == 201, told
        assert told["outcome"] == "escalated", told
        return str(told["escalation"]["id"])
    raise AssertionError("nobody answers")


def notices(database: str, receiver: str) -> list[NoticeRecord]:
    """A receiver's line from its beginning, whatever became of it."""
    with open_database(database, SystemClock()) as store, store.read() as reader:
        found = reader.list_notices(Filter(receiver=receiver), Page(limit=1_000))
    return sorted(found, key=lambda notice: (notice.queued_at, notice.id))


def all_delivered(database: str, *receivers: str) -> bool:
    found = [notice for receiver in receivers for notice in notices(database, receiver)]
    return {notice.state for notice in found} == {"delivered"}


def assert_in_order(database: str, id_: str, receiver: Receiver, cases: Sequence[str]) -> None:
    """Everything arrived, signed, and nothing before what came earlier in the line."""
    line = notices(database, id_)
    assert [notice.about for notice in line] == list(cases)
    places = {notice.id: place for place, notice in enumerate(line)}
    arrived = [places[taken.id] for taken in receiver.arrived]
    assert arrived == sorted(arrived)
    assert set(arrived) == set(range(len(cases)))
    for taken in receiver.arrived:
        told = taken.verified()
        assert told["data"]["escalation"]["id"] == line[places[taken.id]].about


def number_of(database: str) -> int:
    return 1 if database.startswith("sqlite") else 2


def test_every_notice_arrives_in_order(database_url: str, policies: Path, tmp_path: Path) -> None:
    """Whatever one receiver does; the other one's line never waits for it."""
    with receiving(*MANNERS) as bad, receiving() as good:
        file = write(tmp_path, bad=bad, good=good)
        with serving(database_url, policies, file, number_of(database_url)) as (running, secret):
            cases = [escalate(running, secret, number) for number in range(6)]
            good.wait_for(len(cases))
            assert len(bad.arrived) < len(cases) + len(MANNERS) - 1, "nothing was held up"
            until(lambda: all_delivered(database_url, "bad", "good"), "not all delivered")
        assert_in_order(database_url, "bad", bad, cases)
        assert_in_order(database_url, "good", good, cases)
        assert len(good.arrived) == len(cases)
        failed = len(MANNERS) - 1  # the slow one is a success
        assert len(bad.arrived) == len(cases) + failed


@pytest.mark.parametrize("manner", [hang, slow(0.3)], ids=["hang", "slow"])
def test_no_notice_is_lost_when_processes_are_killed(
    database_url: str, policies: Path, tmp_path: Path, manner: Manner
) -> None:
    """While one is on its way: nobody noted what came of it, so it is sent again."""
    with receiving(*[manner] * 3) as receiver:
        file = write(tmp_path, desk=receiver)
        with serving(database_url, policies, file, number_of(database_url)) as (running, secret):
            cases = [escalate(running, secret, number) for number in range(3)]
            (first,) = receiver.wait_for(1)
            for replica in running:
                replica.kill()
            for replica in running:
                replica.launch()
            for replica in running:
                replica.wait()
            cases += [escalate(running, secret, number) for number in range(3, 6)]
            until(lambda: all_delivered(database_url, "desk"), "not all delivered")
        assert_in_order(database_url, "desk", receiver, cases)
        assert [taken.id for taken in receiver.arrived].count(first.id) >= 2


def test_a_receiver_that_is_away_is_waited_for(
    sqlite_url: str, policies: Path, tmp_path: Path
) -> None:
    """Through a restart of the service, too."""
    with receiving() as gone:
        file, port = write(tmp_path, desk=gone), gone.port
    with serving(sqlite_url, policies, file, 1) as (running, secret):
        cases = [escalate(running, secret, number) for number in range(2)]
        until(lambda: notices(sqlite_url, "desk")[0].attempts > 0, "nothing was tried")
        running[0].kill()
        running[0].start()
        with receiving(port=port) as back:
            until(lambda: all_delivered(sqlite_url, "desk"), "not all delivered")
        failed = [event for event in running[0].events() if event["event"] == "notice_failed"]
    assert_in_order(sqlite_url, "desk", back, cases)
    assert failed
    assert {event["failure"] for event in failed} == {"connection_refused"}
    assert {event["notice"] for event in failed} == {notices(sqlite_url, "desk")[0].id}

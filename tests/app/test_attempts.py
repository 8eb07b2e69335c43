"""Refused attempts of people who are known are counted for the log, and no flood fills it."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from service.app.attempt import Attempt, Times, find_attempt
from service.app.attempts import WAITING_MAX, Attempts
from service.app.countattempts import CountAttempts
from service.app.errors import Conflict, Forbidden, Unauthenticated, Unavailable
from service.app.keys import EndedKey
from service.app.principal import Principal
from service.app.records import EntryRecord
from service.audit.entry import KINDS, parse_entry
from tests.app.house import House, open_house

ANA = Principal(id="ana", kind="human", owner=None, key="key_1")
FORBIDDEN = Forbidden("own_request", "nobody answers their own", "ask a colleague")
WAIT_SECONDS = 60


class Unsent:
    """A committer that decides nothing until it is told to."""

    def __init__(self) -> None:
        self.commands: list[CountAttempts] = []
        self.failure: Exception | None = None

    def submit(self, command: CountAttempts) -> Future[object]:
        future: Future[object] = Future()
        if self.failure is not None:
            future.set_exception(self.failure)
        else:
            self.commands.append(command)
            future.set_result(())
        return future


@contextmanager
def kept(committer: Any) -> Iterator[tuple[Attempts, list[int], list[Exception]]]:
    lost: list[int] = []
    reported: list[Exception] = []
    yield Attempts(committer, reported.append, lost.append), lost, reported


def told(house: House) -> list[dict[str, Any]]:
    """The bodies of the entries of refused attempts, newest first."""
    return [orjson.loads(entry.body) for entry in house.entries(kind="refused")]


def newest(house: House) -> EntryRecord:
    return house.entries(kind="refused")[0]


def test_a_refused_attempt_is_an_entry(house: House) -> None:
    """It says who was refused what and why, with which key, and under which policy."""
    caller = house.principal("ana")
    house.services.attempts.tell(caller, "escalations.answer", FORBIDDEN)
    house.services.attempts.count()
    (body,) = told(house)
    assert body["by"] == {"id": "ana", "kind": "human", "owner": None, "key": caller.key}
    assert (body["attempted"], body["code"], body["refused"]) == (
        "escalations.answer",
        "own_request",
        1,
    )
    entry = newest(house)
    assert (entry.about, entry.agent, entry.outcome, entry.reason) == (
        "ana",
        "ana",
        "refused",
        "own_request",
    )
    assert entry.policy_version == body["policy"]["version"]
    assert (entry.subject, entry.site) == (None, None)
    assert parse_entry(entry.body).kind in KINDS


def test_ten_thousand_refusals_are_a_dozen_entries(house: House) -> None:
    """However fast they come, the log has their number to a factor of two."""
    caller, attempts = house.principal("ana"), house.services.attempts
    for number in range(10_000):
        attempts.tell(caller, "escalations.answer", FORBIDDEN)
        if number % 500 == 0:
            attempts.count()
    attempts.count()
    numbers = [body["refused"] for body in told(house)]
    assert 1 <= len(numbers) <= 15
    assert 5_000 < numbers[0] <= 10_000
    assert numbers == sorted(numbers, reverse=True)


def test_one_after_the_other_is_told_at_powers_of_two(embedded: House) -> None:
    """The first, the second, the fourth refusal and so on."""
    caller = embedded.principal("ana")
    attempt = Attempt("ana", "log.list", "not_permitted")
    for _ in range(40):
        command = CountAttempts({attempt: Times(1, caller)})
        embedded.services.committer.submit(command).result(WAIT_SECONDS)
    assert [body["refused"] for body in told(embedded)] == [32, 16, 8, 4, 2, 1]


def test_people_things_and_reasons_are_counted_apart(embedded: House) -> None:
    """Whoever is refused often hides nobody else, and nothing else that they tried."""
    attempts = embedded.services.attempts
    other = Forbidden("not_permitted", "no", "ask")
    attempts.tell(embedded.principal("ana"), "escalations.answer", FORBIDDEN)
    attempts.tell(embedded.principal("ben"), "escalations.answer", FORBIDDEN)
    attempts.tell(embedded.principal("ana"), "policy.publish", FORBIDDEN)
    attempts.tell(embedded.principal("ana"), "escalations.answer", other)
    attempts.count()
    assert sorted(
        (body["by"]["id"], body["attempted"], body["code"], body["refused"])
        for body in told(embedded)
    ) == [
        ("ana", "escalations.answer", "not_permitted", 1),
        ("ana", "escalations.answer", "own_request", 1),
        ("ana", "policy.publish", "own_request", 1),
        ("ben", "escalations.answer", "own_request", 1),
    ]


def test_what_replicas_count_adds_up(tmp_path: Path, postgresql_url: str) -> None:
    """Three refusals here and three there are told as six at most, and as four at least."""
    with (
        open_house(tmp_path / "a", postgresql_url) as first,
        open_house(tmp_path / "b", postgresql_url) as second,
    ):
        caller = first.principal("ana")
        for house in (first, second, first, second, first, second):
            house.services.attempts.tell(caller, "log.list", FORBIDDEN)
            house.services.attempts.count()
        assert [body["refused"] for body in told(first)] == [4, 2, 1]


def test_a_day_begins_at_one_again(holding_embedded: Any) -> None:
    """Who was refused a thousand times yesterday is told of at once today."""
    for _ in range(2):
        attempts = holding_embedded.services.attempts
        attempts.tell(holding_embedded.principal("ana"), "log.list", FORBIDDEN)
        attempts.count()
        attempts.tell(holding_embedded.principal("ana"), "log.list", FORBIDDEN)
        attempts.tell(holding_embedded.principal("ana"), "log.list", FORBIDDEN)
        attempts.count()
        holding_embedded.wait(hours=24)
    assert [body["refused"] for body in told(holding_embedded)] == [3, 1, 3, 1]
    (_, later, _, earlier) = told(holding_embedded)
    assert earlier["until"] <= later["from"]


def test_tallies_are_no_budgets(embedded: House) -> None:
    """Nobody is shown one among the budgets, and no charge meets one."""
    embedded.services.attempts.tell(embedded.principal("ana"), "log.list", FORBIDDEN)
    embedded.services.attempts.count()
    assert embedded.propose()["outcome"] == "approved"
    assert {line["budget"] for line in embedded.propose()["budgets"]} == {"stay", "day", "often"}


@pytest.mark.parametrize(
    ("failure", "is_one"),
    [
        (FORBIDDEN, True),
        (Unauthenticated("key_revoked", "revoked", "ask for a new one"), True),
        (Unauthenticated("unknown_key", "unknown", "send one"), False),
        (Conflict("moved_on", "gone", "look again"), False),
        (ValueError("x"), False),
    ],
)
def test_only_refusals_of_rights_are_attempts(failure: Exception, is_one: bool) -> None:
    """A conflict, a typo or a defect is nobody's attempt."""
    assert (find_attempt(ANA, "log.list", failure) is not None) is is_one


def test_nobody_known_leaves_no_trace() -> None:
    """Without a key there is nobody whose attempt it could be."""
    assert find_attempt(None, "log.list", FORBIDDEN) is None


def test_an_ended_key_is_its_holders_attempt() -> None:
    """Whoever goes on with a key that was revoked is told of, though they are let in no more."""
    found = find_attempt(None, "log.list", EndedKey(ANA, "key_expired"))
    assert found == (Attempt("ana", "log.list", "key_expired"), ANA)


def test_what_cannot_be_counted_is_counted_later() -> None:
    """A database that is away for a while makes nobody forget."""
    committer = Unsent()
    with kept(committer) as (attempts, _, _):
        attempts.tell(ANA, "log.list", FORBIDDEN)
        committer.failure = Unavailable("not_decided", "away", "wait")
        with pytest.raises(Unavailable):
            attempts.count()
        attempts.tell(replace(ANA, key="key_2"), "log.list", FORBIDDEN)
        committer.failure = None
        attempts.count()
    (command,) = committer.commands
    ((attempt, times),) = command.times.items()
    assert attempt == Attempt("ana", "log.list", "own_request")
    assert (times.number, times.by.key) == (2, "key_2")


def test_what_waits_is_bounded() -> None:
    """With too many different attempts the further ones are only counted, and that is told."""
    committer = Unsent()
    with kept(committer) as (attempts, lost, _):
        for number in range(WAITING_MAX + 3):
            attempts.tell(replace(ANA, id=f"p-{number}"), "log.list", FORBIDDEN)
        attempts.tell(replace(ANA, id="p-0"), "log.list", FORBIDDEN)
        attempts.count()
        attempts.count()
    counted = [times for command in committer.commands for times in command.times.values()]
    assert len(counted) == WAITING_MAX
    assert sum(times.number for times in counted) == WAITING_MAX + 1
    assert lost == [3]


def test_ending_counts_what_waits() -> None:
    """Whoever was refused a moment before the process ended is counted still."""
    committer = Unsent()
    with kept(committer) as (attempts, _, reported):
        attempts.start()
        attempts.tell(ANA, "log.list", FORBIDDEN)
        attempts.stop()
        attempts.tell(ANA, "log.list", FORBIDDEN)
    assert len(committer.commands) == 1
    assert reported == []


def test_telling_asks_nobody() -> None:
    """A refusal is answered without a look at the committer, whatever state that is in."""
    committer = Unsent()
    committer.failure = Unavailable("not_decided", "away", "wait")
    with kept(committer) as (attempts, lost, reported):
        for _ in range(1_000):
            attempts.tell(ANA, "log.list", FORBIDDEN)
    assert (committer.commands, lost, reported) == ([], [], [])

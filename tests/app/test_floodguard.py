"""A proposer who escalates too much is slowed: nothing is decided, and the log says so."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest

from service.app.errors import TooMany
from tests.app.holding import HoldingHouse, clock_for, open_holding
from tests.app.upwards import escalated, record_of, say

GUARDED = (
    "manager: {answer_within: 15m,",
    "manager: {at_most: {count: 3, within: 1h}, answer_within: 15m,",
)
WAIT_SECONDS = 60


def flood(house: HoldingHouse, number: int, person: str = "ana", **fields: Any) -> int:
    """So many proposals that lie outside; how many were escalated."""
    sent = [
        house.services.committer.submit(house.command(person, amount="300.00", note="x", **fields))
        for _ in range(number)
    ]
    failures = [one.exception(WAIT_SECONDS) for one in sent]
    assert all(failure is None or isinstance(failure, TooMany) for failure in failures)
    return failures.count(None)


def test_one_too_many_is_refused(holding: HoldingHouse) -> None:
    """With how long to wait; nothing is recorded but the refusal, and nothing charged."""
    holding.publish(GUARDED)
    for _ in range(3):
        escalated(holding)
        holding.wait(minutes=10)
    with pytest.raises(TooMany) as refused:
        escalated(holding)
    assert refused.value.code == "too_many_escalations"
    assert refused.value.retry_after_seconds == 1_800
    assert len(holding.entries(kind="decision")) == 3
    entry = holding.entries(kind="refused")[0]
    body = orjson.loads(entry.body)
    assert (entry.about, entry.agent, entry.site, entry.subject) == ("ana", "ana", "main", None)
    assert (body["to"], body["count"], body["within_seconds"], body["refused"]) == (
        "manager",
        3,
        3_600,
        1,
    )
    holding.wait(seconds=1_799)
    assert flood(holding, 1) == 0
    holding.wait(seconds=1)
    assert flood(holding, 2) == 1


def test_a_guard_is_one_proposers_and_one_roles(holding_embedded: HoldingHouse) -> None:
    """Others, what goes to another role, and what needs nobody's approval are not slowed."""
    holding_embedded.publish(GUARDED)
    assert flood(holding_embedded, 5) == 3
    assert flood(holding_embedded, 1, "ben") == 1
    assert holding_embedded.propose(amount="900.00", note="x")["escalation"]["to"] == "owner"
    assert holding_embedded.propose(amount="20.00")["outcome"] == "approved"


def test_a_flood_is_few_entries(holding_embedded: HoldingHouse) -> None:
    """The first, the second, the fourth refusal and so on, each with the count so far."""
    holding_embedded.publish(GUARDED)
    assert flood(holding_embedded, 3 + 100) == 3
    told = [
        orjson.loads(entry.body)["refused"] for entry in holding_embedded.entries(kind="refused")
    ]
    assert told == [64, 32, 16, 8, 4, 2, 1]


def test_a_refused_key_is_free_again(holding_embedded: HoldingHouse) -> None:
    """Whoever was slowed sends the same request again, with the same key."""
    holding_embedded.publish(GUARDED)
    flood(holding_embedded, 3)
    command = {"amount": "300.00", "note": "x", "key": "k-1"}
    with pytest.raises(TooMany):
        holding_embedded.decide(holding_embedded.command(**command))
    holding_embedded.wait(hours=1)
    answered = holding_embedded.decide(holding_embedded.command(**command))
    assert (answered.status, answered.replayed) == (201, False)


def test_what_went_up_is_answered_as_ever(holding_embedded: HoldingHouse) -> None:
    """A guard stands at the door alone."""
    holding_embedded.publish(GUARDED)
    ids = [escalated(holding_embedded) for _ in range(3)]
    assert flood(holding_embedded, 1) == 0
    assert say(holding_embedded, "max", ids[0])["state"] == "approved"
    assert record_of(holding_embedded, ids[1]).state == "open"


def test_guards_are_exact_across_replicas(tmp_path: Path, postgresql_url: str) -> None:
    """Two processes let through together what one may, and not one more."""
    with (
        clock_for(postgresql_url) as clock,
        open_holding(tmp_path, postgresql_url, clock) as first,
        open_holding(tmp_path, postgresql_url, clock) as second,
        ThreadPoolExecutor(2) as threads,
    ):
        first.publish(GUARDED)
        second.key("ana")
        through = list(threads.map(lambda house: flood(house, 20), (first, second)))
        assert sum(through) == 3
        assert len(first.entries(kind="decision")) == 3


def test_guards_are_no_budgets(holding_embedded: HoldingHouse) -> None:
    """Nobody is shown one among the budgets."""
    holding_embedded.publish(GUARDED)
    flood(holding_embedded, 4)
    assert set(holding_embedded.rows()) == {"stay", "day", "often"}

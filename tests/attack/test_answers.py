"""Everybody answers the same escalation at once: one effect, and a clear conflict for the rest."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from json import dumps, loads
from threading import Barrier
from typing import Any, NamedTuple

import pytest

from tests.attack import replicas
from tests.attack.policy import TILL, proposal
from tests.attack.target import Target
from tests.attack.test_policy_swaps import publish, publishing

APPROVE = {"answer": "approve"}
COUNTER = {"answer": "counter", "amount": "120.00"}
DENY = {"answer": "deny", "reason": "not this time"}
ASK = {"answer": "ask", "question": "which room?"}
DONE = frozenset({"approve", "counter", "deny", "withdraw"})
SECRETS: dict[tuple[str, str], str] = {}


class Call(NamedTuple):
    """Who sends what, and after how many seconds."""

    person: str
    what: str
    body: Mapping[str, Any]
    after: float = 0.0


def secret(target: Target, person: str) -> str:
    key = target.database, person
    if key not in SECRETS:
        SECRETS[key] = replicas.key_for(person, target.database, target.policies)
    return SECRETS[key]


def sent(target: Target, path: str, call: Call, replica: int = 0) -> tuple[int, dict[str, Any]]:
    headers = {
        "Authorization": f"Bearer {secret(target, call.person)}",
        "Content-Type": "application/json",
    }
    with target.replicas[replica % len(target.replicas)].connected() as connection:
        connection.request("POST", path, dumps(call.body), headers)
        response = connection.getresponse()
        return response.status, loads(response.read())


def escalated(target: Target, site: str, amount: str = "150.00") -> dict[str, Any]:
    """A favour that takes a chief, or above 200 the head, who has two seconds."""
    body = proposal(site, f"{site}-guest", amount, "favour")
    status, answer = sent(target, "/v1/resolutions", Call("ana", "", body))
    assert (status, answer["outcome"]) == (201, "escalated")
    found: dict[str, Any] = answer
    return found


def at_once(target: Target, id_: str, calls: Sequence[Call]) -> Counter[str]:
    """What each is told who sends at one instant, each to another replica."""
    together = Barrier(len(calls))
    for call in calls:
        secret(target, call.person)

    def one(number: int) -> str:
        call = calls[number]
        together.wait(30)
        time.sleep(call.after)
        status, answer = sent(target, f"/v1/escalations/{id_}/{call.what}", call, number)
        return str(answer["effect"] if status == 200 else answer["code"])

    with ThreadPoolExecutor(len(calls)) as threads:
        return Counter(threads.map(one, range(len(calls))))


def used(target: Target, site: str) -> int:
    """What the till of a site has given, by its entries."""
    kept = target.kept()
    return sum(
        line.charged
        for entry in kept.entries.values()
        for line in entry.lines
        if line.budget == "till" and entry.about in here(target, site)
    )


def here(target: Target, site: str) -> set[str]:
    with target.replicas[0].connected() as connection:
        headers = {"Authorization": f"Bearer {secret(target, 'ana')}"}
        connection.request("GET", f"/v1/resolutions?site={site}", headers=headers)
        listed = loads(connection.getresponse().read())["resolutions"]
    return {one["id"] for one in listed}


GIVEN = {"approve": 15_000, "counter": 12_000}


def race(target: Target, *calls: Call) -> Counter[str]:
    """One escalation, several who end it; exactly one of them does, and the till shows which."""
    site = target.new_site()
    opened = escalated(target, site)
    told = at_once(target, opened["escalation"]["id"], calls)
    (effect,) = told.keys() & DONE
    assert told[effect] == 1
    assert set(told) - {effect} <= {"already_answered"}
    assert used(target, site) == GIVEN.get(effect, 0)
    return told


@pytest.mark.parametrize(
    "calls",
    [
        [Call(person, "answer", APPROVE) for person in ("max", "mia", "hana") * 2],
        [Call(who, "answer", body) for body in (APPROVE, COUNTER, DENY) for who in ("max", "mia")],
        [
            Call("max", "answer", APPROVE),
            Call("ana", "withdraw", {}),
            Call("mia", "answer", COUNTER),
            Call("ana", "withdraw", {}),
        ],
    ],
    ids=["approvals", "answers", "withdrawals"],
)
def test_an_escalation_ends_once(target: Target, calls: list[Call]) -> None:
    """Answer against answer and against withdrawal, from three replicas."""
    for _ in range(3):
        race(target, *calls)


def test_an_escalation_ends_once_on_one_process(alone: Target) -> None:
    """The same on SQLite."""
    for _ in range(3):
        race(
            alone,
            Call("max", "answer", APPROVE),
            Call("mia", "answer", COUNTER),
            Call("mia", "answer", DENY),
            Call("ana", "withdraw", {}),
        )


def test_one_question_is_asked(target: Target) -> None:
    """Of many questions at one instant one is; of many replies one brings it back."""
    opened = escalated(target, target.new_site())
    id_ = opened["escalation"]["id"]
    asked = at_once(target, id_, [Call(who, "answer", ASK) for who in ("max", "mia", "hana") * 2])
    assert asked == {"ask": 1, "already_asked": 5}
    replied = at_once(target, id_, [Call("ana", "reply", {"reply": "712"})] * 6)
    assert replied == {"reply": 1, "not_asked": 5}


@pytest.mark.parametrize("fixture", ["target", "alone"])
def test_an_answer_and_the_deadline_never_both_hold(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    """Around the last instant: it is approved, or it expired, once, and the till agrees."""
    target: Target = request.getfixturevalue(fixture)
    seen = Counter[str]()
    for early in (1.3, 0.04, 0.02, 0.0, -0.05):
        site = target.new_site()
        opened = escalated(target, site, "250.00")
        due, since = opened["escalation"]["answer_by"], opened["decided_at"]
        wait = (datetime.fromisoformat(due) - datetime.fromisoformat(since)).total_seconds() - early
        calls = [Call("hana", "answer", APPROVE, max(0.0, wait)) for _ in range(3)]
        told = at_once(target, opened["escalation"]["id"], calls)
        assert set(told) <= {"approve", "already_answered", "answer_overdue"}
        assert told["approve"] <= 1
        seen["approve" if told["approve"] else "expired"] += 1
        assert used(target, site) == 25_000 * told["approve"]
        events = [one for one in target.kept().entries.values() if one.about == opened["id"]]
        assert Counter(one.kind for one in events)["timeout"] == 1 - told["approve"]
    assert seen["approve"], "nobody was ever in time"
    assert seen["expired"], "nobody was ever late"


def test_answers_while_policies_are_swapped(target: Target) -> None:
    """Each is decided under one version: within its limit or refused, and never beyond it."""
    site = target.new_site()
    ids = [escalated(target, site)["escalation"]["id"] for _ in range(4)]
    with publishing(target) as services, ThreadPoolExecutor(2) as threads:
        publish(services, TILL)

        def swap() -> None:
            for turn in range(8):
                publish(services, 140 if turn % 2 else TILL)
                time.sleep(0.05)
            publish(services, TILL)

        swapping = threads.submit(swap)
        told = Counter[str]()
        for id_ in ids:
            told += at_once(target, id_, [Call(who, "answer", APPROVE) for who in ("max", "mia")])
            time.sleep(0.04)
        swapping.result(60)
    assert set(told) <= {"approve", "already_answered", "not_approvable"}
    assert used(target, site) == 15_000 * told["approve"]

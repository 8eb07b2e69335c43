"""Who held which role, key and delegation at an instant, long after it has changed."""

from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from service.app.errors import Forbidden
from service.app.people import People
from service.app.ports import Page
from service.app.publication import RequestPublication
from service.bootstrap import compile_files
from service.core.refusal import Refused
from tests.app.holding import HoldingHouse
from tests.app.house import ACCESS, POLICY, shop_files
from tests.app.standing_in import delegate, revoke

CHANGED = ACCESS.replace("g, ana, clerk, main", "g, ana, manager, main")


def then(house: HoldingHouse, at: datetime | None = None, person: str | None = None) -> Any:
    """The whole answer."""
    principal = None if person is None else house.principal(person)
    return orjson.loads(house.services.books.people.list(principal, at, Page(limit=200)))


def person(told: Any, name: str) -> Any:
    return next(one for one in told["people"] if one["id"] == name)


def now(house: HoldingHouse) -> datetime:
    with house.services.store.read() as reader:
        return reader.now()


def put(house: HoldingHouse, access: str) -> str:
    """Put another access file in force; the version."""
    with house.services.store.read() as reader:
        record = reader.find_policy(reader.head() or "")
    assert record is not None
    snapshot = compile_files({**record.files, "access.csv": access.encode()})
    assert house.services.publisher.publish(snapshot, by="paula")
    return snapshot.rulebook.version


def test_roles_are_those_of_the_policy_then(holding: HoldingHouse) -> None:
    """A promotion does not reach into the past, nor does a rollback of it."""
    first = holding.services.library.in_force().rulebook.version
    hired = now(holding)
    holding.wait(days=3)
    second = put(holding, CHANGED)
    promoted = now(holding)
    holding.wait(days=3)
    put(holding, ACCESS)
    for at, version, role in (
        (hired, first, "clerk"),
        (promoted - timedelta(microseconds=1), first, "clerk"),
        (promoted, second, "manager"),
        (None, first, "clerk"),
    ):
        told = then(holding, at)
        assert told["policy"]["version"] == version
        assert person(told, "ana")["roles"] == [{"role": role, "site": "main"}]


def test_it_says_who_put_the_policy_in_force(holding_embedded: HoldingHouse) -> None:
    """With the entry that proves it."""
    put(holding_embedded, CHANGED)
    policy = then(holding_embedded)["policy"]
    assert policy["by"] == "paula"
    assert policy["entry"] == holding_embedded.entries(kind="policy")[0].id


def test_what_roles_may_do_is_told_with_them(holding_embedded: HoldingHouse) -> None:
    """The lines of the access file of that day, role by role; a role is no person."""
    told = then(holding_embedded)
    roles = {role["role"]: role for role in told["roles"]}
    assert roles["approver"]["may"] == ["escalation, answer", "escalation, read", "budget, read"]
    assert roles["clerk"]["holds"] == [{"role": "agent", "site": "*"}]
    assert not {one["id"] for one in told["people"]} & roles.keys()


def test_keys_are_those_that_let_somebody_in(holding: HoldingHouse) -> None:
    """From their making until they were revoked or expired, and not an instant longer."""
    keys = holding.services.keys
    before = now(holding)
    holding.wait(days=1)
    made = now(holding)
    expires = made + timedelta(days=2)
    short = keys.create(subject="ana", expires_at=expires, by="test").record
    long = keys.create(subject="ana", by="test").record
    robot = keys.create(subject="robo", kind="ai", owner="max", by="test").record
    holding.wait(days=3)
    ended = now(holding)
    keys.revoke(long.id, by="test")

    def held(at: datetime | None) -> list[str]:
        return [key["id"] for key in person(then(holding, at), "ana")["keys"]]

    assert held(before) == []
    assert held(made) == [short.id, long.id]
    assert held(expires - timedelta(microseconds=1)) == [short.id, long.id]
    assert held(expires) == [long.id]
    assert held(ended - timedelta(microseconds=1)) == [long.id]
    assert held(None) == []
    told = then(holding, made)
    assert person(told, "ana")["keys"][1]["revoked_at"] is not None
    assert person(told, "robo")["keys"][0]["owner"] == "max"
    assert person(told, "robo")["keys"][0]["id"] == robot.id
    assert person(told, "max")["answers_for"] == ["robo"]


def test_delegations_are_those_that_held(holding: HoldingHouse) -> None:
    """On either side, from their beginning until they ended or were revoked."""
    before = now(holding)
    holding.wait(hours=1)
    given = delegate(holding, "max", "mia")["id"]
    during = now(holding)
    holding.wait(hours=2)
    revoke(holding, "max", given)
    told = then(holding, during)
    (one,) = person(told, "max")["delegated_to"]
    assert (one["id"], one["for"], one["to"]) == (given, "max", "mia")
    assert person(told, "mia")["stands_in_for"] == [one]
    for at in (before, None):
        assert person(then(holding, at), "mia")["stands_in_for"] == []


def test_before_the_first_policy_nobody_held_a_role(holding_embedded: HoldingHouse) -> None:
    """And that is said, instead of today's roles."""
    (first,) = holding_embedded.entries(kind="policy")
    told = then(holding_embedded, first.at - timedelta(microseconds=1))
    assert (told["policy"], told["roles"]) == (None, [])
    assert all(one["roles"] == [] for one in told["people"])


def test_what_only_waits_for_a_second_person_is_not_in_force(
    holding_embedded: HoldingHouse,
) -> None:
    """A publication that was asked for is an entry, and changes nobody's roles."""
    two = ACCESS + "p, owner, policy, publish\np, owner, policy, confirm\n"
    version = put(holding_embedded, two)
    snapshot = compile_files(shop_files(POLICY, two.replace("g, ana, clerk", "g, ana, owner")))
    command = RequestPublication(principal=holding_embedded.principal("gus"), snapshot=snapshot)
    assert holding_embedded.decide(command).status == 202
    told = then(holding_embedded)
    assert told["policy"]["version"] == version
    assert person(told, "ana")["roles"] == [{"role": "clerk", "site": "main"}]


def test_nobody_who_is_served_is_among_them(holding_embedded: HoldingHouse) -> None:
    """Neither by name nor by surrogate."""
    holding_embedded.propose(guest="G-secret")
    told = then(holding_embedded)
    assert "G-secret" not in str(told)
    assert "sub_" not in str(told)


def test_an_instant_ahead_is_refused(holding_embedded: HoldingHouse) -> None:
    """Nobody knows who will hold what."""
    with pytest.raises(Refused, match="ahead"):
        then(holding_embedded, now(holding_embedded) + timedelta(seconds=1))


def test_it_takes_the_log_of_every_site(holding_embedded: HoldingHouse) -> None:
    """Roles of all sites are told, so who audits one of them does not suffice."""
    assert then(holding_embedded, person="audra")["people"]
    put(holding_embedded, ACCESS + "g, vera, auditor, annex\n")
    for who in ("ana", "vera"):
        with pytest.raises(Forbidden):
            then(holding_embedded, person=who)


def test_pages_have_everybody_once(holding_embedded: HoldingHouse) -> None:
    """By id, and the last page says that it is the last."""
    people: People = holding_embedded.services.books.people
    at, after, seen = now(holding_embedded), None, []
    for _ in range(20):
        told = orjson.loads(people.list(None, at, Page(after=after, limit=3)))
        seen += [one["id"] for one in told["people"]]
        after = told["next"]
        if after is None:
            break
    assert seen == [one["id"] for one in then(holding_embedded, at)["people"]]
    assert len(seen) > 6

"""A policy is put in force in one transaction, and kept for ever."""

import orjson
import pytest

from service.app.errors import Forbidden, Unavailable
from service.app.snapshot import Library
from service.bootstrap import compile_files
from tests.app.house import House, shop_files


def test_a_published_policy_decides_the_next_proposal(house: House) -> None:
    """The batch reads the head in its own transaction."""
    assert house.propose(amount="90.00")["outcome"] == "approved"
    house.publish(("up_to: 100", "up_to: 80"), ("up_to: 200", "up_to: 85"))
    assert house.propose(amount="90.00")["outcome"] == "escalated"


def test_publishing_is_an_entry(house: House) -> None:
    """Who, what, and what was in force before."""
    before = house.services.library.in_force().rulebook.version
    house.publish(("limit: 2000", "limit: 2500"))
    newest, _seed = house.entries(kind="policy")
    body = orjson.loads(newest.body)
    assert (body["by"], body["effect"], body["before"]) == ({"id": "test"}, "published", before)
    assert body["version"] == house.services.library.in_force().rulebook.version


def test_publishing_what_is_in_force_changes_nothing(house: House) -> None:
    """The same files are the same version."""
    before = len(house.entries())
    assert not house.services.publisher.publish(compile_files(shop_files()), by="test")
    assert len(house.entries()) == before


def test_every_version_can_be_had_again(house: House) -> None:
    """A process that never saw a version compiles it from the database."""
    old = house.services.library.in_force().rulebook
    house.publish(("limit: 2000", "limit: 2500"))
    fresh = Library(house.services.store, compile_files)
    assert fresh.get(old.version).rulebook.rules == old.rules
    assert fresh.in_force().rulebook.version != old.version


def test_an_unknown_version_is_unavailable(house: House) -> None:
    """A version that the database does not hold is never guessed."""
    with pytest.raises(Unavailable):
        house.services.library.get("sha256:none")


def test_the_policy_tells_what_may_be_proposed(house: House) -> None:
    """Names and types, and no limit."""
    described = orjson.loads(house.services.policy.in_force(house.principal("ana")))
    assert described["name"] == "shop"
    assert [role["id"] for role in described["roles"]] == ["clerk", "manager", "owner"]
    assert described["resolutions"][1] == {
        "id": "night",
        "unit": "night",
        "entitlement": False,
        "held": False,
    }
    assert {fact["path"]: fact["personal"] for fact in described["facts"]}["guest.id"]
    assert "grants" not in described


def test_the_policy_is_not_told_to_everybody(house: House) -> None:
    """Who may read it at no site may not read it."""
    with pytest.raises(Forbidden):
        house.services.policy.in_force(house.principal("audra"))

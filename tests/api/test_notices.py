"""Notices over HTTP."""

from dataclasses import replace

import pytest

from service.api import noticemodels as models
from service.app.records import Writes
from service.bootstrap import compile_files
from tests.api.door import Door, assert_problem
from tests.app.house import ACCESS, shop_files
from tests.stored import DEAD_NOTICE

RIGHTS = """\
p, keeper, notice, read
p, keeper, notice, redeliver
p, watcher, notice, read
g, kim, keeper, *
g, kai, keeper, annex
g, wim, watcher, *
"""
DEAD = replace(DEAD_NOTICE, data=b'{"escalation":{"to":"a name that stays inside"}}')
WAITING = replace(
    DEAD, id="ntc_2", receiver="chat", site="annex", state="waiting", ended_at=None, failure=None
)


@pytest.fixture
def outbox(door: Door) -> Door:
    """A door with two notices behind it, and people who may see them."""
    rights = compile_files(shop_files(access=ACCESS + RIGHTS))
    assert door.house.services.publisher.publish(rights, by="test")
    with door.house.services.store.begin() as tx:
        tx.write(Writes(notices=[DEAD, WAITING]))
    return door


def listed(door: Door, person: str = "kim", **query: str) -> list[str]:
    response = door.get("/v1/notices", person=person, **query)
    assert response.status_code == 200, response.text
    return [one.id for one in models.NoticePage.model_validate(response.json()).notices]


def test_notices_are_listed(outbox: Door) -> None:
    """Newest first, by state, receiver, escalation and site, without what they tell."""
    assert listed(outbox) == ["ntc_2", "ntc_1"]
    assert listed(outbox, state="dead") == ["ntc_1"]
    assert listed(outbox, receiver="chat") == ["ntc_2"]
    assert listed(outbox, site="main", about="esc_1") == ["ntc_1"]
    assert listed(outbox, since="2027-01-01T00:00:00Z") == []
    assert "stays inside" not in outbox.get("/v1/notices", person="kim").text


def test_pages_follow_each_other(outbox: Door) -> None:
    """The cursor of one is the beginning of the next."""
    first = outbox.get("/v1/notices", person="kim", limit="1").json()
    assert (first["notices"][0]["id"], first["next"]) == ("ntc_2", "ntc_2")
    last = outbox.get("/v1/notices", person="kim", limit="1", after=first["next"]).json()
    assert (last["notices"][0]["id"], last["next"]) == ("ntc_1", None)


def test_only_some_may_see_them(outbox: Door) -> None:
    """By right, and by site."""
    assert_problem(outbox.get("/v1/notices", person="max"), 403, "not_permitted")
    assert listed(outbox, "kai") == ["ntc_2"]
    assert listed(outbox, "kai", site="main") == []


def test_a_dead_one_is_sent_again(outbox: Door) -> None:
    """It waits again; asking twice is a conflict."""
    response = outbox.post("/v1/notices/ntc_1/redeliver", {}, person="kim")
    assert response.status_code == 200, response.text
    again = models.Notice.model_validate(response.json())
    assert (again.state, again.attempts, again.ended_at) == ("waiting", 0, None)
    assert again.due_at is not None
    twice = outbox.post("/v1/notices/ntc_1/redeliver", {}, person="kim")
    assert_problem(twice, 409, "already_waiting")


def test_sending_again_takes_a_right_of_its_own(outbox: Door) -> None:
    """Who may only read is refused; what somebody may not see is not there for them."""
    path = "/v1/notices/ntc_1/redeliver"
    assert_problem(outbox.post(path, {}, person="wim"), 403, "not_permitted")
    assert_problem(outbox.post(path, {}, person="kai"), 404, "no_notice")
    assert_problem(outbox.post(path, {}, person="max"), 404, "no_notice")
    missing = outbox.post("/v1/notices/ntc_9/redeliver", {}, person="kim")
    assert_problem(missing, 404, "no_notice")
    assert listed(outbox, state="dead") == ["ntc_1"]


def test_a_body_that_says_more_is_refused(outbox: Door) -> None:
    """Nothing is taken for understood that was not read."""
    response = outbox.post("/v1/notices/ntc_1/redeliver", {"to": "chat"}, person="kim")
    assert_problem(response, 422, "unknown_field")

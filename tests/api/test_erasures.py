"""Erasures over HTTP: the bodies, the two people, and every wrong way."""

from typing import Any

import pytest

from tests.api.door import Door, assert_problem

ROUTE = "/v1/erasures"
KEY = {"Idempotency-Key": "k"}


def ask(door: Door, person: str = "olga", **body: Any) -> Any:
    return door.post(ROUTE, body, person=person)


def test_two_people_erase_a_third(door: Door) -> None:
    """202 for the first word and 200 for the second; a replayed key does nothing twice."""
    made = door.propose(note="Mrs Miller fell").json()
    taken = ask(door, subject="G-1")
    assert taken.status_code == 202, taken.text
    assert (taken.json()["state"], taken.json()["requested_by"]) == ("requested", "olga")
    path = f"{ROUTE}/{taken.json()['id']}/confirm"
    assert_problem(door.post(path, {}, person="olga"), 403, "second_person_required")
    done = door.post(path, {}, person="otto", headers=KEY)
    assert done.status_code == 200
    assert done.json()["state"] == "done"
    again = door.post(path, {}, person="otto", headers=KEY)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.content == done.content
    assert_problem(door.post(path, {}, person="otto"), 409, "already_erased")
    assert "Miller" not in door.get(f"/v1/resolutions/{made['id']}").text
    assert "G-1" not in door.get(f"/v1/resolutions/{made['id']}").text
    (shown,) = door.get(ROUTE, person="otto").json()["erasures"]
    assert shown["cleaned_at"] is not None


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({}, "missing_field", "/subject"),
        ({"subject": 1}, "wrong_type", "/subject"),
        ({"subject": ""}, "empty_text", "/subject"),
        ({"subject": "G-1", "waive": "yes"}, "wrong_type", "/waive"),
        ({"subject": "G-1", "because": "x"}, "unknown_field", "/because"),
    ],
)
def test_a_wrong_body_is_refused(door: Door, body: Any, code: str, pointer: str) -> None:
    """Each fault has its place and its remedy."""
    problem = assert_problem(door.post(ROUTE, body, person="olga"), 422, code)
    assert problem["errors"][0]["pointer"] == pointer


def test_others_may_not(door: Door) -> None:
    """Who has not the right may neither ask, nor confirm, nor look."""
    door.propose()
    assert_problem(ask(door, "ana", subject="G-1"), 403, "not_permitted")
    assert_problem(door.post(f"{ROUTE}/era_x/confirm", {}, person="ana"), 403, "not_permitted")
    assert_problem(door.get(ROUTE, person="ana"), 403, "not_permitted")


def test_nobody_is_found_where_nobody_is(door: Door) -> None:
    """A person that was never served, and an erasure that was never asked for."""
    assert_problem(ask(door, subject="G-nobody"), 404, "no_such_person")
    assert_problem(door.post(f"{ROUTE}/era_x/confirm", {}, person="otto"), 404, "no_erasure")

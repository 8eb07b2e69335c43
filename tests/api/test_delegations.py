"""Delegations over HTTP."""

from typing import Any

import pytest
from httpx import Response

from service.api import delegationmodels as models
from tests.api.door import Door, assert_problem
from tests.app.standing_in import delegate_body


def make(door: Door, person: str = "max", key: str = "", **fields: Any) -> Response:
    headers = {"Idempotency-Key": key} if key else {}
    body = {**delegate_body(door.house, "ben"), **fields}
    return door.post("/v1/delegations", body, person=person, headers=headers)


def test_one_is_made_and_listed_and_ended(door: Door) -> None:
    """In the shapes that are documented, by either of the two."""
    response = make(door, site="main", role="manager")
    assert response.status_code == 201
    made = models.DelegationTaken.model_validate(response.json())
    assert (made.for_, made.to, made.site, made.role, made.state) == (
        "max",
        "ben",
        "main",
        "manager",
        "active",
    )
    page = models.DelegationPage.model_validate(
        door.get("/v1/delegations", person="ben", state="current").json()
    )
    assert [one.id for one in page.delegations] == [made.id]
    ended = door.post(f"/v1/delegations/{made.id}/revoke", {}, person="ben")
    assert models.DelegationTaken.model_validate(ended.json()).state == "revoked"
    assert ended.status_code == 200
    assert door.get("/v1/delegations", person="ben", state="current").json()["delegations"] == []
    again = door.post(f"/v1/delegations/{made.id}/revoke", {}, person="ben")
    assert_problem(again, 409, "delegation_over")


def test_a_repeated_request_has_one_effect(door: Door) -> None:
    """Byte for byte, for making and for ending."""
    body = delegate_body(door.house, "ben")
    first, second = (
        door.post("/v1/delegations", body, person="max", headers={"Idempotency-Key": "k-1"})
        for _ in range(2)
    )
    assert second.content == first.content
    assert second.headers["idempotent-replayed"] == "true"
    path = f"/v1/delegations/{first.json()['id']}/revoke"
    first, second = (
        door.post(path, {}, person="max", headers={"Idempotency-Key": "k-1"}) for _ in range(2)
    )
    assert (second.status_code, second.content) == (200, first.content)
    assert len(door.house.entries(kind="delegation")) == 2
    assert_problem(make(door, key="k-1", site="main"), 422, "idempotency_mismatch")


@pytest.mark.parametrize(
    ("person", "fields", "status", "code"),
    [
        ("ana", {}, 403, "not_permitted"),
        ("max", {"for": "mia"}, 403, "not_permitted"),
        ("max", {"to": "max"}, 422, "own_delegate"),
        ("max", {"to": "nobody"}, 422, "unknown_person"),
        ("max", {"until": "2020-01-01T00:00:00Z"}, 422, "already_over"),
    ],
)
def test_what_may_not_be_is_a_problem(
    door: Door, person: str, fields: dict[str, Any], status: int, code: str
) -> None:
    """With its code, and nothing is made."""
    assert_problem(make(door, person, **fields), status, code)
    assert door.house.entries(kind="delegation") == []


def test_a_list_is_paged(door: Door) -> None:
    """Newest first, with a cursor; a filter that does not exist is refused."""
    made = [make(door, site=site).json()["id"] for site in ("main", "main", "main")]
    page = door.get("/v1/delegations", person="max", limit="2").json()
    assert [one["id"] for one in page["delegations"]] == made[:0:-1]
    rest = door.get("/v1/delegations", person="max", after=page["next"]).json()
    assert ([one["id"] for one in rest["delegations"]], rest["next"]) == ([made[0]], None)
    assert_problem(door.get("/v1/delegations", state="past"), 400, "invalid_parameter")
    assert_problem(door.get("/v1/delegations", who="max"), 400, "unknown_parameter")


def test_somebody_elses_is_not_there(door: Door) -> None:
    """Neither to be seen nor to be ended."""
    id_ = make(door).json()["id"]
    answer = door.post(f"/v1/delegations/{id_}/revoke", {}, person="mia")
    assert_problem(answer, 404, "no_delegation")
    assert door.get("/v1/delegations", person="mia").json()["delegations"] == []

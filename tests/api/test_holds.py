"""What is held and what was settled, over HTTP."""

from typing import Any

import pytest

from service.api import models
from tests.api.door import Door, assert_problem


def held(door: Door, quantity: int = 3) -> str:
    response = door.propose(resolution="upgrade", amount=None, quantity=quantity)
    assert response.json()["state"] == "held"
    return str(response.json()["id"])


def finish(door: Door, id_: str, move: str, body: object, **more: Any) -> Any:
    return door.post(f"/v1/resolutions/{id_}/{move}", body, **more)


@pytest.mark.parametrize(
    ("move", "body", "state", "amount"),
    [
        ("settle", {}, "settled", "30.00"),
        ("settle", {"quantity": 2}, "settled", "20.00"),
        ("release", {}, "released", "30.00"),
    ],
)
def test_a_hold_ends(door: Door, move: str, body: object, state: str, amount: str) -> None:
    """With the decision as it stands now, in the shape that is documented."""
    id_ = held(door)
    response = finish(door, id_, move, body)
    assert response.status_code == 200
    decision = models.Decision.model_validate(response.json())
    assert (decision.id, decision.state) == (id_, state)
    assert decision.value is not None
    assert decision.value.amount == amount
    assert decision.budgets[0].per["guest.id"] == "G-1"
    case = models.Case.model_validate(door.get(f"/v1/resolutions/{id_}").json())
    assert (case.state, case.hold, case.entry) == (state, None, decision.entry)


def test_the_case_says_until_when(door: Door) -> None:
    """And what happens then, as long as it is held."""
    case = models.Case.model_validate(door.get(f"/v1/resolutions/{held(door)}").json())
    assert case.hold is not None
    assert case.hold.then == "release"


def test_what_was_settled_is_reversed(door: Door) -> None:
    """By a manager with a reason, which the case tells."""
    id_ = door.propose().json()["id"]
    response = finish(door, id_, "reverse", {"reason": "wrong stay"}, person="max")
    assert response.json()["state"] == "reversed"
    steps = door.get(f"/v1/resolutions/{id_}").json()["history"]
    assert [(step["kind"], step["text"]) for step in steps] == [
        ("decision", None), ("reverse", "wrong stay"),
    ]  # fmt: skip
    page = door.get("/v1/log", person="audra", kind="reverse").json()
    assert [
        entry["about"] for entry in models.EntryPage.model_validate(page).model_dump()["entries"]
    ] == [id_]


@pytest.mark.parametrize(
    ("move", "body", "person", "status", "code"),
    [
        ("settle", {"quantity": 4}, "ana", 422, "more_than_held"),
        ("settle", {"amount": "1.00"}, "ana", 422, "amount_not_allowed"),
        ("settle", {"sum": 1}, "ana", 422, "unknown_field"),
        ("settle", {}, "ben", 403, "not_yours"),
        ("settle", {}, "vera", 404, "no_resolution"),
        ("release", {"why": "x"}, "ana", 422, "unknown_field"),
        ("reverse", {"reason": "x"}, "max", 409, "not_settled"),
        ("reverse", {"reason": "x"}, "ana", 403, "not_permitted"),
    ],
)
def test_what_cannot_be_is_a_problem(
    door: Door, move: str, body: object, person: str, status: int, code: str
) -> None:
    """With its own code, and the hold stays."""
    id_ = held(door)
    assert_problem(finish(door, id_, move, body, person=person), status, code)
    assert door.get(f"/v1/resolutions/{id_}").json()["state"] == "held"


def test_a_reversal_says_why(door: Door) -> None:
    """Without a reason nothing returns."""
    id_ = door.propose().json()["id"]
    assert_problem(finish(door, id_, "reverse", {}, person="max"), 422, "reason_required")


def test_a_hold_that_ended_is_a_conflict(door: Door) -> None:
    """And so is one that never was."""
    id_ = held(door)
    finish(door, id_, "release", {})
    assert_problem(finish(door, id_, "settle", {}), 409, "not_held")
    assert_problem(finish(door, "res_none", "settle", {}), 404, "no_resolution")


def test_the_same_key_ends_it_once(door: Door) -> None:
    """The same bytes come again, with the guest's name in them; another body is refused."""
    id_ = held(door)
    key = {"Idempotency-Key": '"k-1"'}
    first = finish(door, id_, "settle", {}, headers=key)
    second = finish(door, id_, "settle", {}, headers=key)
    assert first.content == second.content
    assert b"G-1" in second.content
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    problem = finish(door, id_, "settle", {"quantity": 1}, headers=key)
    assert_problem(problem, 422, "idempotency_mismatch")

"""Escalations over HTTP."""

import pytest
from httpx import Response

from service.api import answermodels, casemodels
from tests.api.door import Door, assert_problem


def escalated(door: Door, amount: str = "300.00") -> str:
    return str(door.propose(amount=amount, note="a leak").json()["escalation"]["id"])


def answer(door: Door, id_: str, body: object, person: str = "max", key: str = "") -> Response:
    headers = {"Idempotency-Key": key} if key else {}
    return door.post(f"/v1/escalations/{id_}/answer", body, person=person, headers=headers)


def test_the_inbox_lists_what_waits(door: Door) -> None:
    """By state, role and site."""
    id_ = escalated(door)
    for query, ids in (
        ({"state": "open"}, [id_]),
        ({"role": "manager"}, [id_]),
        ({"role": "owner"}, []),
        ({"site": "annex"}, []),
        ({"state": "denied"}, []),
    ):
        page = door.get("/v1/escalations", person="max", **query).json()
        assert [one.id for one in casemodels.EscalationPage.model_validate(page).escalations] == ids
    case = casemodels.EscalationCase.model_validate(
        door.get(f"/v1/escalations/{id_}", person="max").json()
    )
    assert case.case.proposal["note"] == "a leak"


def test_an_approval_is_taken(door: Door) -> None:
    """In the shape that is documented, with the decision as it stands now."""
    response = answer(door, escalated(door), {"answer": "approve"})
    assert response.status_code == 200
    taken = answermodels.AnswerTaken.model_validate(response.json())
    assert (taken.state, taken.decision.outcome) == ("approved", "approved")


def test_an_answer_names_people_and_not_surrogates(door: Door) -> None:
    """The approver reads the guest's own id."""
    response = answer(door, escalated(door), {"answer": "approve"})
    assert "sub_" not in response.text
    assert "psn_" not in response.text


def test_a_repeated_answer_is_the_same(door: Door) -> None:
    """Byte for byte, and the money is taken once."""
    id_ = escalated(door)
    first = answer(door, id_, {"answer": "approve"}, key="k-1")
    second = answer(door, id_, {"answer": "approve"}, key="k-1")
    assert second.content == first.content
    assert second.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert len(door.house.entries(kind="answer")) == 1


def test_a_second_answer_comes_too_late(door: Door) -> None:
    """It is a conflict, and changes nothing."""
    id_ = escalated(door)
    answer(door, id_, {"answer": "deny", "reason": "no"})
    assert_problem(answer(door, id_, {"answer": "approve"}, "mia"), 409, "already_answered")


def test_four_eyes_are_four_over_http_too(door: Door) -> None:
    """Who proposed does not answer."""
    made = door.propose(person="max", amount="900.00").json()
    problem = answer(door, made["escalation"]["id"], {"answer": "approve"})
    assert_problem(problem, 403, "own_request")


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"answer": "deny"}, "reason_required", "/reason"),
        ({"answer": "deny", "reason": " "}, "empty_text", "/reason"),
        ({"answer": "deny", "reason": "x" * 4_001}, "text_too_long", "/reason"),
        ({"answer": "perhaps"}, "not_a_choice", "/answer"),
        ({"answer": ["approve"]}, "not_a_choice", "/answer"),
        ({}, "missing_field", "/answer"),
        ({"answer": "approve", "why": "x"}, "unknown_field", "/why"),
        ([], "wrong_type", ""),
    ],
)
def test_an_answer_that_cannot_be_read_is_refused(
    door: Door,
    body: object,
    code: str,
    pointer: str,
) -> None:
    """With its place, and the escalation stays open."""
    id_ = escalated(door)
    problem = assert_problem(answer(door, id_, body), 422, code)
    assert problem["errors"][0]["pointer"] == pointer
    assert door.get(f"/v1/escalations/{id_}", person="max").json()["state"] == "open"


def test_a_large_answer_is_refused(door: Door) -> None:
    """Bodies have a bound everywhere."""
    body = {"answer": "deny", "reason": "x" * 70_000}
    assert_problem(answer(door, escalated(door), body), 413, "body_too_large")

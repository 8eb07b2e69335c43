"""The inbox and several answers at once, over HTTP."""

from typing import Any

import pytest
from httpx import Response

from service.api import bulk, casemodels
from tests.api.door import Door, assert_problem
from tests.app.standing_in import delegate


def escalated(door: Door, amount: str = "300.00", person: str = "ana", **fields: Any) -> str:
    made = door.propose(amount=amount, person=person, note="a leak", **fields).json()
    return str(made["escalation"]["id"])


def answers(door: Door, *several: dict[str, Any], person: str = "max", key: str = "") -> Response:
    headers = {"Idempotency-Key": key} if key else {}
    body = {"answers": list(several)}
    return door.post("/v1/escalations/answers", body, person=person, headers=headers)


def approve(id_: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "answer": "approve", **more}


# ── The inbox ──


def test_an_inbox_is_a_page_by_urgency(door: Door) -> None:
    """In the shape that is documented, with counts and a cursor."""
    soon = [escalated(door) for _ in range(3)]
    path, seen, after = "/v1/escalations", [], None
    while True:
        query = {"for": "me", "limit": "2", **({} if after is None else {"after": after})}
        page = casemodels.EscalationPage.model_validate(
            door.get(path, person="max", **query).json()
        )
        assert page.counts is not None
        assert (page.counts.open, page.counts.complete) == (3, True)
        seen += [one.id for one in page.escalations]
        after = page.next
        if after is None:
            break
    assert seen == soon


def test_an_inbox_holds_what_is_answered_for_others(door: Door) -> None:
    """And says for whom, and until when."""
    id_ = escalated(door)
    delegate(door.house, "max", "ben")
    page = casemodels.EscalationPage.model_validate(
        door.get("/v1/escalations", person="ben", **{"for": "me"}).json()
    )
    assert [(one.id, one.as_) for one in page.escalations] == [(id_, "ben for max")]
    assert page.acting_for is not None
    assert {one.for_ for one in page.acting_for} == {"max"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"for": "max"}, "invalid_parameter"),
        ({"for": "me", "state": "open"}, "unknown_parameter"),
        ({"for": "me", "after": "esc_1"}, "invalid_parameter"),
        ({"for": "me", "limit": "0"}, "invalid_parameter"),
    ],
)
def test_a_question_that_means_nothing_is_refused(
    door: Door, query: dict[str, str], code: str
) -> None:
    """A misspelt filter is never taken for none."""
    assert_problem(door.get("/v1/escalations", person="max", **query), 400, code)


def test_a_case_has_its_context(door: Door) -> None:
    """In the shape that is documented, for the approver and for the proposer."""
    id_ = escalated(door)
    path = f"/v1/escalations/{id_}"
    seen = casemodels.EscalationCase.model_validate(door.get(path, person="max").json())
    assert seen.context is not None
    assert seen.context.you.answers is not None
    assert seen.context.you.answers.approve.effect == "approve"
    own = casemodels.EscalationCase.model_validate(door.get(path, person="ana").json())
    assert own.context is None


# ── Several answers at once ──


def test_each_answer_is_taken_by_itself(door: Door) -> None:
    """Some are taken and some are not, each with the status of a call of its own."""
    first, second, own = escalated(door), escalated(door), escalated(door, "900.00", "max")
    response = answers(
        door,
        approve(first),
        {"id": second, "answer": "deny"},
        approve(own),
        approve("esc_none"),
        {"id": "esc_other", "answer": "perhaps"},
    )
    assert response.status_code == 200
    told = bulk.SeveralTaken.model_validate(response.json()).answers
    assert [one.status for one in told] == [200, 422, 403, 404, 422]
    assert told[0].answer is not None
    assert (told[0].id, told[0].answer.state, told[0].answer.effect) == (
        first,
        "approved",
        "approve",
    )
    codes = [one.problem.code for one in told if one.problem is not None]
    assert codes == ["reason_required", "own_request", "no_escalation", "not_a_choice"]
    assert "sub_" not in response.text


def test_repeating_all_of_them_has_one_effect(door: Door) -> None:
    """With a key each is taken once, also in other company, and by a call of its own."""
    first, second = escalated(door), escalated(door)
    told = answers(door, approve(first), key="k-1").json()["answers"]
    again = answers(door, approve(second), approve(first), key="k-1").json()["answers"]
    assert [one["replayed"] for one in again] == [False, True]
    assert again[1]["answer"] == told[0]["answer"]
    alone = door.post(
        f"/v1/escalations/{second}/answer",
        {"answer": "approve"},
        person="max",
        headers={"Idempotency-Key": "k-1"},
    )
    assert alone.headers["idempotent-replayed"] == "true"
    other = answers(door, approve(first, reason="now with one"), key="k-1").json()["answers"]
    assert other[0]["problem"]["code"] == "idempotency_mismatch"
    assert len(door.house.entries(kind="answer")) == 2


def test_a_hundred_fit_and_one_more_does_not(door: Door) -> None:
    """The bound is said, and nothing was answered."""
    made = [approve(f"esc_{number}") for number in range(101)]
    problem = assert_problem(answers(door, *made), 422, "out_of_range")
    assert problem["errors"][0]["pointer"] == "/answers"
    assert len(answers(door, *made[:100]).json()["answers"]) == 100


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ([], "wrong_type", ""),
        ({}, "wrong_type", ""),
        ({"answers": "all"}, "wrong_type", ""),
        ({"answers": []}, "out_of_range", "/answers"),
        ({"answers": [7]}, "wrong_type", "/answers/0"),
        ({"answers": [{"answer": "approve"}]}, "missing_field", "/answers/0/id"),
        ({"answers": [approve("e"), approve("e")]}, "duplicate_id", "/answers/1/id"),
        ({"answers": [approve("e")], "why": "x"}, "unknown_field", "/why"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(
    door: Door, body: object, code: str, pointer: str
) -> None:
    """As a whole, with its place."""
    problem = assert_problem(door.post("/v1/escalations/answers", body, person="max"), 422, code)
    assert problem["errors"][0]["pointer"] == pointer

"""Counter, ask, reply and withdraw over HTTP."""

from typing import Any

import pytest
from httpx import Response

from service.api import answermodels, casemodels, models
from tests.api.door import Door, assert_problem


def escalated(door: Door, person: str = "ana", **fields: Any) -> str:
    sent: dict[str, Any] = {"amount": "300.00", "note": "a leak", **fields}
    return str(door.propose(person=person, **sent).json()["escalation"]["id"])


def call(
    door: Door, id_: str, what: str, body: object, person: str = "max", key: str = ""
) -> Response:
    headers = {"Idempotency-Key": key} if key else {}
    return door.post(f"/v1/escalations/{id_}/{what}", body, person=person, headers=headers)


def taken(response: Response) -> answermodels.AnswerTaken:
    assert response.status_code == 200, response.text
    return answermodels.AnswerTaken.model_validate(response.json())


def test_a_counter_offer_is_told_as_such(door: Door) -> None:
    """To the approver at once, and to the agent who looks at the resolution."""
    id_ = escalated(door)
    done = taken(call(door, id_, "answer", {"answer": "counter", "amount": "250.00"}))
    assert (done.state, done.effect, done.decision.outcome) == ("approved", "counter", "approved")
    seen = models.Case.model_validate(door.get(f"/v1/resolutions/{done.resolution}").json())
    assert seen.value is not None
    assert seen.value.amount == "250.00"
    assert seen.escalation is not None
    assert seen.escalation.asked is not None
    assert (seen.escalation.asked.amount, seen.escalation.by) == ("300.00", "max")


def test_a_question_goes_to_the_agent_and_the_reply_comes_back(door: Door) -> None:
    """Both can be read in the case, by the two who are concerned."""
    id_ = escalated(door)
    asked = taken(call(door, id_, "answer", {"answer": "ask", "question": "which room?"}))
    assert (asked.state, asked.answer_by) == ("asked", None)
    assert door.get("/v1/escalations", person="max", state="asked").json()["escalations"]
    back = taken(call(door, id_, "reply", {"reply": "712"}, "ana"))
    assert (back.state, back.effect) == ("open", "reply")
    case = casemodels.EscalationCase.model_validate(
        door.get(f"/v1/escalations/{id_}", person="max").json()
    )
    assert [step.text for step in case.case.history] == [None, "which room?", "712"]


def test_who_proposed_takes_it_back(door: Door) -> None:
    """A withdrawal needs no reason."""
    id_ = escalated(door)
    done = taken(call(door, id_, "withdraw", {}, "ana"))
    assert (done.state, done.decision.outcome, done.answered_by) == ("withdrawn", "denied", "ana")
    assert_problem(call(door, id_, "withdraw", {}, "ana"), 409, "already_answered")


@pytest.mark.parametrize(
    ("what", "body", "person"),
    [
        ("answer", {"answer": "counter", "amount": "250.00"}, "max"),
        ("answer", {"answer": "ask", "question": "which room?"}, "max"),
        ("withdraw", {"reason": "the guest left"}, "ana"),
    ],
)
def test_what_is_repeated_has_one_effect(
    door: Door, what: str, body: dict[str, str], person: str
) -> None:
    """Byte for byte the same answer; the same key with another body is refused."""
    id_ = escalated(door)
    first = call(door, id_, what, body, person, "k-1")
    second = call(door, id_, what, body, person, "k-1")
    assert (second.content, second.headers["idempotent-replayed"]) == (first.content, "true")
    other = {**body, "digest": "x"}
    assert_problem(call(door, id_, what, other, person, "k-1"), 422, "idempotency_mismatch")


def test_a_digest_binds_an_answer(door: Door) -> None:
    """The case shows it; sent with an answer, it has to be that of what waits."""
    id_ = escalated(door)
    digest = door.get(f"/v1/escalations/{id_}", person="max").json()["digest"]
    wrong = {"answer": "approve", "digest": digest[::-1]}
    assert_problem(call(door, id_, "answer", wrong), 409, "digest_mismatch")
    taken(call(door, id_, "answer", {"answer": "approve", "digest": digest}))


def test_denying_ones_own_points_to_withdrawing(door: Door) -> None:
    """Whoever has no right to answer anything is told so too."""
    id_ = escalated(door)
    denial = {"answer": "deny", "reason": "never mind"}
    problem = assert_problem(call(door, id_, "answer", denial, "ana"), 403, "own_request")
    assert "/withdraw" in problem["remedy"]


def test_only_who_proposed_replies(door: Door) -> None:
    """Somebody who may see the case is told that it is not theirs."""
    id_ = escalated(door)
    taken(call(door, id_, "answer", {"answer": "ask", "question": "which room?"}))
    assert_problem(call(door, id_, "reply", {"reply": "712"}, "mia"), 403, "not_yours")


@pytest.mark.parametrize(
    ("what", "body", "faults"),
    [
        ("answer", {"answer": "counter"}, {"/amount": "amount_required"}),
        ("answer", {"answer": "counter", "amount": 5}, {"/amount": "money_not_text"}),
        ("answer", {"answer": "counter", "amount": "-5"}, {"/amount": "amount_not_positive"}),
        (
            "answer",
            {"answer": "counter", "quantity": 1},
            {
                "/amount": "amount_required",
                "/quantity": "quantity_not_allowed",
            },
        ),
        (
            "answer",
            {"answer": "counter", "amount": "5", "currency": "XXX"},
            {"/currency": "unknown_currency"},
        ),
        ("answer", {"answer": "approve", "amount": "5"}, {"/amount": "unknown_field"}),
        ("answer", {"answer": "ask"}, {"/question": "missing_field"}),
        (
            "answer",
            {"answer": "ask", "reason": "x"},
            {
                "/reason": "unknown_field",
                "/question": "missing_field",
            },
        ),
        (
            "answer",
            {"answer": "deny", "digest": 1},
            {
                "/reason": "reason_required",
                "/digest": "wrong_type",
            },
        ),
        ("answer", {"answer": "approve", "by": "gus"}, {"/by": "unknown_field"}),
        ("reply", {}, {"/reply": "missing_field"}),
        ("reply", {"reply": " "}, {"/reply": "empty_text"}),
        ("reply", {"reply": "x", "facts": {}}, {"/facts": "unknown_field"}),
        ("reply", [], {"": "wrong_type"}),
        ("withdraw", {"reason": "x" * 4_001}, {"/reason": "text_too_long"}),
        ("withdraw", {"why": "x"}, {"/why": "unknown_field"}),
    ],
)
def test_what_cannot_be_read_is_refused_whole(
    door: Door, what: str, body: object, faults: dict[str, str]
) -> None:
    """With every place at which something is wrong, and nothing happens."""
    id_ = escalated(door)
    response = call(door, id_, what, body, "max" if what == "answer" else "ana")
    problem = assert_problem(response, 422, next(iter(faults.values())))
    assert {error["pointer"]: error["code"] for error in problem["errors"]} == faults
    assert door.get(f"/v1/escalations/{id_}", person="max").json()["state"] == "open"


def test_who_escalates_too_much_is_told_when_to_come_again(door: Door) -> None:
    """429, with the seconds in the header."""
    guarded = "manager: {at_most: {count: 1, within: 1h}, answer_within: 15m,"
    door.house.publish(("manager: {answer_within: 15m,", guarded))
    escalated(door)
    response = door.propose(amount="300.00", note="x")
    assert_problem(response, 429, "too_many_escalations")
    assert 3_590 <= int(response.headers["retry-after"]) <= 3_600


def test_nobody_over_http_is_served_by_themselves(door: Door) -> None:
    """A guest who works here is told that somebody else has to decide."""
    id_ = escalated(door, facts={"guest": {"id": "max"}, "stay": {"id": "S-1"}})
    assert_problem(call(door, id_, "answer", {"answer": "approve"}), 403, "served_person")

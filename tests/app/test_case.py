"""The case: everything that helps to answer, for who may answer."""

from typing import Any

import orjson
import pytest

from service.app.errors import NotFound
from tests.app.house import House
from tests.app.standing_in import delegate


def opened(house: House, person: str = "ana", amount: str = "300.00", **fields: Any) -> str:
    made = house.propose(person, amount=amount, **{"note": "a leak", **fields})
    return str(made["escalation"]["id"])


def seen(house: House, person: str, id_: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(
        house.services.approvals.cases.get(house.principal(person), id_)
    )
    return found


def test_it_says_what_each_answer_would_do(house: House) -> None:
    """On paper: with the reader's authority, and what it would leave in the budgets."""
    id_ = opened(house)
    you = seen(house, "max", id_)["context"]["you"]
    assert (you["as"], you["objection"]) == ("max", None)
    approve, deny = you["answers"]["approve"], you["answers"]["deny"]
    assert (approve["effect"], deny["effect"], deny["decision"]) == ("approve", "deny", None)
    (day,) = approve["decision"]["budgets"]
    assert (day["budget"], day["used"], day["remaining"]) == ("day", "300.00", "1700.00")
    assert house.balances() == {}
    done = house.answer("max", id_)
    assert done["decision"]["budgets"][0]["used"] == day["used"]


def test_it_foresees_a_quorum_a_move_and_a_refusal(house: House) -> None:
    """The effect that is told is the effect that the answer has."""
    two = opened(house, amount="900.00")
    assert seen(house, "gus", two)["context"]["you"]["answers"]["approve"]["effect"] == "concur"
    assert house.answer("gus", two)["effect"] == "concur"
    assert seen(house, "grace", two)["context"]["you"]["answers"]["approve"]["effect"] == "approve"
    higher = opened(house)
    house.publish(("role: manager, may: any, up_to: 500", "role: manager, may: any, up_to: 250"))
    approve = seen(house, "max", higher)["context"]["you"]["answers"]["approve"]
    assert (approve["effect"], approve["to"]) == ("move_up", "owner")
    assert house.answer("max", higher)["effect"] == "move_up"
    house.publish(("may_not: [cash]", "may_not: [cash, credit]"))
    approve = seen(house, "gus", higher)["context"]["you"]["answers"]["approve"]
    assert (approve["effect"], approve["decision"]["reasons"][0]["code"]) == (
        "refused",
        "prohibited",
    )


def test_it_says_why_the_reader_may_not_answer(house: House) -> None:
    """The proposer with a right to look sees what stands against them, and who could."""
    id_ = opened(house, "max", "900.00")
    you = seen(house, "max", id_)["context"]["you"]
    assert (you["as"], you["answers"], you["objection"]["code"]) == (None, None, "own_request")
    assert you["objection"]["remedy"]


def test_it_says_what_would_have_needed_nobody(house: House) -> None:
    """Today: what was used since the request counts."""
    id_ = opened(house)
    unasked = seen(house, "max", id_)["context"]["unasked_today"]
    assert unasked["without_escalation_up_to"] == {"amount": "200.00", "currency": "USD"}
    house.propose(amount="150.00", note="x")
    unasked = seen(house, "max", id_)["context"]["unasked_today"]
    assert unasked["without_escalation_up_to"] == {"amount": "150.00", "currency": "USD"}


def test_it_has_the_history_of_the_subject(house: House) -> None:
    """The latest first, wherever the reader may look, with how many there are."""
    for number in range(3):
        house.propose(amount=f"{10 + number}.00")
    house.propose("vera", amount="20.00", site="annex")
    house.propose(amount="40.00", guest="G-2")
    id_ = opened(house)
    history = seen(house, "max", id_)["context"]["subject_history"]
    assert [one["value"]["amount"] for one in history["resolutions"]] == ["12.00", "11.00", "10.00"]
    assert history["total"] == 3
    everywhere = seen(house, "gus", id_)["context"]["subject_history"]
    assert (everywhere["total"], everywhere["resolutions"][0]["site"]) == (4, "annex")


def test_it_has_similar_cases_and_how_they_ended(house: House) -> None:
    """The same resolution for the same reason and about as much; what waits is no example."""
    denied, approved = opened(house, amount="250.00", guest="A"), opened(house, guest="B")
    house.answer("max", denied, "deny", "no leak")
    house.answer("mia", approved)
    house.answer("gus", opened(house, amount="900.00", guest="C"), "deny", "too much")
    opened(house, guest="D")
    found = seen(house, "max", opened(house, guest="E"))["context"]["similar"]
    assert [(one["id"], one["state"], one["answered_by"]) for one in found] == [
        (approved, "approved", "mia"),
        (denied, "denied", "max"),
    ]
    assert found[0]["value"] == {"amount": "300.00", "currency": "USD"}


def test_it_says_who_could_answer(house: House) -> None:
    """Everybody who may, and for whom; never the proposer, never an agent that is no person."""
    house.key("mia", "ai", "gus")
    delegate(house, "gus", "ben")
    answerers = seen(house, "max", opened(house))["context"]["answerers"]
    assert [one["as"] for one in answerers["people"]] == ["ben for gus", "max", "gus", "grace"]
    assert answerers["total"] == 4
    own = seen(house, "max", opened(house, "max", "900.00"))["context"]["answerers"]
    assert [one["id"] for one in own["people"]] == ["ben", "gus", "grace"]


def test_it_says_until_when_and_what_then(house: House) -> None:
    """As the policy has it for the role."""
    deadline = seen(house, "max", opened(house))["context"]["deadline"]
    assert (deadline["on_timeout"], deadline["next"], deadline["overdue"]) == (
        "next",
        "owner",
        False,
    )
    assert deadline["remind_at"] < deadline["answer_by"]


def test_the_proposer_sees_the_case_and_no_context(house: House) -> None:
    """What others were given and who could answer is for those who answer."""
    id_ = opened(house)
    own = seen(house, "ana", id_)
    assert own["case"]["proposal"]["note"] == "a leak"
    assert own["context"] is None
    with pytest.raises(NotFound) as missing:
        seen(house, "ben", id_)
    assert missing.value.code == "no_escalation"


def test_a_delegate_sees_what_the_delegator_sees(house: House) -> None:
    """With the answer that they would give in whose name."""
    id_ = opened(house)
    delegate(house, "max", "ben")
    context = seen(house, "ben", id_)["context"]
    assert context["you"]["as"] == "ben for max"
    assert [one["for"] for one in context["you"]["acting_for"]] == ["max"]


def test_what_is_over_is_shown_without_answers(house: House) -> None:
    """Nobody is told what they could still do."""
    id_ = opened(house)
    house.answer("max", id_)
    context = seen(house, "max", id_)["context"]
    assert context["you"]["answers"] is None
    assert context["answerers"] == {"total": 0, "people": []}
    assert context["deadline"]["overdue"] is False


def test_people_are_named_and_surrogates_are_not(house: House) -> None:
    """The budgets that an answer would charge bear the guest's own id."""
    house.publish(
        (
            "{id: day, limit: 2000, per: [site.id], every: day}",
            "{id: day, limit: 2000, per: [guest.id], every: day}",
        )
    )
    text = orjson.dumps(seen(house, "max", opened(house, guest="G-77"))).decode()
    assert '"guest.id":"G-77"' in text
    assert "sub_" not in text


def test_the_agents_budgets_are_shown(house: House) -> None:
    """What the proposer used of what is kept per agent, at this site."""
    shift = "  - {id: shift, limit: 900, per: [agent.id, site.id], every: day, roles: [clerk]}\n"
    house.publish(("  - {id: often,", f"{shift}  - {{id: often,"))
    house.propose(amount="60.00", guest="G-9")
    house.propose("ben", amount="70.00", guest="G-9")
    (used,) = seen(house, "max", opened(house))["context"]["agent_budgets"]
    assert (used["budget"], used["used"], used["per"]["agent.id"]) == ("shift", "60.00", "ana")

"""An answer decides the request anew: with the approver's authority, today."""

import orjson
import pytest

from service.app.errors import Conflict, Forbidden
from tests.app.house import House, readings


def escalated(house: House, person: str = "ana", amount: str = "300.00") -> str:
    answer = house.propose(person, amount=amount, note="a leak")
    assert answer["outcome"] == "escalated"
    return str(answer["escalation"]["id"])


def test_an_approval_charges_under_the_approvers_authority(house: House) -> None:
    """The money is taken when somebody above says yes, and the log has both steps."""
    done = house.answer("max", escalated(house))
    assert (done["state"], done["effect"], done["answered_by"]) == ("approved", "approve", "max")
    assert done["decision"]["outcome"] == "approved"
    assert done["decision"]["authority"] == {"role": "manager", "grant": "more"}
    assert done["decision"]["budgets"][0]["used"] == "300.00"
    assert [entry.kind for entry in house.entries(about=done["resolution"])] == [
        "answer",
        "decision",
    ]


def test_a_denial_charges_nothing(house: House) -> None:
    """The resolution is denied, and its history says why."""
    done = house.answer("max", escalated(house), "deny", "not for a leak")
    assert (done["state"], done["decision"]["outcome"]) == ("denied", "denied")
    case = orjson.loads(
        house.services.finder.get_resolution(house.principal("ana"), done["resolution"])
    )
    assert case["history"][-1]["text"] == "not for a leak"
    assert house.balances() == {}


def test_an_answer_is_given_once(house: House) -> None:
    """Whoever comes second is told that it is over."""
    escalation = escalated(house)
    house.answer("max", escalation)
    with pytest.raises(Conflict) as refused:
        house.answer("mia", escalation, "deny", "too late")
    assert refused.value.code == "already_answered"


def test_two_answers_in_one_batch_are_one(house: House) -> None:
    """The second of two that arrive together sees what the first did."""
    escalation = escalated(house)
    first, second = (
        house.services.committer.submit(house.respond(person, escalation))
        for person in ("max", "mia")
    )
    assert first.result(60)
    assert isinstance(second.exception(60), Conflict)
    assert len(house.entries(kind="answer")) == 1


@pytest.mark.parametrize(
    ("person", "code"),
    [("ben", "not_permitted"), ("ana", "not_permitted"), ("audra", "not_permitted")],
)
def test_who_may_not_answer_is_refused(house: House, person: str, code: str) -> None:
    """The right to answer is asked for at the escalation's site."""
    with pytest.raises(Forbidden) as refused:
        house.answer(person, escalated(house))
    assert refused.value.code == code


def test_nobody_answers_their_own_request(house: House) -> None:
    """Four eyes hold for managers too."""
    escalation = escalated(house, "max", "600.00")
    with pytest.raises(Forbidden) as refused:
        house.answer("max", escalation)
    assert refused.value.code == "own_request"


def test_an_owner_does_not_answer_for_their_agent(house: House) -> None:
    """An AI agent and the person who answers for it are two of the same eyes."""
    house.key("robo", "ai", "max")
    escalation = escalated(house, "robo")
    with pytest.raises(Forbidden) as refused:
        house.answer("max", escalation)
    assert refused.value.code == "own_request"
    assert house.answer("mia", escalation)["state"] == "approved"


def test_agents_that_are_no_people_answer_nothing(house: House) -> None:
    """Answers come from people, whatever role the agent holds."""
    house.key("mia", "ai", "gus")
    with pytest.raises(Forbidden) as refused:
        house.answer("mia", escalated(house))
    assert refused.value.code == "humans_only"


def test_a_role_below_does_not_answer(house: House) -> None:
    """What went to the owner is not the manager's to answer."""
    with pytest.raises(Forbidden) as refused:
        house.answer("max", escalated(house, amount="900.00"))
    assert refused.value.code == "not_your_remit"


def test_a_quorum_takes_two_people(house: House) -> None:
    """The first approval charges nothing, the same person cannot be the second."""
    escalation = escalated(house, amount="900.00")
    first = house.answer("gus", escalation)
    assert (first["state"], first["effect"], first["approvals"]) == ("open", "concur", ["gus"])
    assert all(not line["charged"] for line in readings(house.entries(kind="answer")[0]))
    with pytest.raises(Forbidden) as refused:
        house.answer("gus", escalation)
    assert refused.value.code == "already_approved"
    second = house.answer("grace", escalation)
    assert (second["state"], second["approvals"]) == ("approved", ["gus", "grace"])
    assert second["decision"]["budgets"][0]["used"] == "900.00"


def test_an_approval_moves_up_where_the_policy_was_lowered(house: House) -> None:
    """The manager may no longer give this much, so the owner is asked."""
    escalation = escalated(house)
    house.publish(("role: manager, may: any, up_to: 500", "role: manager, may: any, up_to: 250"))
    moved = house.answer("max", escalation)
    assert (moved["state"], moved["effect"], moved["to"]) == ("open", "move_up", "owner")
    assert house.balances() == {}


def test_an_approval_is_refused_where_the_balance_moved(house: House) -> None:
    """Between question and answer the day's budget was used up: no rung can give it."""
    escalation = escalated(house, amount="450.00")
    for number in range(19):
        assert house.propose("ben", amount="100.00", guest=f"H-{number}")["outcome"] == "approved"
    with pytest.raises(Conflict) as refused:
        house.answer("max", escalation)
    assert refused.value.code == "not_approvable"
    assert "100.00 USD" in refused.value.message


def test_an_approval_is_refused_where_the_policy_forbids_it_now(house: House) -> None:
    """A prohibition that came later counts, and the reason is said."""
    escalation = escalated(house)
    house.publish(("may_not: [cash]", "may_not: [cash, credit]"))
    with pytest.raises(Conflict) as refused:
        house.answer("max", escalation)
    assert "Cash leaves no trace." in refused.value.message


def test_what_the_agent_may_do_alone_by_now_is_approved(house: House) -> None:
    """Where limits were raised no quorum is due: the agent's own grant gives it."""
    escalation = escalated(house, amount="900.00")
    house.publish(
        ("may: [credit], up_to: 200", "may: [credit], up_to: 950"), ("limit: 300", "limit: 950")
    )
    done = house.answer("gus", escalation)
    assert (done["state"], done["effect"]) == ("approved", "approve")
    assert done["decision"]["authority"] == {"role": "clerk", "grant": "noted"}


def test_what_todays_policy_does_not_know_can_only_be_denied(house: House) -> None:
    """Nobody approves a resolution that is gone, and it need not wait for ever."""
    escalation = escalated(house)
    house.publish(("credit", "voucher"))
    with pytest.raises(Conflict) as refused:
        house.answer("max", escalation)
    assert refused.value.code == "not_approvable"
    assert house.answer("max", escalation, "deny", "no longer offered")["state"] == "denied"


def test_both_policies_are_on_record(house: House) -> None:
    """The entry of an answer names the version that asked and the one that answered."""
    escalation = escalated(house)
    asked_under = house.services.library.in_force().rulebook.version
    house.publish(("limit: 2000", "limit: 2500"))
    house.answer("max", escalation)
    body = orjson.loads(house.entries(kind="answer")[0].body)
    assert body["opened_under"] == asked_under
    assert body["policy"]["version"] != asked_under

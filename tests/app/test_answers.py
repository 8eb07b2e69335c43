"""Counter, ask, reply and withdraw: each bound to the exact request, and given once."""

from concurrent.futures import Future

import orjson
import pytest

from service.app.answering import AnswerKind
from service.app.batch import Command, Reply
from service.app.errors import Conflict, Forbidden, Gone
from service.core.escalation import Event
from service.core.refusal import Refused
from tests.app.holding import HoldingHouse
from tests.app.test_erase import erase
from tests.app.upwards import (
    answering,
    escalated,
    owning,
    record_of,
    reply,
    say,
    told,
    withdraw,
)

PRIVATE = "the guest in 712 has a heart condition"


def test_a_counter_offer_approves_another_amount(holding: HoldingHouse) -> None:
    """The agent is told what was given, by whom, and what was asked; that is what is charged."""
    id_ = escalated(holding)
    done = say(holding, "max", id_, "counter", "half will do", amount="150.00")
    assert (done["state"], done["effect"]) == ("approved", "counter")
    case = told(holding, id_)
    assert (case["outcome"], case["state"], case["value"]["amount"]) == (
        "approved",
        "settled",
        "150.00",
    )
    assert case["escalation"]["asked"] == {"amount": "300.00", "currency": "USD"}
    assert case["escalation"]["by"] == "max"
    assert "150.00 USD" in case["escalation"]["message"]
    assert case["proposal"]["amount"] == "300.00"
    assert case["history"][-1]["text"] == "half will do"
    assert holding.rows()["day"]["used"] == "150.00"


def test_a_counter_offer_may_be_more(holding: HoldingHouse) -> None:
    """What the approver may give is the bound, and not what was asked."""
    id_ = escalated(holding)
    assert say(holding, "max", id_, "counter", amount="450.00")["decision"]["authority"] == {
        "role": "manager",
        "grant": "more",
    }


def test_a_quantity_is_countered_with_a_quantity(holding: HoldingHouse) -> None:
    """Two nights instead of four; an amount is refused, as it would be in a proposal."""
    facts = {"guest": {"id": "G-1"}, "stay": {"id": "S-1", "rate": "100.00"}}
    id_ = escalated(holding, None, resolution="night", quantity=4, facts=facts)
    with pytest.raises(Refused) as refused:
        say(holding, "max", id_, "counter", amount="150.00")
    assert [fault.code for fault in refused.value.faults] == [
        "amount_not_allowed",
        "quantity_required",
    ]
    done = say(holding, "max", id_, "counter", quantity=2)
    assert done["decision"]["value"] == {"amount": "200.00", "currency": "USD", "quantity": 2}
    assert done["decision"]["escalation"]["asked"]["quantity"] == 4


def test_what_was_countered_is_what_is_held_and_reversed(holding: HoldingHouse) -> None:
    """The life of the money goes on from the countered value."""
    id_ = escalated(holding)
    done = say(holding, "max", id_, "counter", amount="250.00")
    assert holding.reverse(done["resolution"], "gus")["value"]["amount"] == "250.00"
    assert holding.rows()["day"]["used"] == "0.00"


def test_a_counter_offer_beyond_the_approver_is_refused(holding: HoldingHouse) -> None:
    """It is the approver's own idea, so it does not go further up; it is said who could."""
    id_ = escalated(holding)
    with pytest.raises(Conflict) as refused:
        say(holding, "max", id_, "counter", amount="600.00")
    assert refused.value.code == "not_approvable"
    assert "owner" in refused.value.message
    assert record_of(holding, id_).state == "open"


def test_countering_with_what_was_asked_is_approving(holding: HoldingHouse) -> None:
    """Nothing was countered, and nothing says so."""
    done = say(holding, "max", escalated(holding), "counter", amount="300.00")
    assert done["effect"] == "approve"
    assert done["decision"]["escalation"]["asked"] is None


def test_a_counter_offer_that_the_agent_could_give_alone_says_so(holding: HoldingHouse) -> None:
    """It is charged where the agent's own gesture would be, and no quorum is due."""
    id_ = escalated(holding, "900.00")
    done = say(holding, "gus", id_, "counter", amount="100.00")
    assert (done["state"], done["decision"]["authority"]["role"]) == ("approved", "clerk")
    assert done["decision"]["escalation"]["alone"]
    assert "unasked" in done["message"]


def test_what_the_agent_may_do_alone_by_now_says_so(holding: HoldingHouse) -> None:
    """Raised limits: the answer tells that nobody needs to be asked any more."""
    id_ = escalated(holding, "250.00")
    holding.publish(("may: [credit], up_to: 200", "may: [credit], up_to: 260"))
    done = say(holding, "max", id_)
    assert done["decision"]["escalation"]["alone"]
    entry = orjson.loads(holding.entries(kind="answer")[0].body)
    assert (entry["effect"], entry["alone"]) == ("approve", True)


def test_a_question_stops_the_clock_and_a_reply_starts_it(holding: HoldingHouse) -> None:
    """With exactly the time that was left, however long the agent took."""
    id_ = escalated(holding)
    holding.wait(minutes=5)
    asked = say(holding, "max", id_, "ask", "which room?")
    assert (asked["state"], asked["answer_by"]) == ("asked", None)
    holding.wait(days=3)
    holding.sweep()
    assert record_of(holding, id_).state == "asked"
    back = reply(holding, id_, text="room 712")
    record = record_of(holding, id_)
    assert (back["state"], back["effect"], record.asked_by) == ("open", "reply", None)
    assert record.answer_by is not None
    assert (record.answer_by - holding.clock.now()).total_seconds() == 600
    assert [step["text"] for step in told(holding, id_)["history"]] == [
        None,
        "which room?",
        "room 712",
    ]
    assert say(holding, "mia", id_)["state"] == "approved"


def test_an_approver_may_decide_without_the_reply(holding: HoldingHouse) -> None:
    """The agent may have been telephoned."""
    id_ = escalated(holding)
    say(holding, "max", id_, "ask", "which room?")
    assert say(holding, "mia", id_)["state"] == "approved"
    with pytest.raises(Conflict) as refused:
        reply(holding, id_)
    assert refused.value.code == "already_answered"


def test_one_question_at_a_time(holding: HoldingHouse) -> None:
    """And no reply where nothing was asked."""
    id_ = escalated(holding)
    with pytest.raises(Conflict) as refused:
        reply(holding, id_)
    assert refused.value.code == "not_asked"
    say(holding, "max", id_, "ask", "which room?")
    with pytest.raises(Conflict) as refused:
        say(holding, "mia", id_, "ask", "which floor?")
    assert refused.value.code == "already_asked"
    assert "max" in refused.value.message


@pytest.mark.parametrize("event", [Event.REPLY, Event.WITHDRAW])
def test_only_who_proposed_speaks_for_the_request(holding: HoldingHouse, event: Event) -> None:
    """Not a colleague, and not who may answer it."""
    id_ = escalated(holding)
    say(holding, "max", id_, "ask", "which room?")
    for person in ("ben", "max", "gus"):
        with pytest.raises(Forbidden) as refused:
            holding.decide(owning(holding, person, id_, event, "x"))  # type: ignore[arg-type]
        assert refused.value.code == "not_yours"


def test_the_owner_of_an_agent_speaks_for_it(holding: HoldingHouse) -> None:
    """An AI agent may reply and withdraw, and so may the person who answers for it."""
    holding.key("robo", "ai", "max")
    first, second = (escalated(holding, person="robo") for _ in range(2))
    for id_ in (first, second):
        say(holding, "mia", id_, "ask", "which room?")
    assert reply(holding, first, "robo")["state"] == "open"
    assert reply(holding, second, "max")["state"] == "open"
    assert withdraw(holding, first, "max")["state"] == "withdrawn"
    assert withdraw(holding, second, "robo")["state"] == "withdrawn"


def test_a_withdrawal_ends_it(holding: HoldingHouse) -> None:
    """Nothing is charged, the agent's own reason is kept, and nobody answers it any more."""
    id_ = escalated(holding)
    done = withdraw(holding, id_, text="the guest left happy")
    assert (done["state"], done["answered_by"]) == ("withdrawn", "ana")
    case = told(holding, id_)
    assert (case["outcome"], case["state"]) == ("denied", None)
    assert case["escalation"]["message"] == "ana withdrew it."
    assert [entry.kind for entry in holding.entries(about=done["resolution"])] == [
        "withdraw",
        "decision",
    ]
    with pytest.raises(Conflict) as refused:
        say(holding, "max", id_)
    assert refused.value.code == "already_answered"
    assert holding.rows()["day"]["used"] == "0.00"


def test_denying_ones_own_request_is_withdrawing_it(holding: HoldingHouse) -> None:
    """Whoever tries is sent there, with or without the right to answer others."""
    for id_, person in ((escalated(holding), "ana"), (escalated(holding, "600.00", "max"), "max")):
        with pytest.raises(Forbidden) as refused:
            say(holding, person, id_, "deny", "never mind")
        assert refused.value.code == "own_request"
        assert "/withdraw" in refused.value.remedy


def test_an_answer_is_to_the_request_that_was_looked_at(holding: HoldingHouse) -> None:
    """With another digest nothing happens; with the case's own it does."""
    id_, other = escalated(holding), escalated(holding, "301.00")
    with pytest.raises(Conflict) as refused:
        holding.decide(answering(holding, "max", id_, digest=record_of(holding, other).digest))
    assert refused.value.code == "digest_mismatch"
    with pytest.raises(Conflict):
        holding.decide(owning(holding, "ana", id_, Event.WITHDRAW, digest="x"))
    holding.decide(answering(holding, "max", id_, digest=record_of(holding, id_).digest))
    assert record_of(holding, id_).state == "approved"


def test_words_stand_in_clear_nowhere(holding: HoldingHouse) -> None:
    """Question, reply and reasons are sealed: no entry, answer or escalation has them."""
    id_ = escalated(holding)
    say(holding, "max", id_, "ask", PRIVATE)
    reply(holding, id_, text=PRIVATE)
    say(holding, "max", id_, "counter", PRIVATE, amount="200.00")
    other = escalated(holding)
    withdraw(holding, other, text=PRIVATE)
    clear = b"".join(entry.body for entry in holding.entries())
    with holding.services.store.read() as reader:
        for escalation in (id_, other):
            found = reader.find_resolution(record_of(holding, escalation).resolution)
            assert found is not None
            clear += found.answer + found.proposal + repr(record_of(holding, escalation)).encode()
    assert PRIVATE.encode() not in clear
    assert told(holding, id_)["history"][-1]["text"] == PRIVATE


def submitted(holding: HoldingHouse, *commands: Command) -> list[Future[Reply]]:
    return [holding.services.committer.submit(command) for command in commands]


PAIRS: list[tuple[AnswerKind, AnswerKind]] = [
    ("approve", "counter"),
    ("deny", "approve"),
    ("ask", "ask"),
]


def test_of_two_that_arrive_together_one_has_an_effect(holding: HoldingHouse) -> None:
    """Whatever the two are; the other is told in so many words."""
    for one, other in PAIRS:
        id_ = escalated(holding)
        offer = {"amount": "250.00"} if other == "counter" else None
        first, second = submitted(
            holding,
            answering(holding, "max", id_, one, "x"),
            answering(holding, "mia", id_, other, "x", offer=offer),
        )
        outcomes = [first.exception(60), second.exception(60)]
        (conflict,) = [outcome for outcome in outcomes if outcome is not None]
        assert isinstance(conflict, Conflict)
        assert conflict.code in {"already_answered", "already_asked"}


def test_an_answer_that_finds_it_moved_is_told_so(holding: HoldingHouse) -> None:
    """Both say yes to what neither may give by now: it goes up once."""
    id_ = escalated(holding)
    holding.publish(("role: manager, may: any, up_to: 500", "role: manager, may: any, up_to: 250"))
    first, second = submitted(
        holding, answering(holding, "max", id_), answering(holding, "mia", id_)
    )
    assert {type(first.exception(60)), type(second.exception(60))} == {type(None), Conflict}
    assert record_of(holding, id_).role == "owner"
    assert len(holding.entries(kind="answer")) == 1


def test_a_quorum_agrees_on_one_amount(holding: HoldingHouse) -> None:
    """A counter-offer in between begins anew: two people have to say the same."""
    id_ = escalated(holding, "900.00")
    assert say(holding, "gus", id_)["approvals"] == ["gus"]
    second = say(holding, "grace", id_, "counter", amount="700.00")
    assert (second["state"], second["effect"], second["approvals"]) == ("open", "concur", ["grace"])
    assert record_of(holding, id_).offer_minor == 70_000
    assert holding.rows()["day"]["used"] == "0.00"
    third = say(holding, "gus", id_, "counter", amount="700.00")
    assert (third["state"], third["approvals"]) == ("approved", ["grace", "gus"])
    assert third["decision"]["value"]["amount"] == "700.00"


def test_people_above_count_in_a_quorum_below(holding: HoldingHouse) -> None:
    """One manager and one owner are two, and what two managers may give takes two."""
    holding.publish(
        ("manager: {answer_within: 15m,", "manager: {approvals: 2, answer_within: 15m,")
    )
    id_ = escalated(holding)
    assert say(holding, "gus", id_)["effect"] == "concur"
    done = say(holding, "max", id_)
    assert (done["state"], done["approvals"]) == ("approved", ["gus", "max"])
    assert done["decision"]["authority"]["role"] == "manager"


def test_nobody_gets_round_the_quorum_of_the_role_that_gives(holding: HoldingHouse) -> None:
    """It waits for a manager, but by now takes an owner's grant: then it takes two owners."""
    id_ = escalated(holding)
    holding.publish(("role: manager, may: any, up_to: 500", "role: manager, may: any, up_to: 250"))
    first = say(holding, "gus", id_)
    assert (first["state"], first["effect"]) == ("open", "concur")
    second = say(holding, "grace", id_)
    assert second["decision"]["authority"]["role"] == "owner"


def test_an_approval_that_moves_up_begins_a_new_count(holding: HoldingHouse) -> None:
    """Votes for the manager's quorum are none for the owners'."""
    holding.publish(
        ("manager: {answer_within: 15m,", "manager: {approvals: 2, answer_within: 15m,")
    )
    id_ = escalated(holding)
    say(holding, "max", id_)
    holding.publish(("role: manager, may: any, up_to: 500", "role: manager, may: any, up_to: 250"))
    moved = say(holding, "mia", id_)
    assert (moved["effect"], moved["to"], moved["approvals"]) == ("move_up", "owner", [])


def test_the_log_keeps_what_was_said_and_what_it_did(holding: HoldingHouse) -> None:
    """An entry for each step, with the digest, both versions, and the countered value."""
    id_ = escalated(holding)
    say(holding, "max", id_, "ask", "which room?")
    reply(holding, id_)
    done = say(holding, "max", id_, "counter", amount="250.00")
    entries = list(reversed(holding.entries(about=done["resolution"])))
    assert [entry.kind for entry in entries] == ["decision", "answer", "reply", "answer"]
    bodies = [orjson.loads(entry.body) for entry in entries]
    assert [body.get("effect") for body in bodies[1:]] == ["ask", "reply", "counter"]
    assert {body["digest"] for body in bodies[1:]} == {entries[0].leaf.hex()}
    assert bodies[3]["countered"] == {"amount_minor": 25_000, "quantity": None}
    assert entries[3].value_minor == 25_000


def test_nobody_says_anything_of_who_was_erased(holding: HoldingHouse) -> None:
    """In the moment before it is withdrawn, words could be sealed for nobody any more."""
    id_ = escalated(holding)
    holding.services.sweeper.stop()
    erase(holding, "G-1")
    for command in (
        answering(holding, "max", id_, "deny", PRIVATE),
        answering(holding, "max", id_),
        owning(holding, "ana", id_, Event.WITHDRAW, PRIVATE),
    ):
        with pytest.raises(Gone) as refused:
            holding.decide(command)
        assert refused.value.code == "erased"
    holding.sweep()
    assert record_of(holding, id_).state == "withdrawn"
    assert "erased" in told(holding, id_)["escalation"]["message"]

"""Four eyes, and the states of an escalation."""

from dataclasses import replace

import pytest

from service.core.escalation import (
    GRANTS,
    MOVES,
    REFUSES,
    TRANSITIONS,
    WAITING,
    Event,
    Objection,
    State,
    find_objection,
)
from service.core.escalationtold import Told, told
from service.core.request import AgentKind
from tests.core.books import book

BOOK = book("grants: [{id: g, role: duty_manager, may: any}]")


def objection(
    person: str = "max",
    kind: AgentKind = "human",
    held: tuple[str, ...] = ("duty_manager",),
    owner: str | None = None,
    approvals: tuple[str, ...] = (),
) -> Objection | None:
    return find_objection(
        BOOK,
        role="duty_manager",
        person=person,
        kind=kind,
        held=held,
        proposer="ana",
        proposer_owner=owner,
        approvals=approvals,
    )


def test_who_holds_the_role_or_one_above_may_answer() -> None:
    """The role itself and everybody above it may say yes."""
    assert objection() is None
    assert objection(held=("general_manager",)) is None


@pytest.mark.parametrize("held", [(), ("front_desk",)])
def test_who_stands_below_may_not(held: tuple[str, ...]) -> None:
    """A role below cannot answer what was sent above it."""
    assert objection(held=held) is Objection.NOT_YOUR_REMIT


def test_nobody_answers_their_own_request() -> None:
    """Neither the proposer, nor the owner of the agent that proposed, whatever they hold."""
    assert objection(person="ana", held=("general_manager",)) is Objection.OWN_REQUEST
    assert objection(person="max", owner="max") is Objection.OWN_REQUEST


def test_nobody_counts_twice_in_a_quorum() -> None:
    """The second approval takes a second person."""
    assert objection(approvals=("max",)) is Objection.ALREADY_APPROVED


def test_agents_do_not_answer() -> None:
    """Answers come from people."""
    assert objection(kind="ai") is Objection.HUMANS_ONLY


def test_nobody_decides_what_they_get_themselves() -> None:
    """Who is served does not answer, whatever they hold."""
    found = find_objection(
        BOOK,
        role="duty_manager",
        person="max",
        kind="human",
        held=("general_manager",),
        proposer="ana",
        proposer_owner=None,
        approvals=(),
        served=True,
    )
    assert found is Objection.SERVED_PERSON


def test_final_states_have_no_way_out() -> None:
    """Something happens only to what waits, and every event has a state it happens in."""
    assert {State.OPEN, State.ASKED} == WAITING
    assert {event for _, event in TRANSITIONS} == set(Event)


def test_the_clock_stands_while_a_question_waits() -> None:
    """Nothing becomes overdue, and nobody is reminded, before the agent replied."""
    asked = {event for state, event in TRANSITIONS if state is State.ASKED}
    assert asked.isdisjoint({Event.REMIND, Event.HAND_ON, Event.TIME_OUT, Event.ASK})
    assert Event.REPLY in asked
    assert (State.OPEN, Event.REPLY) not in TRANSITIONS


def test_what_an_event_does_follows_from_where_it_leads() -> None:
    """What gives ends approved, what refuses ends otherwise, what moves it leaves it open."""
    leads = {event: state for (_, event), state in TRANSITIONS.items()}
    assert {event for event, state in leads.items() if state is State.APPROVED} == GRANTS
    over = {State.DENIED, State.WITHDRAWN, State.EXPIRED}
    assert {event for event, state in leads.items() if state in over} == REFUSES
    assert all(to is State.OPEN for (_, event), to in TRANSITIONS.items() if event in MOVES)


@pytest.mark.parametrize("event", list(Event))
def test_every_event_is_told_in_a_sentence(event: Event) -> None:
    """Short, with the names that belong to it, and none left open."""
    what = Told(
        event=event,
        by="max",
        proposer="ana",
        role="general_manager",
        before="duty_manager",
        value="50.00 USD",
    )
    sentence = told(what)
    assert sentence.endswith(".")
    assert "{" not in sentence
    assert "None" not in sentence
    if event in GRANTS:
        assert "unasked" in told(replace(what, alone=True))
    if event is Event.WITHDRAW:
        assert "erased" in told(replace(what, by=None))

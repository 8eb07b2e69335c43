"""Four eyes, and the states of an escalation."""

import pytest

from service.core.escalation import TRANSITIONS, Event, Objection, State, find_objection
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


def test_final_states_have_no_way_out() -> None:
    """Every move starts from an open escalation, and every event has one."""
    assert {state for state, _ in TRANSITIONS} == {State.OPEN}
    assert {event for _, event in TRANSITIONS} == set(Event)

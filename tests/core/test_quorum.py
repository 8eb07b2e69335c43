"""How many must approve, and when the agent could by now give it alone."""

import pytest

from service.core.decision import Authority, Decision, Outcome
from service.core.quorum import approvals_needed, is_given_unasked
from tests.core.books import book

RULES = """
grants:
  - {id: gesture, role: duty_manager, may: [credit], up_to: 100}
  - {id: anything, role: general_manager, may: [credit]}
escalation:
  duty_manager: {approvals: 2}
  general_manager: {approvals: 3}
"""
BOOK = book(RULES)
STAFF = ("front_desk",)
DUTY = ("duty_manager",)


def given_by(role: str | None) -> Decision:
    """A request that passes by what a role may."""
    authority = None if role is None else Authority(role, "gesture")
    return Decision(Outcome.APPROVED, 100, None, (), authority=authority)


@pytest.mark.parametrize(
    ("asked", "gives", "needed"),
    [
        ("front_desk", "front_desk", 1),
        ("front_desk", None, 1),
        ("duty_manager", "front_desk", 2),
        ("duty_manager", "general_manager", 3),
        ("general_manager", "duty_manager", 3),
        ("gone", "duty_manager", 2),
    ],
)
def test_the_stricter_role_says_how_many(asked: str, gives: str | None, needed: int) -> None:
    """Of the one that was asked and the one that gives; one person where neither says more."""
    assert approvals_needed(BOOK, asked, given_by(gives)) == needed


@pytest.mark.parametrize(
    ("then", "today", "is_given"),
    [
        (DUTY, DUTY, True),
        (DUTY, (), True),
        (DUTY, STAFF, False),
        (STAFF, DUTY, False),
        (STAFF, (), False),
        (DUTY, ("general_manager",), True),
    ],
)
def test_the_agents_authority_counts_by_the_roles_of_both_days(
    then: tuple[str, ...], today: tuple[str, ...], *, is_given: bool
) -> None:
    """Neither a role held only then nor one held only now gives anything unasked."""
    assert is_given_unasked(BOOK, given_by("duty_manager"), then, today) is is_given


def test_what_no_role_gives_is_not_given_unasked() -> None:
    """Without an authority there is nothing that could reach it."""
    assert not is_given_unasked(BOOK, given_by(None), DUTY, DUTY)

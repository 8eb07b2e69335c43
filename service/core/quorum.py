"""The quorum: how many people an approval takes, and when the agent's own authority will do."""

from typing import Final

from service.core.decision import Decision
from service.core.rulebook import Rulebook

_ALONE: Final = 1


def approvals_needed(rulebook: Rulebook, asked: str, decision: Decision) -> int:
    """How many must approve: what the role that was asked takes or the one that gives, if more."""
    gives = () if decision.authority is None else (decision.authority.role,)
    rules = [rulebook.escalation.get(role) for role in (asked, *gives)]
    return max(_ALONE if rule is None else rule.approvals for rule in rules)


def is_given_unasked(
    rulebook: Rulebook, decision: Decision, then: tuple[str, ...], today: tuple[str, ...]
) -> bool:
    """Whether the agent may by now give it without asking, by the roles held then and by today's.

    Whoever holds no role today counts by those held then.
    """
    if decision.authority is None:
        return False
    reaches = [rulebook.ladder(roles).reach for roles in (then, today or then)]
    return all(decision.authority.role in reach for reach in reaches)

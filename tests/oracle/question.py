"""What is asked, with everything that a rule can see of it."""

from dataclasses import dataclass
from datetime import datetime

from tests.oracle.ledger import Ledger
from tests.oracle.policy import Grant, Policy, Proposal
from tests.oracle.terms import Lack, Term, Value, View, judge


@dataclass(frozen=True)
class Question:
    """What every rule is asked about."""

    policy: Policy
    proposal: Proposal
    spent: Ledger
    at: datetime
    worth: int | Lack | None
    value: int | None
    view: View


def ask(policy: Policy, proposal: Proposal, spent: Ledger, at: datetime) -> Question:
    """The question, with the value of what is proposed and everything a rule can see."""
    told: dict[str, Value | None] = {
        "request.resolution": proposal["resolution"],
        "request.reason": proposal["reason"],
        "request.channel": proposal["channel"],
        "agent.id": proposal["agent"],
        "agent.kind": proposal["kind"],
        "agent.roles": proposal["roles"],
        "site.id": proposal["site"],
        "site.timezone": timezone(policy, proposal["site"]),
        "now": at,
        **proposal["facts"],
    }
    seen: dict[str, Value | Lack] = {
        name: value for name, value in told.items() if value is not None
    }
    worth, value = value_of(policy, proposal, seen)
    quantity = proposal["quantity"]
    # no quantity is a fault of the rule that reads it, for nobody can add one
    seen["request.quantity"] = Lack(frozenset()) if quantity is None else quantity
    seen["request.amount"] = worth if isinstance(worth, Lack) else value or 0
    return Question(policy, proposal, spent, at, worth, value, seen)


def value_of(
    policy: Policy, proposal: Proposal, seen: View
) -> tuple[int | Lack | None, int | None]:
    """The worth of one unit (or what lacks for it), and the value of what is proposed."""
    worth = policy.resolutions[proposal["resolution"]].worth
    if worth is None:
        return None, proposal["amount"]
    each = money(worth, seen)
    if isinstance(each, Lack):
        return each, None
    return each, each * (proposal["quantity"] or 0)


def money(term: Term, view: View) -> int | Lack:
    """A computed amount."""
    found = judge(term, view)
    assert isinstance(found, int | Lack)
    return found


def timezone(policy: Policy, site: str) -> str:
    """The site's, or the set's."""
    return (policy.sites or {}).get(site) or policy.timezone


def grants(q: Question, role: str) -> list[Grant]:
    """Those of the role that name the resolution, in file order."""
    resolution = q.proposal["resolution"]
    owed = q.policy.resolutions[resolution].entitlement
    return [
        grant
        for grant in q.policy.grants
        if grant.role == role and (not owed if grant.may is None else resolution in grant.may)
    ]


def cannot_be_had(q: Question, lack: Lack) -> bool:
    """Whether the proposer said of everything absent that it is unavailable."""
    return bool(lack.absent) and set(as_facts(lack.absent)) <= set(q.proposal["unavailable"])


def as_facts(names: set[str] | frozenset[str]) -> list[str]:
    """As the answer lists them."""
    return [f"fact:{name}" for name in sorted(names)]

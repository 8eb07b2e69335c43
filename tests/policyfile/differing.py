"""Two random sets that differ in a rule or two, and what the reference evaluator says of both."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from service.core.rulebook import Rulebook
from service.policyfile.diffaxis import Absent, Flags, Span
from service.policyfile.diffchange import Change
from service.policyfile.diffcube import Cube
from service.policyfile.diffgift import Gift
from service.policyfile.diffterms import EPOCH, MICROSECOND
from service.policyfile.load import load_rulebook
from tests import strategies
from tests.oracle.evaluator import decide
from tests.oracle.ledger import Ledger
from tests.oracle.policy import Grant, Policy, Proposal
from tests.oracle.terms import Name, Value
from tests.oracle.writing import policy_files

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
WORDS = ("request.reason", "request.channel")


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Policy, Policy]:
    """A set without budgets, and the same with grants or prohibitions drawn anew, more or fewer."""
    before = replace(draw(strategies.policies()), budgets=())
    after = before
    for _ in range(draw(st.integers(1, 2))):
        after = draw(_changed(after))
    return before, after


@st.composite
def _changed(draw: st.DrawFn, policy: Policy) -> Policy:
    when = strategies.conditions(amounts=True)
    kind = draw(st.sampled_from(("grant", "limit", "limit", "needs", "drop", "prohibition")))
    place = draw(st.integers(0, len(policy.grants) - 1))
    grant = policy.grants[place]
    if kind == "drop" and len(policy.grants) > 1:
        return replace(policy, grants=policy.grants[:place] + policy.grants[place + 1 :])
    if kind == "prohibition":
        rule = replace(draw(strategies.prohibitions(policy, when)), id="p-new")
        return replace(policy, prohibitions=(rule,))
    if kind == "limit":
        limit = draw(strategies.limits)
        other = replace(
            grant, up_to=None if grant.exactly else limit, exactly=grant.exactly and limit
        )
    elif kind == "needs":
        other = replace(grant, needs=draw(strategies.some_of(("note", *strategies.EVIDENCE), 0)))
    else:
        other = replace(draw(strategies.grants(policy, when, exact=True)), id=grant.id)
    return replace(policy, grants=_with(policy.grants, place, other))


def _with(grants: Sequence[Grant], place: int, grant: Grant) -> tuple[Grant, ...]:
    return (*grants[:place], grant, *grants[place + 1 :])


def books(pair: tuple[Policy, Policy]) -> tuple[Rulebook, Rulebook]:
    return load_rulebook(policy_files(pair[0])), load_rulebook(policy_files(pair[1]))


def passes(policy: Policy, proposal: Proposal, at: datetime = AT) -> bool:
    return decide(policy, proposal, Ledger(), at).outcome == "approved"


def asked_by(role: str, proposal: Proposal) -> Proposal:
    """The proposal by somebody who holds that role and no other, for a guest who is known."""
    facts = {**proposal["facts"], "guest.id": "G-1"}
    return {**proposal, "roles": [role], "authority": None, "facts": facts}


def covers(change: Change, proposal: Proposal, size: int) -> bool:
    """Whether a change says that this proposal is decided otherwise; formulas may say so."""
    concerned = (
        change.role == proposal["roles"][0]
        and change.resolution == proposal["resolution"]
        and brings(change, proposal)
        and any(_lies_in(change, cube, proposal) for cube in change.where)
    )
    if change.before.formulas or change.after.formulas:
        return concerned
    return concerned and change.before.holds(size) != change.after.holds(size)


def brings(change: Change, proposal: Proposal) -> bool:
    """Whether the evidence is one of those with which the change holds."""
    given = set(proposal["evidence"]) | ({"note"} if proposal["note"] else set())
    fits = [asked for asked in change.asked if asked <= given]
    return max(fits, key=len) in change.brought


def size_of(change_by_unit: bool, policy: Policy, proposal: Proposal) -> int | None:
    """The proposal's size as changes measure it; ``None`` where it has no value."""
    if change_by_unit:
        return proposal["quantity"]
    return decide(policy, proposal, Ledger(), AT).value


def _lies_in(change: Change, cube: Cube, proposal: Proposal) -> bool:
    for place, chosen in cube.items():
        axis = change.space.axes[place]
        if axis.is_exact and not any(
            axis.classes[number].holds(_on_axis(axis.name, proposal)) for number in chosen
        ):
            return False
    return True


def _on_axis(name: str, proposal: Proposal) -> Any:  # a value of whatever kind the axis has
    built_in: Mapping[str, object] = {
        "site.id": proposal["site"],
        "agent.id": proposal["agent"],
        "agent.kind": proposal["kind"],
        "request.reason": proposal["reason"],
        "request.channel": proposal["channel"],
        "request.quantity": proposal["quantity"],
        "now": (AT - EPOCH) // MICROSECOND,
    }
    value = built_in.get(name, proposal["facts"].get(name))
    match value:
        case datetime():
            return (value - EPOCH) // MICROSECOND
        case timedelta():
            return value // MICROSECOND
        case list():
            return frozenset(value)
        case float():
            return Fraction(value)
        case _:
            return value


# ── A proposal made for a change ──


@st.composite
def concerned(
    draw: st.DrawFn, policy: Policy, change: Change
) -> tuple[Proposal, datetime, int] | None:
    """A proposal that a change speaks of, its instant and its size; ``None`` where none is made."""
    cube = draw(st.sampled_from(change.where))
    told: dict[str, Value | None] = {}
    for place, chosen in cube.items():
        axis = change.space.axes[place]
        number = draw(st.sampled_from(sorted(chosen)))
        told[axis.name] = value_of(policy, axis.name, axis.classes[number])
    size = draw(st.sampled_from(differing_sizes(change.before, change.after)))
    proposal = asked_by(change.role, draw(strategies.proposals(policy)))
    proposal["resolution"] = change.resolution
    brought = draw(st.sampled_from(change.brought))
    proposal["note"] = "there" if "note" in brought else None
    proposal["evidence"] = sorted(brought - {"note"})
    proposal["unavailable"] = []
    return _placed(policy, change, proposal, told, size)


def _placed(
    policy: Policy, change: Change, proposal: Proposal, told: dict[str, Value | None], size: int
) -> tuple[Proposal, datetime, int] | None:
    at = told.pop("now", AT)
    names = {"site.id": "site", "agent.id": "agent", "agent.kind": "kind"}
    names |= {"request.reason": "reason", "request.channel": "channel"}
    for name, value in told.items():
        if name in names:
            proposal[names[name]] = value  # type: ignore[literal-required]
        elif value is None:
            proposal["facts"].pop(name, None)
        else:
            proposal["facts"][name] = value
    kind = policy.resolutions[change.resolution]
    proposal["amount"], proposal["quantity"] = (size, None) if kind.unit is None else (None, size)
    if kind.unit is not None and not change.by_unit:
        if not isinstance(kind.worth, Name):
            return None
        proposal["facts"][kind.worth.name] = size
        proposal["quantity"] = 1
    assert isinstance(at, datetime)
    return proposal, at, size


def value_of(policy: Policy, name: str, kind: object) -> Value | None:
    """The value that stands for a class, as the reference evaluator takes it."""
    match kind:
        case Absent():
            return None
        case Flags(value=value):
            return sorted(value)
        case Span(value=value):
            declared = "timestamp" if name == "now" else policy.facts.get(name, {}).get("type")
            if declared in ("date", "timestamp"):
                return EPOCH + int(value) * MICROSECOND
            if declared == "duration":
                return int(value) * MICROSECOND
            return float(value) if declared == "number" else int(value)
        case _:
            found: Value = kind.value  # type: ignore[attr-defined]
            return found


def differing_sizes(before: Gift, after: Gift) -> list[int]:
    """Sizes at the ends of what only one of two gifts has."""
    ends = {end for gift in (before, after) for span in gift.sizes for end in span}
    near = {end + more for end in ends for more in (-1, 0, 1) if end + more >= 1}
    return sorted(size for size in near if before.holds(size) != after.holds(size))

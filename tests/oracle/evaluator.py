"""The reference evaluator: the one rule, written down as it is told and not to be fast.

A resolution is decided under the least authority that suffices. `decide` asks the
prohibitions, then walks the roles by rank and tries every grant on each.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from tests.oracle.ledger import Ledger
from tests.oracle.policy import Grant, Policy, Prohibition, Proposal
from tests.oracle.question import Question, as_facts, ask, cannot_be_had, grants, money
from tests.oracle.terms import Lack, judge
from tests.oracle.trial import Charged, Reason, Trial, attempt, charge, over

NO_CAP = 2**53 - 1
"""Minor units: the largest amount there is."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A decision. ``up_to`` is an amount and a quantity; ``(None, None)`` is no cap."""

    outcome: str
    reasons: list[Reason]
    value: int | None = None
    role: str | None = None
    grant: str | None = None
    missing: list[str] = field(default_factory=list)
    charges: list[Charged] = field(default_factory=list)
    up_to: tuple[int | None, int | None] = (0, None)
    counter_offer: int | None = None


def decide(policy: Policy, proposal: Proposal, spent: Ledger, at: datetime) -> Answer:
    """The answer to one proposal. Charges nothing: ``Answer.charges`` says what to charge."""
    question = ask(policy, proposal, spent, at)
    answer = before_the_walk(question) or walk(question)
    return replace(answer, value=question.value, up_to=without_escalation(question))


# ── what comes before the walk ────────────────────────────────────────────────────────


def before_the_walk(q: Question) -> Answer | None:
    """A denial by a prohibition, or the lack of something that every rule needs."""
    undecided = None
    for prohibition in q.policy.prohibitions:
        found = prohibits(q, prohibition)
        if found and found.outcome == "denied":
            return found
        undecided = undecided or found
    return undecided or no_subject(q) or no_worth(q)


def prohibits(q: Question, rule: Prohibition) -> Answer | None:
    """Denied if it applies, incomplete if that cannot be said."""
    concerned = (
        q.proposal["resolution"] in rule.may_not
        and (rule.sites is None or q.proposal["site"] in rule.sites)
        and (rule.agents is None or q.proposal["kind"] in rule.agents)
        and (rule.roles is None or set(rule.roles) & set(q.proposal["roles"]))
    )
    verdict = judge(rule.when, q.view) if rule.when else True
    if not concerned or verdict is False:
        return None
    if isinstance(verdict, Lack):
        return undecidable(q, verdict, rule.id)
    return Answer(outcome="denied", reasons=[("prohibited", rule.id, None)])


def no_subject(q: Question) -> Answer | None:
    """A set with personal facts serves nobody it does not know."""
    subject = q.policy.subject
    personal = any(fact.get("personal") for fact in q.policy.facts.values())
    if subject is None or not personal or subject in q.view:
        return None
    return undecidable(q, Lack(frozenset({subject})), None)


def no_worth(q: Question) -> Answer | None:
    """A quantity that has no value."""
    if not isinstance(q.worth, Lack):
        return None
    return undecidable(q, q.worth, q.proposal["resolution"])


def undecidable(q: Question, lack: Lack, rule: str | None) -> Answer:
    """Fail closed: ask for what is absent, or deny if nothing is or none can be had."""
    if not lack.absent:
        return Answer(outcome="denied", reasons=[("rule_error", rule, None)])
    reasons: list[Reason] = [("missing_fact", rule, None)]
    if cannot_be_had(q, lack):
        return Answer(outcome="denied", reasons=reasons)
    return Answer(outcome="incomplete", reasons=reasons, missing=as_facts(lack.absent))


# ── the walk ──────────────────────────────────────────────────────────────────────────


def walk(q: Question) -> Answer:
    """The reach, lowest role first; then the roles above it, each as a whole."""
    reach, above = ladder(q)
    tried: list[Trial] = []
    for role in reach:
        failing, passing = climb(q, role)
        tried += failing
        if passing:
            return passed("approved", q, passing, tried)
    if lacking(tried):
        return incomplete(q, tried, tried)
    for role in above:
        failing, passing = climb(q, role)
        tried += failing
        if passing:
            return passed("escalated", q, passing, tried)
        if lacking(failing):
            return incomplete(q, failing, tried)
    code = "beyond_every_remit" if tried else "not_granted"
    return answer("denied", q, [(code, None, None)], tried)


def climb(q: Question, role: str) -> tuple[list[Trial], Trial | None]:
    """The grants of a role up to the first that passes, and that one."""
    tried: list[Trial] = []
    for grant in grants(q, role):
        trial = attempt(q, grant)
        if trial.verdict == "passes":
            return tried, trial
        tried.append(trial)
    return tried, None


def lacking(tried: list[Trial]) -> list[Trial]:
    """Those that would pass if more were known."""
    return [trial for trial in tried if trial.verdict == "lacks"]


def passed(outcome: str, q: Question, trial: Trial, tried: list[Trial]) -> Answer:
    """Approved by the grant and charged, or escalated to its role."""
    role, grant = trial.grant.role, trial.grant.id
    if outcome == "approved":
        found = answer(outcome, q, [("within_limits", grant, role)], tried)
        return replace(found, role=role, grant=grant, charges=trial.charges)
    named = any(grants(q, rung) for rung in ladder(q)[0])
    found = answer(outcome, q, [] if named else [("not_granted", None, None)], tried)
    return replace(found, role=role, grant=grant)


def incomplete(q: Question, among: list[Trial], tried: list[Trial]) -> Answer:
    """What the first grant that lacks asks for: facts by name, then evidence as it says."""
    first = lacking(among)[0]
    found = answer("incomplete", q, first.lacks, tried)
    return replace(found, missing=[*as_facts(first.facts), *first.evidence])


def answer(outcome: str, q: Question, first: list[Reason], tried: list[Trial]) -> Answer:
    """The determining reasons, then those of every grant that was tried, each once."""
    reasons = list(first)
    for trial in tried:
        reasons += trial.failures or trial.lacks
    return Answer(
        outcome=outcome,
        reasons=list(dict.fromkeys(reasons)),
        counter_offer=counter_offer(q, tried),
    )


def ladder(q: Question) -> tuple[list[str], list[str]]:
    """The reach of whoever decides, and the roles above it, both by rank."""
    held = q.proposal["authority"]
    held = q.proposal["roles"] if held is None else held
    by_rank = sorted(q.policy.roles, key=lambda role: height(q.policy, role))
    reach = [role for role in by_rank if set(chain(q.policy, role)) & set(held)]
    over = {up for role in reach for up in chain(q.policy, role)}
    return reach, [role for role in by_rank if role in over and role not in reach]


def chain(policy: Policy, role: str | None) -> list[str]:
    """The role, the one it reports to, and so on to the top."""
    return [role, *chain(policy, policy.roles[role])] if role else []


def height(policy: Policy, role: str) -> int:
    """How long the longest chain below is."""
    return max(
        (1 + height(policy, low) for low in policy.roles if policy.roles[low] == role), default=0
    )


# ── what else would pass ──────────────────────────────────────────────────────────────


def counter_offer(q: Question, tried: list[Trial]) -> int | None:
    """The sum that the first grant with an exact one would have given, had it been asked for."""
    for trial in tried:
        only = [code for code, _, _ in trial.failures] == ["not_exact"] and not trial.lacks
        view = {**q.view, "request.amount": trial.exactly}
        offered = replace(q, value=trial.exactly, view=view)
        if only and attempt(offered, trial.grant).verdict == "passes":
            return trial.exactly
    return None


def without_escalation(q: Question) -> tuple[int | None, int | None]:
    """The most that the reach would give, all else equal: an amount and a quantity.

    What each grant could give at most is proposed in place of what was asked for.
    """
    best: tuple[int, int | None] = (0, None if q.worth is None else 0)
    if isinstance(q.worth, Lack):
        return best
    for grant in [grant for role in ladder(q)[0] for grant in grants(q, role)]:
        bounds = caps(q, grant)
        capped = bool(bounds) and q.worth != 0
        size = min(bounds or [NO_CAP]) if q.worth is None else q.proposal["quantity"] or 0
        if q.worth and bounds:
            size = min(bounds) // q.worth
        if size < 1 or not would_pass(q, grant, size):
            continue
        if not capped:
            return None, None
        best = max(best, (size, None) if q.worth is None else (size * q.worth, size))
    return best


def caps(q: Question, grant: Grant) -> list[int]:
    """The grant's cap, if it has one, and what its budgets of money leave."""
    term = grant.up_to or grant.exactly
    cap = money(term, q.view) if term else None
    # a cap that cannot be computed lets nothing pass
    bounds = [] if cap is None else [0] if isinstance(cap, Lack) else [cap]
    for budget in over(q, grant):
        found = charge(q, budget)
        if budget.limit is not None and isinstance(found, Charged):
            bounds.append(max(0, budget.limit - found.before))
    return bounds


def would_pass(q: Question, grant: Grant, size: int) -> bool:
    """Whether the grant would give that amount, or that many."""
    proposal = q.proposal.copy()
    proposal["amount" if q.worth is None else "quantity"] = size
    other = ask(q.policy, proposal, q.spent, q.at)
    return before_the_walk(other) is None and attempt(other, grant).verdict == "passes"

"""`evaluate` against the reference evaluator, and what must hold of every decision.

Policies, proposals and their order are random. The policies go through the real loader;
budgets are carried from one decision to the next.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core.budget import Balance, BudgetKey
from service.core.decision import Code, Decision, Outcome
from service.core.evaluate import evaluate, walk
from service.core.request import Agent, AgentKind, Evidence, Request
from service.core.rulebook import Rulebook
from service.policyfile.load import load_rulebook
from tests import strategies
from tests.oracle.evaluator import Answer, decide
from tests.oracle.ledger import Ledger
from tests.oracle.policy import Policy, Proposal
from tests.oracle.trial import Charged
from tests.oracle.writing import policy_files, policy_files_by_rule

# The same examples in every run; a profile with more of them searches further. That drawing
# a policy takes a while is no defect.
steadily = settings(
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

KINDS: dict[str, AgentKind] = {"human": "human", "ai": "ai"}


@dataclass
class Desk:
    """A rulebook with its balances: what a service is, without the machine."""

    rulebook: Rulebook
    balances: dict[BudgetKey, Balance]

    def check(self, proposal: Proposal, at: datetime) -> Decision:
        """Decide, and change nothing."""
        return evaluate(self.rulebook, request_of(proposal, self.rulebook), self.balances, at)

    def propose(self, proposal: Proposal, at: datetime) -> Decision:
        """Decide, and charge."""
        decision = self.check(proposal, at)
        for reading in decision.readings:
            self.balances[reading.key] = reading.after
        return decision


def desk(policy: Policy, files: Callable[[Policy], Mapping[str, bytes]] = policy_files) -> Desk:
    return Desk(load_rulebook(files(policy)), {})


def request_of(proposal: Proposal, rulebook: Rulebook) -> Request:
    authority = proposal["authority"]
    return Request(
        site=proposal["site"],
        agent=Agent(
            id=proposal["agent"],
            kind=KINDS[proposal["kind"]],
            roles=tuple(role for role in rulebook.roles if role in proposal["roles"]),
        ),
        resolution=proposal["resolution"],
        amount_minor=proposal["amount"],
        quantity=proposal["quantity"],
        reason=proposal["reason"],
        channel=proposal["channel"],
        note=proposal["note"],
        evidence=tuple(Evidence(kind=kind, reference="case/1") for kind in proposal["evidence"]),
        unavailable=frozenset(proposal["unavailable"]),
        facts=proposal["facts"],
        authority=None
        if authority is None
        else tuple(role for role in rulebook.roles if role in authority),
    )


# ── the two readings ──────────────────────────────────────────────────────────────────


def reckoned(answer: Answer) -> dict[str, object]:
    """The reference's answer, laid out to be compared."""
    named = (answer.role, answer.grant)
    return {
        "outcome": answer.outcome,
        "value": answer.value,
        "authority": named if answer.outcome == "approved" else None,
        "escalate to": named if answer.outcome == "escalated" else None,
        "missing": answer.missing,
        "reasons": [(code, rule) for code, rule, _ in answer.reasons],
        "charges": sorted(
            (charge_reckoned(charged) for charged in answer.charges if charged.charge.amount),
            key=repr,
        ),
        "without escalation up to": answer.up_to,
        "counter offer": answer.counter_offer,
    }


def charge_reckoned(charged: Charged) -> tuple[object, ...]:
    charge = charged.charge
    window = (charged.since, charged.until)
    return (charge.budget, charge.key, *window, charge.amount, charged.before, charged.after)


def decided(decision: Decision) -> dict[str, object]:
    """The decision, laid out in the same way."""
    authority, escalate_to = decision.authority, decision.escalate_to
    charges = (
        (
            reading.budget,
            reading.key.per,
            reading.key.starts_at,
            reading.ends_at,
            reading.charged,
            reading.used_before,
            reading.used_after,
        )
        for reading in decision.readings
        if reading.charged
    )
    headroom = decision.without_escalation_up_to
    return {
        "outcome": decision.outcome.value,
        "value": decision.value_minor,
        "authority": authority and tuple(authority),
        "escalate to": escalate_to and tuple(escalate_to),
        "missing": list(decision.missing),
        "reasons": [(reason.code.value, reason.rule) for reason in decision.reasons],
        "charges": sorted(charges, key=repr),
        "without escalation up to": (headroom.amount_minor, headroom.quantity),
        "counter offer": decision.counter_offer_minor,
    }


@steadily
@given(st.data())
def test_every_decision_is_the_reference_evaluators(data: st.DataObject) -> None:
    """Whatever the policy, each decision of a stream is the one that the reference makes."""
    policy = data.draw(strategies.policies())
    stream = data.draw(strategies.streams(policy))
    real, spent = desk(policy), Ledger()
    for at, proposal in stream:
        answer = decide(policy, proposal, spent, at)
        assert decided(real.propose(proposal, at)) == reckoned(answer)
        spent.charges += [charged.charge for charged in answer.charges]


@steadily
@given(st.data())
def test_the_short_way_decides_as_the_whole_walk_does(data: st.DataObject) -> None:
    """An approval found in one pass is, to the last balance, the decision of the whole walk."""
    policy = data.draw(strategies.policies())
    real = desk(policy)
    for at, proposal in data.draw(strategies.streams(policy)):
        request = request_of(proposal, real.rulebook)
        walked, _ = walk(real.rulebook, request, real.balances, at)
        assert real.propose(proposal, at) == walked


def test_the_random_policies_reach_every_outcome_and_every_reason() -> None:
    """The comparison is worth something: what is drawn leads to everything that can be said."""
    seen: Counter[str] = Counter()

    @settings(steadily, max_examples=200)
    @given(st.data())
    def draw(data: st.DataObject) -> None:
        policy = data.draw(strategies.policies())
        spent = Ledger()
        for at, proposal in data.draw(strategies.streams(policy)):
            answer = decide(policy, proposal, spent, at)
            spent.charges += [charged.charge for charged in answer.charges]
            seen.update([answer.outcome, *(code for code, _, _ in answer.reasons)])

    draw()
    assert {*Outcome, *Code} <= seen.keys()


# ── what holds of every decision ──────────────────────────────────────────────────────


@steadily
@given(st.data())
def test_asking_for_more_never_turns_a_refusal_into_an_approval(data: st.DataObject) -> None:
    """Where rules see the amount through ``up_to`` alone, what passes would also pass for less."""
    policy = data.draw(strategies.policies(amounts=False, exact=False))
    real = desk(policy)
    for at, proposal in data.draw(strategies.streams(policy)):
        more = resized(proposal, size(proposal) + data.draw(st.integers(1, 300)))
        if real.check(more, at).outcome is Outcome.APPROVED:
            assert real.check(proposal, at).outcome is Outcome.APPROVED
        real.propose(proposal, at)


@steadily
@given(st.data())
def test_a_prohibition_more_never_adds_an_approval(data: st.DataObject) -> None:
    """Whatever is approved under a further prohibition is approved without it."""
    policy = data.draw(strategies.policies())
    rule = data.draw(strategies.prohibitions(policy, strategies.conditions(amounts=True)))
    stricter = replace(policy, prohibitions=(*policy.prohibitions, replace(rule, id="one-more")))
    lenient, strict = desk(policy), desk(stricter)
    strict.balances = lenient.balances
    for at, proposal in data.draw(strategies.streams(policy)):
        under_more = strict.check(proposal, at)
        under_less = lenient.propose(proposal, at)
        if under_more.outcome is Outcome.APPROVED:
            assert under_less.outcome is Outcome.APPROVED


@steadily
@given(st.data())
def test_the_order_of_rules_and_files_only_breaks_ties(data: st.DataObject) -> None:
    """Shuffled and spread over files, a set gives the same outcomes, roles and headroom."""
    policy = data.draw(strategies.policies())
    shuffled = replace(
        policy,
        grants=tuple(data.draw(st.permutations(policy.grants))),
        budgets=tuple(data.draw(st.permutations(policy.budgets))),
        prohibitions=tuple(data.draw(st.permutations(policy.prohibitions))),
    )
    one, other = desk(policy), desk(shuffled, policy_files_by_rule)
    for at, proposal in data.draw(strategies.streams(policy)):
        assert gist(one.propose(proposal, at)) == gist(other.propose(proposal, at))


def gist(decision: Decision) -> tuple[object, ...]:
    return (
        decision.outcome,
        decision.authority and decision.authority.role,
        decision.escalate_to and decision.escalate_to.role,
        bool(decision.missing),
        decision.without_escalation_up_to,
    )


@steadily
@given(st.data())
def test_without_escalation_up_to_is_tight(data: st.DataObject) -> None:
    """Where rules see the amount through limits alone, it passes, and the least more does not."""
    policy = data.draw(strategies.policies(amounts=False))
    real = desk(policy)
    for at, proposal in data.draw(strategies.streams(policy)):
        most = headroom(real.check(proposal, at), proposal)
        if most is None:
            assert real.check(resized(proposal, 1), at).outcome is Outcome.APPROVED
            continue
        if most > 0:
            assert real.check(resized(proposal, most), at).outcome is Outcome.APPROVED
        assert real.check(resized(proposal, most + 1), at).outcome is not Outcome.APPROVED
        real.propose(proposal, at)


def headroom(decision: Decision, proposal: Proposal) -> int | None:
    """The amount, or the quantity where the resolution has a unit; ``None`` is no cap."""
    amount, quantity = decision.without_escalation_up_to
    return amount if proposal["quantity"] is None else quantity


def size(proposal: Proposal) -> int:
    return proposal["amount"] or proposal["quantity"] or 0


def resized(proposal: Proposal, size: int) -> Proposal:
    """The same proposal for another amount, or another quantity."""
    other = proposal.copy()
    other["amount" if proposal["quantity"] is None else "quantity"] = size
    return other

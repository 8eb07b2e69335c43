"""Exposure against an adversary who proposes as cleverly as the reference evaluator allows."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.policyfile.exposure import Exposure, exposures
from service.policyfile.load import load_rulebook
from tests import strategies
from tests.oracle.evaluator import decide
from tests.oracle.ledger import Ledger
from tests.oracle.policy import Budget, Grant, Policy, Proposal, Resolution
from tests.oracle.terms import Money
from tests.oracle.writing import policy_files
from tests.policyfile.suites import POLICY

BEGIN = datetime(2026, 5, 4, 12, tzinfo=UTC)
"""A day and a month that hold every instant of the tests, whatever the clocks say."""

steadily = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def told(policy: Policy) -> list[Exposure]:
    return list(exposures(load_rulebook(policy_files(policy))))


class Adversary:
    """Asks for as much as passes, in the name of anybody below a role, and keeps the sum."""

    def __init__(self, policy: Policy, exposure: Exposure) -> None:
        self.policy = policy
        self.exposure = exposure
        self.spent = Ledger()
        self.total = 0
        self._numbers = count()

    def proposers(self) -> list[str]:
        """Everybody who holds the role or one below it."""
        found, wanted = [self.exposure.role], [self.exposure.role]
        while wanted:
            above = wanted.pop()
            below = [role for role, up in self.policy.roles.items() if up == above]
            found, wanted = found + below, wanted + below
        return found

    def ask(self, proposal: Proposal, at: datetime) -> bool:
        """Propose the most that passes; whether anything did."""
        proposal = self.placed(proposal)
        up_to = decide(self.policy, proposal, self.spent, at).up_to
        counted = self.policy.resolutions[proposal["resolution"]].unit is not None
        size = up_to[1] if counted else up_to[0]
        if size:
            proposal["quantity" if counted else "amount"] = size
        answer = decide(self.policy, proposal, self.spent, at)
        if answer.outcome != "approved":
            return False
        self.spent.charges += [charged.charge for charged in answer.charges]
        self.total += answer.value or 0
        return bool(answer.value)

    def placed(self, proposal: Proposal) -> Proposal:
        """With what the scope fixes, and fresh names where it does not."""
        fixed, number = self.exposure.scope.fixed, next(self._numbers)
        placed: Any = {**proposal, "authority": None, "facts": dict(proposal["facts"])}
        for name, path in (("guest.id", "guest.id"), ("stay.id", "stay.id")):
            fresh = "one" if path in fixed else f"{number}"
            if name in placed["facts"] or name == "guest.id":
                placed["facts"][name] = fresh
        if "agent.id" in fixed:
            placed["agent"] = "ana"
        if self.exposure.scope.site is not None:
            placed["site"] = self.exposure.scope.site
        found: Proposal = placed
        return found


@settings(steadily, max_examples=120)
@given(st.data())
def test_no_adversary_exceeds_what_is_told(data: st.DataObject) -> None:
    """Whoever asks for whatever, no more leaves in a scope than its exposure says."""
    policy = data.draw(strategies.policies())
    bounded = [it for it in told(policy) if it.amount_minor is not None]
    if not bounded:
        return
    exposure = data.draw(st.sampled_from(bounded))
    adversary = Adversary(policy, exposure)
    roles = adversary.proposers()
    lasts = timedelta(hours=4) if exposure.scope.horizon == "day" else timedelta(days=20)
    if exposure.scope.horizon is None:
        lasts = timedelta(days=400)
    for step in range(12):
        proposal = data.draw(strategies.proposals(policy))
        if policy.resolutions[proposal["resolution"]].entitlement is not exposure.owed:
            continue
        proposal["roles"] = [data.draw(st.sampled_from(roles))]
        while adversary.ask(proposal, BEGIN + lasts * step / 12) and adversary.total < 10**7:
            pass
    assert adversary.total <= (exposure.amount_minor or 0)


SCOPES: Mapping[str, tuple[str, tuple[str | None, ...]]] = {
    "month": ("site.id", ("month", "year", None)),
    "day": ("agent.id", ("day", "month", None)),
    "ever": ("guest.id", (None,)),
}
"""For each horizon whose exposure it is, and the windows of budgets that bound it."""


@st.composite
def plain_sets(draw: st.DrawFn, horizon: str) -> Policy:
    """Grants and budgets without conditions, of one kind of scope; nothing else."""
    per, windows = SCOPES[horizon]
    bare = draw(strategies.policies())
    resolutions = {"credit": Resolution(), "night": Resolution(unit="night", worth=Money(70))}
    roles = list(bare.roles)
    grants = tuple(
        Grant(
            id=f"g{number}",
            role=draw(st.sampled_from(roles)),
            may=draw(strategies.some_of(list(resolutions))),
            up_to=Money(draw(st.sampled_from((50, 100, 150, 500)))),
        )
        for number in range(draw(st.integers(1, 3)))
    )
    budgets = tuple(
        Budget(
            id=f"b{number}",
            per=(per,),
            limit=draw(st.sampled_from((100, 300, 700))),
            every=draw(st.sampled_from(windows)),
            resolutions=draw(strategies.maybe(strategies.some_of(list(resolutions)))),
        )
        for number in range(draw(st.integers(1, 2)))
    )
    return replace(
        bare, resolutions=resolutions, grants=grants, budgets=budgets, prohibitions=(), sites=None
    )


@pytest.mark.parametrize("horizon", sorted(SCOPES))
def test_an_adversary_reaches_what_is_told(horizon: str) -> None:
    """What is told of plain sets is not only never exceeded: somebody can take all of it.

    Per site and month, per agent and day, and per guest.
    """
    reached: list[int] = []

    @settings(steadily, max_examples=60)
    @given(st.data())
    def takes_all_of_it(data: st.DataObject) -> None:
        policy = data.draw(plain_sets(horizon))
        wanted = None if horizon == "ever" else horizon
        exposure = next(
            (it for it in told(policy) if it.scope.horizon == wanted and it.amount_minor), None
        )
        if exposure is None:
            return
        assert exposure.is_exact
        assert max(_taken(policy, exposure)) == exposure.amount_minor
        reached.append(exposure.amount_minor or 0)

    takes_all_of_it()
    assert len(set(reached)) > 3, "hardly any set was bounded, so hardly anything was tried"


def _taken(policy: Policy, exposure: Exposure) -> Iterator[int]:
    """What leaves, for every order in which resolutions are asked for until nothing passes."""
    for order in permutations([(one, role) for one in policy.resolutions for role in policy.roles]):
        adversary = Adversary(policy, exposure)
        mine = adversary.proposers()
        for resolution, role in order:
            if role not in mine:
                continue
            counted = policy.resolutions[resolution].unit is not None
            proposal: Proposal = {
                **_BARE,
                "roles": [role],
                "resolution": resolution,
                "amount": None if counted else 1,
                "quantity": 1 if counted else None,
            }
            while adversary.ask(proposal, BEGIN):
                pass
        yield adversary.total
        if adversary.total == exposure.amount_minor:
            return


_BARE: Proposal = {
    "site": "new_york",
    "agent": "ana",
    "kind": "human",
    "roles": [],
    "authority": None,
    "resolution": "",
    "amount": None,
    "quantity": None,
    "reason": None,
    "channel": None,
    "note": None,
    "evidence": [],
    "unavailable": [],
    "facts": {},
}


def of(text: str) -> list[Exposure]:
    return list(exposures(load_rulebook({"p.yaml": text.encode()})))


FRAME = """
remit: 1
name: small
currency: USD
timezone: UTC
roles: {clerk: {reports_to: chief}, chief: {}}
facts: {guest.id: {type: text, personal: true}, order.total: {type: money}}
subject: guest.id
resolutions: {credit: {}, owed: {entitlement: true}}
"""


@pytest.mark.parametrize(
    ("grant", "budget", "amount"),
    [
        ("up_to: 100", "limit: 250, per: [guest.id]", 25_000),
        ("up_to: 100", "count: 3, per: [guest.id]", 30_000),
        ('exactly: "70.00"', "limit: 250, per: [guest.id]", 21_000),
        ('up_to: least(order.total, money("40.00"))', "count: 3, per: [guest.id]", 12_000),
        ("up_to: percent(order.total, 10)", "limit: 90, per: [guest.id]", 9_000),
        ("up_to: percent(order.total, 10)", "count: 3, per: [guest.id]", None),
        ("up_to: 100", "limit: 250, per: [guest.id], every: day", None),
        ("up_to: 100", "limit: 250, per: [agent.id]", None),
    ],
)
def test_what_ends_a_grant_per_guest(grant: str, budget: str, amount: int | None) -> None:
    """A budget for ever ends it, and a count where each approval has an end; no other does."""
    rules = f"grants:\n  - id: g\n    role: clerk\n    may: [credit]\n    {grant}\n"
    rules += f"budgets: [{{id: b, {budget}}}]\n"
    found = of(FRAME + rules)[0]
    assert (found.scope.name, found.role) == ("per guest (guest.id)", "clerk")
    assert found.amount_minor == amount
    assert (found.budgets == ("b",)) is (amount is not None)


def test_what_is_unbounded_names_the_budget_that_would_end_it() -> None:
    """The line that is suggested loads, and with it the exposure has its amount."""
    rules = "grants: [{id: g, role: clerk, may: [owed], exactly: order.total}]\n"
    (first, *_) = of(FRAME + rules)
    assert first.owed
    assert first.amount_minor is None
    assert [(it.role, it.grants, it.resolutions) for it in first.loose] == [
        ("clerk", ("g",), ("owed",))
    ]
    assert first.would_bound is not None
    line = first.would_bound.replace("…", "500")
    assert of(f"{FRAME}{rules}budgets: [{line}]")[0].amount_minor == 50_000


def test_a_role_above_counts_everybody_below() -> None:
    """What the chief's people can give together is what both budgets leave."""
    rules = """
grants:
  - {id: little, role: clerk, may: [credit], up_to: 10}
  - {id: much, role: chief, may: [credit], up_to: 100}
budgets:
  - {id: low, limit: 30, per: [guest.id], roles: [clerk]}
  - {id: high, limit: 200, per: [guest.id], roles: [chief]}
"""
    found = {it.role: it for it in of(FRAME + rules) if it.scope.horizon is None}
    assert found["clerk"].amount_minor == 3_000
    assert found["chief"].amount_minor == 23_000
    assert found["chief"].budgets == ("low", "high")


def test_what_is_prohibited_exposes_nobody() -> None:
    """A grant that a prohibition always meets is worth nothing, and is not told."""
    rules = "grants: [{id: g, role: clerk, may: [credit]}]\n"
    rules += "prohibitions: [{id: never, may_not: [credit], because: It is not done.}]\n"
    assert of(FRAME + rules) == []


def test_the_shop_has_an_exposure() -> None:
    """A set as tests use it is reckoned in every scope it has."""
    names = {it.scope.name for it in exposures(load_rulebook({"shop.yaml": POLICY.encode()}))}
    assert "per site and month" in names

"""Small sets, and every proposal to them: what lints prove is counted out here.

The reference evaluator answers; it shares no code with the service.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, product
from typing import TypeVar

from hypothesis import strategies as st

from tests import strategies
from tests.oracle.evaluator import before_the_walk, walk
from tests.oracle.ledger import Charge, Ledger
from tests.oracle.policy import Budget, Grant, Policy, Prohibition, Proposal, Resolution
from tests.oracle.question import ask
from tests.oracle.terms import Apply, Known, Money, Name, Term, Value
from tests.strategies import maybe, some_of, text, whole

R = TypeVar("R", Grant, Budget, Prohibition)

AT = datetime(2026, 3, 2, 2, tzinfo=UTC)
FACTS: dict[str, dict[str, object]] = {
    "guest.tier": {"type": "choice", "of": ["member", "gold"], "optional": True},
    "case.severity": {"type": "integer", "from": 1, "to": 2},
}
VALUES: dict[str, tuple[Value, ...]] = {"guest.tier": ("member", "gold"), "case.severity": (1, 2)}
ROLES: dict[str, str | None] = {"clerk": "head", "porter": "head", "head": None}
AMOUNTS = (100, 200)
SITES = ("new_york", "vienna")

_severity: st.SearchStrategy[Term] = st.just(Name("case.severity"))
_kind: st.SearchStrategy[Term] = st.just(Name("agent.kind"))
_amount: st.SearchStrategy[Term] = st.just(Name("request.amount"))
_constants: st.SearchStrategy[Term] = st.sampled_from(AMOUNTS).map(Money)
_tests: st.SearchStrategy[Term] = st.one_of(
    st.just(Apply("==", (Name("guest.tier"), text("gold")))),
    st.just(Known("guest.tier")),
    strategies.applied("<=", _severity, st.integers(0, 2).map(whole)),
    strategies.applied("==", _kind, st.sampled_from(("human", "ai")).map(text)),
    strategies.applied("<", _amount, _constants),
)
conditions: st.SearchStrategy[Term] = st.recursive(
    _tests,
    lambda inner: st.one_of(
        strategies.applied("&&", inner, inner),
        strategies.applied("||", inner, inner),
        strategies.applied("!", inner),
    ),
    max_leaves=3,
)
_roles = st.sampled_from(sorted(ROLES))


@st.composite
def grants(draw: st.DrawFn) -> Grant:
    limit = draw(st.sampled_from(("up_to", "up_to", "exactly", None)))
    return Grant(
        id="g",
        role=draw(_roles),
        may=draw(st.sampled_from((None, ("credit",), ("credit", "night")))),
        up_to=draw(_constants) if limit == "up_to" else None,
        exactly=draw(_constants) if limit == "exactly" else None,
        when=draw(maybe(conditions, 2)),
        needs=draw(st.sampled_from(((), (), ("note",)))),
        sites=draw(maybe(some_of(SITES), 4)),
        agents=draw(maybe(some_of(("human", "ai")), 4)),
    )


@st.composite
def budgets(draw: st.DrawFn) -> Budget:
    """A budget of money with the smallest of keys, so that few of them can be told apart."""
    every = draw(st.sampled_from((None, "day", "month")))
    return Budget(
        id="b",
        per=draw(st.sampled_from((("site.id",), ("site.id", "agent.kind")))),
        limit=draw(st.sampled_from((150, 400))),
        every=every,
        within=draw(maybe(st.just(timedelta(days=7)))) if every is None else None,
        roles=draw(maybe(some_of(sorted(ROLES)), 2)),
        when=draw(maybe(conditions, 3)),
    )


@st.composite
def prohibitions(draw: st.DrawFn) -> Prohibition:
    return Prohibition(
        id="p",
        may_not=draw(some_of(("credit", "night"))),
        when=draw(conditions),
        roles=draw(maybe(some_of(sorted(ROLES)), 3)),
    )


def _some(draw: st.DrawFn, rules: st.SearchStrategy[R], least: int, most: int) -> tuple[R, ...]:
    drawn = [draw(rules) for _ in range(draw(st.integers(least, most)))]
    return tuple(replace(rule, id=f"{rule.id}{place}") for place, rule in enumerate(drawn))


@st.composite
def small_policies(draw: st.DrawFn, budgets_max: int = 1) -> Policy:
    """A set whose cases can be counted out."""
    return Policy(
        currency="USD",
        decimals=2,
        timezone="UTC",
        sites=dict.fromkeys(SITES),
        roles=dict(ROLES),
        facts=FACTS,
        subject=None,
        resolutions={"credit": Resolution(), "night": Resolution(unit="night", worth=Money(100))},
        grants=_some(draw, grants(), 2, 5),
        budgets=_some(draw, budgets(), 0, budgets_max),
        prohibitions=_some(draw, prohibitions(), 0, 1),
    )


Proposers = Sequence[tuple[tuple[str, ...], tuple[str, ...] | None]]
"""The roles held by whoever proposes, and by whoever answers instead."""

ALONE: Proposers = [((role,), None) for role in ROLES]


def proposers(policy: Policy) -> Proposers:
    """Whoever holds one role, and, where a rule asks for roles, whoever holds any and answers."""
    if all(rule.roles is None for rule in policy.prohibitions):
        return ALONE
    held = [chosen for size in (1, 2, 3) for chosen in combinations(ROLES, size)]
    return list(product(held, [None, *((role,) for role in ROLES)]))


def all_proposals(
    sites: tuple[str, ...], *, told: bool, by: Proposers = ALONE
) -> Iterator[Proposal]:
    """Every proposal that a small set can tell from others, with optional facts told or not.

    Unless all others are ``told``, they may be absent too. What is absent cannot be had.
    """
    facts = [
        (*VALUES[path], *([None] if fact.get("optional") or not told else []))
        for path, fact in FACTS.items()
    ]
    sizes = [("credit", amount) for amount in (1, 99, 100, 101, 200, 201)]
    sizes += [("night", count) for count in (1, 2, 3)]
    for values in product(*facts):
        named = {
            path: value for path, value in zip(FACTS, values, strict=True) if value is not None
        }
        untold = [f"fact:{path}" for path in FACTS if path not in named]
        for (resolution, size), kind, site, note, (held, authority) in product(
            sizes, ("human", "ai"), sites, ("late", None), by
        ):
            yield Proposal(
                site=site,
                agent="ana",
                kind=kind,
                roles=list(held),
                authority=None if authority is None else list(authority),
                resolution=resolution,
                amount=size if resolution == "credit" else None,
                quantity=size if resolution == "night" else None,
                reason=None,
                channel=None,
                note=note,
                evidence=[],
                unavailable=untold if note else [*untold, "note"],
                facts=named,
            )


def ledgers(policy: Policy) -> Iterator[Ledger]:
    """Budgets empty or used up, in every combination."""
    for used in product((False, True), repeat=len(policy.budgets)):
        yield Ledger(
            [
                Charge(budget.id, key, AT, budget.limit or 0)
                for budget, full in zip(policy.budgets, used, strict=True)
                for key in product(SITES, *([("human", "ai")] if len(budget.per) > 1 else []))
                if full
            ]
        )


def deciding(policy: Policy, *, told: bool) -> set[str]:
    """The grants that decide some proposal, approved or handed up."""
    found: set[str] = set()
    everything = {grant.id for grant in policy.grants}
    narrowed = any(grant.sites is not None for grant in policy.grants)
    sites, by = SITES if narrowed else SITES[:1], proposers(policy)
    for proposal in all_proposals(sites, told=told, by=by):
        if found == everything:
            break
        for ledger in ledgers(policy):
            question = ask(policy, proposal, ledger, AT)
            answer = before_the_walk(question) or walk(question)
            if answer.grant is not None:
                found.add(answer.grant)
    return found

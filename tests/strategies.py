"""Random policy sets, proposals to them, and streams of proposals.

Everything drawn is valid: a set loads, and a proposal is one that a door would let in.
Amounts lie at and around the limits, for that is where evaluators differ.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import TypeAlias, TypeVar

from hypothesis import strategies as st

from tests.oracle.policy import (
    Budget,
    Calendar,
    Grant,
    Policy,
    Prohibition,
    Proposal,
    Resolution,
)
from tests.oracle.terms import Apply, Constant, Known, Money, Name, Term, Value

T = TypeVar("T")
R = TypeVar("R", Grant, Budget, Prohibition)

Stream: TypeAlias = list[tuple[datetime, Proposal]]
"""Proposals with their instants, which never go back."""

TIERS = ("member", "silver", "gold")
FLAGS = ("late", "loud", "twice")
CHANNELS = ("desk", "phone")
SITES = ("new_york", "vienna")
AGENTS = ("ana", "ben")
KINDS = ("human", "ai")
EVIDENCE = ("photo", "receipt")
ROLES = ("clerk", "lead", "manager", "porter", "head")
RESOLUTIONS = ("credit", "night", "owed", "upgrade")
AMOUNTS = (1, 49, 50, 100, 150, 200, 250, 300, 500, 999)
"""Minor units. Few of them, so that amounts meet limits."""

ZONES = ("America/New_York", "UTC", "Asia/Kathmandu")
WINDOWS = ("day", "week", "month", "quarter", "year")
TIMES = tuple(timedelta(hours=hours) for hours in (1, 24, 7 * 24))

FACTS: dict[str, dict[str, object]] = {
    "guest.id": {"type": "text", "personal": True},
    "guest.tier": {"type": "choice", "of": list(TIERS), "optional": True},
    "stay.id": {"type": "text"},
    "stay.rate": {"type": "money"},
    "stay.total": {"type": "money"},
    "stay.due": {"type": "money", "optional": True},
    "stay.ends": {"type": "date"},
    "stay.flags": {"type": "texts"},
    "case.severity": {"type": "integer", "from": 1, "to": 5},
    "case.share": {"type": "number", "optional": True},
    "case.proven": {"type": "boolean"},
    "case.opened": {"type": "timestamp"},
    "case.lasted": {"type": "duration"},
}

_MONEY_FACTS = ("stay.rate", "stay.total", "stay.due")
_OPTIONAL = tuple(path for path, fact in FACTS.items() if fact.get("optional"))
_PER: tuple[str, ...] = (
    "guest.id",
    "stay.id",
    "guest.tier",
    "case.severity",
    "agent.id",
    "site.id",
)
_PER += ("request.resolution", "request.channel")


# ── terms ─────────────────────────────────────────────────────────────────────────────


def text(value: str) -> Term:
    return Constant(value, f'"{value}"')


def whole(value: int) -> Term:
    return Constant(value, str(value))


def day(value: int) -> Term:
    """A date in March 2026 as a constant."""
    return Constant(datetime(2026, 3, value, tzinfo=UTC), f'date("2026-03-{value:02}")')


def days(value: int) -> Term:
    return Constant(timedelta(days=value), f"days({value})")


def applied(op: str, *args: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
    return st.tuples(*args).map(lambda drawn: Apply(op, drawn))


def _one_of_texts(name: str, values: tuple[str, ...]) -> st.SearchStrategy[Term]:
    """``name`` compared with texts that it may be."""
    constant = st.sampled_from(values).map(text)
    return st.one_of(
        applied("==", st.just(Name(name)), constant),
        applied("!=", st.just(Name(name)), constant),
    )


_constants: st.SearchStrategy[Term] = st.sampled_from(AMOUNTS).map(Money)
_money_facts: st.SearchStrategy[Term] = st.sampled_from(_MONEY_FACTS).map(Name)
_severity: st.SearchStrategy[Term] = st.just(Name("case.severity"))
_share: st.SearchStrategy[Term] = st.just(Name("case.share"))


def _wider(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
    percents: st.SearchStrategy[Term] = st.sampled_from((0, 33, 50, 100, 150)).map(whole)
    factors: st.SearchStrategy[Term] = st.integers(0, 3).map(whole)
    return st.one_of(
        applied("percent", inner, st.one_of(percents, _share)),
        applied("times", inner, st.one_of(factors, _severity)),
        applied("least", inner, inner),
        applied("greatest", inner, inner, inner),
        applied("+", inner, inner),
        applied("-", inner, inner),
        applied("?:", st.just(Name("case.proven")), inner, inner),
    )


moneys = st.recursive(st.one_of(_constants, _money_facts), _wider, max_leaves=3)
"""Computed amounts, some of which end in an error (money below nothing)."""

limits = st.one_of(_constants, _constants, moneys)
"""What stands in ``up_to``, ``exactly`` and ``worth``."""


def _compared(
    left: st.SearchStrategy[Term], right: st.SearchStrategy[Term]
) -> st.SearchStrategy[Term]:
    return st.one_of(*(applied(op, left, right) for op in ("<", "<=", "==")))


_amount_tests = st.one_of(
    _compared(st.just(Name("request.amount")), moneys),
    _compared(st.just(Name("request.quantity")), st.integers(1, 3).map(whole)),
)

_tests: st.SearchStrategy[Term] = st.one_of(
    _one_of_texts("guest.tier", TIERS),
    _compared(_severity, st.integers(1, 5).map(whole)),
    _compared(moneys, moneys),
    _compared(_share, st.just(Constant(0.5, "0.5"))),
    st.just(Name("case.proven")),
    st.sampled_from(_OPTIONAL).map(Known),
    _compared(st.just(Name("now")), st.integers(2, 20).map(day)),
    _compared(st.just(Name("stay.ends")), st.integers(2, 20).map(day)),
    _compared(st.just(Name("case.lasted")), st.integers(1, 3).map(days)),
    _compared(st.just(Apply("-", (Name("now"), Name("case.opened")))), st.integers(1, 3).map(days)),
    applied("in", st.sampled_from(FLAGS).map(text), st.just(Name("stay.flags"))),
    applied("in", st.sampled_from(ROLES).map(text), st.just(Name("agent.roles"))),
    _one_of_texts("site.id", SITES),
    _one_of_texts("agent.id", AGENTS),
    _one_of_texts("agent.kind", KINDS),
    _one_of_texts("request.channel", CHANNELS),
    _one_of_texts("request.reason", ("noise",)),
)


def conditions(*, amounts: bool) -> st.SearchStrategy[Term]:
    """Conditions; none of them reads the amount or the quantity unless ``amounts``."""
    leaves = st.one_of(_tests, _tests, _amount_tests) if amounts else _tests
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            applied("&&", inner, inner), applied("||", inner, inner), applied("!", inner)
        ),
        max_leaves=3,
    )


# ── policies ──────────────────────────────────────────────────────────────────────────


def maybe(strategy: st.SearchStrategy[T], one_in: int = 3) -> st.SearchStrategy[T | None]:
    """Something once in a while, else ``None``, to which it shrinks."""
    return st.integers(1, one_in).flatmap(lambda n: strategy if n == one_in else st.none())


def some_of(values: Sequence[str], least: int = 1) -> st.SearchStrategy[tuple[str, ...]]:
    """A few of them, in their order."""
    chosen = st.sets(st.sampled_from(values), min_size=least)
    return chosen.map(lambda names: tuple(name for name in values if name in names))


@st.composite
def ladders(draw: st.DrawFn) -> dict[str, str | None]:
    """2 to 5 roles in any file order, each below one further up or at a top."""
    names = ROLES[: draw(st.integers(2, len(ROLES)))]
    above = {
        name: draw(st.sampled_from((*names[place + 1 : place + 3] * 2, None)))
        for place, name in enumerate(names)
    }
    return {name: above[name] for name in draw(st.permutations(names))}


@st.composite
def resolution_sets(draw: st.DrawFn) -> dict[str, Resolution]:
    """1 to 4 resolutions: money, a unit with a worth, something owed, and any of these."""
    kinds = {
        "credit": Resolution(),
        "night": Resolution(unit="night", worth=draw(limits)),
        "owed": Resolution(entitlement=True),
        "upgrade": Resolution(unit="step", worth=draw(limits), entitlement=draw(st.booleans())),
    }
    return {name: kinds[name] for name in draw(some_of(RESOLUTIONS))}


@st.composite
def policies(draw: st.DrawFn, *, amounts: bool = True, exact: bool = True) -> Policy:
    """A set. Conditions read the amount only if ``amounts``; sums are exact only if ``exact``."""
    personal = draw(st.booleans())
    bare = Policy(
        currency=draw(st.sampled_from(("USD", "JPY", "KWD"))),
        decimals=0,
        timezone=draw(st.sampled_from(ZONES)),
        sites=draw(maybe(st.just({"new_york": None, "vienna": "Europe/Vienna"}), 2)),
        roles=draw(ladders()),
        facts=FACTS if personal else FACTS | {"guest.id": {"type": "text"}},
        subject="guest.id" if personal else None,
        resolutions=draw(resolution_sets()),
        grants=(),
        budgets=(),
        prohibitions=(),
        calendar=draw(calendars),
    )
    when = conditions(amounts=amounts)
    return replace(
        bare,
        decimals={"USD": 2, "JPY": 0, "KWD": 3}[bare.currency],
        grants=_numbered(draw(_up_to(8, grants(bare, when, exact=exact), least=2))),
        budgets=_numbered(draw(_up_to(3, budgets(bare, when)))),
        prohibitions=_numbered(draw(st.one_of(st.just([]), _up_to(2, prohibitions(bare, when))))),
    )


def _up_to(most: int, strategy: st.SearchStrategy[T], least: int = 0) -> st.SearchStrategy[list[T]]:
    """As often many as few, where `st.lists` prefers few."""
    sizes = st.integers(least, most)
    return sizes.flatmap(lambda size: st.lists(strategy, min_size=size, max_size=size))


def _numbered(rules: list[R]) -> tuple[R, ...]:
    return tuple(replace(rule, id=f"{rule.id}{place}") for place, rule in enumerate(rules))


calendars = st.builds(
    Calendar,
    day_starts=st.sampled_from((time(0), time(4), time(2, 30))),
    week_starts=st.integers(0, 6),
    year_starts=st.sampled_from(((1, 1), (4, 1), (4, 6))),
)


def _sites(policy: Policy) -> st.SearchStrategy[tuple[str, ...] | None]:
    return st.none() if policy.sites is None else maybe(some_of(SITES), 5)


_needs = st.one_of(st.just(()), st.just(()), some_of(("note", *EVIDENCE)))


@st.composite
def grants(draw: st.DrawFn, policy: Policy, when: st.SearchStrategy[Term], *, exact: bool) -> Grant:
    limit = draw(st.sampled_from((None, "up_to", "up_to", "up_to", "exactly" if exact else None)))
    return Grant(
        id="g",
        role=draw(st.sampled_from(list(policy.roles))),
        may=draw(maybe(some_of(list(policy.resolutions)))),
        up_to=draw(limits) if limit == "up_to" else None,
        exactly=draw(limits) if limit == "exactly" else None,
        when=draw(maybe(when)),
        needs=draw(_needs),
        sites=draw(_sites(policy)),
        agents=draw(maybe(some_of(KINDS), 5)),
    )


@st.composite
def budgets(draw: st.DrawFn, policy: Policy, when: st.SearchStrategy[Term]) -> Budget:
    """A budget of money or a count, for ever, by the calendar or rolling."""
    counts = draw(st.booleans())
    kind = draw(st.sampled_from(("every", "within", "lasting")))
    return Budget(
        id="b",
        per=draw(st.lists(st.sampled_from(_PER), min_size=1, max_size=2, unique=True).map(tuple)),
        limit=None if counts else draw(st.sampled_from(AMOUNTS).map(lambda minor: 2 * minor)),
        count=draw(st.integers(1, 3)) if counts else None,
        every=draw(st.sampled_from(WINDOWS)) if kind == "every" else None,
        within=draw(st.sampled_from(TIMES)) if kind == "within" else None,
        resolutions=draw(maybe(some_of(list(policy.resolutions)))),
        roles=draw(maybe(some_of(list(policy.roles)))),
        when=draw(maybe(when, 4)),
    )


@st.composite
def prohibitions(draw: st.DrawFn, policy: Policy, when: st.SearchStrategy[Term]) -> Prohibition:
    """A prohibition, most often one with a condition."""
    return Prohibition(
        id="p",
        may_not=draw(some_of(list(policy.resolutions))),
        when=draw(st.one_of(when, when, st.none())),
        sites=draw(_sites(policy)),
        roles=draw(maybe(some_of(list(policy.roles)))),
        agents=draw(maybe(some_of(KINDS), 5)),
    )


# ── proposals ─────────────────────────────────────────────────────────────────────────

amounts_proposed = st.builds(
    lambda near, off: max(1, near + off), st.sampled_from(AMOUNTS), st.sampled_from((0, -1, 1))
)
"""At a limit, just below, just above; minor units."""

_FACT_VALUES: dict[str, st.SearchStrategy[Value]] = {
    "guest.id": st.sampled_from(("G-1", "G-2")),
    "guest.tier": st.sampled_from(TIERS),
    "stay.id": st.sampled_from(("S-1", "S-2")),
    "stay.rate": st.sampled_from((*AMOUNTS, 0)),
    "stay.total": st.sampled_from((*AMOUNTS, 0)),
    "stay.due": st.sampled_from((*AMOUNTS, 0)),
    "stay.ends": st.integers(1, 21).map(lambda n: datetime(2026, 3, n, tzinfo=UTC)),
    "stay.flags": some_of(FLAGS, least=0).map(list),
    "case.severity": st.integers(1, 5),
    "case.share": st.sampled_from((0.5, 12.5, 100.0, 0.0)),
    "case.proven": st.booleans(),
    "case.opened": st.integers(1, 21).map(lambda n: datetime(2026, 3, n, 12, tzinfo=UTC)),
    "case.lasted": st.integers(0, 4).map(lambda n: timedelta(days=n)),
}

_told = st.sets(st.sampled_from(sorted(FACTS)), max_size=2).flatmap(
    lambda absent: st.fixed_dictionaries(
        {path: values for path, values in _FACT_VALUES.items() if path not in absent}
    )
)

_HAD = ("note", *EVIDENCE, "fact:request.channel", *(f"fact:{path}" for path in FACTS))
_unavailable = st.one_of(*[st.just(())] * 3, some_of(_HAD))


@st.composite
def proposals(draw: st.DrawFn, policy: Policy) -> Proposal:
    """A proposal that a door would let in."""
    resolution = draw(st.sampled_from(list(policy.resolutions)))
    counted = policy.resolutions[resolution].unit is not None
    roles = some_of(list(policy.roles), least=0)
    bottom = [role for role in policy.roles if role not in policy.roles.values()]
    answered = draw(maybe(roles, 8))
    return Proposal(
        site=draw(st.sampled_from(SITES)),
        agent=draw(st.sampled_from(AGENTS)),
        kind=draw(st.sampled_from(KINDS)),
        roles=list(draw(st.one_of(st.sampled_from([(role,) for role in bottom]), roles))),
        authority=None if answered is None else list(answered),
        resolution=resolution,
        amount=None if counted else draw(amounts_proposed),
        quantity=draw(st.integers(1, 4)) if counted else None,
        reason=draw(st.sampled_from(("noise", "delay", None))),
        channel=draw(st.sampled_from((*CHANNELS, None))),
        note=draw(st.sampled_from(("AC broken", None))),
        evidence=list(draw(some_of(EVIDENCE, least=0))),
        unavailable=list(draw(_unavailable)),
        facts=draw(_told),
    )


_STARTS = tuple(
    datetime.fromisoformat(text)
    for text in (
        "2026-03-02T02:00:00+00:00",
        "2026-03-08T06:59:00+00:00",  # the clocks of New York jump a minute later
        "2026-03-29T00:30:00+00:00",  # and those of Vienna half an hour later
        "2026-10-31T23:00:00+00:00",
    )
)
_STEPS = tuple(
    timedelta(minutes=minutes) for minutes in (0, 1, 59, 60, 12 * 60, 24 * 60, 7 * 24 * 60)
)


@st.composite
def streams(draw: st.DrawFn, policy: Policy, longest: int = 8) -> Stream:
    """1 to ``longest`` proposals. Many repeat the one before, soon, so that budgets fill."""
    at = draw(st.sampled_from(_STARTS))
    stream: Stream = [(at, draw(proposals(policy)))]
    for _ in range(draw(st.integers(0, longest - 1))):
        at += draw(st.sampled_from(_STEPS))
        again = draw(st.sampled_from((True, True, False)))
        stream.append((at, stream[-1][1] if again else draw(proposals(policy))))
    return stream

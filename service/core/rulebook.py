"""The rulebook: a policy set after it was read, checked and compiled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from functools import cached_property
from operator import itemgetter
from typing import Any, Literal, TypeAlias

from service.core.expression import Bind, Expression, FactValue
from service.core.request import AgentKind
from service.core.window import Calendar, Every, Window, window_at


class FactType(StrEnum):
    """The types a fact may have."""

    TEXT = "text"
    CHOICE = "choice"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    MONEY = "money"
    DATE = "date"
    TIMESTAMP = "timestamp"
    DURATION = "duration"
    TEXTS = "texts"


MoneyLimit: TypeAlias = int | Expression
"""Minor units, or an expression that computes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A declared fact. ``choices`` for a choice; ``least`` and ``most`` for an integer."""

    path: str
    type: FactType
    personal: bool = False
    optional: bool = False
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None


FactTree: TypeAlias = "dict[str, Fact | FactTree]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place where people serve.

    ``hours`` are local: minutes after midnight, from and to; from may be the later of the
    two, for hours that pass midnight.
    """

    id: str
    timezone: str
    zone: tzinfo
    hours: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """An approval is kept back for a time, and then settled or released."""

    lasts: timedelta
    then: Literal["settle", "release"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Something that may be given. With a ``unit`` it is a quantity, valued by ``worth``."""

    id: str
    unit: str | None = None
    worth: MoneyLimit | None = None
    entitlement: bool = False
    hold: Hold | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A rung. ``rank`` is its place in the walk, lowest first (0, 1, 2 …; no two equal)."""

    id: str
    reports_to: str | None
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a role may give by itself. ``may`` is ``None`` for any but entitlements.

    At most one of ``up_to`` and ``exactly`` is set. ``sites`` and ``agents`` are ``None``
    where the grant is not narrowed.
    """

    id: str
    role: str
    may: frozenset[str] | None
    up_to: MoneyLimit | None = None
    exactly: MoneyLimit | None = None
    when: Expression | None = None
    needs: tuple[str, ...] = ()
    sites: frozenset[str] | None = None
    agents: frozenset[AgentKind] | None = None


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A cap across resolutions: exactly one of ``limit_minor`` and ``count``.

    At most one of ``every`` (calendar window) and ``within`` (rolling); with neither the
    key's balance lasts for ever. ``per`` names facts and built-ins. ``resolutions`` and
    ``roles`` are ``None`` where any will do.
    """

    id: str
    limit_minor: int | None = None
    count: int | None = None
    per: tuple[str, ...] = ()
    every: Every | None = None
    within: timedelta | None = None
    resolutions: frozenset[str] | None = None
    roles: frozenset[str] | None = None
    when: Expression | None = None

    @cached_property
    def counts(self) -> bool:
        """Whether it is approvals that are counted, and not money."""
        return self.limit_minor is None

    @cached_property
    def limit(self) -> int:
        """Minor units of money, or approvals; with neither it would leave nothing."""
        return (self.count or 0) if self.limit_minor is None else self.limit_minor

    @cached_property
    def pick(self) -> Callable[[Mapping[str, FactValue]], tuple[Any, ...]]:
        """Takes the values of its key out of named values, in order. Raises `KeyError`."""
        if len(self.per) > 1:
            return itemgetter(*self.per)
        return lambda values: tuple([values[name] for name in self.per])


@dataclass(frozen=True, slots=True, kw_only=True)
class Prohibition:
    """What may never be given, and the sentence that tells why."""

    id: str
    may_not: frozenset[str]
    because: str
    when: Expression | None = None
    sites: frozenset[str] | None = None
    roles: frozenset[str] | None = None
    agents: frozenset[AgentKind] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationRule:
    """How a role answers. ``at_most`` bounds what one proposer may send it: count, within."""

    role: str
    answer_within: timedelta | None = None
    on_timeout: Literal["next", "deny"] | None = None
    approvals: int = 1
    around_the_clock: bool = False
    at_most: tuple[int, timedelta] | None = None


@dataclass(frozen=True, slots=True)
class Ladder:
    """The walk of one set of held roles: the reach, then the roles above it, by rank."""

    reach: tuple[str, ...]
    above: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Rulebook:
    """A compiled policy set. Immutable; its indexes fill as questions are asked.

    ``grants``, ``budgets`` and ``prohibitions`` are in file order (files by path).
    ``version`` and ``rules`` are ``sha256:…`` digests over the folder and over the
    compiled rules. ``rates`` hold the text of the rate by currency. ``zone`` is the
    set's; ``sites`` is ``None`` where any site will do. ``bind`` makes scopes for the
    expressions.
    """

    name: str
    version: str
    rules: str
    currency: str
    decimals: int
    timezone: str
    zone: tzinfo
    bind: Bind
    roles: Mapping[str, Role]
    resolutions: Mapping[str, Resolution]
    facts: Mapping[str, Fact]
    grants: tuple[Grant, ...] = ()
    budgets: tuple[Budget, ...] = ()
    prohibitions: tuple[Prohibition, ...] = ()
    escalation: Mapping[str, EscalationRule] = field(default_factory=dict)
    sites: Mapping[str, Site] | None = None
    rates: Mapping[str, str] = field(default_factory=dict)
    subject: str | None = None
    calendar: Calendar = field(default_factory=Calendar)
    description: str = ""

    @cached_property
    def personal(self) -> frozenset[str]:
        """The facts that are never written in clear."""
        return frozenset(path for path, fact in self.facts.items() if fact.personal)

    @cached_property
    def budget_per(self) -> Mapping[str, tuple[str, ...]]:
        """The names of each budget's key."""
        return {budget.id: budget.per for budget in self.budgets}

    @cached_property
    def within_seconds(self) -> Mapping[str, int | None]:
        """The length of each budget's rolling window; ``None`` where it does not roll."""
        second = timedelta(seconds=1)
        return {
            budget.id: None if budget.within is None else budget.within // second
            for budget in self.budgets
        }

    @cached_property
    def fact_tree(self) -> "FactTree":
        """The declared facts as requests nest them: ``{"guest": {"id": Fact, …}}``."""
        tree: FactTree = {}
        for path, fact in self.facts.items():
            *parents, leaf = path.split(".")
            branch = tree
            for parent in parents:
                below = branch.setdefault(parent, {})
                if isinstance(below, Fact):  # the loader refuses a path that is another's prefix
                    raise TypeError(path)
                branch = below
            branch[leaf] = fact
        return tree

    def site(self, site_id: str) -> Site:
        """The declared site, or, where none are declared, one in the set's timezone.

        Raises `KeyError` where sites are declared and this is none of them.
        """
        if self.sites is None:
            return Site(id=site_id, timezone=self.timezone, zone=self.zone)
        return self.sites[site_id]

    def ladder(self, held: tuple[str, ...]) -> Ladder:
        """The reach of somebody who holds ``held``, and the roles above it; each by rank."""
        found = self._ladders.get(held)
        if found is None:
            found = self._ladders.setdefault(held, self._walk(held))
        return found

    def grants_for(self, role: str, resolution: str) -> tuple[Grant, ...]:
        """The grants of a role that name a resolution, in file order."""
        key = (role, resolution)
        found = self._grants_for.get(key)
        if found is None:
            found = self._grants_for.setdefault(key, self._select_grants(role, resolution))
        return found

    def budgets_for(self, role: str, resolution: str) -> tuple[Budget, ...]:
        """The budgets that a grant of a role would charge for a resolution, in file order."""
        key = (role, resolution)
        found = self._budgets_for.get(key)
        if found is None:
            found = self._budgets_for.setdefault(key, self._select_budgets(role, resolution))
        return found

    def prohibitions_for(self, resolution: str) -> tuple[Prohibition, ...]:
        """The prohibitions that name a resolution, in file order."""
        return self._prohibitions_by_resolution.get(resolution, ())

    def window(self, budget: Budget, site: str, at: datetime) -> Window | None:
        """The calendar window of a budget that holds ``at``; ``None`` without ``every``.

        The zone is the site's where the budget is kept per site, else the set's.
        """
        if budget.every is None:
            return None
        local = site if "site.id" in budget.per and self.sites is not None else None
        found = self._windows.get((budget.every, local))
        if found is None or not found.starts_at <= at < found.ends_at:
            zone = self.zone if local is None else self.site(local).zone
            found = window_at(at, budget.every, zone, self.calendar)
            self._windows[budget.every, local] = found
        return found

    # Each index is filled once per key by whoever asks first; two threads that race
    # compute the same value, and `setdefault` keeps one.

    @cached_property
    def plans(self) -> dict[tuple[tuple[str, ...], str], Any]:
        """What `plan.plan_for` laid out, by the roles held and the resolution."""
        return {}

    @cached_property
    def _ladders(self) -> dict[tuple[str, ...], Ladder]:
        return {}

    @cached_property
    def _windows(self) -> dict[tuple[Every, str | None], Window]:
        return {}

    @cached_property
    def _grants_for(self) -> dict[tuple[str, str], tuple[Grant, ...]]:
        return {}

    @cached_property
    def _budgets_for(self) -> dict[tuple[str, str], tuple[Budget, ...]]:
        return {}

    @cached_property
    def _grants_by_role(self) -> dict[str, tuple[Grant, ...]]:
        found: dict[str, list[Grant]] = {}
        for grant in self.grants:
            found.setdefault(grant.role, []).append(grant)
        return {role: tuple(grants) for role, grants in found.items()}

    @cached_property
    def _prohibitions_by_resolution(self) -> dict[str, tuple[Prohibition, ...]]:
        found: dict[str, list[Prohibition]] = {}
        for prohibition in self.prohibitions:
            for resolution in prohibition.may_not:
                found.setdefault(resolution, []).append(prohibition)
        return {resolution: tuple(rules) for resolution, rules in found.items()}

    def _walk(self, held: tuple[str, ...]) -> Ladder:
        reach = {role for role in self.roles if self._chain_up(role) & set(held)}
        above = {up for role in reach for up in self._chain_up(role)} - reach
        by_rank = sorted(self.roles, key=lambda role: self.roles[role].rank)
        return Ladder(
            reach=tuple(role for role in by_rank if role in reach),
            above=tuple(role for role in by_rank if role in above),
        )

    def _chain_up(self, role: str) -> set[str]:
        """The role itself and everyone it reports to, to the top."""
        chain: set[str] = set()
        rung: str | None = role
        while rung is not None:
            chain.add(rung)
            rung = self.roles[rung].reports_to
        return chain

    def _select_grants(self, role: str, resolution: str) -> tuple[Grant, ...]:
        entitlement = self.resolutions[resolution].entitlement
        return tuple(
            grant
            for grant in self._grants_by_role.get(role, ())
            if (not entitlement if grant.may is None else resolution in grant.may)
        )

    def _select_budgets(self, role: str, resolution: str) -> tuple[Budget, ...]:
        entitlement = self.resolutions[resolution].entitlement
        return tuple(
            budget
            for budget in self.budgets
            if (budget.roles is None or role in budget.roles)
            and (
                not entitlement if budget.resolutions is None else resolution in budget.resolutions
            )
        )

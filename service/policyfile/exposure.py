"""Exposure: the most money that can leave under a set, whoever asks, and what bounds it.

An upper bound that no sequence of requests exceeds. It takes every approval that the
conditions allow, the budgets as far as they cap what is looked at, and the most that fits.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from service.core.rulebook import Budget, Fact, FactType, Rulebook
from service.policyfile.diffrule import Books
from service.policyfile.exposurebound import Kind, most
from service.policyfile.exposurecells import Asked, Possible, possible

Horizon = Literal["day", "month"]

_FINITE_MAX: Final = 1_000
_LONGEST: Final = {"day": timedelta(hours=25), "month": timedelta(days=31, hours=1)}
_WINDOWS: Final[dict[tuple[str, str], int]] = {
    ("day", "day"): 1,
    ("month", "day"): 31,
    ("day", "week"): 1,
    ("month", "week"): 6,
}
"""How many calendar windows a day or a month may touch; of longer windows one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is looked at: ``fixed`` names have one value, for as long as the ``horizon``.

    Without a horizon it is for ever. ``site`` is the one that is looked at, if one is.
    """

    name: str
    fixed: frozenset[str]
    horizon: Horizon | None
    site: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loose:
    """What has no bound in a scope: a role's grants for resolutions."""

    role: str
    grants: tuple[str, ...]
    resolutions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """The most that can leave in a scope by the people of a role and of those below it.

    ``amount_minor`` is ``None`` where nothing bounds it: then ``loose`` says what. Else
    ``grants`` give it and ``budgets`` end it. ``owed`` is about entitlements, and the rest
    about everything else. ``is_exact`` says that nothing was taken for more than it is.
    ``would_bound`` is a budget that would end what is loose, as policy files have it.
    """

    scope: Scope
    role: str
    owed: bool
    amount_minor: int | None
    grants: tuple[str, ...]
    budgets: tuple[str, ...]
    loose: tuple[Loose, ...]
    would_bound: str | None
    is_exact: bool


def exposures(rulebook: Rulebook) -> Iterator[Exposure]:
    """Per guest, per agent and day, per site and month; each for every role, lowest first.

    Of several sites the one of which the most can leave is told.
    """
    reckoner = _Reckoner(rulebook)
    roles = sorted(rulebook.roles, key=lambda role: rulebook.roles[role].rank)
    for scopes in _scopes(rulebook):
        for owed in (False, True):
            for role in roles:
                found = [reckoner.exposure(scope, role, owed=owed) for scope in scopes]
                worst = max(found, key=_size)
                if worst.grants or worst.loose:
                    yield worst


def _size(found: Exposure) -> tuple[bool, int]:
    return found.amount_minor is None, found.amount_minor or 0


def _scopes(rulebook: Rulebook) -> Iterator[list[Scope]]:
    """Each kind of scope, at every site where that makes a difference."""
    case = _case_facts(rulebook)
    if case:
        named = f"per guest ({', '.join(sorted(case))})" if rulebook.subject else "per case"
        yield [Scope(name=named, fixed=frozenset(case), horizon=None)]
    sites: Sequence[str | None] = [None] if rulebook.sites is None else list(rulebook.sites)
    agent = frozenset({"agent.id", "site.id"})
    yield [Scope(name="per agent and day", fixed=agent, horizon="day", site=it) for it in sites]
    house = frozenset({"site.id"})
    yield [Scope(name="per site and month", fixed=house, horizon="month", site=it) for it in sites]


def _case_facts(rulebook: Rulebook) -> set[str]:
    """Who is served, and the texts in the keys of budgets: the stay, the order, the ticket."""
    texts = {
        name
        for budget in rulebook.budgets
        for name in budget.per
        if name in rulebook.facts and rulebook.facts[name].type is FactType.TEXT
    }
    return texts | ({rulebook.subject} if rulebook.subject is not None else set())


class _Reckoner:
    """Reckons scope after scope; what is possible is found once for each."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._book = rulebook
        self._books = Books(rulebook, rulebook)
        self._known: dict[Asked, tuple[set[Possible], bool]] = {}

    def exposure(self, scope: Scope, role: str, *, owed: bool) -> Exposure:
        """One scope, one role."""
        found, is_exact = self._possible(scope, role, owed=owed)
        limits = self._limits(scope)
        kinds: dict[Kind, set[Possible]] = {}
        for one in found:
            kind = self._kind(one, limits)
            if kind is not None:
                kinds.setdefault(kind, set()).add(one)
        loose = {one for kind, many in kinds.items() if kind.is_unbounded for one in many}
        if loose:
            return self._unbounded(scope, role, loose, owed=owed, is_exact=is_exact)
        return self._bounded(scope, role, kinds, limits, owed=owed, is_exact=is_exact)

    def _possible(self, scope: Scope, role: str, *, owed: bool) -> tuple[set[Possible], bool]:
        """Whatever anybody who holds the role, or one below it, can get."""
        book, found, is_exact = self._book, set[Possible](), True
        for kind in book.resolutions.values():
            if kind.entitlement is not owed:
                continue
            for proposer in book.ladder((role,)).reach:
                for rung in book.ladder((proposer,)).reach:
                    asked = Asked(proposer=proposer, rung=rung, resolution=kind.id, site=scope.site)
                    if asked not in self._known:
                        self._known[asked] = possible(self._books, asked)
                    more, exact = self._known[asked]
                    found |= more
                    is_exact = is_exact and exact
        return found, is_exact

    def _limits(self, scope: Scope) -> dict[str, int | None]:
        """What each budget leaves in the scope; ``None`` where it leaves no end."""
        found: dict[str, int | None] = {}
        for budget in self._book.budgets:
            rows = self._rows(budget, scope)
            windows = self._windows(budget, scope)
            limit = budget.count if budget.limit_minor is None else budget.limit_minor
            bounded = rows is not None and windows is not None
            found[budget.id] = (limit or 0) * (rows or 0) * (windows or 0) if bounded else None
        return found

    def _rows(self, budget: Budget, scope: Scope) -> int | None:
        """How many rows the scope may touch; ``None`` where there is no end."""
        rows = 1
        for name in budget.per:
            values = 1 if name in scope.fixed else self._values(name)
            if values is None:
                return None
            rows *= values
        return rows if rows <= _FINITE_MAX else None

    def _values(self, name: str) -> int | None:
        """How many values a name can have; ``None`` where there is no end."""
        book = self._book
        fact = book.facts.get(name)
        if fact is not None:
            return _values_of(fact)
        built_in = {"agent.kind": 2, "request.resolution": len(book.resolutions)}
        if book.sites is not None:
            built_in["site.id"] = len(book.sites)
        return built_in.get(name)

    def _windows(self, budget: Budget, scope: Scope) -> int | None:
        """How many windows lie in the horizon, in part or whole; ``None`` without an end."""
        horizon = scope.horizon
        if budget.every is None and budget.within is None:
            return 1
        if horizon is None:
            return None
        if budget.within is not None:
            return -(-_LONGEST[horizon] // budget.within)
        windows = _WINDOWS.get((horizon, budget.every or ""), 1)
        return windows + (not self._is_aligned(budget, scope))

    def _is_aligned(self, budget: Budget, scope: Scope) -> bool:
        """Whether the budget's clock is the one of the site that is looked at."""
        if scope.site is None or "site.id" in budget.per:
            return True
        return self._book.site(scope.site).timezone == self._book.timezone

    def _kind(self, one: Possible, limits: dict[str, int | None]) -> Kind | None:
        """An approval as the bound sees it: a budget of endless rows still caps each one.

        What is given by the unit adds up in units, so one of them counts as an approval, as
        long as nobody counts approvals. ``None`` is one that such a budget never lets pass.
        """
        cap, money, counts = one.value_minor, set[str](), set[str]()
        for budget in self._book.budgets:
            if budget.id not in one.budgets:
                continue
            if limits[budget.id] is not None:
                (counts if budget.limit_minor is None else money).add(budget.id)
            elif budget.limit_minor is not None:
                cap = budget.limit_minor if cap is None else min(cap, budget.limit_minor)
        if one.is_exact and cap != one.value_minor:
            return None
        if one.step > 1 and not counts:
            return Kind(one.step, True, frozenset(money), frozenset()) if _fits(cap, one) else None  # noqa: FBT003 - exact
        return Kind(cap, one.is_exact, frozenset(money), frozenset(counts))

    def _unbounded(
        self, scope: Scope, role: str, loose: Iterable[Possible], *, owed: bool, is_exact: bool
    ) -> Exposure:
        by_role: dict[str, set[Possible]] = {}
        for one in loose:
            by_role.setdefault(one.role, set()).add(one)
        told = tuple(
            Loose(
                role=rung,
                grants=tuple(
                    it.id for it in self._book.grants if it.id in {o.grant for o in found}
                ),
                resolutions=tuple(
                    it for it in self._book.resolutions if it in {o.resolution for o in found}
                ),
            )
            for rung, found in sorted(by_role.items(), key=lambda it: self._book.roles[it[0]].rank)
        )
        return Exposure(
            scope=scope,
            role=role,
            owed=owed,
            amount_minor=None,
            grants=(),
            budgets=(),
            loose=told,
            would_bound=_remedy(scope, told, owed=owed),
            is_exact=is_exact,
        )

    def _bounded(
        self,
        scope: Scope,
        role: str,
        kinds: dict[Kind, set[Possible]],
        limits: dict[str, int | None],
        *,
        owed: bool,
        is_exact: bool,
    ) -> Exposure:
        listed = list(_undominated(kinds))
        capped = {name: limit for name, limit in limits.items() if limit is not None}
        found = most(listed, capped)
        used = {one.grant for number in found.used for one in kinds[listed[number]]}
        # Where approvals of units are counted, their money is taken for divisible.
        whole = all(one.step == 1 or not kind.counts for kind in listed for one in kinds[kind])
        return Exposure(
            scope=scope,
            role=role,
            owed=owed,
            amount_minor=found.amount,
            grants=tuple(it.id for it in self._book.grants if it.id in used),
            budgets=found.tight,
            loose=(),
            would_bound=None,
            is_exact=is_exact and whole and found.is_exact,
        )


def _values_of(fact: Fact) -> int | None:
    if fact.type is FactType.BOOLEAN:
        return 2
    if fact.type is FactType.INTEGER and fact.least is not None and fact.most is not None:
        return fact.most - fact.least + 1
    return len(fact.choices) or None


def _fits(cap: int | None, one: Possible) -> bool:
    """Whether one unit is within what each approval may give."""
    return cap is None or one.step <= cap


def _undominated(kinds: Iterable[Kind]) -> Iterator[Kind]:
    """Without those that another outdoes: it gives as much under fewer caps."""
    listed = list(kinds)
    for kind in listed:
        if not any(_outdoes(other, kind) for other in listed if other != kind):
            yield kind


def _outdoes(one: Kind, other: Kind) -> bool:
    more = one.cap is None or (other.cap is not None and one.cap >= other.cap)
    return not one.is_exact and more and one.money <= other.money and one.counts <= other.counts


def _remedy(scope: Scope, loose: Sequence[Loose], *, owed: bool) -> str:
    """A budget that would end it, as one line of a policy file with its limit left open."""
    parts = ["id: cap", "limit: …", f"per: [{', '.join(sorted(scope.fixed))}]"]
    if scope.horizon is not None:
        parts.append(f"every: {scope.horizon}")
    parts.append(f"roles: [{', '.join(it.role for it in loose)}]")
    if owed:  # entitlements touch only budgets that name them
        named = dict.fromkeys(resolution for it in loose for resolution in it.resolutions)
        parts.append(f"resolutions: [{', '.join(named)}]")
    return f"{{{', '.join(parts)}}}"

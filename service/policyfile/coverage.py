"""Which rules the suites reach: each rule satisfied and refused, each limit met and passed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from service.core.charging import Account
from service.core.decision import Code, Outcome
from service.core.rulebook import Budget, Grant, Prohibition, Rulebook
from service.core.rung import Tried
from service.policyfile.suite import Decided, SuiteResult

Kind = Literal["grant", "budget", "prohibition"]
_EXHAUSTED: Final = frozenset({Code.BUDGET_EXHAUSTED, Code.COUNT_EXHAUSTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """One rule, or the limit of one, and the two sides from which cases should reach it.

    For a rule: a case that it satisfies and one that it refuses. For a limit
    (``boundary``): a case exactly at it, and one just above: one minor unit, one unit of
    a quantity, or one count more.
    """

    kind: Kind
    rule: str
    boundary: bool
    within: bool
    beyond: bool

    def gaps(self) -> tuple[str, ...]:
        """What no case shows, in words."""
        sides = _SIDES[self.boundary, self.kind == "prohibition"]
        return tuple(
            text
            for covered, text in zip((self.within, self.beyond), sides, strict=True)
            if not covered
        )


_SIDES: Final = {
    (False, False): ("no case satisfies it", "no case is refused by it"),
    (False, True): ("no case is prohibited by it", "no case is let through by it"),
    (True, False): ("no case lies at its limit", "no case lies just above its limit"),
    (True, True): ("", ""),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Everything that should be covered: grants, budgets, prohibitions; rules before limits."""

    rules: tuple[Covered, ...]
    boundaries: tuple[Covered, ...]

    def gaps(self) -> tuple[Covered, ...]:
        """What is not covered from both sides."""
        return tuple(one for one in (*self.rules, *self.boundaries) if one.gaps())

    @property
    def percent(self) -> int:
        """The share that is covered from both sides, rounded down; 100 only where all is."""
        everything = len(self.rules) + len(self.boundaries)
        covered = everything - len(self.gaps())
        return 100 * covered // everything if everything else 100


def coverage(rulebook: Rulebook, results: Iterable[SuiteResult]) -> Coverage:
    """What the proposals that the suites decided cover of a rulebook.

    What cannot happen is not asked for: nothing refuses a grant without any condition,
    limit or budget, and a prohibition without conditions lets nothing through.
    """
    seen = _Seen(rulebook)
    for result in results:
        for decided in result.decided():
            seen.note(decided)
    return Coverage(rules=tuple(_rules(rulebook, seen)), boundaries=tuple(_limits(rulebook, seen)))


class _Seen:
    """What was seen of each rule, as (kind, id)."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self.satisfied: set[tuple[Kind, str]] = set()
        self.refused: set[tuple[Kind, str]] = set()
        self.at_limit: set[tuple[Kind, str]] = set()
        self.above: set[tuple[Kind, str]] = set()

    def note(self, decided: Decided) -> None:
        """Take notice of one decision."""
        self._note_prohibitions(decided)
        value = decided.decision.value_minor
        step = _step(decided)
        for tried in decided.tried:
            (self.satisfied if tried.passes else self.refused).add(("grant", tried.grant.id))
            if value is not None:
                self._note_cap(tried, value, step)
                self._note_accounts(tried, value, step)

    def _note_prohibitions(self, decided: Decided) -> None:
        """Of those that name the resolution, one may have denied; those before it did not."""
        reason = decided.decision.reasons[0]
        undecidable = decided.decision.outcome is Outcome.INCOMPLETE and not decided.tried
        for prohibition in self._rulebook.prohibitions_for(decided.request.resolution):
            rule: tuple[Kind, str] = ("prohibition", prohibition.id)
            if reason.rule == prohibition.id and not decided.tried:
                if reason.code is Code.PROHIBITED:
                    self.satisfied.add(rule)
                return
            if not undecidable:
                self.refused.add(rule)

    def _note_cap(self, tried: Tried, value: int, step: int) -> None:
        rule: tuple[Kind, str] = ("grant", tried.grant.id)
        if tried.cap is not None and value == tried.cap:
            self.at_limit.add(rule)
        elif tried.cap is not None and tried.cap < value <= tried.cap + step:
            self.above.add(rule)

    def _note_accounts(self, tried: Tried, value: int, step: int) -> None:
        exhausted = {reason.rule for reason in tried.failures if reason.code in _EXHAUSTED}
        for account in tried.accounts:
            rule: tuple[Kind, str] = ("budget", account.budget.id)
            after, one_more = _after(account, value, step)
            if account.budget.id not in exhausted:
                self.satisfied.add(rule)
                if after == account.limit:
                    self.at_limit.add(rule)
            else:
                self.refused.add(rule)
                if account.limit < after <= account.limit + one_more:
                    self.above.add(rule)


def _step(decided: Decided) -> int:
    """What one more would be worth: a minor unit, or one unit of a quantity."""
    value, quantity = decided.decision.value_minor, decided.decision.quantity
    return 1 if value is None or quantity is None else max(1, value // quantity)


def _after(account: Account, value: int, step: int) -> tuple[int, int]:
    """What would be used after the charge, and the smallest step of that budget."""
    return (account.used + 1, 1) if account.counts else (account.used + value, step)


def _rules(rulebook: Rulebook, seen: _Seen) -> Iterator[Covered]:
    for grant in rulebook.grants:
        yield _rule("grant", grant.id, seen, can_refuse=_can_refuse(rulebook, grant))
    for budget in rulebook.budgets:
        yield _rule("budget", budget.id, seen, can_refuse=True)
    for prohibition in rulebook.prohibitions:
        yield _rule("prohibition", prohibition.id, seen, can_refuse=_has_condition(prohibition))


def _rule(kind: Kind, rule: str, seen: _Seen, *, can_refuse: bool) -> Covered:
    return Covered(
        kind=kind,
        rule=rule,
        boundary=False,
        within=(kind, rule) in seen.satisfied,
        beyond=(kind, rule) in seen.refused or not can_refuse,
    )


def _limits(rulebook: Rulebook, seen: _Seen) -> Iterator[Covered]:
    limited: list[Grant | Budget] = [
        grant for grant in rulebook.grants if grant.up_to is not None or grant.exactly is not None
    ]
    for rule in (*limited, *rulebook.budgets):
        kind: Kind = "grant" if isinstance(rule, Grant) else "budget"
        yield Covered(
            kind=kind,
            rule=rule.id,
            boundary=True,
            within=(kind, rule.id) in seen.at_limit,
            beyond=(kind, rule.id) in seen.above,
        )


def _can_refuse(rulebook: Rulebook, grant: Grant) -> bool:
    """Whether anything could keep the grant from passing."""
    named = rulebook.resolutions if grant.may is None else grant.may
    return (
        any(part is not None for part in (grant.up_to, grant.exactly, grant.when, grant.sites))
        or grant.agents is not None
        or bool(grant.needs)
        or any(rulebook.budgets_for(grant.role, resolution) for resolution in named)
    )


def _has_condition(prohibition: Prohibition) -> bool:
    narrowing = (prohibition.when, prohibition.sites, prohibition.roles, prohibition.agents)
    return any(part is not None for part in narrowing)

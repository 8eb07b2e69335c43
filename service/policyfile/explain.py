"""Why a request was decided as it was, and what would have passed instead.

Everything that is suggested was tried: the request as it would then be proposed is evaluated
against the same balances at the same instant, and only what is approved is told.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Protocol

from service.core.allowance import Allowance, allowances
from service.core.budget import Balance, BudgetKey
from service.core.decision import Decision, Headroom, Outcome
from service.core.evaluate import evaluate, walk
from service.core.request import Evidence, Request
from service.core.rulebook import Rulebook
from service.core.rung import Tried

Balances = Mapping[BudgetKey, Balance]
Kind = Literal["evidence", "amount", "resolution"]

BROUGHT = "brought"
"""What stands for the reference of evidence that would be brought."""


class Staff(Protocol):
    """Who holds which role, and who may answer."""

    def roles(self, person: str, site: str) -> tuple[str, ...]:
        """The roles that a person holds at a site."""

    def may(self, person: str, thing: str, action: str, site: str) -> bool:
        """Whether a person may do something there."""

    def people(self) -> Sequence[str]:
        """Everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Something that would pass without asking anybody.

    ``kind`` is what is changed most: ``evidence`` alone, the ``amount`` (with evidence where
    ``brings`` says so), or the ``resolution``. ``request`` is how it would be proposed,
    ``decision`` the approval it gets.
    """

    kind: Kind
    request: Request
    brings: tuple[str, ...]
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can say yes, with the roles held there and the one that would give it."""

    id: str
    roles: tuple[str, ...]
    gives: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A decision, every grant that was tried, what would pass, and the lowest who can say yes."""

    decision: Decision
    tried: tuple[Tried, ...]
    ways: tuple[Way, ...]
    people: tuple[Person, ...]


def explain(
    rulebook: Rulebook,
    request: Request,
    balances: Balances,
    at: datetime,
    staff: Staff | None = None,
) -> Explanation:
    """Explain one request. Without ``staff`` nobody is named."""
    decision, tried = walk(rulebook, request, balances, at)
    found = () if decision.outcome is Outcome.APPROVED else ways(rulebook, request, balances, at)
    people: tuple[Person, ...] = ()
    if staff is not None and decision.outcome is Outcome.ESCALATED:
        people = _lowest(rulebook, request, balances, at, staff)
    return Explanation(decision=decision, tried=tried, ways=found, people=people)


def ways(rulebook: Rulebook, request: Request, balances: Balances, at: datetime) -> tuple[Way, ...]:
    """What would pass unasked: missing evidence, the nearest amount, another resolution.

    Nearest first: as much as was asked, then less of the same, then something else.
    """
    return tuple(_Search(rulebook, request, balances, at).ways())


class _Search:
    """The tries for one request."""

    def __init__(
        self, rulebook: Rulebook, request: Request, balances: Balances, at: datetime
    ) -> None:
        self._rulebook = rulebook
        self._request = request
        self._balances = balances
        self._at = at
        self._decision = self._decide(request)

    def ways(self) -> Iterator[Way]:
        enough = list(self._by_evidence())
        yield from enough
        yield from self._by_amount({way.brings for way in enough})
        yield from self._by_resolution()

    def _by_evidence(self) -> Iterator[Way]:
        """The same, with what some grant of the reach wants; of two sets only the smaller."""
        found: list[frozenset[str]] = []
        for needs in self._wanted():
            if any(less <= set(needs) for less in found):
                continue
            way = self._tried("evidence", with_evidence(self._request, needs), needs)
            if way is not None:
                found.append(frozenset(needs))
                yield way

    def _by_amount(self, enough: set[tuple[str, ...]]) -> Iterator[Way]:
        """Less of the same: as it is, more of it with evidence; or the very sum that is owed."""
        best = 0
        for needs in ((), *self._wanted()):
            if needs in enough:
                continue
            proposed = with_evidence(self._request, needs)
            decision = self._decide(proposed)
            owed = decision.counter_offer_minor
            smaller = resized(proposed, decision.without_escalation_up_to)
            if smaller is not None and _size(smaller) > best:
                way = self._tried("amount", smaller, needs)
                best = best if way is None else _size(smaller)
                yield from () if way is None else (way,)
            elif owed is not None and best == 0:
                way = self._tried("amount", replace(proposed, amount_minor=owed), needs)
                yield from () if way is None else (way,)

    def _by_resolution(self) -> Iterator[Way]:
        """Something else, worth as much as was asked or as near below as possible."""
        asked = self._decision.value_minor
        for other in allowances(self._rulebook, self._request, self._balances, self._at):
            if other.resolution == self._request.resolution or other.grant is None:
                continue
            proposed = self._instead(other, asked)
            if proposed is None:
                continue
            brought = with_evidence(proposed, other.needs)
            way = self._tried("resolution", proposed, ()) or self._tried(
                "resolution", brought, other.needs
            )
            if way is not None and not _is_far_more(way, asked):
                yield way

    def _instead(self, other: Allowance, asked: int | None) -> Request | None:
        """The request for another resolution; ``None`` where nothing of it fits."""
        most = other.headroom
        bare = replace(self._request, resolution=other.resolution, amount_minor=None, quantity=None)
        proposed = with_evidence(bare, other.needs)
        if other.unit is None:
            bounds = [it for it in (most.amount_minor, asked) if it is not None]
            return replace(proposed, amount_minor=min(bounds)) if min(bounds, default=0) else None
        return replace(proposed, quantity=_quantity(most, asked))

    def _wanted(self) -> list[tuple[str, ...]]:
        """What the grants of the reach need and is not there, each set once, small ones first."""
        request, rulebook = self._request, self._rulebook
        there = {it.kind for it in request.evidence} | ({"note"} if request.note else set())
        found = {
            tuple(need for need in grant.needs if need not in there)
            for role in rulebook.ladder(request.agent.roles).reach
            for grant in rulebook.grants_for(role, request.resolution)
            if request.unavailable.isdisjoint(grant.needs)
        }
        return sorted(found - {()}, key=lambda needs: (len(needs), needs))

    def _tried(self, kind: Kind, request: Request, brings: tuple[str, ...]) -> Way | None:
        decision = self._decide(request)
        if decision.outcome is not Outcome.APPROVED:
            return None
        there = {it.kind for it in self._request.evidence}
        there |= {"note"} if self._request.note else set()
        missing = tuple(need for need in brings if need not in there)
        return Way(kind=kind, request=request, brings=missing, decision=decision)

    def _decide(self, request: Request) -> Decision:
        return evaluate(self._rulebook, request, self._balances, self._at)


def _is_far_more(way: Way, asked: int | None) -> bool:
    """Whether the smallest of it is worth more than twice what was asked: no alternative."""
    return asked is not None and (way.decision.value_minor or 0) > 2 * asked


def _quantity(most: Headroom, asked: int | None) -> int:
    """How many units are worth about as much as was asked, and no more than pass."""
    if not most.quantity or not most.amount_minor:
        return 1
    each = most.amount_minor // most.quantity
    return min(most.quantity, max(1, most.quantity if asked is None else asked // each))


def with_evidence(request: Request, needs: Sequence[str]) -> Request:
    """The request with these brought, a note among them."""
    kinds = {it.kind for it in request.evidence}
    more = tuple(
        Evidence(kind=need, reference=BROUGHT)
        for need in needs
        if need != "note" and need not in kinds
    )
    note = request.note or (BROUGHT if "note" in needs else None)
    return replace(request, note=note, evidence=(*request.evidence, *more))


def resized(request: Request, most: Headroom) -> Request | None:
    """The request for the most that passes; ``None`` where nothing does, or all does."""
    if request.quantity is not None:
        return replace(request, quantity=most.quantity) if most.quantity else None
    return replace(request, amount_minor=most.amount_minor) if most.amount_minor else None


def _size(request: Request) -> int:
    return request.quantity or request.amount_minor or 0


def _lowest(
    rulebook: Rulebook, request: Request, balances: Balances, at: datetime, staff: Staff
) -> tuple[Person, ...]:
    """Those who can say yes and hold nothing higher than they have to."""
    able: list[tuple[int, Person]] = []
    for person in staff.people():
        roles = staff.roles(person, request.site)
        is_other = person not in (request.agent.id, request.agent.owner)
        if not (is_other and roles and staff.may(person, "escalation", "answer", request.site)):
            continue
        decision = evaluate(rulebook, replace(request, authority=roles), balances, at)
        if decision.outcome is Outcome.APPROVED and decision.authority is not None:
            rank = max(rulebook.roles[role].rank for role in roles)
            able.append((rank, Person(id=person, roles=roles, gives=decision.authority.role)))
    lowest = min((rank for rank, _ in able), default=0)
    return tuple(person for rank, person in able if rank == lowest)

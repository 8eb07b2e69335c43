"""Delegations: who answers for whom, from when until when, where and as what.

Authority passes from the ``delegator`` to the ``delegate`` along chains of at most
`CHAIN_MAX` delegations that all hold at the instant of the question. A chain never comes
back to somebody who is in it already, so nothing has to be refused when several people
delegate at once: what is asked here is right for any set of delegations.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from service.core.rulebook import Rulebook

CHAIN_MAX: Final = 3
"""How many delegations may follow each other: A to B, B to C, C to D."""

GIVEN_MAX: Final = 20
RECEIVED_MAX: Final = 50
"""How many that are not over one person may have given, and received."""

MANDATES_MAX: Final = 200
"""How many ways of acting for others are looked at for one person; the nearest ones."""

_FOR: Final = " for "


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """``delegate`` may answer for ``delegator``, from ``starts_at``, and no more at ``ends_at``.

    ``site`` and ``role`` narrow it; ``None`` is every site, and everything that the
    delegator holds. A revoked one was over when it was revoked.
    """

    id: str
    delegator: str
    delegate: str
    site: str | None
    role: str | None
    starts_at: datetime
    ends_at: datetime
    created_by: str
    created_at: datetime
    revoked_by: str | None = None
    revoked_at: datetime | None = None

    @property
    def over_at(self) -> datetime:
        """The first instant at which it holds no more."""
        return self.ends_at if self.revoked_at is None else min(self.revoked_at, self.ends_at)

    def holds(self, at: datetime, site: str) -> bool:
        """Whether it applies to an answer at a site, given at this instant."""
        return self.starts_at <= at < self.over_at and self.site in {None, site}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """One way to act at a site: for oneself, or for somebody who delegated.

    ``through`` are the people it came through, the nearest first; the last is the one
    whose ``roles`` they are. For oneself there is nobody. ``arranged_by`` made the
    delegations. It ends at ``until`` if nothing else ends it before.
    """

    through: tuple[str, ...]
    roles: tuple[str, ...]
    arranged_by: frozenset[str]
    until: datetime | None
    delegations: tuple[str, ...]

    @classmethod
    def own(cls, roles: tuple[str, ...]) -> Self:
        """On one's own authority."""
        return cls(through=(), roles=roles, arranged_by=frozenset(), until=None, delegations=())


def voice(person: str, through: Sequence[str] = ()) -> str:
    """How an answer is shown: ``mia``, ``mia for max``, ``gus for mia for max``."""
    return _FOR.join((person, *through))


def people_in(voice: str) -> frozenset[str]:
    """Everybody whose say an answer was: who gave it, and everyone it was given for."""
    return frozenset(voice.split(_FOR))


RolesOf = Callable[[str], tuple[str, ...]]
"""The roles that a person holds themselves, at the site in question."""


def mandates(
    delegations: Iterable[Delegation],
    *,
    rulebook: Rulebook,
    person: str,
    site: str,
    at: datetime,
    roles_of: RolesOf,
) -> tuple[Mandate, ...]:
    """Every way in which somebody may act for others, the nearest first.

    What a person arranged between two others gives that person nothing: nobody hands
    themselves somebody else's authority.
    """
    to: dict[str, list[Delegation]] = {}
    for one in delegations:
        if one.holds(at, site) and person not in {one.delegator, *_arranger(one)}:
            to.setdefault(one.delegate, []).append(one)
    found = []
    for chain in _chains(to, person):
        roles = _narrowed(rulebook, roles_of(chain[-1].delegator), chain)
        if roles:
            found.append(_mandate(chain, roles))
        if len(found) == MANDATES_MAX:
            break
    return tuple(found)


def _chains(to: dict[str, list[Delegation]], person: str) -> Iterator[tuple[Delegation, ...]]:
    """Chains that end at somebody, shorter ones first; the delegation to that person first."""
    chains: list[tuple[Delegation, ...]] = [()]
    for _ in range(CHAIN_MAX):
        longer = []
        for chain in chains:
            met = {person, *[one.delegator for one in chain]}
            last = chain[-1].delegator if chain else person
            before = sorted(to.get(last, ()), key=lambda one: (one.delegator, one.id))
            longer += [(*chain, one) for one in before if one.delegator not in met]
        chains = longer[:MANDATES_MAX]
        yield from chains


def _narrowed(
    rulebook: Rulebook, roles: tuple[str, ...], chain: Sequence[Delegation]
) -> tuple[str, ...]:
    """What is left of somebody's roles at the end of a chain."""
    for one in reversed(chain):
        if one.role is not None:
            roles = (one.role,) if one.role in rulebook.ladder(roles).reach else ()
    return roles


def _mandate(chain: Sequence[Delegation], roles: tuple[str, ...]) -> Mandate:
    return Mandate(
        through=tuple(one.delegator for one in chain),
        roles=roles,
        arranged_by=frozenset(one.created_by for one in chain),
        until=min(one.over_at for one in chain),
        delegations=tuple(one.id for one in chain),
    )


def _arranger(one: Delegation) -> tuple[str, ...]:
    """Who made it, where that was not the delegator."""
    return () if one.created_by == one.delegator else (one.created_by,)


class Clash(StrEnum):
    """Why a delegation cannot be added to those that there are. Stable codes."""

    CIRCLE = "delegation_circle"
    TOO_LONG = "delegation_chain_too_long"
    TOO_MANY = "too_many_delegations"


def find_clash(delegations: Iterable[Delegation], new: Delegation) -> Clash | None:
    """Why a delegation cannot be added; ``None`` where it can. Overlapping is no reason.

    ``delegations`` are those that are not over. Chains count as far as all of them hold
    at one instant and at one site; of which roles they are makes no difference.
    """
    known = [one for one in delegations if one.over_at > new.starts_at]
    given = sum(1 for one in known if one.delegator == new.delegator)
    received = sum(1 for one in known if one.delegate == new.delegate)
    if given >= GIVEN_MAX or received >= RECEIVED_MAX:
        return Clash.TOO_MANY
    after = list(_onwards(known, new.delegate, _Scope.of(new)))
    if any(person == new.delegator for person, _, _ in after):
        return Clash.CIRCLE
    longest = max((length for _, length, _ in after), default=0)
    if longest + 1 > CHAIN_MAX:
        return Clash.TOO_LONG
    for _, length, scope in _backwards(known, new.delegator, _Scope.of(new)):
        following = [more for _, more, _ in _onwards(known, new.delegate, scope)]
        if length + 1 + max(following, default=0) > CHAIN_MAX:
            return Clash.TOO_LONG
    return None


@dataclass(frozen=True, slots=True)
class _Scope:
    """The instants and the site at which everything in a chain holds."""

    starts_at: datetime
    over_at: datetime
    site: str | None

    @classmethod
    def of(cls, one: Delegation) -> Self:
        return cls(one.starts_at, one.over_at, one.site)

    def within(self, other: "_Scope") -> "_Scope | None":
        """Where both hold; ``None`` for nowhere."""
        starts_at = max(self.starts_at, other.starts_at)
        over_at = min(self.over_at, other.over_at)
        if starts_at >= over_at or (self.site and other.site and self.site != other.site):
            return None
        return _Scope(starts_at, over_at, self.site or other.site)


_Step = tuple[str, int, _Scope]
"""Somebody on a chain, how many delegations away, and where the chain holds so far."""


def _onwards(known: Sequence[Delegation], person: str, scope: _Scope) -> Iterator[_Step]:
    """Everybody who receives what a person may do, as far as a chain may reach."""
    return _steps(known, person, scope, lambda one: (one.delegator, one.delegate))


def _backwards(known: Sequence[Delegation], person: str, scope: _Scope) -> Iterator[_Step]:
    """Everybody from whom a person receives, as far as a chain may reach."""
    return _steps(known, person, scope, lambda one: (one.delegate, one.delegator))


def _steps(
    known: Sequence[Delegation],
    person: str,
    scope: _Scope,
    ends: Callable[[Delegation], tuple[str, str]],
) -> Iterator[_Step]:
    """Breadth first. Of two ways to the same place with the same scope one is followed."""
    level: set[tuple[str, _Scope]] = {(person, scope)}
    for length in range(1, CHAIN_MAX + 1):
        following: set[tuple[str, _Scope]] = set()
        for here, where in level:
            for one in known:
                first, second = ends(one)
                shared = where.within(_Scope.of(one)) if first == here else None
                if shared is not None:
                    following.add((second, shared))
        yield from ((who, length, where) for who, where in following)
        level = following

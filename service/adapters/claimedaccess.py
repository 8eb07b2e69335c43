"""Who may do what, where some people's roles come from their tokens and not from the file."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol, Self

from service.app.accessports import Access
from service.app.token import EVERYWHERE, Roles


class RoleAccess(Access, Protocol):
    """The access file, which can also be asked about roles alone."""

    @property
    def sites_named(self) -> frozenset[str]:
        """Every site that the file gives a role at."""

    def roles_through(self, held: Iterable[str], site: str) -> tuple[str, ...]:
        """The rulebook's roles that whoever holds some roles at a site has, by rank."""

    def role_may(self, role: str, thing: str, action: str, site: str) -> bool:
        """Whether whoever holds a role at a site may do something there."""


class ClaimedAccess:
    """See `service.app.accessports.Access`. Of everybody else the file says it.

    Made for one request: what it asks is about roles, and answered from what the file
    remembers, however many people come.
    """

    def __init__(self, file: RoleAccess, people: Mapping[str, Roles]) -> None:
        """``people`` are those whose roles replace the file's."""
        self._file = file
        self._roles = people
        self._people = {person: dict(roles) for person, roles in people.items()}

    def roles(self, person: str, site: str) -> tuple[str, ...]:
        """The rulebook's roles that a person holds at a site, lowest rank first."""
        claimed = self._people.get(person)
        if claimed is None:
            return self._file.roles(person, site)
        return self._file.roles_through(_at(claimed, site), site)

    def may(self, person: str, thing: str, action: str, site: str) -> bool:
        """Whether any of a person's roles at a site may."""
        claimed = self._people.get(person)
        if claimed is None:
            return self._file.may(person, thing, action, site)
        return any(self._file.role_may(role, thing, action, site) for role in _at(claimed, site))

    def sites(self, person: str, thing: str, action: str) -> frozenset[str] | None:
        """The sites where a person may; ``None`` for every site."""
        claimed = self._people.get(person)
        if claimed is None:
            return self._file.sites(person, thing, action)
        named = self._file.sites_named | (claimed.keys() - {EVERYWHERE})
        allowed = frozenset(site for site in named if self.may(person, thing, action, site))
        if allowed == named and self.may(person, thing, action, EVERYWHERE):
            return None
        return allowed

    def is_granted(self, thing: str, action: str) -> bool:
        """Whether any role at all may, whoever holds it."""
        return self._file.is_granted(thing, action)

    def people(self) -> Sequence[str]:
        """Everybody the file names, and then those whose roles come from elsewhere."""
        return tuple(dict.fromkeys([*self._file.people(), *self._people]))

    def unknown_roles(self, names: Collection[str]) -> Sequence[str]:
        """Those of the names that are no role here, sorted."""
        return self._file.unknown_roles(names)

    def claiming(self, people: Mapping[str, Roles]) -> Self:
        """The same with more such people, or other roles of theirs."""
        return type(self)(self._file, {**self._roles, **people})


def _at(claimed: Mapping[str, Sequence[str]], site: str) -> Iterable[str]:
    """The roles at a site: those held there, and those held everywhere."""
    here = () if site == EVERYWHERE else claimed.get(site, ())
    return (*claimed.get(EVERYWHERE, ()), *here)

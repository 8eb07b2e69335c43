"""Who may do what while a candidate decides: as the set in force says, in its roles."""

from collections.abc import Collection, Mapping, Sequence

from service.app.accessports import Access
from service.app.token import Roles


class NarrowedAccess:
    """Who may do what, as the set in force says. A role that the candidate lacks is none here.

    See `accessports.Access`.
    """

    def __init__(self, access: Access, known: Mapping[str, object]) -> None:
        """``known`` are the candidate's roles by name."""
        self._access = access
        self._known = known

    def roles(self, person: str, site: str) -> tuple[str, ...]:
        """The roles that a person holds at a site and that both sets know."""
        held = self._access.roles(person, site)
        return tuple([role for role in held if role in self._known])

    def may(self, person: str, thing: str, action: str, site: str) -> bool:
        """As the set in force says."""
        return self._access.may(person, thing, action, site)

    def sites(self, person: str, thing: str, action: str) -> frozenset[str] | None:
        """As the set in force says."""
        return self._access.sites(person, thing, action)

    def is_granted(self, thing: str, action: str) -> bool:
        """As the set in force says."""
        return self._access.is_granted(thing, action)

    def people(self) -> Sequence[str]:
        """As the set in force says."""
        return self._access.people()

    def unknown_roles(self, names: Collection[str]) -> Sequence[str]:
        """As the set in force says."""
        return self._access.unknown_roles(names)

    def claiming(self, people: Mapping[str, Roles]) -> "NarrowedAccess":
        """The same for people whose roles come from elsewhere, narrowed alike."""
        return NarrowedAccess(self._access.claiming(people), self._known)

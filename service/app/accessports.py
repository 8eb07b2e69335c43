"""What the use cases ask about people: who holds which role, and may do what."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from service.app.token import Roles


class Access(Protocol):
    """Who holds which role where, and may do what. One immutable snapshot per policy version."""

    def roles(self, person: str, site: str) -> tuple[str, ...]:
        """The rulebook's roles that a person holds at a site, lowest rank first."""

    def may(self, person: str, thing: str, action: str, site: str) -> bool:
        """Whether a person may do ``action`` to ``thing`` at a site."""

    def sites(self, person: str, thing: str, action: str) -> frozenset[str] | None:
        """The sites where a person may; ``None`` for every site (``*``)."""

    def is_granted(self, thing: str, action: str) -> bool:
        """Whether any role at all may do ``action`` to ``thing``, whoever holds it."""

    def people(self) -> Sequence[str]:
        """Everybody the access file names, in its order; then who else holds roles."""

    def unknown_roles(self, names: Collection[str]) -> Sequence[str]:
        """Those of the names that are no role here, sorted."""

    def claiming(self, people: Mapping[str, Roles]) -> "Access":
        """The same, but for people whose roles come from elsewhere and replace the file's."""

"""Delegations as people see them: their own, and those that they manage."""

from dataclasses import dataclass

import orjson

from service.app.delegate import delegation_json, manages, no_delegation
from service.app.ports import DelegationFilter, Page, Store
from service.app.principal import Principal, for_caller
from service.app.snapshot import Library
from service.core.delegation import Delegation


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which delegations to list: those that ``person`` gave or received, at a site."""

    person: str | None = None
    site: str | None = None
    is_over: bool | None = None


class DelegationReader:
    """Shows delegations: everybody's own, and others' to who manages them at the site."""

    def __init__(self, store: Store, library: Library) -> None:
        """Keep the ports."""
        self._store = store
        self._library = library

    def list(self, principal: Principal, sought: Sought, page: Page) -> bytes:
        """A page as JSON, newest first: what was given and what was received."""
        access = for_caller(self._library.in_force().access, principal)
        wanted = DelegationFilter(
            reader=principal.id,
            sites=access.sites(principal.id, "delegation", "manage"),
            person=sought.person,
            site=sought.site,
            is_over=sought.is_over,
        )
        one_more = Page(after=page.after, limit=page.limit + 1)
        with self._store.read() as reader:
            at = reader.now()
            found = reader.list_delegations(wanted, one_more, at)
        shown = [delegation_json(one, at) for one in found[: page.limit]]
        following = found[page.limit - 1].id if len(found) > page.limit else None
        return orjson.dumps({"delegations": shown, "next": following})

    def find(self, principal: Principal, id: str) -> Delegation:  # noqa: A002
        """One that the caller may see. Raises `NotFound`."""
        access = for_caller(self._library.in_force().access, principal)
        with self._store.read() as reader:
            found = reader.find_delegation(id)
        if found is None:
            raise no_delegation(id)
        own = principal.id in {found.delegator, found.delegate}
        if not own and not manages(access, principal.id, found.site):
            raise no_delegation(id)
        return found

"""Search the log: entries by what they are about, for whoever may audit them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from service.app.entryports import EntryFilter
from service.app.errors import Forbidden
from service.app.logquery import LogQuery, read_query
from service.app.ports import Reader, Store, Vault
from service.app.principal import Principal, for_caller
from service.app.records import EntryRecord
from service.app.snapshot import Library, Snapshot
from service.core.factvalue import rfc3339
from service.core.situation import text_of

NOTHING: Final = b'{"entries":[],"next":null}'


class LogSearch:
    """Finds entries. Opens nothing: what is personal is found by its keyed hash alone."""

    def __init__(self, store: Store, library: Library, vault: Vault | None) -> None:
        """Without a ``vault`` nobody can be searched for."""
        self._store = store
        self._library = library
        self._vault = vault

    @property
    def finds_people(self) -> bool:
        """Whether a subject can be searched for: it takes the master key."""
        return self._vault is not None

    def search(self, principal: Principal | None, body: Any) -> bytes:  # noqa: ANN401 — JSON
        """A page of what a body asks for, newest first, as JSON. Raises `Refused`, `Forbidden`."""
        return self.list(principal, read_query(self._library.in_force().rulebook, body))

    def list(self, principal: Principal | None, query: LogQuery) -> bytes:
        """A page of the entries, newest first, as JSON.

        Without a principal it is the operator who asks, at the database. Raises `Forbidden`.
        """
        page = query.page
        with self._store.read() as reader:
            wanted = self.narrowed(reader, principal, query)
            if wanted is None:
                return NOTHING
            found = reader.entries.latest(wanted, page.after, page.limit + 1)
        return _page(found, page.limit)

    def narrowed(
        self,
        reader: Reader,
        principal: Principal | None,
        query: LogQuery,
        *,
        opens: bool = False,
    ) -> EntryFilter | None:
        """The filter of a question; ``None`` where it can find nothing. Raises `Forbidden`.

        It takes only the sites that the caller may audit, and with ``opens`` may open, has the
        person by surrogate, and the escalation by its resolution.
        """
        wanted = query.wanted
        if principal is not None:
            snapshot = self._library.in_force()
            for action in ("read", "open") if opens else ("read",):
                sites = _allowed(snapshot, principal, action, wanted.sites)
                wanted = replace(wanted, sites=sites)
        if query.escalation is not None:
            record = reader.find_escalation(query.escalation)
            if record is None or wanted.about not in {None, record.resolution}:
                return None
            wanted = replace(wanted, about=record.resolution)
        if query.subject is not None:
            subject = self._surrogate(reader, query)
            return None if subject is None else replace(wanted, subject=subject)
        return wanted

    def _surrogate(self, reader: Reader, query: LogQuery) -> str | None:
        """The surrogate of a person; ``None`` where the log knows no such person (any more)."""
        path = self._library.in_force().rulebook.subject
        if self._vault is None or query.subject is None:
            return None
        fingerprint = self._vault.fingerprint(f"{path}\0{text_of(query.subject)}")
        found = reader.surrogates([fingerprint]).get(fingerprint)
        return None if found is None else found.surrogate


def entry_json(record: EntryRecord) -> dict[str, Any]:
    """An entry as lists show it."""
    return {
        "id": record.id,
        "kind": record.kind,
        "at": rfc3339(record.at),
        "about": record.about,
        "leaf": record.leaf.hex(),
        "body": orjson.loads(record.body),
    }


def _allowed(
    snapshot: Snapshot, principal: Principal, action: str, asked: frozenset[str] | None
) -> frozenset[str] | None:
    sites = for_caller(snapshot.access, principal).sites(principal.id, "log", action)
    if sites is None:
        return asked
    if not sites:
        raise Forbidden(
            "not_permitted",
            f"{principal.id} may not {action} any log",
            f"ask whoever keeps access.csv for a role with: log, {action}",
        )
    return sites if asked is None else asked & sites


def _page(found: Sequence[EntryRecord], limit: int) -> bytes:
    following = found[limit - 1].id if len(found) > limit else None
    listed = [entry_json(record) for record in found[:limit]]
    return orjson.dumps({"entries": listed, "next": following})

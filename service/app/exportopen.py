"""Exports that are opened: personal values beside the entries that commit to them.

The log has no names. Whoever takes them out of it with an export is an entry of the log
themselves, which is committed before the first byte leaves. What was erased stays closed.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from service.app.entry import Head, caller_body, entry_of
from service.app.entryports import Placed
from service.app.errors import Unavailable
from service.app.ports import Ids, Reader, Store, Vault
from service.app.principal import Principal
from service.app.pseudonym import unseal
from service.app.records import Writes
from service.core.disclosure import Disclosure

OPERATOR = "operator"
"""Who asks at the database itself."""


class Opened(NamedTuple):
    """The disclosures of one entry (RFC 9901), as texts of JSON.

    ``values`` are pairs of a name and a value, ``disclosures`` the same as they were
    hashed. Both are ``None`` where there is nothing to open: never was, or is erased.
    """

    values: str | None
    disclosures: str | None


CLOSED = Opened(None, None)


class Opener:
    """Opens entries for exports, and tells the log who asked."""

    def __init__(self, store: Store, vault: Vault | None, ids: Ids) -> None:
        """Without a ``vault`` nothing can be opened."""
        self._store = store
        self._vault = vault
        self._ids = ids

    def tell(
        self, principal: Principal | None, form: str, size: int, wanted: Mapping[str, Any]
    ) -> None:
        """Commit the entry that says who takes what along; ``wanted`` is what was asked for.

        Raises `Unavailable` without a master key: then nothing is opened, and nothing told.
        """
        if self._vault is None:
            raise Unavailable(
                "no_master_key",
                "what is sealed can be opened with the master key alone, and it is not here",
                "set REMIT_MASTER_KEY, or leave --open out",
            )
        by = OPERATOR if principal is None else principal.id
        body = {
            "by": {"id": by} if principal is None else caller_body(principal),
            "effect": "opened",
            "format": form,
            "size": size,
            "query": {name: value for name, value in wanted.items() if name != "subject"},
        }
        with self._store.begin() as tx:
            head = Head(id=self._ids.new("ent", tx.at), kind="export", at=tx.at, about=by)
            entry = entry_of(head, body, agent=by, subject=wanted.get("subject"))
            tx.write(Writes(entries=[entry]))

    def opened(self, reader: Reader, placed: Sequence[Placed]) -> Sequence[Opened]:
        """What can be opened of some entries, in their order."""
        if self._vault is None:
            return [CLOSED] * len(placed)
        openings = reader.openings([entry.id for _, entry in placed])
        keys = reader.subject_keys({opening.subject for opening in openings.values()})
        found: list[Opened] = []
        for _, entry in placed:
            opening = openings.get(entry.id)
            if opening is None or opening.subject not in keys:
                found.append(CLOSED)
            else:
                found.append(_told(unseal(self._vault, keys[opening.subject], opening)))
        return found


def _told(disclosures: Sequence[Disclosure]) -> Opened:
    values = [[each.name, each.value] for each in disclosures]
    encoded = [each.encoded() for each in disclosures]
    return Opened(orjson.dumps(values).decode(), orjson.dumps(encoded).decode())

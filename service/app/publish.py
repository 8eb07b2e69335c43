"""Publish: put a policy set in force. Every version is kept for ever."""

from collections.abc import Mapping

from service.app.entry import Head, entry_of
from service.app.ports import Ids, Store
from service.app.records import PolicyRecord, Writes
from service.app.snapshot import Library, Snapshot


class Publisher:
    """Writes versions and moves the head, in one transaction with the log entry."""

    def __init__(self, store: Store, library: Library, ids: Ids) -> None:
        """Keep the ports."""
        self._store = store
        self._library = library
        self._ids = ids

    def publish(self, snapshot: Snapshot, *, by: str) -> bool:
        """Put a set that loads in force; whether that changed anything."""
        rulebook = snapshot.rulebook
        self._library.keep(snapshot)
        with self._store.begin() as tx:
            before = tx.head()
            if before == rulebook.version:
                return False
            record = PolicyRecord(
                version=rulebook.version,
                rules=rulebook.rules,
                name=rulebook.name,
                files=_files(snapshot.files),
                published_at=tx.at,
                published_by=by,
            )
            head = Head(
                id=self._ids.new("ent", tx.at), kind="policy", at=tx.at, about=rulebook.version
            )
            body = {
                "by": {"id": by},
                "effect": "published",
                "name": rulebook.name,
                "version": rulebook.version,
                "rules": rulebook.rules,
                "before": before,
            }
            writes = Writes(
                policies=[record], head=rulebook.version, entries=[entry_of(head, body)]
            )
            tx.write(writes)
        return True


def _files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return dict(sorted(files.items()))

"""Publish: put a policy set in force. Every version is kept for ever."""

from collections.abc import Mapping

from service.app.entry import Head, entry_of
from service.app.ports import Ids, Store, Transaction
from service.app.records import PolicyRecord, Writes
from service.app.snapshot import Library, Snapshot
from service.app.trialend import End, ended, find_superseded
from service.policyfile.digest import digest_changes


class Publisher:
    """Writes versions and moves the head, in one transaction with the log entry.

    Any number of processes may publish at once: they take turns, and each sees what the
    one before it put in force.
    """

    def __init__(self, store: Store, library: Library, ids: Ids) -> None:
        """Keep the ports."""
        self._store = store
        self._library = library
        self._ids = ids

    def seed(self, snapshot: Snapshot, *, by: str) -> bool:
        """Put a set in force where none is yet; whether it is this one, by this call."""
        return self._put(snapshot, by, only_first=True)

    def publish(self, snapshot: Snapshot, *, by: str, over: str | None = None) -> bool:
        """Put a set that loads in force; whether that changed anything.

        With ``over`` only in the place of that version.
        """
        return self._put(snapshot, by, over=over)

    def _put(
        self, snapshot: Snapshot, by: str, *, only_first: bool = False, over: str | None = None
    ) -> bool:
        rulebook = snapshot.rulebook
        self._library.keep(snapshot)
        with self._store.begin() as tx:
            before = tx.lock_head()
            if before == rulebook.version or (only_first and before is not None):
                return False
            if over is not None and before != over:
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
                "changes": digest_changes(self._files_of(before), snapshot.files),
            }
            writes = Writes(
                policies=[record], head=rulebook.version, entries=[entry_of(head, body)]
            )
            self._supersede(tx, rulebook.rules, by, writes)
            tx.write(writes)
        return True

    def _supersede(self, tx: Transaction, rules: str, by: str, writes: Writes) -> None:
        """End the trial that was to be beside the set before."""
        found = find_superseded(tx, rules)
        if found is None:
            return
        record, counts = found
        who = {"id": by, "kind": "service", "owner": None, "key": None}
        end = End(at=tx.at, reason="superseded", by=who)
        after, entry = ended(self._ids, record, counts, end)
        writes.trial_changes.append(after)
        writes.entries.append(entry)
        writes.trial_over = True

    def _files_of(self, version: str | None) -> Mapping[str, bytes]:
        """What was in force, as it was published, whether it loads by now or not."""
        if version is None:
            return {}
        with self._store.read() as reader:
            record = reader.find_policy(version)
        return {} if record is None else record.files


def _files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return dict(sorted(files.items()))

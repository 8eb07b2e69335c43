"""The log's keys: announced by an entry each, before anything is signed with them."""

from collections.abc import Sequence
from typing import Final

from service.app.entry import Head, entry_of
from service.app.errors import Busy
from service.app.logrecords import LogKeyRecord
from service.app.ports import Ids, Store, Transaction
from service.app.records import EntryRecord, Writes
from service.app.signing import Signing, unknown_key

ANNOUNCED_BY: Final = "start"
"""Who announced a key that a process was started with."""

_TRIES_MAX: Final = 5


class LogKeys:
    """Announces this process's key, and lists those that the log has used."""

    def __init__(self, store: Store, ids: Ids, signing: Signing) -> None:
        """Keep the ports."""
        self._store = store
        self._ids = ids
        self._signing = signing

    def list(self) -> Sequence[LogKeyRecord]:
        """Every key of the log, oldest first."""
        with self._store.read() as reader:
            return reader.log.keys()

    def current(self) -> str:
        """The verifier key of the log, as text; of this process where the log has none yet."""
        keys = self.list()
        if keys:
            return keys[-1].key
        return self._signing.signer(self._signing.origin).verifier_key.encoded()

    def announce(self) -> None:
        """Make this process's key the log's, unless it is or was. Raises `LogAlarm`.

        Whatever signs is announced by an entry that its first checkpoint covers.
        """
        for left in reversed(range(_TRIES_MAX)):
            try:
                self._announce()
            except Busy:
                if not left:
                    raise
            else:
                return

    def _announce(self) -> None:
        keys = self.list()
        origin = keys[-1].origin if keys else self._signing.origin
        key = self._signing.signer(origin).verifier_key.encoded()
        if key in {known.key for known in keys}:
            return
        if keys and not self._signing.vouches(keys[-1]):
            raise unknown_key(key, keys[-1])
        with self._store.begin() as tx:
            entry = keep_key(tx, self._ids, keys, origin=origin, key=key, by=ANNOUNCED_BY)
            tx.write(Writes(entries=[entry]))


def keep_key(
    tx: Transaction, ids: Ids, keys: Sequence[LogKeyRecord], *, origin: str, key: str, by: str
) -> EntryRecord:
    """Keep a key as the log's, after ``keys``; the entry that announces it, to be written.

    Raises `Busy` where another process was first.
    """
    id_ = ids.new("ent", tx.at)
    record = LogKeyRecord(number=len(keys) + 1, origin=origin, key=key, entry=id_, at=tx.at)
    if not tx.log.keep_key(record):
        raise Busy("another process announced a signing key")
    body = {
        "by": {"id": by},
        "effect": "announced",
        "origin": origin,
        "key": key,
        "before": keys[-1].key if keys else None,
    }
    return entry_of(Head(id=id_, kind="signing_key", at=tx.at, about=key), body)

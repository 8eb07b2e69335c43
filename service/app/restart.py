"""Restart: after a legitimate restore, the log goes on under a new name.

A restored database lacks what was logged after the backup, so it contradicts what was
published. Nobody may sign over that in silence: the log gets a new origin, and an entry
says which checkpoint of the old one cannot be gone on from. The tree itself goes on with
what was restored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from service.app.entry import Head, entry_of
from service.app.errors import Conflict
from service.app.logkeys import keep_key
from service.app.logports import CheckpointCopy
from service.app.logrecords import LogKeyRecord
from service.app.ports import Ids, Store
from service.app.records import Writes
from service.app.signing import Signing
from service.core.checkpoint import Checkpoint, parse_checkpoint
from service.core.note import NoteError, parse_note
from service.core.refusal import Fault, Refused

ORIGIN_CHARS_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted:
    """The log's new name and verifier key, the entry that says so, and where the old one ended."""

    origin: str
    key: str
    entry: str
    old: Checkpoint


class Restarter:
    """Starts a new origin."""

    def __init__(self, store: Store, ids: Ids, signing: Signing, copy: CheckpointCopy) -> None:
        """Keep the ports."""
        self._store = store
        self._ids = ids
        self._signing = signing
        self._copy = copy

    def restart(
        self, *, by: str, origin: str | None = None, checkpoint: bytes | None = None
    ) -> Restarted:
        """Go on under a new origin, by default the first one's name and a number.

        The entry names the longest checkpoint of the old origin that is known: of those in
        the database, the copy beside it, and ``checkpoint``, a signed note from elsewhere.
        Raises `Refused` for an origin or a note that cannot be used, and `Conflict` where
        nothing was ever published.
        """
        given = None if checkpoint is None else _read(checkpoint)
        with self._store.begin() as tx:
            keys = tx.log.keys()
            newest = tx.log.last_checkpoint()
            kept = None if newest is None else self._signing.opened(keys, newest)
            old = _longest(kept, self._copied(), given)
            name = origin or _next_origin(keys, old)
            if name in {old.origin, *(key.origin for key in keys)}:
                raise _unusable("origin", "the log had this origin before", "take a new one")
            key = _key_of(self._signing, name)
            id_ = self._ids.new("ent", tx.at)
            body = {"by": {"id": by}, "effect": "restarted", "old": _json(old), "origin": name}
            head = Head(id=id_, kind="restart", at=tx.at, about=name)
            announced = keep_key(tx, self._ids, keys, origin=name, key=key, by=by)
            tx.write(Writes(entries=[entry_of(head, body), announced]))
        self._copy.forget()
        return Restarted(origin=name, key=key, entry=id_, old=old)

    def _copied(self) -> Checkpoint | None:
        note = self._copy.find()
        return None if note is None else _read(note)


def _read(note: bytes) -> Checkpoint:
    """The checkpoint that somebody kept.

    It need not be signed by a key that is known here: the database may have been restored
    to a time before that key.
    """
    try:
        return parse_checkpoint(parse_note(note).text)
    except NoteError as error:
        raise _unusable(
            "checkpoint", f"this is no checkpoint: {error}", "take one as GET /checkpoint gives it"
        ) from error


def _longest(*known: Checkpoint | None) -> Checkpoint:
    found = [checkpoint for checkpoint in known if checkpoint is not None]
    if not found:
        raise Conflict(
            "never_published",
            "no checkpoint of this log is known, so there is nothing to go on from",
            "start the service: it publishes the first one by itself",
        )
    return max(found, key=lambda checkpoint: checkpoint.size)


def _next_origin(keys: Sequence[LogKeyRecord], old: Checkpoint) -> str:
    """The name of the log's first origin and a number that none of its origins has."""
    origins = list(dict.fromkeys([*(key.origin for key in keys), old.origin]))
    number = len(origins) + 1
    while f"{origins[0]}/{number}" in origins:
        number += 1
    return f"{origins[0]}/{number}"


def _key_of(signing: Signing, origin: str) -> str:
    if len(origin) > ORIGIN_CHARS_MAX:
        raise _unusable(
            "origin", "the origin is too long", f"at most {ORIGIN_CHARS_MAX} characters"
        )
    try:
        return signing.signer(origin).verifier_key.encoded()
    except NoteError as error:
        raise _unusable(
            "origin", f"this is no origin: {error}", "write one like log.example.com/remit"
        ) from error


def _json(checkpoint: Checkpoint) -> dict[str, str | int]:
    return {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
    }


def _unusable(name: str, what: str, instead: str) -> Refused:
    fault = Fault(code="invalid_parameter", pointer=f"/{name}", message=what, remedy=instead)
    return Refused((fault,))

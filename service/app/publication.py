"""A publication on its way through a batch: asked for by one person, confirmed by a second.

The second person is needed where ``access.csv`` of the policy in force gives the right
``policy, confirm`` to any role: then a publication waits until somebody else who holds it
has confirmed. Where no role has it, one person suffices.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import orjson

from service.app.batch import Batch
from service.app.entry import Head, caller_body, entry_of
from service.app.errors import Busy, Conflict, Forbidden, NotFound
from service.app.idempotency import Claim
from service.app.plaincommand import PlainCommand
from service.app.principal import Principal, require
from service.app.propose import Answered
from service.app.publicationrecords import PublicationEffect, PublicationRecord
from service.app.records import EntryRecord, PolicyRecord
from service.app.snapshot import Snapshot
from service.app.trialend import supersede
from service.core.factvalue import rfc3339
from service.policyfile.digest import is_of_version

EVERYWHERE: Final = "*"
COMMENT_CHARS_MAX: Final = 1_000

_EFFECTS: Final[Mapping[PublicationEffect, str]] = {
    "publish": "published",
    "rollback": "rolled_back",
}


def digest_changes(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> str:
    """``sha256:`` and the hex digest of what is different between two sets.

    For each file of a version that is not the same in both, by path as UTF-8, one line is
    hashed: the path, a zero byte, the hex SHA-256 of its bytes before, a zero byte, that of
    its bytes after, a line feed. A ``-`` stands where there is no such file.
    """
    digest = hashlib.sha256()
    for path in sorted(before.keys() | after.keys(), key=str.encode):
        old, new = before.get(path), after.get(path)
        if old != new and is_of_version(path):
            digest.update(b"\0".join([path.encode(), _hex(old), _hex(new)]) + b"\n")
    return f"sha256:{digest.hexdigest()}"


def _hex(data: bytes | None) -> bytes:
    return b"-" if data is None else hashlib.sha256(data).hexdigest().encode()


def publication_json(record: PublicationRecord) -> dict[str, Any]:
    """A publication as it is shown, without its files."""
    return {
        "id": record.id,
        "state": record.state,
        "effect": record.effect,
        "version": record.version,
        "rules": record.rules,
        "name": record.name,
        "replaces": record.replaces,
        "changes": record.changes,
        "comment": record.comment,
        "requested_by": record.requested_by,
        "requested_at": rfc3339(record.requested_at),
        "confirmed_by": record.confirmed_by,
        "confirmed_at": None if record.confirmed_at is None else rfc3339(record.confirmed_at),
    }


def needs_second_person(snapshot: Snapshot) -> bool:
    """Whether what is to follow this policy has to be confirmed."""
    return snapshot.access.is_granted("policy", "confirm")


class _Publishing(PlainCommand):
    """What both commands do: hold the head, put a version in its place, tell the log."""

    def __init__(self, principal: Principal, claim: Claim | None) -> None:
        super().__init__(claim)
        self.principal = principal

    def _hold_head(self, batch: Batch) -> Snapshot:
        """The policy in force, and nobody else puts another there until the batch ends."""
        if batch.writes.head is not None:
            raise moved_on(batch.writes.head)
        in_force = batch.snapshot
        if batch.tx.lock_head() != in_force.rulebook.version:
            raise Busy("another policy was put in force meanwhile")
        return in_force

    def _put_in_force(self, batch: Batch, record: PublicationRecord) -> None:
        policy = PolicyRecord(
            version=record.version,
            rules=record.rules,
            name=record.name,
            files=record.files,
            published_at=batch.at,
            published_by=record.requested_by,
        )
        batch.writes.policies.append(policy)
        batch.writes.head = record.version
        supersede(batch, record.rules, self.principal)

    def _told(self, batch: Batch, record: PublicationRecord, status: int) -> Answered:
        """The entry of the log, the kept answer, and the answer."""
        entry = self._entry(batch, record)
        batch.writes.entries.append(entry)
        shown = publication_json(record)
        body = orjson.dumps({**shown, "entry": {"id": entry.id, "leaf": entry.leaf.hex()}})
        return self.kept(batch, body, status)

    def _entry(self, batch: Batch, record: PublicationRecord) -> EntryRecord:
        head = Head(
            id=batch.ids.new("ent", batch.at), kind="policy", at=batch.at, about=record.version
        )
        waits = record.state == "requested"
        told = {
            "by": caller_body(self.principal),
            "effect": "requested" if waits else _EFFECTS[record.effect],
            "publication": record.id,
            "requested_by": record.requested_by,
            "name": record.name,
            "version": record.version,
            "rules": record.rules,
            "before": record.replaces,
            "changes": record.changes,
        }
        return entry_of(
            head,
            told,
            agent=self.principal.id,
            policy_version=batch.snapshot.rulebook.version,
        )


class RequestPublication(_Publishing):
    """A set to put in force. ``snapshot`` was compiled and tested before."""

    def __init__(
        self,
        *,
        principal: Principal,
        snapshot: Snapshot,
        effect: PublicationEffect = "publish",
        comment: str | None = None,
        replaces: str | None = None,
        claim: Claim | None = None,
    ) -> None:
        """``replaces`` is the version that the caller believes in force, if told."""
        super().__init__(principal, claim)
        self._snapshot = snapshot
        self._effect = effect
        self._comment = comment
        self._replaces = replaces

    def read(self, batch: Batch) -> None:
        """See that the caller may. Raises `Forbidden`."""
        require(batch.snapshot.access, self.principal, "policy", "publish", EVERYWHERE)

    def decide(self, batch: Batch) -> Answered:
        """Put it in force, or let it wait for a second person."""
        replay = self.find_answer(batch)
        if replay is not None:
            return replay
        in_force = self._hold_head(batch)
        head = in_force.rulebook.version
        if self._replaces is not None and self._replaces != head:
            raise moved_on(head)
        if self._snapshot.rulebook.version == head:
            raise Conflict(
                "already_in_force",
                "this very set is in force already",
                "change a file first, or leave it as it is",
            )
        record = self._record(batch.ids.new("pub", batch.at), batch.at, in_force)
        batch.writes.publications.append(record)
        if record.state == "requested":
            return self._told(batch, record, 202)
        self._put_in_force(batch, record)
        return self._told(batch, record, 201)

    def _record(self, id_: str, at: datetime, in_force: Snapshot) -> PublicationRecord:
        rulebook = self._snapshot.rulebook
        return PublicationRecord(
            id=id_,
            state="requested" if needs_second_person(in_force) else "published",
            effect=self._effect,
            version=rulebook.version,
            rules=rulebook.rules,
            name=rulebook.name,
            replaces=in_force.rulebook.version,
            changes=digest_changes(in_force.files, self._snapshot.files),
            comment=self._comment,
            requested_by=self.principal.id,
            requested_kind=self.principal.kind,
            requested_owner=self.principal.owner,
            requested_at=at,
            files=dict(sorted(self._snapshot.files.items())),
        )


class ConfirmPublication(_Publishing):
    """The second person's word: now it is put in force. ``id`` is the publication's."""

    def __init__(
        self,
        *,
        principal: Principal,
        id: str,  # noqa: A002
        claim: Claim | None = None,
    ) -> None:
        """Keep what was asked."""
        super().__init__(principal, claim)
        self._id = id

    def read(self, batch: Batch) -> None:
        """See that a person asks who may. Raises `Forbidden`."""
        if self.principal.kind != "human":
            raise Forbidden(
                "humans_only",
                "only people confirm what is put in force",
                "let a colleague do it with their own key",
            )
        require(batch.snapshot.access, self.principal, "policy", "confirm", EVERYWHERE)

    def decide(self, batch: Batch) -> Answered:
        """Put it in force, if it would follow the policy that it was asked for against."""
        replay = self.find_answer(batch)
        if replay is not None:
            return replay
        record = batch.tx.publications.lock(self._id)
        if record is None:
            raise no_publication(self._id)
        if record.state == "published":
            raise Conflict(
                "already_published",
                "this was put in force already",
                "look at it: GET /v1/policy/versions",
            )
        if self.principal.id in {record.requested_by, record.requested_owner}:
            raise Forbidden(
                "second_person_required",
                "nobody confirms a publication that they or their agent asked for",
                "let a second person who holds policy, confirm do it",
            )
        head = self._hold_head(batch).rulebook.version
        if head != record.replaces:
            raise moved_on(head)
        done = replace(
            record, state="published", confirmed_by=self.principal.id, confirmed_at=batch.at
        )
        batch.writes.publication_changes.append(done)
        self._put_in_force(batch, done)
        return self._told(batch, done, 200)


def moved_on(head: str) -> Conflict:
    """Somebody else put another policy in force since the caller looked."""
    return Conflict(
        "policy_moved_on",
        f"the policy in force is {head} by now",
        "compare it with yours (GET /v1/policy/versions), then publish anew",
    )


def no_publication(id_: str) -> NotFound:
    """There is no such publication."""
    return NotFound(
        "no_publication",
        f"there is no publication {id_[:60]!r}",
        "list them: GET /v1/policy/publications",
    )

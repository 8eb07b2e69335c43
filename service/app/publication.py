"""A publication on its way through a batch: asked for by one person, confirmed by a second.

When the second person is needed: see `policycommand`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from service.app.batch import Batch
from service.app.entry import Head, caller_body, entry_of
from service.app.errors import Conflict, NotFound
from service.app.idempotency import Claim
from service.app.policycommand import (
    PolicyCommand,
    PolicyConfirmation,
    PolicyRequest,
    moved_on,
    needs_second_person,
    version_of,
)
from service.app.principal import Principal
from service.app.propose import Answered
from service.app.publicationrecords import PublicationEffect, PublicationRecord
from service.app.records import EntryRecord
from service.app.snapshot import Snapshot
from service.app.trialend import supersede
from service.core.factvalue import rfc3339

COMMENT_CHARS_MAX: Final = 1_000

_EFFECTS: Final[Mapping[PublicationEffect, str]] = {
    "publish": "published",
    "rollback": "rolled_back",
}


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


def _put_in_force(batch: Batch, record: PublicationRecord, by: Principal) -> None:
    """Its version decides from the next batch on. The batch holds the head."""
    batch.writes.policies.append(version_of(record, batch.at))
    batch.writes.head = record.version
    supersede(batch, record.rules, by)


def _tell(command: PolicyCommand, batch: Batch, record: PublicationRecord, status: int) -> Answered:
    """The entry of the log, and the answer."""
    entry = _entry(batch, record, command.principal)
    batch.writes.entries.append(entry)
    return command.answered(batch, publication_json(record), entry, status)


def _entry(batch: Batch, record: PublicationRecord, by: Principal) -> EntryRecord:
    head = Head(id=batch.ids.new("ent", batch.at), kind="policy", at=batch.at, about=record.version)
    waits = record.state == "requested"
    told = {
        "by": caller_body(by),
        "effect": "requested" if waits else _EFFECTS[record.effect],
        "publication": record.id,
        "requested_by": record.requested_by,
        "name": record.name,
        "version": record.version,
        "rules": record.rules,
        "before": record.replaces,
        "changes": record.changes,
    }
    return entry_of(head, told, agent=by.id, policy_version=batch.snapshot.rulebook.version)


class RequestPublication(PolicyRequest):
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
        super().__init__(principal, snapshot, replaces, claim)
        self._effect = effect
        self._comment = comment

    def decide(self, batch: Batch) -> Answered:
        """Put it in force, or let it wait for a second person. Raises `Conflict`."""
        replay = self.find_answer(batch)
        if replay is not None:
            return replay
        in_force = self.hold_expected_head(batch)
        if self.snapshot.rulebook.version == in_force.rulebook.version:
            raise Conflict(
                "already_in_force",
                "this very set is in force already",
                "change a file first, or leave it as it is",
            )
        record = self._record(batch, in_force)
        batch.writes.publications.append(record)
        if record.state == "requested":
            return _tell(self, batch, record, 202)
        _put_in_force(batch, record, self.principal)
        return _tell(self, batch, record, 201)

    def _record(self, batch: Batch, in_force: Snapshot) -> PublicationRecord:
        return PublicationRecord(
            id=batch.ids.new("pub", batch.at),
            state="requested" if needs_second_person(in_force) else "published",
            effect=self._effect,
            replaces=in_force.rulebook.version,
            comment=self._comment,
            **self.asked(batch, in_force),
        )


class ConfirmPublication(PolicyConfirmation):
    """The second person's word: now it is put in force. ``id`` is the publication's."""

    what = "publication"

    def decide(self, batch: Batch) -> Answered:
        """Put it in force, if it would follow the policy that it was asked for against."""
        replay = self.find_answer(batch)
        if replay is not None:
            return replay
        record = batch.tx.publications.lock(self.id)
        if record is None:
            raise no_publication(self.id)
        if record.state == "published":
            raise Conflict(
                "already_published",
                "this was put in force already",
                "look at it: GET /v1/policy/versions",
            )
        self.require_second(record)
        head = self.hold_head(batch).rulebook.version
        if head != record.replaces:
            raise moved_on(head)
        done = replace(
            record, state="published", confirmed_by=self.principal.id, confirmed_at=batch.at
        )
        batch.writes.publication_changes.append(done)
        _put_in_force(batch, done, self.principal)
        return _tell(self, batch, done, 200)


def no_publication(id_: str) -> NotFound:
    """There is no such publication."""
    return NotFound(
        "no_publication",
        f"there is no publication {id_[:60]!r}",
        "list them: GET /v1/policy/publications",
    )

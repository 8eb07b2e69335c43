"""Erase: one person asks that somebody be forgotten, a second one confirms it.

What is destroyed: the key under which everything personal was sealed, the openings, and
the stored answers of idempotency keys. What stays are entries, which hold nothing
personal, and with them every proof. The person's names are exchanged, so that nothing
leads from the person to what was decided before; budgets go on counting by the former
names until no cap could begin anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from service.app.batch import Batch, Kept
from service.app.casecommand import CaseCommand
from service.app.ending import SERVICE
from service.app.entry import Head, caller_body, entry_of
from service.app.erasurerecords import ErasureRecord
from service.app.errors import Conflict, Forbidden, NotFound
from service.app.idempotency import Claim
from service.app.plaincommand import PlainCommand
from service.app.principal import Principal, require
from service.app.propose import Answered
from service.app.records import (
    EscalationRecord,
    SurrogateRecord,
)
from service.app.transition import Step, Transition
from service.core.erasure import kept_until
from service.core.escalation import WAITING, Event, State
from service.core.factvalue import rfc3339

EVERYWHERE: Final = "*"


def erasure_json(record: ErasureRecord) -> dict[str, Any]:
    """An erasure as it is shown: who did it and when, and of whom nothing."""

    def shown(name: str) -> str | None:
        at = getattr(record, name)
        return None if at is None else rfc3339(at)

    return {
        "id": record.id,
        "state": record.state,
        "waived": record.waived,
        "requested_by": record.requested_by,
        "requested_at": rfc3339(record.requested_at),
        "confirmed_by": record.confirmed_by,
        "confirmed_at": shown("confirmed_at"),
        "kept_until": shown("kept_until"),
        "cleaned_at": shown("cleaned_at"),
    }


class _Erasing(PlainCommand):
    """What the commands share: who may send them, and the entry."""

    principal: Principal | None = None

    def read(self, batch: Batch) -> None:
        """See that a person asks who may. Raises `Forbidden`."""
        if self.principal is None:
            return
        if self.principal.kind != "human":
            raise Forbidden(
                "humans_only",
                "only people erase people",
                "let a colleague do it with their own key",
            )
        require(batch.snapshot.access, self.principal, "erasure", "request", EVERYWHERE)

    def _told(self, batch: Batch, record: ErasureRecord, effect: str, status: int) -> Answered:
        """The entry of the log, the kept answer, and the answer."""
        head = Head(id=batch.ids.new("ent", batch.at), kind="erasure", at=batch.at, about=record.id)
        by = SERVICE if self.principal is None else caller_body(self.principal)
        shown = erasure_json(record)
        entry = entry_of(
            head,
            {"by": by, "effect": effect, "subject": record.subject, "erasure": shown},
            agent=None if self.principal is None else self.principal.id,
            policy_version=batch.snapshot.rulebook.version,
        )
        batch.writes.entries.append(entry)
        return self.answered(batch, shown, entry, status)


class RequestErasure(_Erasing):
    """The first person's word. ``subject`` is the surrogate of whom it is about."""

    def __init__(
        self, *, principal: Principal, subject: str, waived: bool, claim: Claim | None = None
    ) -> None:
        """Keep what was asked."""
        super().__init__(claim)
        self.principal = principal
        self._person = principal.id
        self._subject = subject
        self._waived = waived

    def subject(self, batch: Batch) -> Kept | None:  # noqa: ARG002
        """Two who ask at once take turns at the person's key."""
        return Kept(self._subject)

    def decide(self, batch: Batch) -> Answered:
        """Wait for the second person. Nothing is destroyed yet."""
        replay = self.find_answer(batch)
        if replay is not None:
            return replay
        waits = batch.tx.erasures.find_requested(self._subject)
        if waits is not None:
            raise Conflict(
                "already_requested",
                f"{waits.requested_by} asked for this already",
                f"confirm it: POST /v1/erasures/{waits.id}/confirm",
            )
        record = ErasureRecord(
            id=batch.ids.new("era", batch.at),
            subject=self._subject,
            state="requested",
            waived=self._waived,
            requested_by=self._person,
            requested_at=batch.at,
        )
        batch.writes.erasures.append(record)
        return self._told(batch, record, "requested", 202)


class _Destroying(_Erasing):
    """Whatever destroys: it holds the person's names and key before anything else."""

    def __init__(
        self, erasure: ErasureRecord, names: Sequence[SurrogateRecord], claim: Claim | None = None
    ) -> None:
        super().__init__(claim)
        self.erasure = erasure
        self._names = {record.fingerprint: record for record in names}

    def surrogates(self, batch: Batch) -> Mapping[bytes, SurrogateRecord]:  # noqa: ARG002
        """The person's names, locked, so that nobody seals anything for them meanwhile."""
        return self._names

    def subject(self, batch: Batch) -> Kept | None:  # noqa: ARG002
        """And their key."""
        return Kept(self.erasure.subject)

    def _destroy(self, batch: Batch, record: ErasureRecord) -> None:
        batch.writes.erased.append(record.subject)
        standing = [batch.surrogates[fingerprint] for fingerprint in self._names]
        theirs = [name for name in standing if name.subject == record.subject]
        if record.waived:
            batch.writes.forgotten += [name.fingerprint for name in theirs]
            return
        anew = batch.ids.surrogate("sub")
        for name in theirs:
            is_subject = name.surrogate == record.subject
            renamed = replace(
                name,
                surrogate=anew if is_subject else batch.ids.surrogate("psn"),
                subject=anew,
                charged_as=name.charged_as or name.surrogate,
                kept_until=record.kept_until,
            )
            batch.surrogates[name.fingerprint] = renamed
            batch.writes.surrogates.append(renamed)


class ConfirmErasure(_Destroying):
    """The second person's word: now it happens."""

    def __init__(
        self,
        *,
        principal: Principal,
        erasure: ErasureRecord,
        names: Sequence[SurrogateRecord],
        claim: Claim | None = None,
    ) -> None:
        """Keep what was read, unlocked."""
        super().__init__(erasure, names, claim)
        self.principal = principal
        self._person = principal.id

    def decide(self, batch: Batch) -> Answered:
        """Destroy what is personal, where two different people want it."""
        replay = self.find_answer(batch)
        if replay is not None:
            return replay
        record = batch.tx.erasures.lock(self.erasure.id)
        if record is None:
            raise no_erasure(self.erasure.id)
        if record.state == "done":
            raise Conflict(
                "already_erased",
                f"{record.confirmed_by} confirmed this already",
                "look at it: GET /v1/erasures",
            )
        if record.requested_by == self._person:
            raise Forbidden(
                "second_person_required",
                "nobody confirms an erasure that they asked for",
                "let a second person with the right to erase confirm it",
            )
        done = replace(
            record,
            state="done",
            confirmed_by=self._person,
            confirmed_at=batch.at,
            kept_until=None if record.waived else kept_until(batch.snapshot.rulebook, batch.at),
        )
        self._destroy(batch, done)
        batch.writes.erasure_changes.append(done)
        return self._told(batch, done, "confirmed", 200)


class ReapplyErasure(_Destroying):
    """An erasure that a restored backup does not know of any more."""

    def decide(self, batch: Batch) -> bool:
        """Destroy again what came back. Whether there was anything to do."""
        record = batch.tx.erasures.lock(self.erasure.id)
        if record is not None and record.state == "done":
            return False
        done = replace(self.erasure, cleaned_at=None)
        self._destroy(batch, done)
        changes = batch.writes.erasures if record is None else batch.writes.erasure_changes
        changes.append(done)
        self._told(batch, done, "reapplied", 200)
        return True


class NoteSwept(_Erasing):
    """The end of an erasure: the database's own files were swept."""

    def __init__(self, erasure: ErasureRecord) -> None:
        """Keep which."""
        super().__init__()
        self.erasure = erasure

    def decide(self, batch: Batch) -> bool:
        """Note when. Whether somebody else had not done so before."""
        record = batch.tx.erasures.lock(self.erasure.id)
        if record is None or record.cleaned_at is not None:
            return False
        batch.writes.erasure_changes.append(replace(record, cleaned_at=batch.at))
        return True


class Outlive(_Erasing):
    """The last trace of an erased person: a name that was kept for caps, and has no use now."""

    def __init__(self, name: SurrogateRecord) -> None:
        """Keep which."""
        super().__init__()
        self._name = name

    def surrogates(self, batch: Batch) -> Mapping[bytes, SurrogateRecord]:  # noqa: ARG002
        """The name, locked."""
        return {self._name.fingerprint: self._name}

    def subject(self, batch: Batch) -> Kept | None:
        """The key of the name that the person has now, if they came again."""
        return Kept(batch.surrogates[self._name.fingerprint].subject)

    def decide(self, batch: Batch) -> bool:
        """Let go of it. Who came again keeps the name that they have had since."""
        name = batch.surrogates[self._name.fingerprint]
        if name.kept_until is None or name.kept_until > batch.at:
            return False
        if name.subject in batch.subject_keys:
            renewed = replace(name, charged_as=None, kept_until=None)
            batch.writes.surrogates.append(renewed)
        else:
            batch.writes.forgotten.append(name.fingerprint)
        return True


class WithdrawErased(CaseCommand):
    """An escalation of somebody who was erased: nobody can answer what nobody can read."""

    principal = None

    def __init__(self, escalation: EscalationRecord) -> None:
        """Keep the escalation as it was read, unlocked."""
        super().__init__(escalation=escalation)

    def decide(self, batch: Batch) -> bool:
        """Withdraw it, where it still waits."""
        record = batch.escalations.get(self.escalation.id)
        if record is None or State(record.state) not in WAITING:
            return False
        Transition(batch, record, Step(event=Event.WITHDRAW)).done()
        return True


def no_erasure(id_: str) -> NotFound:
    """There is no such erasure."""
    return NotFound(
        "no_erasure", f"there is no erasure {id_[:60]!r}", "list them: GET /v1/erasures"
    )

"""A trial on its way through a batch: asked for, confirmed where it has an effect, ended.

One runs at a time. A shadow needs one person, since it changes nothing; a pilot needs as
many as a publication does (see `publication`), since it gives away money.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import orjson

from service.app.batch import Batch
from service.app.entry import caller_body
from service.app.errors import Busy, Conflict, Forbidden, NotFound
from service.app.idempotency import Claim
from service.app.plaincommand import PlainCommand
from service.app.principal import Principal, for_caller, require
from service.app.propose import Answered
from service.app.publication import EVERYWHERE, digest_changes, moved_on, needs_second_person
from service.app.records import EntryRecord, PolicyRecord
from service.app.snapshot import Snapshot
from service.app.trialend import end_in, trial_entry
from service.app.trialrecords import TrialCounts, TrialFigures, TrialMode, TrialRecord
from service.core.factvalue import rfc3339
from service.core.money import CURRENCY_DECIMALS, format_minor
from service.core.refusal import Fault, Refused

DECISIONS_MIN: Final = 20
"""From how many decisions on a rate of escalations says anything, unless it is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is to be tried how: see `trialrecords.TrialRecord`."""

    mode: TrialMode
    comment: str | None = None
    sites: tuple[str, ...] | None = None
    share_percent: int | None = None
    approved_max_minor: int | None = None
    approved_a_day_max_minor: int | None = None
    escalated_percent_max: int | None = None
    decisions_min: int = DECISIONS_MIN
    ends_at: datetime | None = None


def trial_json(record: TrialRecord) -> dict[str, Any]:
    """A trial as it is shown, without its files and figures."""
    return {
        "id": record.id,
        "mode": record.mode,
        "state": record.state,
        "name": record.name,
        "version": record.version,
        "rules": record.rules,
        "beside": record.beside,
        "changes": record.changes,
        "sites": None if record.sites is None else list(record.sites),
        "share_percent": record.share_percent,
        "guardrail": _guardrail_json(record),
        "comment": record.comment,
        "requested_by": record.requested_by,
        "requested_at": rfc3339(record.requested_at),
        "confirmed_by": record.confirmed_by,
        "confirmed_at": _instant(record.confirmed_at),
        "started_at": _instant(record.started_at),
        "ends_at": _instant(record.ends_at),
        "ended_at": _instant(record.ended_at),
        "ended_by": record.ended_by,
        "reason": record.reason,
    }


def _guardrail_json(record: TrialRecord) -> dict[str, Any] | None:
    if record.mode == "shadow":
        return None
    rate = record.escalated_percent_max
    return {
        "approved": money_text(record, record.approved_max_minor),
        "approved_a_day": money_text(record, record.approved_a_day_max_minor),
        "escalated_percent": rate,
        "after_decisions": None if rate is None else record.decisions_min,
    }


def money_text(record: TrialRecord, minor: int | None) -> str | None:
    """An amount in the trial's currency."""
    return None if minor is None else format_minor(minor, CURRENCY_DECIMALS[record.currency])


def _instant(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)


class _Trying(PlainCommand):
    """What the commands have in common: the head is held, and the log is told."""

    def __init__(self, principal: Principal, claim: Claim | None) -> None:
        super().__init__(claim)
        self.principal = principal

    def _hold_head(self, batch: Batch) -> Snapshot:
        """The policy in force, and nobody else changes what runs until the batch ends."""
        if batch.writes.head is not None:
            raise moved_on(batch.writes.head)
        if batch.tx.lock_head() != batch.snapshot.rulebook.version:
            raise Busy("another policy was put in force meanwhile")
        return batch.snapshot

    def _start(self, batch: Batch, record: TrialRecord) -> TrialRecord:
        """The trial, running. Raises `Conflict` where another one does."""
        if batch.writes.trial_over or batch.writes.trial_started is not None:
            raise Busy("another trial was started or ended in the same batch")
        running = batch.tx.trials.running()
        if running is not None:
            raise Conflict(
                "trial_running",
                f"one trial runs at a time, and {running} does",
                f"end it first: POST /v1/policy/trials/{running}/end",
            )
        started = replace(record, state="running", started_at=batch.at)
        if started.mode == "pilot":
            batch.writes.policies.append(_policy(started, batch.at))
        batch.writes.trial_started = started.id
        cursor = batch.tx.log.extent().size
        batch.writes.trial_figures.append(TrialFigures(trial=started.id, cursor=cursor))
        return started

    def _told(self, batch: Batch, record: TrialRecord, effect: str, status: int) -> Answered:
        by = caller_body(self.principal)
        entry = trial_entry(batch.ids, record, batch.at, by, effect)
        batch.writes.entries.append(entry)
        return self._answered(batch, record, entry, status)

    def _answered(
        self, batch: Batch, record: TrialRecord, entry: EntryRecord, status: int
    ) -> Answered:
        told = {"id": entry.id, "leaf": entry.leaf.hex()}
        return self.kept(batch, orjson.dumps({**trial_json(record), "entry": told}), status)


def _policy(record: TrialRecord, at: datetime) -> PolicyRecord:
    """What decides is kept for ever, so that it can be decided again."""
    return PolicyRecord(
        version=record.version,
        rules=record.rules,
        name=record.name,
        files=record.files,
        published_at=at,
        published_by=record.requested_by,
    )


class StartTrial(_Trying):
    """A candidate to try. ``snapshot`` was compiled and tested before."""

    def __init__(
        self,
        *,
        principal: Principal,
        snapshot: Snapshot,
        terms: Terms,
        replaces: str | None = None,
        claim: Claim | None = None,
    ) -> None:
        """``replaces`` is the version that the caller believes in force, if told."""
        super().__init__(principal, claim)
        self._snapshot = snapshot
        self._terms = terms
        self._replaces = replaces

    def read(self, batch: Batch) -> None:
        """See that the caller may. Raises `Forbidden`."""
        require(batch.snapshot.access, self.principal, "policy", "publish", EVERYWHERE)

    def decide(self, batch: Batch) -> Answered:
        """Start it, or let it wait for a second person. Raises `Conflict` and `Refused`."""
        replay = self.find_answer(batch)
        if replay is not None:
            return replay
        in_force = self._hold_head(batch)
        self._require_triable(in_force, batch.at)
        record = self._record(batch, in_force)
        if record.mode == "pilot" and needs_second_person(in_force):
            batch.writes.trials.append(record)
            return self._told(batch, record, "requested", 202)
        record = self._start(batch, record)
        batch.writes.trials.append(record)
        return self._told(batch, record, "started", 201)

    def _require_triable(self, in_force: Snapshot, at: datetime) -> None:
        live, candidate, terms = in_force.rulebook, self._snapshot.rulebook, self._terms
        if self._replaces is not None and self._replaces != live.version:
            raise moved_on(live.version)
        if candidate.rules == live.rules:
            raise Conflict(
                "already_in_force",
                "these very rules are in force already",
                "change a rule first; who holds which role is no part of a trial",
            )
        if candidate.currency != live.currency:
            raise _refused(
                "other_currency",
                "/files",
                f"the candidate counts in {candidate.currency}, budgets in {live.currency}",
                "try a set in the same currency, or publish it",
            )
        for name in terms.sites or ():
            if live.sites is not None and name not in live.sites:
                raise _refused(
                    "unknown_site",
                    "/sites",
                    f"the policy in force names no site {name[:60]!r}",
                    "name one of GET /v1/policy",
                )
        if terms.ends_at is not None and terms.ends_at <= at:
            raise _refused("already_over", "/ends_at", "this is past", "name a later instant")

    def _record(self, batch: Batch, in_force: Snapshot) -> TrialRecord:
        rulebook, terms = self._snapshot.rulebook, self._terms
        return TrialRecord(
            id=batch.ids.new("tri", batch.at),
            mode=terms.mode,
            state="requested",
            version=rulebook.version,
            rules=rulebook.rules,
            name=rulebook.name,
            currency=rulebook.currency,
            beside=in_force.rulebook.version,
            beside_rules=in_force.rulebook.rules,
            changes=digest_changes(in_force.files, self._snapshot.files),
            comment=terms.comment,
            requested_by=self.principal.id,
            requested_kind=self.principal.kind,
            requested_owner=self.principal.owner,
            requested_at=batch.at,
            files=dict(sorted(self._snapshot.files.items())),
            sites=terms.sites,
            share_percent=terms.share_percent,
            approved_max_minor=terms.approved_max_minor,
            approved_a_day_max_minor=terms.approved_a_day_max_minor,
            escalated_percent_max=terms.escalated_percent_max,
            decisions_min=terms.decisions_min,
            ends_at=terms.ends_at,
        )


class ConfirmTrial(_Trying):
    """The second person's word: now the pilot begins. ``id`` is the trial's."""

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
                "only people confirm what is to decide",
                "let a colleague do it with their own key",
            )
        require(batch.snapshot.access, self.principal, "policy", "confirm", EVERYWHERE)

    def decide(self, batch: Batch) -> Answered:
        """Start it, if the policy is in force that it was to be tried beside."""
        replay = self.find_answer(batch)
        if replay is not None:
            return replay
        head = self._hold_head(batch).rulebook.version
        record = batch.tx.trials.find(self._id)
        if record is None:
            raise no_trial(self._id)
        if record.state != "requested" or _is_changed(batch, record):
            raise _not_waiting(record)
        if self.principal.id in {record.requested_by, record.requested_owner}:
            raise Forbidden(
                "second_person_required",
                "nobody confirms a pilot that they or their agent asked for",
                "let a second person who holds policy, confirm do it",
            )
        if head != record.beside:
            raise moved_on(head)
        if record.ends_at is not None and record.ends_at <= batch.at:
            raise _not_waiting(record)
        confirmed = replace(record, confirmed_by=self.principal.id, confirmed_at=batch.at)
        started = self._start(batch, confirmed)
        batch.writes.trial_changes.append(started)
        return self._told(batch, started, "started", 200)


class EndTrial(_Trying):
    """Somebody ends a trial, or takes back one that waits for a second person."""

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
        """See that the caller publishes or confirms. Raises `Forbidden`."""
        access = for_caller(batch.snapshot.access, self.principal)
        if not access.may(self.principal.id, "policy", "confirm", EVERYWHERE):
            require(batch.snapshot.access, self.principal, "policy", "publish", EVERYWHERE)

    def decide(self, batch: Batch) -> Answered:
        """End it. What it decided stands."""
        replay = self.find_answer(batch)
        if replay is not None:
            return replay
        self._hold_head(batch)
        record = batch.tx.trials.find(self._id)
        if record is None:
            raise no_trial(self._id)
        if record.state == "ended" or _is_changed(batch, record):
            raise Conflict(
                "trial_over", "this trial ended before", "look at it: GET /v1/policy/trials/{id}"
            )
        has_run = record.state == "running"
        entry = end_in(
            batch, record, _counts(batch, record) if has_run else None, "by_hand", self.principal
        )
        (after,) = [one for one in batch.writes.trial_changes if one.id == record.id]
        return self._answered(batch, after, entry, 200)


class TrialTimeUp(PlainCommand):
    """The end of a trial whose time is up. What it answers is whether it ended the trial."""

    principal = None

    def __init__(self, id: str) -> None:  # noqa: A002
        """Keep the trial's id."""
        super().__init__()
        self._id = id

    def decide(self, batch: Batch) -> bool:
        """End it, unless somebody was faster."""
        if batch.writes.head is not None or batch.writes.trial_over:
            return False
        batch.tx.lock_head()
        record = batch.tx.trials.find(self._id)
        if record is None or record.state != "running" or not is_time_up(record, batch.at):
            return False
        end_in(batch, record, _counts(batch, record), "time_is_up")
        return True


def is_time_up(record: TrialRecord, at: datetime) -> bool:
    """Whether a trial was to end before or at an instant."""
    return record.ends_at is not None and record.ends_at <= at


def no_trial(id_: str) -> NotFound:
    """There is no such trial."""
    return NotFound(
        "no_trial", f"there is no trial {id_[:60]!r}", "list them: GET /v1/policy/trials"
    )


def _counts(batch: Batch, running: TrialRecord) -> TrialCounts:
    """What the trial that runs has decided, this batch included."""
    return batch.writes.trial_counts or batch.tx.trials.counts(running.id)


def _is_changed(batch: Batch, record: TrialRecord) -> bool:
    """Whether a command before in the same batch changed it."""
    return any(one.id == record.id for one in batch.writes.trial_changes)


def _not_waiting(record: TrialRecord) -> Conflict:
    return Conflict(
        "trial_not_waiting",
        f"nobody has to confirm this trial: it is {record.state}, or its time is up",
        "look at it: GET /v1/policy/trials/{id}",
    )


def _refused(code: str, pointer: str, message: str, remedy: str) -> Refused:
    return Refused((Fault(code=code, pointer=pointer, message=message, remedy=remedy),))

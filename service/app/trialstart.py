"""The start of a trial: asked for, and confirmed where it has an effect.

One runs at a time. A shadow needs one person, since it changes nothing; a pilot needs as
many as a publication does (see `policycommand`), since it gives away money.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from service.app.batch import Batch
from service.app.entry import caller_body
from service.app.errors import Busy, Conflict
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
from service.app.snapshot import Snapshot
from service.app.trial import get_trial, is_changed, trial_json
from service.app.trialentry import trial_entry
from service.app.trialrecords import TrialFigures, TrialMode, TrialRecord
from service.core.refusal import Fault, Refused
from service.core.rulebook import Rulebook

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


class StartTrial(PolicyRequest):
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
        super().__init__(principal, snapshot, replaces, claim)
        self._terms = terms

    def decide(self, batch: Batch) -> Answered:
        """Start it, or let it wait for a second person. Raises `Conflict` and `Refused`."""
        replay = self.find_answer(batch)
        if replay is not None:
            return replay
        in_force = self.hold_expected_head(batch)
        _require_triable(in_force.rulebook, self.snapshot.rulebook)
        _require_possible(self._terms, in_force.rulebook, batch.at)
        record = self._record(batch, in_force)
        waits = record.mode == "pilot" and needs_second_person(in_force)
        record = record if waits else _started(batch, record)
        batch.writes.trials.append(record)
        if waits:
            return _tell(self, batch, record, "requested", 202)
        return _tell(self, batch, record, "started", 201)

    def _record(self, batch: Batch, in_force: Snapshot) -> TrialRecord:
        live, terms = in_force.rulebook, self._terms
        return TrialRecord(
            id=batch.ids.new("tri", batch.at),
            state="requested",
            currency=self.snapshot.rulebook.currency,
            beside=live.version,
            beside_rules=live.rules,
            mode=terms.mode,
            comment=terms.comment,
            sites=terms.sites,
            share_percent=terms.share_percent,
            approved_max_minor=terms.approved_max_minor,
            approved_a_day_max_minor=terms.approved_a_day_max_minor,
            escalated_percent_max=terms.escalated_percent_max,
            decisions_min=terms.decisions_min,
            ends_at=terms.ends_at,
            **self.asked(batch, in_force),
        )


class ConfirmTrial(PolicyConfirmation):
    """The second person's word: now the pilot begins. ``id`` is the trial's."""

    what = "pilot"

    def decide(self, batch: Batch) -> Answered:
        """Start it, if the policy is in force that it was to be tried beside."""
        replay = self.find_answer(batch)
        if replay is not None:
            return replay
        head = self.hold_head(batch).rulebook.version
        record = get_trial(batch, self.id)
        if record.state != "requested" or is_changed(batch, record):
            raise _not_waiting(record)
        self.require_second(record)
        if head != record.beside:
            raise moved_on(head)
        if record.is_time_up(batch.at):
            raise _not_waiting(record)
        confirmed = replace(record, confirmed_by=self.principal.id, confirmed_at=batch.at)
        started = _started(batch, confirmed)
        batch.writes.trial_changes.append(started)
        return _tell(self, batch, started, "started", 200)


def _require_triable(live: Rulebook, candidate: Rulebook) -> None:
    """See that one set can be tried beside another. Raises `Conflict` and `Refused`."""
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


def _require_possible(terms: Terms, live: Rulebook, at: datetime) -> None:
    """See that there is such a site and such an end. Raises `Refused`."""
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


def _started(batch: Batch, record: TrialRecord) -> TrialRecord:
    """The trial, running. The batch holds the head. Raises `Conflict` where another one does."""
    if batch.writes.trial_over or batch.writes.trial_started is not None:
        raise Busy("another trial was started or ended in the same batch")
    running = batch.tx.trials.running()
    if running is not None:
        raise Conflict(
            "trial_running",
            f"one trial runs at a time, and {running} does",
            f"end it first: POST /v1/policy/trials/{running}/end",
        )
    if record.mode == "pilot":
        batch.writes.policies.append(version_of(record, batch.at))
    batch.writes.trial_started = record.id
    cursor = batch.tx.log.extent().size
    batch.writes.trial_figures.append(TrialFigures(trial=record.id, cursor=cursor))
    return replace(record, state="running", started_at=batch.at)


def _tell(
    command: PolicyCommand, batch: Batch, record: TrialRecord, effect: str, status: int
) -> Answered:
    """The entry of the log, and the answer."""
    by = caller_body(command.principal)
    entry = trial_entry(batch.ids, record, batch.at, by, effect)
    batch.writes.entries.append(entry)
    return command.answered(batch, trial_json(record), entry, status)


def _not_waiting(record: TrialRecord) -> Conflict:
    return Conflict(
        "trial_not_waiting",
        f"nobody has to confirm this trial: it is {record.state}, or its time is up",
        "look at it: GET /v1/policy/trials/{id}",
    )


def _refused(code: str, pointer: str, message: str, remedy: str) -> Refused:
    return Refused((Fault(code=code, pointer=pointer, message=message, remedy=remedy),))

"""The end of a trial: by a person, by time, by its guardrail, or by another policy.

What it decided stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from service.app.batch import Batch
from service.app.ending import SERVICE
from service.app.entry import caller_body
from service.app.errors import Busy, Conflict
from service.app.plaincommand import PlainCommand
from service.app.policycommand import EVERYWHERE, PolicyStep
from service.app.ports import Ids, Transaction
from service.app.principal import Principal, for_caller, require
from service.app.propose import Answered
from service.app.records import EntryRecord
from service.app.trial import get_trial, is_changed, trial_json
from service.app.trialentry import trial_entry
from service.app.trialrecords import TrialCounts, TrialReason, TrialRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """An end: when, why, and who brought it. ``by`` is as entries name people."""

    at: datetime
    reason: TrialReason
    by: Mapping[str, Any]


def ended(
    ids: Ids, record: TrialRecord, counts: TrialCounts | None, end: End
) -> tuple[TrialRecord, EntryRecord]:
    """The trial after its end, and the entry of that. ``counts`` are a pilot's."""
    who: str = end.by["id"]
    after = replace(record, state="ended", ended_at=end.at, ended_by=who, reason=end.reason)
    return after, trial_entry(ids, after, end.at, end.by, "ended", counts)


def end_in(
    batch: Batch,
    record: TrialRecord,
    counts: TrialCounts | None,
    reason: TrialReason,
    principal: Principal | None = None,
) -> tuple[TrialRecord, EntryRecord]:
    """End a trial in a batch that holds the head; the trial after that, and the entry."""
    by = SERVICE if principal is None else caller_body(principal)
    after, entry = ended(batch.ids, record, counts, End(at=batch.at, reason=reason, by=by))
    batch.writes.trial_changes.append(after)
    batch.writes.entries.append(entry)
    batch.writes.trial_over = batch.writes.trial_over or record.state == "running"
    return after, entry


def find_superseded(tx: Transaction, rules: str) -> tuple[TrialRecord, TrialCounts] | None:
    """The trial that ends when a set with such rules is put in force, if one runs.

    The head is held. Where only other people hold the roles, a trial goes on.
    """
    running = tx.trials.running()
    record = None if running is None else tx.trials.find(running)
    if record is None or record.beside_rules == rules:
        return None
    return record, tx.trials.counts(record.id)


def supersede(batch: Batch, rules: str, principal: Principal) -> None:
    """End what a publication puts an end to. The batch holds the head."""
    if batch.writes.trial_started is not None:
        raise Busy("a trial was started in the same batch")
    if batch.writes.trial_over:
        return
    found = find_superseded(batch.tx, rules)
    if found is not None:
        record, counts = found
        end_in(batch, record, batch.writes.trial_counts or counts, "superseded", principal)


class EndTrial(PolicyStep):
    """Somebody ends a trial, or takes back one that waits for a second person."""

    def read(self, batch: Batch) -> None:
        """See that the caller publishes or confirms. Raises `Forbidden`."""
        access = for_caller(batch.snapshot.access, self.principal)
        if not access.may(self.principal.id, "policy", "confirm", EVERYWHERE):
            require(batch.snapshot.access, self.principal, "policy", "publish", EVERYWHERE)

    def decide(self, batch: Batch) -> Answered:
        """End it. Raises `Conflict` where it ended before."""
        replay = self.find_answer(batch)
        if replay is not None:
            return replay
        self.hold_head(batch)
        record = get_trial(batch, self.id)
        if record.state == "ended" or is_changed(batch, record):
            raise Conflict(
                "trial_over", "this trial ended before", "look at it: GET /v1/policy/trials/{id}"
            )
        counts = _counts(batch, record) if record.state == "running" else None
        after, entry = end_in(batch, record, counts, "by_hand", self.principal)
        return self.answered(batch, trial_json(after), entry, 200)


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
        if record is None or record.state != "running" or not record.is_time_up(batch.at):
            return False
        end_in(batch, record, _counts(batch, record), "time_is_up")
        return True


def _counts(batch: Batch, running: TrialRecord) -> TrialCounts:
    """What the trial that runs has decided, this batch included."""
    return batch.writes.trial_counts or batch.tx.trials.counts(running.id)

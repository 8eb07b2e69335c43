"""The end of a trial: by a person, by time, by its guardrail, or by another policy."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from service.app.batch import Batch
from service.app.entry import Head, caller_body, entry_of
from service.app.errors import Busy
from service.app.ports import Ids, Transaction
from service.app.principal import Principal
from service.app.records import EntryRecord
from service.app.trialrecords import TrialCounts, TrialReason, TrialRecord

SERVICE: Final = {"id": "remit", "kind": "service", "owner": None, "key": None}
"""Who ends a trial that nobody ends, as the log has it."""


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
) -> EntryRecord:
    """End a trial in a batch that holds the head; the entry of it."""
    by = SERVICE if principal is None else caller_body(principal)
    after, entry = ended(batch.ids, record, counts, End(at=batch.at, reason=reason, by=by))
    batch.writes.trial_changes.append(after)
    batch.writes.entries.append(entry)
    batch.writes.trial_over = batch.writes.trial_over or record.state == "running"
    return entry


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


def trial_entry(
    ids: Ids,
    record: TrialRecord,
    at: datetime,
    by: Mapping[str, Any],
    effect: str,
    counts: TrialCounts | None = None,
) -> EntryRecord:
    """The entry of what happened to a trial: ``requested``, ``started`` or ``ended``."""
    head = Head(id=ids.new("ent", at), kind="trial", at=at, about=record.id)
    told = {
        "by": by,
        "effect": effect,
        "mode": record.mode,
        "name": record.name,
        "version": record.version,
        "rules": record.rules,
        "beside": record.beside,
        "changes": record.changes,
        "requested_by": record.requested_by,
        "sites": None if record.sites is None else list(record.sites),
        "share_percent": record.share_percent,
        "guardrail": _guardrail(record),
        "reason": record.reason,
        "counts": None if counts is None or record.mode == "shadow" else _counts(counts),
    }
    agent = None if by["kind"] == "service" else str(by["id"])
    return entry_of(head, told, agent=agent, policy_version=record.version)


def _guardrail(record: TrialRecord) -> dict[str, int | None]:
    return {
        "approved_max_minor": record.approved_max_minor,
        "approved_a_day_max_minor": record.approved_a_day_max_minor,
        "escalated_percent_max": record.escalated_percent_max,
        "decisions_min": record.decisions_min,
    }


def _counts(counts: TrialCounts) -> dict[str, int]:
    return {
        "decisions": counts.decisions,
        "escalated": counts.escalated,
        "approved_minor": counts.approved_minor,
        "day_approved_minor": counts.day_approved_minor,
    }

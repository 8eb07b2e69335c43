"""The entry of the log that tells what happened to a trial."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.app.entry import Head, entry_of
from service.app.ports import Ids
from service.app.records import EntryRecord
from service.app.trialrecords import TrialCounts, TrialRecord


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

"""One trial, as a command finds it in a batch and as it is shown."""

from datetime import datetime
from typing import Any

from service.app.batch import Batch
from service.app.errors import NotFound
from service.app.trialrecords import TrialRecord
from service.core.factvalue import rfc3339
from service.core.money import CURRENCY_DECIMALS, format_minor


def get_trial(batch: Batch, id_: str) -> TrialRecord:
    """A trial as it was before the batch. Raises `NotFound`."""
    record = batch.tx.trials.find(id_)
    if record is None:
        raise no_trial(id_)
    return record


def is_changed(batch: Batch, record: TrialRecord) -> bool:
    """Whether a command before in the same batch changed it."""
    return any(one.id == record.id for one in batch.writes.trial_changes)


def no_trial(id_: str) -> NotFound:
    """There is no such trial."""
    return NotFound(
        "no_trial", f"there is no trial {id_[:60]!r}", "list them: GET /v1/policy/trials"
    )


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

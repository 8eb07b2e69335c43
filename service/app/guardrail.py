"""A pilot's guardrail: what is counted of its decisions, and which bound they have reached."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from service.app.records import ResolutionRecord
from service.app.trialrecords import TrialCounts, TrialReason, TrialRecord
from service.core.decision import Outcome

_GRANTED: Final = ("settled", "held")


def counted(
    counts: TrialCounts,
    day: datetime,
    before: ResolutionRecord | None,
    after: ResolutionRecord,
) -> TrialCounts:
    """The counts with one decision more, or with what an answer approved; ``day`` is today's."""
    if before is None:
        escalated = after.outcome == Outcome.ESCALATED.value
        counts = replace(
            counts, decisions=counts.decisions + 1, escalated=counts.escalated + escalated
        )
    approves = after.state in _GRANTED and (before is None or before.state == "pending")
    if not approves:
        return counts
    value = after.value_minor or 0
    is_new = counts.day_starts_at is None or day > counts.day_starts_at
    return replace(
        counts,
        approved_minor=counts.approved_minor + value,
        day_starts_at=day if is_new else counts.day_starts_at,
        day_approved_minor=value if is_new else counts.day_approved_minor + value,
    )


def find_reached(record: TrialRecord, counts: TrialCounts) -> TrialReason | None:
    """Which of a pilot's bounds is reached, the first of them."""
    most, a_day = record.approved_max_minor, record.approved_a_day_max_minor
    if most is not None and counts.approved_minor >= most:
        return "money_approved"
    if a_day is not None and counts.day_approved_minor >= a_day:
        return "money_approved_in_a_day"
    return "escalation_rate" if _is_rate_above(record, counts) else None


def _is_rate_above(record: TrialRecord, counts: TrialCounts) -> bool:
    rate, decisions = record.escalated_percent_max, counts.decisions
    if rate is None or decisions < max(1, record.decisions_min):
        return False
    return counts.escalated * 100 > rate * decisions

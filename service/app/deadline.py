"""Deadlines: until when an escalation is to be answered, as its record states it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from service.app.records import EscalationRecord, Timeout
from service.core.decision import Decision
from service.core.factvalue import rfc3339
from service.core.openinghours import Hours, due_at, worked
from service.core.rulebook import Rulebook

_MICROSECOND: Final = timedelta(microseconds=1)


class Deadline(NamedTuple):
    """When an answer is due, what happens then, and when a reminder is sent."""

    answer_by: datetime | None
    on_timeout: Timeout | None
    remind_at: datetime | None


def deadline_of(rulebook: Rulebook, site: str, role: str, at: datetime) -> Deadline:
    """The deadline of an escalation that begins to wait for a role at ``at``.

    The clock runs in the site's hours, unless the role answers around the clock; the
    reminder is due when half of the working time has passed.
    """
    rule = rulebook.escalation.get(role)
    if rule is None or rule.answer_within is None:
        return Deadline(None, None, None)
    clock = _Clock.of(rulebook, site, role)
    return Deadline(
        clock.after(at, rule.answer_within),
        rule.on_timeout,
        clock.after(at, rule.answer_within // 2),
    )


def expected_json(
    rulebook: Rulebook, decision: Decision, site: str, at: datetime
) -> dict[str, str | None] | None:
    """Where an escalated decision would go, and until when it would be answered, as JSON."""
    if decision.escalate_to is None:
        return None
    role = decision.escalate_to.role
    due = deadline_of(rulebook, site, role, at).answer_by
    return {"id": None, "to": role, "answer_by": None if due is None else rfc3339(due)}


def awaiting(
    rulebook: Rulebook, record: EscalationRecord, role: str, at: datetime
) -> EscalationRecord:
    """The escalation as it waits for another role: with a clock of its own, and no votes."""
    due = deadline_of(rulebook, record.site, role, at)
    return replace(
        _unasked(record),
        role=role,
        approvals=(),
        offer_minor=None,
        offer_quantity=None,
        answer_by=due.answer_by,
        on_timeout=due.on_timeout,
        remind_at=due.remind_at,
        reminded_at=None,
    )


def paused(rulebook: Rulebook, record: EscalationRecord, by: str, at: datetime) -> EscalationRecord:
    """The escalation with its clock stopped: it keeps the working time that was left."""
    clock = _Clock.of(rulebook, record.site, record.role)
    return replace(
        record,
        asked_by=by,
        asked_at=at,
        answer_by=None,
        remind_at=None,
        left_microseconds=clock.left(at, record.answer_by),
        remind_left_microseconds=clock.left(at, record.remind_at),
    )


def resumed(rulebook: Rulebook, record: EscalationRecord, at: datetime) -> EscalationRecord:
    """The escalation with its clock going on, in the hours of today."""
    clock = _Clock.of(rulebook, record.site, record.role)
    left, remind_left = record.left_microseconds, record.remind_left_microseconds
    return replace(
        _unasked(record),
        answer_by=None if left is None else clock.after(at, left * _MICROSECOND),
        remind_at=None if remind_left is None else clock.after(at, remind_left * _MICROSECOND),
    )


def is_overdue(record: EscalationRecord, at: datetime) -> bool:
    """Whether the time to answer is over, and something happens then."""
    due = record.answer_by
    return record.on_timeout is not None and due is not None and due <= at


class _Clock(NamedTuple):
    """The clock of answers that a role gives at a site."""

    hours: Hours | None
    zone: tzinfo

    @classmethod
    def of(cls, rulebook: Rulebook, site: str, role: str) -> "_Clock":
        """A site that the policy no longer has is open day and night."""
        if rulebook.sites is not None and site not in rulebook.sites:
            return cls(None, UTC)
        found, rule = rulebook.site(site), rulebook.escalation.get(role)
        always = rule is not None and rule.around_the_clock
        return cls(None if always else found.hours, found.zone)

    def after(self, at: datetime, within: timedelta) -> datetime:
        return due_at(at, within, self.hours, self.zone)

    def left(self, at: datetime, until: datetime | None) -> int | None:
        if until is None:
            return None
        return worked(at, until, self.hours, self.zone) // _MICROSECOND


def _unasked(record: EscalationRecord) -> EscalationRecord:
    return replace(
        record, asked_by=None, asked_at=None, left_microseconds=None, remind_left_microseconds=None
    )

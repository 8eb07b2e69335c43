"""Notices: what happened to escalations in a batch, told to whoever wants to know.

They are written in the transaction of what they tell of, so none is lost and none tells
of what was not committed.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from service.app.letter import stored_data
from service.app.noticerecords import NoticeRecord
from service.app.ports import Ids, Transaction
from service.app.records import EscalationRecord, EscalationState, ResolutionRecord, Writes
from service.core.notice import NoticeEvent
from service.core.receiver import Receiver

_ENDS: Final[Mapping[EscalationState, NoticeEvent]] = {
    "approved": NoticeEvent.APPROVED,
    "denied": NoticeEvent.DENIED,
    "withdrawn": NoticeEvent.WITHDRAWN,
    "expired": NoticeEvent.EXPIRED,
}
_MICROSECOND: Final = timedelta(microseconds=1)


class _Happened(NamedTuple):
    """An event, and the escalation after it."""

    event: NoticeEvent
    after: EscalationRecord


class Noticing:
    """Turns what a batch changed into notices. Costs nothing where nobody is told."""

    def __init__(self, receivers: Sequence[Receiver] = ()) -> None:
        """``receivers`` are told."""
        self._receivers = receivers

    def notices(
        self,
        tx: Transaction,
        ids: Ids,
        writes: Writes,
        escalations: Mapping[str, EscalationRecord],
        resolutions: Mapping[str, ResolutionRecord],
    ) -> list[NoticeRecord]:
        """The notices of everything in ``writes``, in order.

        ``escalations`` are as they were locked, before any change; ``resolutions`` as
        they are after all changes.
        """
        if not self._receivers or not (writes.escalations or writes.escalation_changes):
            return []
        told = [
            (receiver, happened)
            for happened in _happened(writes, escalations)
            for receiver in self._receivers
            if receiver.wants(happened.event, happened.after.site, happened.after.role)
        ]
        latest = tx.last_queued({happened.after.id for _, happened in told})
        cases = {**{record.id: record for record in writes.resolutions}, **resolutions}
        return [
            _notice(
                receiver,
                happened,
                id_=ids.new("ntc", tx.at),
                at=tx.at,
                queued_at=_queued_at(tx.at, latest.get(happened.after.id)),
                case=cases.get(happened.after.resolution),
            )
            for receiver, happened in told
        ]


def _queued_at(at: datetime, latest: datetime | None) -> datetime:
    """Never before an earlier notice of the same escalation.

    A transaction that waited for another one's lock has the earlier clock and the later
    place.
    """
    return at if latest is None else max(at, latest + _MICROSECOND)


def _notice(
    receiver: Receiver,
    happened: _Happened,
    *,
    id_: str,
    at: datetime,
    queued_at: datetime,
    case: ResolutionRecord | None,
) -> NoticeRecord:
    after = happened.after
    return NoticeRecord(
        id=id_,
        receiver=receiver.id,
        event=happened.event.value,
        about=after.id,
        resolution=after.resolution,
        site=after.site,
        role=after.role,
        at=at,
        data=stored_data(after, case),
        queued_at=queued_at,
        due_at=at,
    )


def _happened(writes: Writes, locked: Mapping[str, EscalationRecord]) -> Iterator[_Happened]:
    """Every event of a batch, in the order in which they happened to each escalation."""
    seen = dict(locked)
    for opened in writes.escalations:
        seen[opened.id] = opened
        yield _Happened(NoticeEvent.OPENED, opened)
    for after in writes.escalation_changes:
        for event in _steps(seen.get(after.id), after):
            yield _Happened(event, after)
        seen[after.id] = after


def _steps(before: EscalationRecord | None, after: EscalationRecord) -> Iterator[NoticeEvent]:
    """The events of a change. Of one that nobody locked by its id, only an end is known."""
    if before is not None:
        yield from events_between(before, after)
    elif after.state in _ENDS:
        yield _ENDS[after.state]


def events_between(before: EscalationRecord, after: EscalationRecord) -> Iterator[NoticeEvent]:
    """What happened to an escalation, from how it stood before and after. Often nothing."""
    if after.state != before.state and after.state in _ENDS:
        given = after.state == "approved"
        offered = after.offer_minor is not None or after.offer_quantity is not None
        yield NoticeEvent.COUNTERED if given and offered else _ENDS[after.state]
    elif after.role != before.role:
        yield NoticeEvent.MOVED_UP
    elif len(after.approvals) > len(before.approvals):
        yield NoticeEvent.CONCURRED
    elif (after.state, before.state) == ("asked", "open"):
        yield NoticeEvent.ASKED
    elif (after.state, before.state) == ("open", "asked"):
        yield NoticeEvent.REPLIED
    elif after.reminded_at is not None and after.reminded_at != before.reminded_at:
        yield NoticeEvent.REMINDED

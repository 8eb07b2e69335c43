"""Delivery as the database sees it: who takes up a line, and what came of an attempt.

Both are commands without a caller. Whoever takes up a line has it alone for a while, so
that a receiver gets its notices one after the other, however many processes there are.
What came of an attempt counts only for whoever has the line still: an attempt that
nobody noted, because its process was killed, is made again by whoever comes next.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from service.app.batch import Batch
from service.app.noticerecords import LeaseRecord, NoticeRecord
from service.app.ports import Ids
from service.app.records import BudgetRecord, SurrogateRecord
from service.app.sending import Undelivered
from service.core.receiver import Patience, Receiver

T = TypeVar("T")

LINE_MAX: Final = 32
"""How many notices are taken up at once."""

KEPT: Final = timedelta(days=7)
"""How long a delivered notice can still be listed and sent again. Dead ones stay."""

_MILLISECOND: Final = timedelta(milliseconds=1)


class Unasked(Generic[T]):
    """A command that the service gives itself, and that locks only what it says itself."""

    principal = None

    def __init__(self, decide: Callable[[Batch], T]) -> None:
        """``decide`` adds to the batch's writes; what it returns is the reply."""
        self._decide = decide

    def idempotency_key(self) -> str | None:
        """See `batch.Command`."""
        return None

    def read(self, batch: Batch) -> None:
        """See `batch.Command`."""

    def surrogates(self, batch: Batch) -> Mapping[bytes, SurrogateRecord]:  # noqa: ARG002
        """See `batch.Command`."""
        return {}

    def subject(self, batch: Batch) -> str | None:  # noqa: ARG002
        """See `batch.Command`."""
        return None

    def escalation_id(self) -> str | None:
        """See `batch.Command`."""
        return None

    def resolution_id(self) -> str | None:
        """See `batch.Command`."""
        return None

    def budgets(self, batch: Batch) -> Mapping[str, BudgetRecord]:  # noqa: ARG002
        """See `batch.Command`."""
        return {}

    def decide(self, batch: Batch) -> T:
        """See `batch.Command`."""
        return self._decide(batch)


def take_up(receiver: Receiver, holder: str) -> Unasked[Sequence[NoticeRecord]]:
    """Take up a receiver's line; nothing, where somebody else has it or nothing is due."""

    def decide(batch: Batch) -> Sequence[NoticeRecord]:
        lease = batch.tx.lock_lease(receiver.id, waits=False)
        if lease is None or not lease.is_free(holder, batch.at):
            return ()
        line = batch.tx.line(receiver.id, LINE_MAX)
        if not line or line[0].due_at > batch.at:
            return ()
        batch.writes.notice_leases.append(_lease(receiver, holder, batch.at))
        return line

    return Unasked(decide)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt that was made. ``failure`` is ``None`` where the receiver took the letter.

    ``is_last`` says that the one who made it goes no further in the line.
    """

    receiver: Receiver
    holder: str
    notice: NoticeRecord
    failure: Undelivered | None
    is_last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A notice after an attempt, and whether to go on with the next one of the line."""

    notice: NoticeRecord
    goes_on: bool


def note(attempt: Attempt) -> Unasked[Noted | None]:
    """Write down what came of an attempt; ``None`` where somebody else has the line by now."""

    def decide(batch: Batch) -> Noted | None:
        receiver, holder = attempt.receiver, attempt.holder
        lease = batch.tx.lock_lease(receiver.id)
        before = batch.tx.lock_notices([attempt.notice.id]).get(attempt.notice.id)
        if lease is None or lease.holder != holder or before is None:
            return None
        if before.state != "waiting":
            return None
        after = _after(before, receiver.patience, attempt.failure, batch.at, batch.ids)
        goes_on = after.state != "waiting" and not attempt.is_last
        batch.writes.notice_changes.append(after)
        batch.writes.notice_leases.append(
            _lease(receiver, holder, batch.at) if goes_on else LeaseRecord(receiver=receiver.id)
        )
        return Noted(notice=after, goes_on=goes_on)

    return Unasked(decide)


def forget_delivered() -> Unasked[None]:
    """Delete what was delivered a while ago."""

    def decide(batch: Batch) -> None:
        batch.writes.forget_delivered_before = batch.at - KEPT

    return Unasked(decide)


def _lease(receiver: Receiver, holder: str, at: datetime) -> LeaseRecord:
    return LeaseRecord(receiver=receiver.id, holder=holder, until=at + receiver.patience.lease)


def _after(
    before: NoticeRecord,
    patience: Patience,
    failure: Undelivered | None,
    at: datetime,
    ids: Ids,
) -> NoticeRecord:
    """The notice after an attempt: delivered, dead, or due again later."""
    tried = replace(before, attempts=before.attempts + 1)
    if failure is None:
        return replace(tried, state="delivered", ended_at=at, failure=None)
    tried = replace(tried, failure=failure.code)
    over = tried.attempts >= patience.attempts or at - before.queued_at >= patience.within
    if failure.final or over:
        return replace(tried, state="dead", ended_at=at)
    asked = min(failure.wait, patience.longest)
    return replace(tried, due_at=at + max(asked, _wait(patience, tried.attempts, ids)))


def _wait(patience: Patience, attempts: int, ids: Ids) -> timedelta:
    """Half of the wait and a random part of the rest: many that failed do not return at once."""
    longest = patience.wait(attempts)
    half = longest // 2
    return half + _MILLISECOND * ids.below((longest - half) // _MILLISECOND + 1)

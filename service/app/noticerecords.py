"""What is stored of notices: the outbox, and who is at work on which receiver's line."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

NoticeState = Literal["waiting", "delivered", "dead"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRecord:
    """One notice for one receiver. ``about`` is the escalation it tells of.

    ``data`` is what happened, as JSON without a personal value. A receiver's line goes by
    ``queued_at``, then ``id``; the first of it is tried again from ``due_at`` on.
    ``failure`` is the code of the last attempt that failed.
    """

    id: str
    receiver: str
    event: str
    about: str
    resolution: str
    site: str
    role: str
    at: datetime
    data: bytes
    queued_at: datetime
    due_at: datetime
    state: NoticeState = "waiting"
    attempts: int = 0
    ended_at: datetime | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRecord:
    """Who delivers to a receiver, exclusively, until when. No holder: nobody."""

    receiver: str
    holder: str | None = None
    until: datetime | None = None

    def is_free(self, holder: str, at: datetime) -> bool:
        """Whether ``holder`` may go to work now."""
        return self.holder in {None, holder} or self.until is None or self.until <= at

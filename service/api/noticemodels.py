"""The JSON about notices, as models: for documentation, clients and tests."""

from pydantic import Field

from service.api.models import Instant, Page, Wire
from service.app.noticerecords import NoticeState
from service.core.notice import NoticeEvent


class Notice(Wire):
    """A notice to one receiver, and what became of it; not what it tells.

    `due_at` is when the next attempt is due, null where there is none. `failure` is the
    code of the last attempt that failed.
    """

    id: str = Field(examples=["ntc_01kk3v9s0v4m2f8n6x7z5q1r0t"])
    receiver: str = Field(examples=["duty-desk"])
    event: NoticeEvent
    state: NoticeState
    escalation: str
    resolution: str
    site: str
    role: str
    at: Instant
    attempts: int
    due_at: Instant | None
    ended_at: Instant | None
    failure: str | None = Field(examples=["http_500"])


class NoticePage(Page):
    """Notices, newest first."""

    notices: list[Notice]

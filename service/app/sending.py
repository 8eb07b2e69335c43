"""What is sent to receivers, and what may go wrong on the way."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from service.core.notice import NoticeEvent
from service.core.receiver import Receiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One notice as one receiver may read it.

    ``data`` is for programs, ``title`` and ``lines`` (label and text) are for people. The
    title never holds a fact. ``link`` leads people to the case.
    """

    id: str
    event: NoticeEvent
    at: datetime
    title: str
    lines: tuple[tuple[str, str], ...]
    data: Mapping[str, Any]
    link: str | None


class Undelivered(Exception):  # noqa: N818 — it names what happened
    """A letter that did not arrive, or of which nobody knows whether it did.

    ``code`` is stable and tells nothing that was sent. A ``final`` failure is not tried
    again; ``wait`` is how long the receiver asks to be left alone.
    """

    def __init__(self, code: str, *, final: bool = False, wait: timedelta = timedelta(0)) -> None:
        """Keep the three."""
        super().__init__(code)
        self.code = code
        self.final = final
        self.wait = wait


class Sender(Protocol):
    """Brings letters to receivers of some kinds."""

    def send(self, receiver: Receiver, letter: Letter, at: datetime) -> None:
        """Send once, and return when the receiver has taken it. Raises `Undelivered`.

        Takes no longer than the receiver's time-out. ``at`` is the instant of the attempt.
        """

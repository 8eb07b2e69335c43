"""Letters and receivers to send with."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from service.adapters.clock import SystemClock
from service.app.sending import Letter, Sender, Undelivered
from service.core.notice import NoticeEvent
from service.core.receiver import Hook, Patience, Receiver, ReceiverKind
from tests.receiving import SECRET

AT: Final = datetime(2026, 3, 2, 2, 0, 0, tzinfo=UTC)
LETTER: Final = Letter(
    id="ntc_1",
    event=NoticeEvent.OPENED,
    at=AT,
    title="duty_manager is asked to decide on goodwill_credit at new_york",
    lines=(("What", "goodwill_credit, 600.00 USD"), ("Why", "*bold* <!here> [x](http://e) é")),
    data={"escalation": {"id": "esc_1"}, "facts": {"stay.id": "S-1"}},
    link="https://remit.example.com/e/esc_1",
)
SHORT: Final = Patience(timeout=timedelta(seconds=1))


def here(_host: str, _port: int) -> Sequence[str]:
    """Every name is this machine's."""
    return ["127.0.0.1"]


def hooked(
    url: str,
    kind: ReceiverKind = "webhook",
    *,
    ca_file: str | None = None,
    allow_private: bool = True,
    patience: Patience = SHORT,
) -> Receiver:
    secret = SECRET if kind == "webhook" else None
    hook = Hook(url=url, secret=secret, ca_file=ca_file)
    return Receiver(id="desk", kind=kind, to=hook, allow_private=allow_private, patience=patience)


def failure(sender: Sender, receiver: Receiver, letter: Letter = LETTER) -> Undelivered | None:
    """Why a letter was not taken, if it was not."""
    try:
        sender.send(receiver, letter, SystemClock().now())
    except Undelivered as undelivered:
        return undelivered
    return None


def code(sender: Sender, receiver: Receiver, letter: Letter = LETTER) -> str | None:
    found = failure(sender, receiver, letter)
    return None if found is None else found.code

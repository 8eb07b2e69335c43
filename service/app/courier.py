"""The courier: a thread of each process that brings notices to their receivers.

For each receiver whose first notice is due there is one thread at a time, which works
through the line in order: the next notice waits until the one before was taken or was
given up. Nothing is sent inside a transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock, Thread
from typing import Final, TypeVar

from service.app.committer import Committer, Report
from service.app.delivery import (
    LINE_MAX,
    Attempt,
    Unasked,
    forget_delivered,
    note,
    take_up,
)
from service.app.letter import compose
from service.app.noticerecords import NoticeRecord
from service.app.ports import Clock, Store, Vault
from service.app.rounds import Rounds
from service.app.sending import Sender, Undelivered
from service.core.receiver import Receiver, ReceiverKind

T = TypeVar("T")

PAUSE_SECONDS: Final = 0.3
"""How long nobody looks whether something is due."""

AT_ONCE_MAX: Final = 8
"""To how many receivers one process delivers at the same time."""

ANSWER_SECONDS: Final = 30
STOP_SECONDS: Final = 5
"""How long a process that ends waits for deliveries; what is not noted is sent again."""

TIDY_EVERY: Final = timedelta(hours=1)

Tell = Callable[[NoticeRecord], None]
"""Told of each attempt by the notice after it, for the operator's log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a courier works with. ``holder`` is its name in the database."""

    store: Store
    committer: Committer
    clock: Clock
    vault: Vault
    senders: Mapping[ReceiverKind, Sender]
    report: Report
    tell: Tell
    holder: str


class Courier:
    """Delivers at least once, and to each receiver in order.

    Any number of processes may do so at once.
    """

    def __init__(self, desk: Desk, receivers: Sequence[Receiver]) -> None:
        """Nothing runs before `start`."""
        self._desk = desk
        self._receivers = {receiver.id: receiver for receiver in receivers}
        self._working: dict[str, Thread] = {}
        self._guard = Lock()
        self._tidied_at = desk.clock.now() - TIDY_EVERY
        self._rounds = Rounds("courier", self._go, desk.report, pause_seconds=PAUSE_SECONDS)

    def start(self) -> None:
        """Begin to deliver, if there is anybody to deliver to."""
        if self._receivers:
            self._rounds.start()

    def stop(self) -> None:
        """Begin no other delivery, and wait a little for those on their way."""
        self._rounds.stop()
        with self._guard:
            working = list(self._working.values())
        for thread in working:
            thread.join(STOP_SECONDS)

    def _go(self) -> None:
        self._look()
        self._tidy()

    def _look(self) -> None:
        """Let a thread begin for each line that is due and nobody here works on."""
        with self._guard:
            idle = [id_ for id_ in self._receivers if id_ not in self._working]
            free = AT_ONCE_MAX - len(self._working)
        with self._desk.store.read() as reader:
            due = reader.due_lines(idle, self._desk.holder)
        for id_ in due[:free]:
            thread = Thread(target=self._serve, args=(self._receivers[id_],), daemon=True)
            with self._guard:
                self._working[id_] = thread
            thread.start()

    def _tidy(self) -> None:
        now = self._desk.clock.now()
        if now - self._tidied_at >= TIDY_EVERY:
            self._tidied_at = now
            self._sent(forget_delivered())

    def _serve(self, receiver: Receiver) -> None:
        try:
            while not self._rounds.is_stopping and self._work(receiver):
                pass
        except Exception as failure:  # noqa: BLE001 — what was not noted is sent again
            self._desk.report(failure)
        finally:
            with self._guard:
                del self._working[receiver.id]

    def _work(self, receiver: Receiver) -> bool:
        """Take up the line and work through it; whether there may be more of it."""
        line = self._sent(take_up(receiver, self._desk.holder))
        for place, notice in enumerate(line, start=1):
            stops = place == len(line) or self._rounds.is_stopping
            attempt = Attempt(
                receiver=receiver,
                holder=self._desk.holder,
                notice=notice,
                failure=self._try(receiver, notice),
                is_last=stops,
            )
            noted = self._sent(note(attempt))
            if noted is not None:
                self._desk.tell(noted.notice)
            if noted is None or not noted.goes_on:
                return place == LINE_MAX and noted is not None
        return False

    def _try(self, receiver: Receiver, notice: NoticeRecord) -> Undelivered | None:
        """Send it once; why it did not arrive, if so."""
        desk = self._desk
        try:
            with desk.store.read() as reader:
                letter = compose(reader, desk.vault, notice, receiver)
            desk.senders[receiver.kind].send(receiver, letter, desk.clock.now())
        except Undelivered as failure:
            return failure
        except Exception as failure:  # noqa: BLE001 — one bad notice must not stop its line for ever
            desk.report(failure)
            return Undelivered("internal")
        return None

    def _sent(self, command: Unasked[T]) -> T:
        """The reply to a command, committed."""
        future: Future[T] = self._desk.committer.submit(command)  # type: ignore[assignment]
        return future.result(ANSWER_SECONDS)

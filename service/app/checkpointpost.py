"""Checkpoints posted to somebody outside, so that they have what an operator would have to forge.

The latest wins: each checkpoint that this process signs is posted, and where the receiver
is slow or away, those in between are passed over. Nothing is lost by that, as each
checkpoint covers all that the ones before it did, and whoever has two of them can demand
the proof that the later goes on from the earlier.

Signing never waits for it: a thread of its own posts, and is only told what there is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Lock
from typing import Final, Protocol

from service.app.committer import Report
from service.app.logrecords import CheckpointRecord
from service.app.ports import Store
from service.app.rounds import Rounds
from service.app.sending import Undelivered
from service.core.receiver import Patience

PATIENCE: Final = Patience(first=timedelta(seconds=1), longest=timedelta(minutes=5))
"""How long the next attempt waits after one that failed. None is ever given up."""

STOP_SECONDS: Final = 2


class CheckpointSender(Protocol):
    """Brings checkpoints to one receiver."""

    def send(self, record: CheckpointRecord) -> None:
        """Send once, and return when it was taken. Raises `Undelivered`.

        Takes no longer than the receiver's time-out.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class PostState:
    """The size of the newest checkpoint that was taken, and why the last attempt failed, if so.

    ``attempts`` is how many have failed since one was taken.
    """

    taken: int | None = None
    failure: str | None = None
    attempts: int = 0


Tell = Callable[[PostState], None]
"""Told of every attempt that failed, and of the first one after those that was taken."""


class CheckpointPost:
    """Posts the newest checkpoint, again and again, until it is taken or there is a newer one.

    With no ``sender`` there is nobody to post to, and nothing runs.
    """

    def __init__(
        self,
        store: Store,
        sender: CheckpointSender | None,
        *,
        report: Report,
        tell: Tell,
        patience: Patience = PATIENCE,
    ) -> None:
        """Nothing runs before `start`."""
        self._store = store
        self._sender = sender
        self._report = report
        self._tell = tell
        self._patience = patience
        self._newest: CheckpointRecord | None = None
        self._state = PostState()
        self._guard = Lock()
        self._news = Event()
        self._rounds = Rounds("checkpoint-post", self._go, report, pause_seconds=0)

    @property
    def state(self) -> PostState | None:
        """As of the last attempt; ``None`` where nobody is posted to."""
        return None if self._sender is None else self._state

    def start(self) -> None:
        """Begin with the newest that there is: whoever signed it may have died before posting."""
        if self._sender is None:
            return
        try:
            with self._store.read() as reader:
                newest = reader.log.last_checkpoint()
        except Exception as failure:  # noqa: BLE001 — the next one that is signed is posted
            self._report(failure)
        else:
            if newest is not None:
                self.signed(newest)
        self._rounds.start()

    def stop(self) -> None:
        """Begin no other attempt, and wait a little for the one on its way."""
        self._rounds.stop_soon()
        self._news.set()
        self._rounds.stop(STOP_SECONDS)

    def signed(self, record: CheckpointRecord) -> None:
        """Have a checkpoint posted, unless there is a newer one. Never waits."""
        with self._guard:
            if self._newest is None or record.number > self._newest.number:
                self._newest = record
        self._news.set()

    def post(self, sender: CheckpointSender) -> timedelta | None:
        """Try once, if there is anything to post; how long to wait if it failed."""
        with self._guard:
            record = self._newest
        if record is None:
            return None
        try:
            sender.send(record)
        except Undelivered as failure:
            return self._failed(failure)
        except Exception as failure:  # noqa: BLE001 — a defect of ours must not end the thread
            self._report(failure)
            return self._failed(Undelivered("internal"))
        self._taken(record)
        return None

    def _taken(self, record: CheckpointRecord) -> None:
        with self._guard:
            if self._newest is record:
                self._newest = None
            else:
                self._news.set()
        had_failed = self._state.failure is not None
        self._state = PostState(taken=record.size)
        if had_failed:
            self._tell(self._state)

    def _failed(self, failure: Undelivered) -> timedelta:
        before = self._state
        attempts = before.attempts + 1
        self._state = PostState(taken=before.taken, failure=failure.code, attempts=attempts)
        self._tell(self._state)
        longest = self._patience.longest
        return (
            longest
            if failure.final
            else min(max(self._patience.wait(attempts), failure.wait), longest)
        )

    def _go(self) -> float | None:
        """Wait for something to post, and try; for how long nothing is tried if that failed."""
        self._news.wait()
        self._news.clear()
        if self._sender is None or self._rounds.is_stopping:
            return None
        wait = self.post(self._sender)
        if wait is None:
            return None
        self._news.set()  # after the pause it is tried again, whether or not there is a newer one
        return wait.total_seconds()

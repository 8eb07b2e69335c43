"""Group commit: one committer per process decides whatever waits, in one transaction.

Batches form by themselves. While one transaction runs, requests gather; when it ends,
all of them are taken together. A lone request pays no delay; only where the batch before
had company does the next one wait a moment for those who are on their way.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Final, Protocol

from service.app.batch import Batch, Command, Reply
from service.app.errors import Busy, KeysInUse, ServiceError, TooMany, Unavailable
from service.app.idempotency import in_progress
from service.app.metrics import UNMEASURED, Metrics
from service.app.notices import Noticing
from service.app.pilot import Pilots
from service.app.pilotbatch import PilotBatch, PutOff
from service.app.ports import Ids, Store, Vault
from service.app.snapshot import Library

BATCH_COMMANDS_MAX: Final = 256
BUSY_RETRIES_MAX: Final = 5
GATHER_SECONDS: Final = 0.0005
"""How long a batch waits for one more, where the one before had more than one."""

Report = Callable[[Exception], None]
"""Told of every failure that is not a refusal, for the operator's log."""


class Mailbox(Protocol):
    """Where replies go. Called from the committer's thread, once per batch."""

    def post(self, replies: Sequence[tuple[object, Reply | Exception]]) -> None:
        """Deliver ``(handle, reply)`` pairs, in order."""


class _Futures:
    """Replies into futures, for callers that wait in a thread."""

    def post(self, replies: Sequence[tuple[object, Reply | Exception]]) -> None:
        for handle, reply in replies:
            if not isinstance(handle, Future):
                continue
            if isinstance(reply, Exception):
                handle.set_exception(reply)
            else:
                handle.set_result(reply)


_FUTURES: Final = _Futures()
_Waiting = tuple[Command, object, Mailbox, float]
"""With when it came, by the metrics' ticks."""


class Committer:
    """Decides commands in batches, in a thread of its own.

    Guarantees: a command is answered only after its transaction was committed; a command
    that fails by itself fails alone; commands are decided in the order of arrival.
    """

    def __init__(  # noqa: PLR0913 — the ports of one process, each by its name
        self,
        store: Store,
        library: Library,
        ids: Ids,
        vault: Vault,
        report: Report,
        noticing: Noticing | None = None,
        *,
        metrics: Metrics = UNMEASURED,
    ) -> None:
        """Nothing runs before `start`. ``noticing`` tells others of what is committed."""
        self._store = store
        self._library = library
        self._pilots = Pilots(store, library)
        self._ids = ids
        self._vault = vault
        self._report = report
        self._noticing = noticing
        self._metrics = metrics
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._closing = Lock()
        self._closed = False
        self._in_company = False
        self._pause = Event()  # never set: its wait is a sleep
        self._thread = Thread(target=self._loop, name="committer", daemon=True)

    def start(self) -> None:
        """Begin to decide."""
        self._thread.start()

    def stop(self) -> None:
        """Decide what waits, then end. Whoever comes later is told so."""
        with self._closing:
            self._closed = True
            self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join()

    @property
    def is_deciding(self) -> bool:
        """Whether somebody is there to decide what is sent."""
        return self._thread.is_alive() and not self._closed

    def send(self, command: Command, handle: object, mailbox: Mailbox) -> None:
        """Queue a command; its reply is posted with ``handle``."""
        with self._closing:
            if not self._closed:
                self._queue.put((command, handle, mailbox, self._metrics.ticks()))
                return
        mailbox.post([(handle, _closing())])

    def submit(self, command: Command) -> Future[Reply]:
        """Queue a command and get a future of its reply."""
        future: Future[Reply] = Future()
        self.send(command, future, _FUTURES)
        return future

    def _loop(self) -> None:
        while (waiting := self._take()) is not None:
            began = self._metrics.ticks()
            replies = self._decide([command for command, _, _, _ in waiting])
            self._answer(waiting, replies)
            self._measure(began, waiting, replies)

    def _take(self) -> list[_Waiting] | None:
        """Wait for a command, then take all that are there."""
        first = self._queue.get()
        if first is None:
            return None
        if self._in_company:
            self._gather()
        waiting = [first]
        while len(waiting) < BATCH_COMMANDS_MAX:
            try:
                found = self._queue.get_nowait()
            except Empty:
                break
            if found is None:
                self._queue.put(None)
                break
            waiting.append(found)
        self._in_company = len(waiting) > 1
        return waiting

    def _gather(self) -> None:
        """Let those come who are on their way, as long as more of them keep coming.

        The threads of a process take turns at running, so whoever decides while requests
        arrive holds them up and is held up by them: a third of all time at 64 callers.
        """
        seen = -1
        while seen < (waiting := self._queue.qsize()) < BATCH_COMMANDS_MAX:
            seen = waiting
            self._pause.wait(GATHER_SECONDS)

    def _decide(self, commands: list[Command]) -> list[Reply | Exception]:
        try:
            return self._transact(commands)
        except KeysInUse as found:
            return self._decide_others(commands, found.keys)
        except Unavailable as failure:  # whatever it is, it would meet each of them alone
            self._report(failure)
            return [failure] * len(commands)
        except Exception as failure:  # noqa: BLE001 — one poison request must harm nobody else
            if len(commands) > 1:
                return [reply for command in commands for reply in self._decide([command])]
            self._report(failure)
            return [failure if isinstance(failure, ServiceError) else _undecided()]

    def _decide_others(
        self, commands: list[Command], used: frozenset[str]
    ) -> list[Reply | Exception]:
        """Tell those whose key is in use elsewhere so, and decide the others."""
        waits = [command.idempotency_key() in used for command in commands]
        others = [one for one, wait in zip(commands, waits, strict=True) if not wait]
        replies = iter(self._decide(others) if others else ())
        return [in_progress() if wait else next(replies) for wait in waits]

    def _transact(self, commands: list[Command]) -> list[Reply | Exception]:
        for left in reversed(range(BUSY_RETRIES_MAX)):
            try:
                with self._store.begin() as tx:
                    batch = Batch(tx, self._library, self._ids, self._vault, self._noticing)
                    replies = self._run(batch, commands)
            except Busy:
                if not left:
                    raise
            else:
                outcomes = [record.outcome for record in batch.writes.resolutions]
                kinds = [entry.kind for entry in batch.writes.entries]
                self._metrics.committed(outcomes, kinds)
                return replies if batch.tx.trial() is None else self._again(commands, replies)
        raise AssertionError("the last try returns or raises")

    def _run(self, batch: Batch, commands: list[Command]) -> list[Reply | Exception]:
        """Decide under the policy in force, or each on its side where a pilot runs."""
        trial = batch.tx.trial()
        pilot = None if trial is None else self._pilots.find(trial, batch.snapshot)
        return batch.run(commands) if pilot is None else PilotBatch(batch, pilot).run(commands)

    def _again(
        self, commands: list[Command], replies: list[Reply | Exception]
    ) -> list[Reply | Exception]:
        """Decide those anew whose pilot ended while they were decided."""
        late = [number for number, reply in enumerate(replies) if isinstance(reply, PutOff)]
        if late:
            anew = self._decide([commands[number] for number in late])
            for number, reply in zip(late, anew, strict=True):
                replies[number] = reply
        return replies

    def _measure(
        self, began: float, waiting: list[_Waiting], replies: list[Reply | Exception]
    ) -> None:
        """After everybody has a reply: nobody waits to be counted."""
        now = self._metrics.ticks()
        refused = sum(isinstance(reply, TooMany) for reply in replies)
        self._metrics.answered(now - began, [now - came for *_, came in waiting], refused)

    def _answer(self, waiting: list[_Waiting], replies: list[Reply | Exception]) -> None:
        posts: dict[int, list[tuple[object, Reply | Exception]]] = defaultdict(list)
        boxes: dict[int, Mailbox] = {}
        for (_, handle, mailbox, _), reply in zip(waiting, replies, strict=True):
            boxes[id(mailbox)] = mailbox
            posts[id(mailbox)].append((handle, reply))
        for number, mailbox in boxes.items():
            try:
                mailbox.post(posts[number])
            except Exception as failure:  # noqa: BLE001 — who is gone must not stop the others
                self._report(failure)


def _undecided() -> Unavailable:
    return Unavailable(
        "not_decided",
        "the request could not be decided, and nothing was changed",
        "try again; if it happens again, tell the operator the request id",
    )


def _closing() -> Unavailable:
    return Unavailable(
        "stopping", "this process is stopping, and nothing was changed", "send it again"
    )

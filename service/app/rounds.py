"""Rounds: what a thread does again and again until the process stops."""

from collections.abc import Callable
from threading import Event, Thread

from service.app.committer import Report

Round = Callable[[], float | None]
"""One round. How many seconds nobody looks after it; ``None`` for the usual pause."""

Failures = tuple[type[Exception], ...]


class Rounds:
    """Goes round in a thread of its own, with a pause after each round.

    A round that fails is reported, unless its failure is one of ``untold``, and the next
    one follows after the usual pause: a database that was away comes back.
    """

    def __init__(
        self,
        name: str,
        go: Round,
        report: Report,
        *,
        pause_seconds: float,
        untold: Failures = (),
    ) -> None:
        """Nothing runs before `start`. ``name`` is the thread's."""
        self._go = go
        self._report = report
        self._pause_seconds = pause_seconds
        self._untold = untold
        self._stopping = Event()
        self._thread = Thread(target=self._loop, name=name, daemon=True)

    @property
    def is_stopping(self) -> bool:
        """Whether no other round is begun."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Begin with a round at once."""
        self._thread.start()

    def stop_soon(self) -> None:
        """Begin no other round, and cut the pause short. Waits for nothing."""
        self._stopping.set()

    def stop(self, wait_seconds: float | None = None) -> bool:
        """Let the round that was begun end, for so long at most; whether a thread ran at all."""
        self.stop_soon()
        has_run = self._thread.is_alive()
        if has_run:
            self._thread.join(wait_seconds)
        return has_run

    def go(self) -> float:
        """One round now, by whoever calls; how many seconds of pause it takes. Never raises."""
        try:
            pause = self._go()
        except self._untold:
            pause = None
        except Exception as failure:  # noqa: BLE001 — a database that is away comes back
            self._report(failure)
            pause = None
        return self._pause_seconds if pause is None else pause

    def _loop(self) -> None:
        while not self.is_stopping:
            self._stopping.wait(self.go())

"""Refused attempts: who was refused what, counted for the log behind everybody's back.

Whoever is known and asks for what they may not have, or with a key that was revoked,
leaves a trace. A refusal is answered first and counted afterwards, so that nothing of
this can slow it or make it fail, and whoever is refused ten thousand times a day is a
dozen entries: what is written is a count, and only now and then an entry with it.
"""

from collections.abc import Callable
from threading import Lock
from typing import Final

from service.app.attempt import Attempt, Times, find_attempt
from service.app.committer import Committer, Report
from service.app.countattempts import CountAttempts
from service.app.principal import Principal
from service.app.rounds import Rounds

PAUSE_SECONDS: Final = 0.25
WAITING_MAX: Final = 4_096
"""How many different attempts wait to be counted at most; of more only the number is told."""

ROWS_MAX: Final = 100
"""How many are counted in one command."""

ANSWER_SECONDS: Final = 30

Lost = Callable[[int], None]
"""Told how many refusals could not be counted, for the operator's log."""

Waiting = dict[Attempt, Times]


class Attempts:
    """Takes refused attempts from the doors, and has them counted by a thread of its own.

    What cannot be counted now is tried again.
    """

    def __init__(self, committer: Committer, report: Report, lost: Lost) -> None:
        """Nothing runs before `start`."""
        self._committer = committer
        self._lost = lost
        self._waiting: Waiting = {}
        self._dropped = 0
        self._taking = Lock()
        self._rounds = Rounds("attempts", self.count, report, pause_seconds=PAUSE_SECONDS)

    def start(self) -> None:
        """Begin to count."""
        self._rounds.start()

    def stop(self) -> None:
        """Count what waits, then end. The committer has to be there still."""
        if self._rounds.stop():
            self._rounds.go()

    def tell(self, principal: Principal | None, what: str, failure: Exception) -> None:
        """Keep a failure to be counted if it is a refused attempt. Waits for no database."""
        found = find_attempt(principal, what, failure)
        if found is not None:
            attempt, by = found
            self._keep({attempt: Times(1, by)})

    def count(self) -> None:
        """Count what waits, and return when it is committed. Raises what stood in the way."""
        with self._taking:
            waiting, self._waiting = self._waiting, {}
            dropped, self._dropped = self._dropped, 0
        if dropped:
            self._lost(dropped)
        left = list(waiting.items())
        try:
            while left:
                command = CountAttempts(dict(left[:ROWS_MAX]))
                self._committer.submit(command).result(ANSWER_SECONDS)
                del left[:ROWS_MAX]
        finally:
            self._keep(dict(left))

    def _keep(self, more: Waiting) -> None:
        with self._taking:
            for attempt, (number, by) in more.items():
                known = self._waiting.get(attempt)
                if known is not None:
                    self._waiting[attempt] = Times(known.number + number, by)
                elif len(self._waiting) < WAITING_MAX:
                    self._waiting[attempt] = Times(number, by)
                else:
                    self._dropped += number

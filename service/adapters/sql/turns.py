"""Taking turns: a lock that goes to whoever has waited longest."""

from collections import deque
from threading import Lock
from typing import Final, Self


class Turns:
    """Threads that want one thing get it in the order in which they came.

    A plain lock goes to whoever asks next, which under load is the thread that has just
    given it back: one that decides without a pause would let nobody else write.
    """

    def __init__(self) -> None:
        """Nobody has it."""
        self._changing: Final = Lock()
        self._waiting: Final[deque[Lock]] = deque()
        self._is_taken = False

    def __enter__(self) -> Self:
        with self._changing:
            if not self._is_taken:
                self._is_taken = True
                return self
            turn = Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()  # released by whoever had it last, which hands it over
        return self

    def __exit__(self, *_: object) -> None:
        with self._changing:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False

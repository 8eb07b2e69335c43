"""Where the issuer's keys come from: a file or an address, read again now and then."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, NamedTuple

from service.adapters.jwks import JwksError, KeySet, parse_jwks
from service.app.errors import Unavailable

FRESH: Final = timedelta(minutes=5)
"""For how long keys are used without a look: so soon is one gone that was withdrawn."""

AGAIN: Final = timedelta(seconds=30)
"""How soon they are read again, at most, because of a token that names an unknown key."""

KEPT: Final = timedelta(hours=1)
"""For how long the last keys are used where none can be read. Then no token is taken."""

Read = Callable[[], bytes]
"""The bytes of a key set. Raises `OSError` or `Unread` where they cannot be had."""

Tell = Callable[[str | None], None]
"""Told why keys could not be read, and with ``None`` that they could be again."""


class Unread(Exception):  # noqa: N818 — it names what happened
    """The keys could not be read. The message is for the operator."""


class _Kept(NamedTuple):
    keys: KeySet
    read_at: datetime


class KeySource:
    """The newest keys that could be read. Safe to share between threads.

    One thread reads; meanwhile others use the keys before, if there are any that still
    may be used.
    """

    def __init__(self, read: Read, tell: Tell) -> None:
        """Nothing is read before it is asked for."""
        self._read = read
        self._tell = tell
        self._kept: _Kept | None = None
        self._tried_at: datetime | None = None
        self._failed = False
        self._reading = Lock()

    def find_fresh(self, at: datetime) -> KeySet | None:
        """The keys, if nobody has to look at them again. Waits for nothing."""
        kept = self._kept
        return kept.keys if kept is not None and abs(at - kept.read_at) < FRESH else None

    def get(self, at: datetime) -> KeySet:
        """The keys. Raises `Unavailable` where none could be read for too long."""
        fresh = self.find_fresh(at)
        if fresh is not None:
            return fresh
        self._look(at)
        return self._usable(at)

    def get_newer(self, at: datetime) -> KeySet:
        """The same, looked at again unless that was done a moment ago."""
        self._look(at)
        return self._usable(at)

    def _usable(self, at: datetime) -> KeySet:
        kept = self._kept
        if kept is None or abs(at - kept.read_at) >= KEPT:
            raise Unavailable(
                "signing_keys_unavailable",
                "the issuer's keys cannot be read, so no token can be verified",
                "try again in a moment, or send an API key",
            )
        return kept.keys

    def _look(self, at: datetime) -> None:
        """Read once, if it is time to, and nobody else does."""
        kept = self._kept
        has_some = kept is not None and abs(at - kept.read_at) < KEPT
        if not self._is_due(at) or not self._reading.acquire(blocking=not has_some):
            return
        try:
            if self._is_due(at):  # whoever was waited for has looked
                self._tried_at = at
                self._take(at)
        finally:
            self._reading.release()

    def _is_due(self, at: datetime) -> bool:
        return self._tried_at is None or abs(at - self._tried_at) >= AGAIN

    def _take(self, at: datetime) -> None:
        try:
            keys = parse_jwks(self._read())
        except (OSError, Unread, JwksError) as failure:
            self._failed = True
            self._tell(str(failure) or type(failure).__name__)
            return
        self._kept = _Kept(keys, at)
        if self._failed:
            self._failed = False
            self._tell(None)

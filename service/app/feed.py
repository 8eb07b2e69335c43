"""The feed: what happens to escalations, for everybody who watches, from one thread a process.

The order is that of the log's indexes, which every replica reads alike and in which
nothing appears behind what was read: an entry has an index only once it is committed.
"""

from collections.abc import Sequence
from dataclasses import replace
from threading import Event, Lock, Thread
from typing import Final, Protocol

from service.app.callers import refusals
from service.app.committer import Report
from service.app.deskports import Happened
from service.app.errors import Forbidden, Unavailable
from service.app.find import follows
from service.app.ports import Reader, Store
from service.app.principal import Principal
from service.app.snapshot import Library, Snapshot
from service.app.tokenpeople import access_for, remembered

PAUSE_SECONDS: Final = 0.5
STEP_ENTRIES: Final = 2_000
"""How much of the log is looked at in one go."""

BEHIND_ENTRIES_MAX: Final = 100_000
"""Whoever comes back from further behind starts anew."""

WATCHERS_MAX: Final = 1_000
WATCHERS_EACH_MAX: Final = 8
"""How many a process serves, and how many of them one person may be."""


class Watcher(Protocol):
    """Somebody who watches. Called from the feed's thread; must not wait for anything."""

    @property
    def principal(self) -> Principal:
        """Who it is; with another key it would be somebody else."""

    def tell(self, position: int, happened: Sequence[Happened]) -> None:
        """Everything that the watcher may see and that stands before a position of the log."""

    def start_anew(self, position: int) -> None:
        """Too much happened since: whatever is shown has to be read again."""

    def end(self) -> None:
        """Nothing more will be told: the key is no good any more, or the process stops."""


class Feed:
    """Tells watchers what happened. While nobody watches nothing is read.

    Watchers at the same position share one read; who comes back with an older one has
    reads of its own until it has caught up.
    """

    def __init__(
        self,
        store: Store,
        library: Library,
        report: Report,
        *,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        """Nothing runs before somebody watches."""
        self._store = store
        self._library = library
        self._report = report
        self._pause_seconds = pause_seconds
        self._positions: dict[Watcher, int | None] = {}
        self._lock = Lock()
        self._stopping = Event()
        self._joined = Event()
        self._thread: Thread | None = None

    def join(self, watcher: Watcher, position: int | None = None) -> None:
        """Begin to watch after a position, or from now on. Raises `Unavailable`: too many."""
        with self._lock:
            mine = [one for one in self._positions if one.principal.id == watcher.principal.id]
            if len(self._positions) >= WATCHERS_MAX or len(mine) >= WATCHERS_EACH_MAX:
                raise Unavailable(
                    "too_many_streams",
                    f"{WATCHERS_EACH_MAX} streams are open for you, or {WATCHERS_MAX} for all",
                    "close one that nobody looks at, or ask again later",
                )
            self._positions[watcher] = position
            if self._thread is None and not self._stopping.is_set():
                self._thread = Thread(target=self._loop, name="feed", daemon=True)
                self._thread.start()
        self._joined.set()
        if self._stopping.is_set():
            watcher.end()

    def leave(self, watcher: Watcher) -> None:
        """Watch no more."""
        with self._lock:
            self._positions.pop(watcher, None)

    def stop_soon(self) -> None:
        """Let every watcher end. Waits for nothing, so that a signal's handler may call it."""
        self._stopping.set()
        self._joined.set()

    def stop(self) -> None:
        """Let every watcher end, and the thread."""
        self.stop_soon()
        if self._thread is not None:
            self._thread.join()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            watchers = self._watchers()
            if not watchers:
                self._joined.wait()
                self._joined.clear()
            elif not self._looked(watchers):
                self._stopping.wait(self._pause_seconds)
        for watcher in self._watchers():
            watcher.end()

    def _looked(self, watchers: dict[Watcher, int | None]) -> bool:
        """Tell what there is; whether somebody is still behind."""
        try:
            return self._told(watchers)
        except Exception as failure:  # noqa: BLE001 — a database that is away comes back
            self._report(failure)
            return False

    def _watchers(self) -> dict[Watcher, int | None]:
        with self._lock:
            return dict(self._positions)

    def _told(self, watchers: dict[Watcher, int | None]) -> bool:
        snapshot = self._library.in_force()
        with self._store.read() as reader:
            self._check_keys(reader, watchers)
            size = reader.desk.log_size()
            look = _Look(reader, snapshot, size)
            behind = [
                self._tell(look, watcher, size if position is None else position, position)
                for watcher, position in watchers.items()
            ]
        return any(behind)

    def _tell(self, look: "_Look", watcher: Watcher, begin: int, known: int | None) -> bool:
        """Tell one watcher what comes after its position; whether it is still behind."""
        if not look.size - BEHIND_ENTRIES_MAX <= begin <= look.size:
            self._move(watcher, look.size)
            watcher.start_anew(look.size)
            return False
        end = min(look.size, begin + STEP_ENTRIES)
        if end != known:
            self._move(watcher, end)
            watcher.tell(end, look.seen(watcher.principal, begin, end))
        return end < look.size

    def _move(self, watcher: Watcher, position: int) -> None:
        with self._lock:
            if watcher in self._positions:
                self._positions[watcher] = position

    def _check_keys(self, reader: Reader, watchers: dict[Watcher, int | None]) -> None:
        """End those whose key or token was revoked or has expired."""
        now = reader.now()
        callers = [watcher.principal for watcher in watchers]
        refused = refusals(reader.tokens, lambda ids: reader.desk.live_keys(ids, now), callers, now)
        for watcher in [one for one in watchers if one.principal in refused]:
            del watchers[watcher]
            self.leave(watcher)
            watcher.end()


class _Look:
    """One look at the log: each part of it is read once, for everybody who is there."""

    def __init__(self, reader: Reader, snapshot: Snapshot, size: int) -> None:
        self.size = size
        self._reader = reader
        self._snapshot = snapshot
        self._now = reader.now()
        self._delegations = reader.delegations(self._now)
        delegators = {one.delegator for one in self._delegations}
        self._people = remembered(reader.tokens, delegators, self._now).values()
        self._read: dict[tuple[int, int], Sequence[Happened]] = {}

    def seen(self, principal: Principal, begin: int, end: int) -> Sequence[Happened]:
        """What happened in a part of the log, as far as somebody may see it.

        Whose token names a role that the policy no longer knows sees nothing.
        """
        if begin == end:
            return []
        try:
            access = access_for(self._snapshot.access, principal, self._people)
        except Forbidden:
            return []
        snapshot = replace(self._snapshot, access=access)
        found = self._read.get((begin, end))
        if found is None:
            found = self._read[begin, end] = self._reader.desk.happened(begin, end)
        return [
            one
            for one in found
            if follows(snapshot, self._delegations, self._now, principal, one.escalation)
        ]

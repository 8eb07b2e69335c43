"""The policy in force, compiled once for each version and swapped by reference."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock

from service.app.accessports import Access
from service.app.errors import Unavailable
from service.app.ports import Reader, Store
from service.core.rulebook import Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One version of the policy: its rules, and who may do what. Immutable."""

    rulebook: Rulebook
    access: Access
    files: Mapping[str, bytes]


Compile = Callable[[Mapping[str, bytes]], Snapshot]
"""A folder's files to a snapshot. Raises where the set does not load."""

_KEPT_MAX = 16


class Library:
    """The snapshots of this process, by version.

    A version is compiled by whoever asks for it first; later callers get the same object.
    ``latest`` is what the last batch decided under, for doors that read ahead of one: it
    may be old by then, and the batch reads again where it is.
    """

    latest: Snapshot | None = None

    def __init__(self, store: Store, compile_files: Compile) -> None:
        """Nothing is compiled before it is asked for."""
        self._store = store
        self._compile = compile_files
        self._snapshots: dict[str, Snapshot] = {}
        self._lock = Lock()

    def keep(self, snapshot: Snapshot) -> None:
        """Remember a snapshot that somebody compiled already."""
        with self._lock:
            while len(self._snapshots) >= _KEPT_MAX:
                self._snapshots.pop(next(iter(self._snapshots)))
            self._snapshots[snapshot.rulebook.version] = snapshot

    def get(self, version: str) -> Snapshot:
        """The snapshot of a published version. Raises `Unavailable` where there is none."""
        found = self._snapshots.get(version)
        if found is not None:
            return found
        with self._store.read() as reader:
            return self.read(reader, version)

    def compiled(self, version: str, files: Mapping[str, bytes]) -> Snapshot:
        """The snapshot of files whose version is known. Raises `PolicyErrors`."""
        found = self._snapshots.get(version)
        if found is None:
            found = self._compile(files)
            self.keep(found)
        return found

    def follow(self, version: str) -> Snapshot:
        """The snapshot of the version that a transaction found in force; now the latest."""
        latest = self.latest
        if latest is None or latest.rulebook.version != version:
            self.latest = latest = self.get(version)
        return latest

    def in_force(self) -> Snapshot:
        """The snapshot of the version that is in force at this moment."""
        with self._store.read() as reader:
            return self.seen_by(reader)

    def seen_by(self, reader: Reader) -> Snapshot:
        """The snapshot of the version that somebody who reads finds in force; now the latest."""
        version = reader.head()
        if version is None:
            raise Unavailable(
                "no_policy",
                "no policy is in force",
                "start the service with --policies DIR to publish the first one",
            )
        self.latest = found = self._snapshots.get(version) or self.read(reader, version)
        return found

    def read(self, reader: Reader, version: str) -> Snapshot:
        """Compile a version from the database."""
        record = reader.find_policy(version)
        if record is None:
            raise Unavailable(
                "policy_missing",
                f"the database does not hold the policy {version}",
                "run: remit db check",
            )
        snapshot = self._compile(record.files)
        self.keep(snapshot)
        return snapshot

"""The folder of an embedded service: what managers save there is put in force, if it holds.

Whatever loads and passes its own suites follows the policy in force at once. Whatever does
not is told, and the last good set goes on deciding. The folder puts nothing in force twice:
what was taken back stays so until somebody changes a file.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final, Protocol

import orjson

from service.app.policycheck import check
from service.app.policycommand import needs_second_person
from service.app.ports import Filter, Page, Store
from service.app.publish import Publisher
from service.app.snapshot import Compile, Library, Snapshot
from service.policyfile.digest import ACCESS_FILE
from service.policyfile.problem import PolicyErrors, Problem

AT_START: Final = "start"
WATCHED: Final = "folder"
"""Who published what a folder put in force: when the process started, and after that."""

SETTLE_SECONDS: Final = 0.3
"""How long the files must stay the same: half a file may load, and mean something else."""

RETRY_SECONDS: Final = 1.0
"""After what time it is tried again where the database did not take a set."""

_ENTRIES_MAX: Final = 1_000


class Source(Protocol):
    """A folder, wherever it is."""

    def read(self) -> Mapping[str, bytes]:
        """The files of the set. Raises `PolicyErrors` and `OSError`."""

    def changes(self, stop: Event) -> Iterator[None]:
        """Yields once, and whenever a file of the set changed, until ``stop`` is set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderState:
    """What a folder holds. ``version`` is the last set there that held.

    ``problems`` are why what is there now does not.
    """

    version: str
    problems: tuple[Problem, ...] = ()


Tell = Callable[[str, FolderState, str | None], None]
"""Told of ``published``, ``folder_differs``, ``folder_refused``, ``folder_mended``, with the
version in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Where sets are compiled, kept and put in force."""

    store: Store
    library: Library
    publisher: Publisher
    compile_files: Compile


class FolderKeeper:
    """Follows a folder in a thread of its own.

    ``puts`` is whether the folder has its way; otherwise it is only compared. Never where
    the policy in force asks for a second person.
    """

    def __init__(
        self,
        source: Source,
        first: Snapshot,
        shelf: Shelf,
        *,
        tell: Tell,
        puts: bool,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        """``first`` is what the folder held when the process started."""
        self._source = source
        self._first = first
        self._store = shelf.store
        self._library = shelf.library
        self._publisher = shelf.publisher
        self._compile = shelf.compile_files
        self._tell = tell
        self._puts = puts
        self._settle_seconds = settle_seconds
        self._files: Mapping[str, bytes] = first.files
        self._stop = Event()
        self._thread: Thread | None = None
        self.state = FolderState(version=first.rulebook.version)

    def begin(self) -> None:
        """Put in force what the folder holds at the start, or tell why not.

        An empty database gets it in any case. Raises `PolicyErrors` where nothing is in
        force yet and the suites fail.
        """
        head = self._head()
        if head == self.state.version:
            return
        if head is None:
            self._seed()
            return
        if self._may_follow() and self._last_of_folder() != self.state.version:
            self._follow(AT_START)
        else:
            self._tell("folder_differs", self.state, head)

    def start(self) -> None:
        """Begin to follow."""
        self._thread = Thread(target=self._run, name="folder", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Follow no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> None:
        """Take up what the folder holds now, if it is something new."""
        try:
            files = self._settled()
        except PolicyErrors as errors:
            self._refuse(errors.problems)
            return
        except OSError as error:  # a file went away between being listed and being read
            self._refuse((_unreadable(error),))
            return
        if files != self._files or self.state.problems:
            self._take(files)

    def _run(self) -> None:
        for _ in self._source.changes(self._stop):
            while not self._looked() and not self._stop.wait(RETRY_SECONDS):
                pass

    def _looked(self) -> bool:
        """Whether that went through; the database may be away, or have no room."""
        try:
            self.look()
        except Exception as failure:  # noqa: BLE001 — whatever it is, the thread goes on
            self._refuse((_failed(failure),))
            return False
        return True

    def _settled(self) -> Mapping[str, bytes]:
        """The files, once nobody writes them any more."""
        files = self._source.read()
        while not self._stop.wait(self._settle_seconds):
            again = self._source.read()
            if again == files:
                break
            files = again
        return files

    def _take(self, files: Mapping[str, bytes]) -> None:
        checked = check(files, self._compile)
        problems = (*checked.problems, *_locked_out(files, self._first.files))
        if checked.snapshot is None or problems:
            self._files = files
            self._refuse(problems)
            return
        self._accept(checked.snapshot)
        self._files = files

    def _accept(self, snapshot: Snapshot) -> None:
        """A set that holds: put it in force, where it is another one than before."""
        was, head = self.state, self._head()
        now = FolderState(version=snapshot.rulebook.version)
        if head == now.version:
            if was.problems:
                self._tell("folder_mended", now, head)
        elif was.version != now.version and self._may_follow():
            self._put(snapshot, WATCHED, head)
        else:
            self._tell("folder_differs", now, head)
        self.state = now

    def _follow(self, by: str) -> None:
        """What the folder held at the start, if its suites pass."""
        checked = check(self._first.files, self._compile)
        if checked.problems:
            self._refuse(checked.problems)
        else:
            self._put(self._first, by, self._head())

    def _seed(self) -> None:
        checked = check(self._first.files, self._compile)
        if checked.problems:
            raise PolicyErrors(checked.problems)
        if self._publisher.seed(self._first, by=AT_START):
            self._tell("published", self.state, None)

    def _put(self, snapshot: Snapshot, by: str, over: str | None) -> None:
        """Whoever published something else meanwhile did so knowingly: it stays."""
        now = FolderState(version=snapshot.rulebook.version)
        if self._publisher.publish(snapshot, by=by, over=over):
            self._tell("published", now, over)
        else:
            self._tell("folder_differs", now, self._head())

    def _refuse(self, problems: Sequence[Problem]) -> None:
        """The last good set stays; told once, however often the same is found."""
        was = self.state
        self.state = FolderState(version=was.version, problems=tuple(problems))
        if self.state != was:
            latest = self._library.latest
            in_force = None if latest is None else latest.rulebook.version
            self._tell("folder_refused", self.state, in_force)

    def _may_follow(self) -> bool:
        """Whether the folder has its way. What this release cannot load guards nothing."""
        if not self._puts:
            return False
        try:
            return not needs_second_person(self._library.in_force())
        except PolicyErrors:
            return True

    def _head(self) -> str | None:
        with self._store.read() as reader:
            return reader.head()

    def _last_of_folder(self) -> str | None:
        """The version that a folder put in force last; somebody may have taken it back."""
        with self._store.read() as reader:
            entries = reader.list_entries(Filter(kind="policy"), Page(limit=_ENTRIES_MAX))
        for entry in entries:
            body = orjson.loads(entry.body)
            if body["by"] in ({"id": AT_START}, {"id": WATCHED}):
                version: str = body["version"]
                return version
        return None


def _locked_out(files: Mapping[str, bytes], before: Mapping[str, bytes]) -> Sequence[Problem]:
    """An editor that renames may leave the set without its access list for a while."""
    if ACCESS_FILE in files or ACCESS_FILE not in before:
        return ()
    what = "The access list is gone, and nobody could do anything."
    return (_problem(ACCESS_FILE, "no_access", what, "Put it back."),)


def _unreadable(error: OSError) -> Problem:
    what = f"A file cannot be read: {error.strerror}."
    return _problem(".", "unreadable", what, "Save it again, readable by the service.")


def _failed(failure: Exception) -> Problem:
    what = f"The folder could not be taken up: {type(failure).__name__}."
    return _problem(".", "not_taken_up", what, "Save a file again once the service is ready.")


def _problem(file: str, code: str, message: str, remedy: str) -> Problem:
    return Problem(file=file, line=1, column=1, path="", code=code, message=message, remedy=remedy)

"""The policy folder on this machine's disk, and its changes, as the system tells of them."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Event
from typing import Final

from watchfiles import Change, watch

from service.policyfile.folder import read_folder

POLL_MILLISECONDS: Final = 200
"""How often it is looked whether the folder is still the same one."""

_ENDINGS: Final = ("", ".yaml", ".yml", ".csv", ".conf")


class DiskFolder:
    """See `service.app.folderkeeper.Source`."""

    def __init__(self, path: Path) -> None:
        """Read nothing yet."""
        self._path = path

    def read(self) -> Mapping[str, bytes]:
        """The files of the set. Raises `PolicyErrors` and `OSError`."""
        return read_folder(self._path)

    def changes(self, stop: Event) -> Iterator[None]:
        """Yields once, and whenever a file of the set changed, until ``stop`` is set."""
        return changes_of(self._path, stop)


def changes_of(folder: Path, stop: Event | None = None) -> Iterator[None]:
    """Yields once, and then whenever a file of the set changed or the folder was replaced.

    Files that begin with a dot, and those that editors leave beside the set's, are passed
    over. What changes while the caller is at work is told in the next round. Ends when
    ``stop`` is set; without it, never.
    """
    stop = Event() if stop is None else stop
    while not stop.is_set():
        if folder.is_dir():
            with contextlib.suppress(FileNotFoundError):  # gone between the two lines
                yield from _while_it_is_there(folder, stop)
        else:
            stop.wait(POLL_MILLISECONDS / 1_000)


def _while_it_is_there(folder: Path, stop: Event) -> Iterator[None]:
    seen, is_first = _identity(folder), True
    rounds = watch(
        folder,
        watch_filter=_of_set(folder.resolve()),
        rust_timeout=POLL_MILLISECONDS,
        yield_on_timeout=True,
        stop_event=stop,
    )
    for changes in rounds:
        # What replaces a folder is another one to the system, of which no event tells.
        if _identity(folder) != seen:
            return
        # The first round says that from now on nothing is missed.
        if changes or is_first:
            is_first = False
            yield


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _of_set(folder: Path) -> Callable[[Change, str], bool]:
    """Whether a change is one of the set's files, or of a folder that may hold some."""

    def concerns(_: Change, path: str) -> bool:
        inside = Path(path).relative_to(folder) if Path(path).is_relative_to(folder) else Path(path)
        hidden = any(part.startswith(".") for part in inside.parts)
        return not hidden and inside.suffix in _ENDINGS

    return concerns

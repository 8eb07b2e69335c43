"""One serving process for each embedded database."""

import fcntl
import os
from pathlib import Path
from typing import Self

from service.adapters.sql.engine import DatabaseError


class WriterLock:
    """A lock on the file beside an embedded database, held until it is released.

    The operating system releases it when the process ends, however it ends. The file
    stays and says which process had it last.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, database: Path) -> Self:
        """Take the lock of ``database``. Raises `DatabaseError` where another process has it."""
        path = database.with_name(database.name + ".lock")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise DatabaseError(
                f"another process (pid {holder}) serves {database}. An SQLite database has one "
                "serving process: stop that one, start this one with one worker and another "
                "--database, or use PostgreSQL for as many processes as you like."
            ) from error
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        return cls(descriptor)

    def release(self) -> None:
        """Let another process serve. Further calls do nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

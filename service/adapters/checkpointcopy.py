"""A copy of the last checkpoint in a file, so that a database that was put back is found out."""

import os
from contextlib import suppress
from pathlib import Path

from service.adapters.ids import random_bytes


class CheckpointFile:
    """See `service.app.logports.CheckpointCopy`. With no path there is never a copy."""

    def __init__(self, path: Path | None) -> None:
        """Nothing is read or written yet."""
        self._path = path

    def find(self) -> bytes | None:
        """The signed note that was kept last."""
        if self._path is None:
            return None
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None

    def keep(self, note: bytes) -> None:
        """Replace it, whole or not at all, and on the disk when this returns."""
        if self._path is None:
            return
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}.{random_bytes(8).hex()}")
        try:
            with fresh.open("xb") as file:
                file.write(note)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        finally:
            with suppress(FileNotFoundError):
                fresh.unlink()

    def forget(self) -> None:
        """Have none."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

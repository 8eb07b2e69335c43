"""The log in a database, as the verifier reads one."""

from collections.abc import Iterator

from service.app.archive import Archive
from service.app.errors import NotFound
from service.app.ports import Store
from service.audit.source import Missing


class ArchiveSource:
    """A database as a source."""

    def __init__(self, store: Store) -> None:
        self._archive = Archive(store)

    def read(self, path: str) -> bytes:
        try:
            return self._archive.read(path)
        except NotFound:
            raise Missing(path) from None

    def checkpoints(self) -> Iterator[bytes]:
        return self._archive.checkpoints()

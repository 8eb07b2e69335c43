"""The archive: the log in the database, by the paths under which it is served, and the policies.

For whoever can open the database: nothing is asked but what there is.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from service.app.errors import NotFound
from service.app.logports import LogReader
from service.app.logtree import read_tile
from service.app.ports import Store
from service.core.tiles import TILE_WIDTH, Tile, TileError, format_bundle, parse_path

PAGE_CHECKPOINTS: Final = 500
_CHECKPOINT: Final = "checkpoint"


class Archive:
    """Reads the log as it stands. Believes nothing and checks nothing."""

    def __init__(self, store: Store) -> None:
        """Keep the port."""
        self._store = store

    def read(self, path: str) -> bytes:
        """The bytes under a path: ``checkpoint``, or that of a tile. Raises `NotFound`."""
        with self._store.read() as reader:
            try:
                return _checkpoint(reader.log) if path == _CHECKPOINT else _tile(reader.log, path)
            except TileError as error:
                raise NotFound("no_tile", str(error), "see https://c2sp.org/tlog-tiles") from error

    def checkpoints(self) -> Iterator[bytes]:
        """Every checkpoint that was kept, newest first."""
        before: int | None = None
        while True:
            with self._store.read() as reader:
                page = reader.log.list_checkpoints(before, PAGE_CHECKPOINTS)
            yield from [record.note for record in page]
            if len(page) < PAGE_CHECKPOINTS:
                return
            before = page[-1].number

    def policies(self) -> Iterator[tuple[str, Mapping[str, bytes]]]:
        """Every version that was ever published, with its files."""
        with self._store.read() as reader:
            versions = reader.list_policies()
        for version in versions:
            with self._store.read() as reader:
                record = reader.find_policy(version)
            if record is not None:
                yield version, record.files


def _checkpoint(log: LogReader) -> bytes:
    newest = log.last_checkpoint()
    if newest is None:
        raise NotFound("no_checkpoint", "no checkpoint was published yet", "ask again in a second")
    return newest.note


def _tile(log: LogReader, path: str) -> bytes:
    place = parse_path(path)
    if isinstance(place, Tile):
        return read_tile(log, place)
    begin = place.index * TILE_WIDTH
    bodies = log.bodies(begin, begin + place.width)
    if len(bodies) != place.width:
        raise TileError(f"{path} is not there")
    return format_bundle(bodies)

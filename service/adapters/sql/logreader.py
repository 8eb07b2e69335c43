"""The log's rows, read."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, bindparam, exists, select

from service.adapters.sql.rows import ENTRIES, Shape
from service.adapters.sql.tables import METADATA
from service.app.logrecords import CheckpointRecord, Extent, LogKeyRecord, Recorded

RECORDED: Final = Shape(Recorded, "log_recorded")
CHECKPOINTS: Final = Shape(CheckpointRecord, "log_checkpoints")
KEYS: Final = Shape(LogKeyRecord, "log_keys")
EXTENT: Final = METADATA.tables["log_extent"]
LEAVES: Final = METADATA.tables["log_leaves"]
TILES: Final = METADATA.tables["log_tiles"]

REACHES: Final = select(EXTENT.c.size, EXTENT.c.boundary)
_IS_WAITING: Final = select(exists().select_from(RECORDED.table))
_INDEX: Final = select(LEAVES.c.leaf_index).where(LEAVES.c.entry == bindparam("entry"))
_TILE: Final = select(TILES.c.hashes).where(
    TILES.c.level == bindparam("level"), TILES.c.tile_index == bindparam("tile_index")
)
_ROOTS: Final = (
    select(TILES.c.root)
    .where(
        TILES.c.level == bindparam("level"),
        TILES.c.tile_index >= bindparam("begin"),
        TILES.c.tile_index < bindparam("end"),
    )
    .order_by(TILES.c.tile_index)
)


class SqlLogReader:
    """See `service.app.logports.LogReader`."""

    def __init__(self, connection: Connection) -> None:
        """Read on a connection that is in a transaction."""
        self._connection = connection

    def is_waiting(self) -> bool:
        """Whether any entry has no index yet."""
        return bool(self._connection.execute(_IS_WAITING).scalar())

    def extent(self) -> Extent:
        """How far the log reaches."""
        row = self._connection.execute(REACHES).one_or_none()
        return Extent() if row is None else Extent(size=row.size, boundary=row.boundary)

    def leaves(self, begin: int, end: int) -> Sequence[bytes]:
        """The leaf hashes that stand with the entries of a range."""
        return self._column(_entries("leaf"), begin=begin, end=end)

    def bodies(self, begin: int, end: int) -> Sequence[bytes]:
        """The bytes of the entries of a range."""
        return self._column(_entries("body"), begin=begin, end=end)

    def find_index(self, entry: str) -> int | None:
        """The index of an entry; ``None`` while it has none."""
        found: int | None = self._connection.execute(_INDEX, {"entry": entry}).scalar()
        return found

    def find_tile(self, level: int, tile_index: int) -> bytes | None:
        """The hashes of a full tile."""
        place = {"level": level, "tile_index": tile_index}
        found: bytes | None = self._connection.execute(_TILE, place).scalar()
        return found

    def roots(self, level: int, begin: int, end: int) -> Sequence[bytes]:
        """The roots of a range of full tiles of one level."""
        return self._column(_ROOTS, level=level, begin=begin, end=end)

    def last_checkpoint(self) -> CheckpointRecord | None:
        """The newest one that was kept."""
        found = self.list_checkpoints(None, 1)
        return found[0] if found else None

    def list_checkpoints(self, before: int | None, limit: int) -> Sequence[CheckpointRecord]:
        """Kept ones, newest first, whose number is smaller than ``before``."""
        listed = select(CHECKPOINTS.table).order_by(CHECKPOINTS.key.desc()).limit(limit)
        if before is not None:
            listed = listed.where(CHECKPOINTS.key < before)
        return [CHECKPOINTS.record(row) for row in self._connection.execute(listed)]

    def keys(self) -> Sequence[LogKeyRecord]:
        """Every verifier key that the log has used, oldest first."""
        found = self._connection.execute(select(KEYS.table).order_by(KEYS.key))
        return [KEYS.record(row) for row in found]

    def _column(self, statement: Select[Any], **parameters: int) -> Sequence[bytes]:
        return self._connection.execute(statement, parameters).scalars().all()


@cache
def _entries(column: str) -> Select[Any]:
    """One column of the entries of a range of indexes, in their order."""
    entries = ENTRIES.table
    joined = LEAVES.join(entries, entries.c.id == LEAVES.c.entry)
    place = LEAVES.c.leaf_index
    chosen = and_(place >= bindparam("begin"), place < bindparam("end"))
    return select(entries.c[column]).select_from(joined).where(chosen).order_by(place)

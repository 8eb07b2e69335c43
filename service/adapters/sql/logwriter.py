"""The log's rows, written."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, delete, update
from sqlalchemy.dialects import postgresql, sqlite

from service.adapters.sql.logreader import (
    CHECKPOINTS,
    EXTENT,
    KEYS,
    LEAVES,
    REACHES,
    RECORDED,
    TILES,
    SqlLogReader,
)
from service.adapters.sql.rows import Shape
from service.adapters.sql.sets import VALUES, Sets
from service.app.logrecords import CheckpointRecord, Extent, FullTile, LogKeyRecord, Recorded
from service.app.records import EntryRecord

_LOCKED: Final = REACHES.with_for_update(skip_locked=True)


def record(to: Connection, sets: Sets, entries: Sequence[EntryRecord]) -> None:
    """Say that entries, just inserted, wait for their index."""
    if not entries:
        return
    recorded = Recorded(
        entry=entries[0].id,
        entries=tuple(entry.id for entry in entries),
        leaves=b"".join([entry.leaf for entry in entries]),
    )
    sets.insert(to, RECORDED.table, RECORDED.names, [RECORDED.row(recorded)])


class SqlLogTransaction(SqlLogReader):
    """See `service.app.logports.LogTransaction`."""

    def __init__(self, connection: Connection, sets: Sets) -> None:
        """Write on a connection that is in a transaction."""
        super().__init__(connection)
        self._sets = sets

    def lock(self) -> Extent | None:
        """How far the log reaches, locked; ``None`` where another process has it locked."""
        row = self._connection.execute(_LOCKED).one_or_none()
        return None if row is None else Extent(size=row.size, boundary=row.boundary)

    def recorded(self, limit: int) -> Sequence[Recorded]:
        """What has no index yet, at most so many transactions' worth, by their first entries."""
        waiting = RECORDED.table.select().order_by(RECORDED.key).limit(limit)
        return [RECORDED.record(row) for row in self._connection.execute(waiting)]

    def take(self, recorded: Sequence[Recorded]) -> None:
        """Take away what has an index now."""
        taken = delete(RECORDED.table).where(self._sets.among(RECORDED.key))
        self._connection.execute(taken, {VALUES: [each.entry for each in recorded]})

    def append(self, begin: int, entries: Sequence[str]) -> None:
        """Give entries the indexes from ``begin`` on."""
        rows = [*enumerate(entries, start=begin)]
        self._sets.insert(self._connection, LEAVES, ("leaf_index", "entry"), rows)

    def keep_tiles(self, tiles: Sequence[FullTile]) -> None:
        """Keep tiles that have become full."""
        rows = [(tile.level, tile.tile_index, tile.root, tile.hashes) for tile in tiles]
        if rows:
            names = ("level", "tile_index", "root", "hashes")
            self._sets.insert(self._connection, TILES, names, rows)

    def grow(self, extent: Extent) -> None:
        """Say how far the log reaches now."""
        reaches = {"size": extent.size, "boundary": extent.boundary}
        self._connection.execute(update(EXTENT).values(reaches))

    def keep_checkpoint(self, record: CheckpointRecord) -> bool:
        """Keep a checkpoint, unless one of its number is kept; whether it was."""
        return self._kept(CHECKPOINTS, record)

    def keep_key(self, record: LogKeyRecord) -> bool:
        """Keep a verifier key, unless one of its number or text is kept; whether it was."""
        return self._kept(KEYS, record)

    def _kept(self, shape: Shape[Any], record: object) -> bool:
        values = {name: getattr(record, name) for name in shape.names}
        inserting = _unless_there(shape, self._connection.dialect.name)
        return self._connection.execute(inserting, values).one_or_none() is not None


@cache
def _unless_there(shape: Shape[Any], dialect: str) -> Any:  # noqa: ANN401 — of either dialect
    if dialect == "sqlite":
        return sqlite.insert(shape.table).on_conflict_do_nothing().returning(shape.key)
    return postgresql.insert(shape.table).on_conflict_do_nothing().returning(shape.key)

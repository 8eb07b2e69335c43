"""What every database guarantees as a store of the transparency log."""

from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from service.adapters.sql.engine import parse
from service.adapters.sql.insertonly import INSERT_ONLY
from service.adapters.sql.store import SqlStore
from service.app.logrecords import CheckpointRecord, Extent, FullTile, LogKeyRecord, Recorded
from service.app.records import Writes
from tests.stored import AT, ENTRY

CHECKPOINT = CheckpointRecord(number=1, origin="log.example", size=3, note=b"\x00\xffnote", at=AT)
KEY = LogKeyRecord(number=1, origin="log.example", key="log.example+1+x", entry="ent_1", at=AT)
TILE = FullTile(level=0, tile_index=0, root=b"\x01" * 32, hashes=b"\x02" * 8192)
ENTRIES = [replace(ENTRY, id=f"ent_{n}", body=b"%d" % n, leaf=bytes([n]) * 32) for n in range(4)]


def filled(store: SqlStore) -> None:
    """A row in each table."""
    with store.begin() as tx:
        tx.write(Writes(entries=ENTRIES))
        tx.log.append(0, ["ent_0", "ent_2", "ent_1"])
        tx.log.keep_tiles([TILE, replace(TILE, tile_index=1, root=b"\x03" * 32)])
        tx.log.grow(Extent(size=3, boundary=2))
        assert tx.log.keep_checkpoint(CHECKPOINT)
        assert tx.log.keep_key(KEY)


def test_an_empty_log_has_nothing(store: SqlStore) -> None:
    """Every question has an answer before the first entry."""
    with store.read() as reader:
        log = reader.log
        assert (log.is_waiting(), log.extent()) == (False, Extent())
        assert (list(log.leaves(0, 9)), list(log.bodies(0, 9)), list(log.roots(0, 0, 9))) == (
            [],
            [],
            [],
        )
        assert (log.find_index("ent_0"), log.find_tile(0, 0), log.last_checkpoint()) == (None,) * 3
        assert (list(log.keys()), list(log.list_checkpoints(None, 9))) == ([], [])


def test_what_is_written_is_read_again(store: SqlStore) -> None:
    """In the order of indexes, exactly."""
    filled(store)
    with store.read() as reader:
        log = reader.log
        assert log.extent() == Extent(size=3, boundary=2)
        assert list(log.bodies(0, 3)) == [b"0", b"2", b"1"]
        assert list(log.leaves(1, 9)) == [ENTRIES[2].leaf, ENTRIES[1].leaf]
        assert (log.find_index("ent_1"), log.find_index("ent_3")) == (2, None)
        assert (log.find_tile(0, 0), log.find_tile(1, 0)) == (TILE.hashes, None)
        assert list(log.roots(0, 0, 2)) == [TILE.root, b"\x03" * 32]
        assert log.last_checkpoint() == CHECKPOINT
        assert list(log.keys()) == [KEY]


def test_what_is_recorded_waits_until_it_is_taken(store: SqlStore) -> None:
    """The entries of one transaction in one row, with their hashes."""
    with store.begin() as tx:
        tx.write(Writes(entries=ENTRIES[1:3]))
    with store.begin() as tx:
        tx.write(Writes(entries=ENTRIES[:1]))
    with store.read() as reader:
        assert reader.log.is_waiting()
    with store.begin() as tx:
        first = Recorded(entry="ent_0", entries=("ent_0",), leaves=ENTRIES[0].leaf)
        both = ENTRIES[1].leaf + ENTRIES[2].leaf
        second = Recorded(entry="ent_1", entries=("ent_1", "ent_2"), leaves=both)
        assert list(tx.log.recorded(9)) == [first, second]
        assert list(tx.log.recorded(1)) == [first]
        tx.log.take([first])
    with store.begin() as tx:
        assert list(tx.log.recorded(9)) == [second]
        tx.log.take([second])
    with store.read() as reader:
        assert not reader.log.is_waiting()


def test_a_transaction_without_entries_leaves_nothing_to_wait(store: SqlStore) -> None:
    """An empty row would be integrated as nothing, for ever."""
    with store.begin() as tx:
        tx.write(Writes())
    with store.read() as reader:
        assert not reader.log.is_waiting()


def test_checkpoints_are_listed_newest_first(store: SqlStore) -> None:
    """Those before a number, as many as asked for."""
    with store.begin() as tx:
        for number in range(1, 6):
            assert tx.log.keep_checkpoint(replace(CHECKPOINT, number=number))
    with store.read() as reader:
        assert [each.number for each in reader.log.list_checkpoints(None, 2)] == [5, 4]
        assert [each.number for each in reader.log.list_checkpoints(4, 9)] == [3, 2, 1]


def test_a_number_is_given_once(store: SqlStore) -> None:
    """The second checkpoint or key of a number is not kept, and says so."""
    filled(store)
    with store.begin() as tx:
        assert not tx.log.keep_checkpoint(replace(CHECKPOINT, size=9))
        assert not tx.log.keep_key(replace(KEY, key="other"))
        assert not tx.log.keep_key(replace(KEY, number=2))
    with store.read() as reader:
        assert reader.log.last_checkpoint() == CHECKPOINT
        assert list(reader.log.keys()) == [KEY]


@pytest.mark.parametrize(("begin", "entry"), [(3, "ent_1"), (2, "ent_3")])
def test_an_index_and_an_entry_belong_together_once(
    store: SqlStore, begin: int, entry: str
) -> None:
    """No entry stands twice, and no two stand at one place."""
    filled(store)
    with pytest.raises(IntegrityError), store.begin() as tx:
        tx.log.append(begin, [entry])


@pytest.mark.parametrize("table", INSERT_ONLY)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
def test_the_database_lets_nobody_change_the_log(
    store: SqlStore, database_url: str, table: str, statement: str
) -> None:
    """Rows are only ever added, whoever is connected."""
    filled(store)
    columns = {"entries": "id", "log_leaves": "entry", "log_tiles": "level"}
    column = columns.get(table, "number")
    engine = create_engine(parse(database_url))
    with pytest.raises(DBAPIError, match="only ever added"), engine.begin() as connection:
        connection.execute(text(statement.format(table, column, column)))
    engine.dispose()


def test_the_database_lets_nobody_empty_the_log(postgresql_url: str) -> None:
    """TRUNCATE passes by the rows, and not by this."""
    engine = create_engine(parse(postgresql_url))
    for table in INSERT_ONLY:
        with pytest.raises(DBAPIError, match="only ever added"), engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {table}"))
    engine.dispose()

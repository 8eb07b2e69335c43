"""A migrated database is the declared one, on both; and what is said of any other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, pool, text

from service.adapters.sql.check import check_database, is_sealed
from service.adapters.sql.engine import parse
from service.adapters.sql.migrate import newest_revision, upgrade
from service.adapters.sql.store import open_database
from service.adapters.sql.tables import METADATA
from tests.fakes.clock import FakeClock
from tests.stored import SURROGATE


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = create_engine(parse(database_url), poolclass=pool.NullPool)
    yield opened
    opened.dispose()


def test_alembic_finds_no_difference(engine: Engine) -> None:
    """Nothing would be generated: tables, columns, types and indexes are the declared ones."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_what_alembic_does_not_compare_is_equal_too(engine: Engine) -> None:
    """Checks, collations, foreign keys and primary keys are those of tables made as declared."""
    migrated = described(engine)
    METADATA.drop_all(engine)
    METADATA.create_all(engine)
    assert migrated == described(engine)


def described(engine: Engine) -> dict[str, Any]:
    """Everything that the database says of its tables, but for Alembic's own."""
    found = inspect(engine)
    return {
        table: {
            "columns": [
                (column["name"], str(column["type"]), column["nullable"], collation(column))
                for column in found.get_columns(table)
            ],
            "checks": sorted(
                (str(check["name"]), check["sqltext"])
                for check in found.get_check_constraints(table)
            ),
            "key": found.get_pk_constraint(table),
            "unique": sorted(map(str, found.get_unique_constraints(table))),
            "foreign": sorted(map(str, found.get_foreign_keys(table))),
            "indexes": sorted(map(index, found.get_indexes(table))),
            "options": found.get_table_options(table),
            "triggers": triggers(engine, table),
        }
        for table in found.get_table_names()
        if table != "alembic_version"
    }


TRIGGERS = {
    "sqlite": "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table",
    "postgresql": (
        "SELECT pg_get_triggerdef(t.oid) || pg_get_functiondef(t.tgfoid) FROM pg_trigger t"
        " WHERE NOT tgisinternal AND tgrelid = CAST(:table AS regclass)"
    ),
}


def triggers(engine: Engine, table: str) -> list[str]:
    """The triggers of a table, with what they do."""
    with engine.connect() as connection:
        found = connection.execute(text(TRIGGERS[engine.dialect.name]), {"table": table})
        return sorted(found.scalars())


def index(found: Any) -> str:
    """With the condition of a partial one as text: SQLAlchemy has an object for it."""
    options = {name: str(value) for name, value in found.get("dialect_options", {}).items()}
    return str({**found, "dialect_options": options})


def collation(column: Any) -> str | None:
    found: str | None = getattr(column["type"], "collation", None)
    return found


def test_keys_sort_bytewise(engine: Engine) -> None:
    """Upper case comes before lower, and the accented after both, as bytes do, on any server."""
    ordered = "SELECT word FROM (SELECT key AS word FROM budgets) AS words ORDER BY word"
    rows = [{"key": key} for key in ("é", "b", "B", "a", '"', "Z")]
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO budgets (key, row, budget, held, settled, version, spends)"
                " VALUES (:key, 'bud', 'b', 0, 0, 0, '[]')"
            ),
            rows,
        )
        found = [word for (word,) in connection.execute(text(ordered))]
    assert found == sorted(found) == ['"', "B", "Z", "a", "b", "é"]


def test_upgrading_twice_changes_nothing(empty_database_url: str) -> None:
    """An empty database becomes a sound one, and upgrading it again does nothing."""
    upgrade(empty_database_url)
    assert check_database(empty_database_url) == []
    upgrade(empty_database_url)
    assert check_database(empty_database_url) == []


def test_a_database_without_tables_is_told(empty_database_url: str) -> None:
    """A database that was never migrated is found out, and nothing is created by looking."""
    (finding,) = check_database(empty_database_url)
    assert finding.code in {"no_database", "not_migrated"}
    assert "remit db upgrade" in finding.remedy
    assert not is_sealed(empty_database_url)
    (again,) = check_database(empty_database_url)
    assert again == finding


def test_a_newer_database_is_told(engine: Engine, database_url: str) -> None:
    """A database of a later version is not touched by an earlier one."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert [finding.code for finding in check_database(database_url)] == ["ahead"]


def test_a_sound_database_has_no_findings(database_url: str) -> None:
    """What was just migrated can be served."""
    assert check_database(database_url) == []
    assert newest_revision() == "0001"


def test_a_damaged_file_is_told(sqlite_url: str) -> None:
    """Pages that were overwritten are found by reading everything."""
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    content = bytearray(path.read_bytes())
    content[3 * 4096 : 4 * 4096] = b"\x5a" * 4096
    path.write_bytes(content)
    assert {finding.code for finding in check_database(sqlite_url)} == {"damaged"}


def test_a_database_that_was_used_is_known_to_be_sealed(database_url: str) -> None:
    """Once a personal value has a surrogate, the master key cannot be replaced unnoticed."""
    assert not is_sealed(database_url)
    with open_database(database_url, FakeClock()) as store, store.begin() as tx:
        tx.lock_surrogates({SURROGATE.fingerprint: SURROGATE})
    assert is_sealed(database_url)

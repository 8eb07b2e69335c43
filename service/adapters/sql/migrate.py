"""Bring a database's tables to what this version of the code declares."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from service.adapters.sql.conflict import reached
from service.adapters.sql.engine import open_engines

_MIGRATIONS: Final = Path(__file__).with_name("migrations")
_LOCK: Final = 0x72656D6974
"""Replicas that start together migrate one after the other. The bytes spell the name."""


def upgrade(url: str) -> None:
    """Run the migrations that a database lacks, all or none. Raises `DatabaseError`."""
    engines = open_engines(url, serving=False)
    try:
        with reached(engines.writes) as connection:
            _wait_for_others(connection)
            config = Config()
            config.attributes["connection"] = connection
            config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
            command.upgrade(config, "head")
    finally:
        engines.close()


def newest_revision() -> str:
    """The revision that this version of the code declares."""
    revision = ScriptDirectory(str(_MIGRATIONS)).get_current_head()
    if revision is None:
        raise LookupError(f"no migrations in {_MIGRATIONS}")
    return revision


def is_known(revision: str) -> bool:
    """Whether this version of the code has a migration of that name."""
    scripts = ScriptDirectory(str(_MIGRATIONS)).walk_revisions()
    return any(script.revision == revision for script in scripts)


def find_revision(connection: Connection) -> str | None:
    """The revision of a database; ``None`` before the first migration."""
    return MigrationContext.configure(connection).get_current_revision()


def _wait_for_others(connection: Connection) -> None:
    """Hold a lock until the connection closes. SQLite begins with one anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
    connection.rollback()

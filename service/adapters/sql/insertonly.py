"""Rows that are only ever added: the database itself refuses to change or delete them.

A seat belt against mistakes. Whoever owns the database can take it off; what such a
person does is shown by the checkpoints that others keep.
"""

from typing import Final

from sqlalchemy import DDL, MetaData, event

INSERT_ONLY: Final = ("entries", "log_checkpoints", "log_keys", "log_leaves", "log_tiles")
"""The tables whose rows stay as they are."""

_SAYS: Final = "rows of the log are only ever added"

_SQLITE: Final = """\
CREATE TRIGGER {table}_no_{event} BEFORE {event} ON {table}
BEGIN SELECT RAISE(ABORT, '{says}'); END"""

_POSTGRESQL_FUNCTION: Final = """\
CREATE OR REPLACE FUNCTION only_added() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION '{says}'; END $$"""

_POSTGRESQL: Final = """\
CREATE TRIGGER {table}_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION only_added()"""


def guard(metadata: MetaData) -> None:
    """Let tables that are made as declared refuse changes as migrated ones do."""
    for name in INSERT_ONLY:
        for dialect, statements in (("sqlite", _sqlite(name)), ("postgresql", _postgresql(name))):
            for statement in statements:
                ddl = DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
                event.listen(metadata.tables[name], "after_create", ddl)


def _sqlite(table: str) -> list[str]:
    return [_SQLITE.format(table=table, event=kind, says=_SAYS) for kind in ("update", "delete")]


def _postgresql(table: str) -> list[str]:
    return [_POSTGRESQL_FUNCTION.format(says=_SAYS), _POSTGRESQL.format(table=table)]

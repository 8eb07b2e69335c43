"""The first tables of the transparency log. See `versions/0001_first.py`."""

import sqlalchemy as sa
from alembic import op

WORDS = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")


def log_tables() -> None:
    """What waits for its place in the log, and what has it."""
    op.create_table(
        "log_recorded",
        sa.Column("entry", WORDS, nullable=False),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("entry", name="pk_log_recorded"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_extent",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("boundary", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_log_extent_one"),
        sa.CheckConstraint("0 <= boundary AND boundary <= size", name="ck_log_extent_boundary"),
        sa.PrimaryKeyConstraint("id", name="pk_log_extent"),
    )
    op.execute("INSERT INTO log_extent (id, size, boundary) VALUES (1, 0, 0)")
    op.create_table(
        "log_leaves",
        sa.Column("leaf_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry", WORDS, nullable=False),
        sa.CheckConstraint("leaf_index >= 0", name="ck_log_leaves_leaf_index"),
        sa.PrimaryKeyConstraint("leaf_index", name="pk_log_leaves"),
        sa.UniqueConstraint("entry", name="uq_log_leaves_entry"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_tiles",
        sa.Column("level", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tile_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(root) = 32", name="ck_log_tiles_root"),
        sa.CheckConstraint("length(hashes) = 8192", name="ck_log_tiles_hashes"),
        sa.PrimaryKeyConstraint("level", "tile_index", name="pk_log_tiles"),
    )
    op.create_table(
        "log_checkpoints",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("origin", WORDS, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("size >= 0", name="ck_log_checkpoints_size"),
        sa.PrimaryKeyConstraint("number", name="pk_log_checkpoints"),
    )
    op.create_table(
        "log_keys",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("origin", WORDS, nullable=False),
        sa.Column("key", WORDS, nullable=False),
        sa.Column("entry", WORDS, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_log_keys"),
        sa.UniqueConstraint("key", name="uq_log_keys_key"),
    )


def rows_only_added() -> None:
    """Rows that the database lets nobody change or delete."""
    says = "rows of the log are only ever added"
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if not is_sqlite:
        op.execute(
            "CREATE OR REPLACE FUNCTION only_added() RETURNS trigger LANGUAGE plpgsql\n"
            f"AS $$ BEGIN RAISE EXCEPTION '{says}'; END $$"
        )
    for table in ("entries", "log_checkpoints", "log_keys", "log_leaves", "log_tiles"):
        if is_sqlite:
            for event in ("update", "delete"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{event} BEFORE {event} ON {table}\n"
                    f"BEGIN SELECT RAISE(ABORT, '{says}'); END"
                )
            continue
        op.execute(
            f"CREATE TRIGGER {table}_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}\n"
            "FOR EACH STATEMENT EXECUTE FUNCTION only_added()"
        )

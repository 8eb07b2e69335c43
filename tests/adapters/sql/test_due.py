"""Looking for overdue holds costs nothing where there are none."""

from sqlalchemy import create_engine, text

from service.adapters.sql.engine import parse

_OVERDUE = (
    "SELECT id FROM resolutions WHERE state = 'held' AND hold_ends_at <= 1"
    " ORDER BY hold_ends_at, id LIMIT 200"
)


def test_only_holds_are_in_the_index_that_is_read(database_url: str) -> None:
    """Both databases answer from the index of what is held, and read no other row."""
    engine = create_engine(parse(database_url))
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            plan = connection.execute(text(f"EXPLAIN QUERY PLAN {_OVERDUE}"))
        else:
            connection.execute(text("SET enable_seqscan = off"))
            plan = connection.execute(text(f"EXPLAIN {_OVERDUE}"))
        told = " ".join(str(row) for row in plan)
    engine.dispose()
    assert "ix_resolutions_hold_ends_at" in told

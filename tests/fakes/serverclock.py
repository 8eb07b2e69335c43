"""A clock that a PostgreSQL shows too, so that its transactions begin when a test says."""

from datetime import datetime, timedelta

import psycopg

from tests.fakes.clock import FakeClock

_SET_UP = """
CREATE SCHEMA fake;
CREATE TABLE fake.clock (at timestamptz NOT NULL);
INSERT INTO fake.clock VALUES (now());
CREATE FUNCTION fake.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql
    AS 'SELECT at FROM fake.clock';
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I', current_database())
        || ' SET search_path = fake, pg_catalog, public';
END $$;
"""
"""A function of the server's own name, in a schema that is searched before the server's."""


class ServerClock(FakeClock):
    """Make it before anything else connects to the database."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute(_SET_UP)
        self._show(self.at)

    def advance(self, by: timedelta) -> None:
        super().advance(by)
        self._show(self.at)

    def close(self) -> None:
        self._connection.close()

    def _show(self, at: datetime) -> None:
        self._connection.execute("UPDATE fake.clock SET at = %s", (at,))

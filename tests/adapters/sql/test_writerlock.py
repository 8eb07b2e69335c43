"""One serving process for each SQLite file, tried with real processes."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.adapters.sql.engine import DatabaseError
from service.adapters.sql.store import open_database
from service.app.records import Writes
from tests.fakes.clock import FakeClock
from tests.stored import KEY, RESOLUTION

SERVE = """
import sys
from service.adapters.clock import SystemClock
from service.adapters.sql.engine import DatabaseError
from service.adapters.sql.store import open_database
try:
    store = open_database(sys.argv[1], SystemClock(), serving=True)
except DatabaseError as error:
    print(error, flush=True)
    sys.exit(1)
print("serving", flush=True)
sys.stdin.read()
"""


def serve(url: str) -> subprocess.Popen[str]:
    """Another process that serves until its input ends. Its first line says how it went."""
    return subprocess.Popen(
        [sys.executable, "-c", SERVE, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_a_second_serving_process_is_refused(sqlite_url: str) -> None:
    """While one process serves a file another one ends at once, and says what to do."""
    with serve(sqlite_url) as first:
        assert first_line(first) == "serving\n"
        with serve(sqlite_url) as second:
            said = first_line(second)
            assert second.wait(10) == 1
        assert f"pid {first.pid}" in said
        assert "PostgreSQL" in said
        first.communicate("")


def test_a_killed_process_leaves_no_lock(sqlite_url: str) -> None:
    """After a crash the next process serves without anybody tidying up."""
    with serve(sqlite_url) as first:
        assert first_line(first) == "serving\n"
        first.kill()
    open_database(sqlite_url, FakeClock(), serving=True).close()


def test_a_closed_store_can_be_served_again(sqlite_url: str) -> None:
    """Closing lets the next one in, in the same process too; before that it is refused."""
    first = open_database(sqlite_url, FakeClock(), serving=True)
    with pytest.raises(DatabaseError, match="another process"):
        open_database(sqlite_url, FakeClock(), serving=True)
    first.close()
    open_database(sqlite_url, FakeClock(), serving=True).close()


def test_a_short_command_writes_beside_a_serving_process(sqlite_url: str) -> None:
    """A command such as making a key takes its turn; the serving process sees what it wrote."""
    clock = FakeClock(datetime(2026, 3, 1, tzinfo=UTC))
    with (
        open_database(sqlite_url, clock, serving=True) as serving,
        open_database(sqlite_url, clock) as command,
    ):
        with serving.begin() as tx:
            tx.write(Writes(resolutions=[RESOLUTION]))
        with command.begin() as tx:
            tx.write(Writes(keys=[KEY]))
        with serving.begin() as tx:
            assert tx.live_keys([KEY.id]) == {KEY.id}


def test_postgresql_takes_any_number_of_processes(postgresql_url: str) -> None:
    """On a server two stores serve side by side."""
    with (
        open_database(postgresql_url, FakeClock(), serving=True) as first,
        open_database(postgresql_url, FakeClock(), serving=True) as second,
    ):
        with first.begin() as tx:
            tx.write(Writes(keys=[KEY]))
        with second.begin() as tx:
            assert tx.live_keys([KEY.id]) == {KEY.id}

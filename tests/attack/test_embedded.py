"""An SQLite file has one serving process, and says what is wrong with its library."""

import sqlite3
import subprocess

from tests.attack.replicas import SERVE, environment
from tests.attack.target import Target


def test_a_second_serving_process_is_refused_with_a_sentence(alone: Target) -> None:
    """It ends at once and says who serves and what to do; the first goes on."""
    first = alone.replicas[0]
    assert first.process is not None
    second = subprocess.run(
        [*SERVE, "--port", "0"],
        env=environment(alone.database, alone.policies),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 1
    assert f"another process (pid {first.process.pid}) serves" in second.stderr
    assert "PostgreSQL" in second.stderr
    assert "Traceback" not in second.stderr
    assert first.is_ready()


def test_an_unsound_sqlite_is_told_at_the_start(alone: Target) -> None:
    """The log of the start warns of a library that may corrupt a database, and of no other."""
    warned = [event for event in alone.replicas[0].events() if event.get("event") == "sqlite"]
    assert bool(warned) == (sqlite3.sqlite_version_info < (3, 51, 3))
    assert all(event["level"] == "warning" and "3.51.3" in event["says"] for event in warned)

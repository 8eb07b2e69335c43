"""``remit notice``: what receivers were told, and what could not be told."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from service.adapters.clock import SystemClock
from service.adapters.sql.store import open_database
from service.app.records import Writes
from tests.cli.terminal import remit
from tests.databases import sqlite_url
from tests.stored import DEAD_NOTICE

__all__ = ["sqlite_url"]

ROOT = Path(__file__).parents[2]

WAITING = replace(
    DEAD_NOTICE, id="ntc_2", receiver="chat", state="waiting", ended_at=None, attempts=1
)


@pytest.fixture
def outbox(sqlite_url: str) -> str:
    """A database with two notices."""
    with open_database(sqlite_url, SystemClock()) as store, store.begin() as tx:
        tx.write(Writes(notices=[DEAD_NOTICE, WAITING]))
    return sqlite_url


def test_notices_are_listed(outbox: str) -> None:
    """A line for each, with why it could not be told."""
    done = remit("notice", "list", "--database", outbox)
    assert done.exit_code == 0, done.output
    newest, oldest = done.stdout.splitlines()
    assert newest.startswith("ntc_2  waiting")
    assert oldest.endswith("escalation.opened esc_1 for desk  3 attempts  http_500")


def test_notices_are_listed_for_programs(outbox: str) -> None:
    """As JSON, narrowed by state and receiver, with a cursor where there are more."""
    done = remit("notice", "list", "--database", outbox, "--state", "dead", "--format", "json")
    assert [one["id"] for one in json.loads(done.stdout)["notices"]] == ["ntc_1"]
    done = remit("notice", "list", "--database", outbox, "--receiver", "nobody")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "There is none.\n")
    done = remit("notice", "list", "--database", outbox, "--limit", "1")
    assert "There are more" in done.stderr


def test_a_dead_one_is_sent_again(outbox: str) -> None:
    """Once: what waits already does not hold, exit code 1."""
    done = remit("notice", "redeliver", "ntc_1", "--database", outbox)
    assert (done.exit_code, done.stdout) == (0, "ntc_1 waits for desk again\n")
    again = remit("notice", "redeliver", "ntc_1", "--database", outbox)
    assert again.exit_code == 1
    assert "on its way already" in again.stderr
    missing = remit("notice", "redeliver", "ntc_9", "--database", outbox)
    assert missing.exit_code == 1


def test_a_receivers_file_is_checked(tmp_path: Path) -> None:
    """Every fault with its place, exit code 1; nothing to say is 0, no file is 2."""
    file = tmp_path / "receivers.yaml"
    file.write_text("receivers:\n  - {id: a, kind: slack, url: 'http://x.example.com/'}\n  - {}\n")
    done = remit("notice", "check", file)
    assert done.exit_code == 1
    assert "receivers.yaml:3:" in done.stderr
    assert "missing_key" in done.stderr
    done = remit("notice", "check", file, "--format", "json")
    assert {found["code"] for found in json.loads(done.stdout)} == {"missing_key"}
    file.write_text("receivers:\n  - {id: a, kind: slack, url: 'https://x.example.com/'}\n")
    assert remit("notice", "check", file).exit_code == 0
    assert json.loads(remit("notice", "check", file, "--format", "json").stdout) == []
    assert remit("notice", "check", tmp_path / "nowhere.yaml").exit_code == 2


def test_a_service_does_not_start_with_a_bad_one(tmp_path: Path) -> None:
    """It says everything that is wrong with it, and opens no database."""
    file, database = tmp_path / "receivers.yaml", tmp_path / "remit.db"
    file.write_text("receivers:\n  - {id: a, kind: slack, url: 'http://x.example.com/'}\n")
    done = subprocess.run(
        [sys.executable, "-m", "service", "serve", "--port", "0"],
        env={
            **os.environ,
            "REMIT_RECEIVERS": str(file),
            "REMIT_DATABASE": f"sqlite:///{database}",
            "REMIT_POLICIES": str(ROOT / "policies" / "hotel"),
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "[unencrypted]" in done.stderr
    assert not database.exists()

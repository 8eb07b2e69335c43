"""``remit audit key`` and ``remit audit restart``: what to believe the log by, and its new name."""

import json
from pathlib import Path

import pytest

from service.core.note import parse_verifier_key
from tests.app.house import open_house
from tests.app.test_logkeeper import until
from tests.cli.terminal import remit
from tests.databases import sqlite_url
from tests.logged import alter, rows

__all__ = ["sqlite_url"]


@pytest.fixture
def published(tmp_path: Path, sqlite_url: str) -> str:
    """A database that was served, and its log published; it has the house's signing key."""
    with open_house(tmp_path, sqlite_url) as house:
        until(lambda: house.services.log_keeper.state.published is not None)
        file = Path(sqlite_url.removeprefix("sqlite:///") + ".signing.key")
        file.write_text(house.services.settings.signing_key or "")
        file.chmod(0o600)
    return sqlite_url


def test_the_verifier_key_is_printed_alone(published: str) -> None:
    """A script can take it, and any verifier of signed notes."""
    ((kept,),) = rows(published, "SELECT key FROM log_keys")
    shown = remit("audit", "key", "--database", published)
    assert shown.exit_code == 0
    assert shown.stdout == f"{kept}\n"
    assert parse_verifier_key(shown.stdout.strip()).name == "localhost/remit"


def test_a_restart_prints_the_new_key(published: str) -> None:
    """The log's last key is another from then on, under a name that was not used before."""
    done = json.loads(remit("audit", "restart", "--database", published, "--format", "json").stdout)
    assert done["origin"] == "localhost/remit/2"
    assert remit("audit", "key", "--database", published).stdout == f"{done['key']}\n"
    ((body,),) = rows(published, "SELECT body FROM entries WHERE kind = 'restart'")
    assert isinstance(body, bytes)
    assert json.loads(body)["old"] == done["old"]


def test_a_log_that_was_never_published_is_not_restarted(tmp_path: Path) -> None:
    """There is nothing to go on from, and that is said."""
    done = remit("audit", "restart", "--database", f"sqlite:///{tmp_path}/new.db")
    assert done.exit_code == 1
    assert "publishes the first one by itself" in done.stderr


def test_a_checkpoint_that_was_changed_is_told(published: str) -> None:
    """A sentence, and no traceback."""
    alter(published, "UPDATE log_checkpoints SET note = :note", {"note": b"nothing"})
    done = remit("audit", "restart", "--database", published)
    assert done.exit_code == 1
    assert "cannot be believed" in done.stderr

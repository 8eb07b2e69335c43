"""``remit key``: the secret alone on standard output, everything else beside it."""

import json
from pathlib import Path

import pytest

from tests.cli.terminal import remit


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/remit.db"


def test_a_script_can_take_the_secret(database: str) -> None:
    """Standard output has one line, and that is the secret."""
    made = remit("key", "create", "--subject", "ana", "--database", database)
    assert made.exit_code == 0
    assert made.stdout.startswith("rk_")
    assert made.stdout.count("\n") == 1
    assert "only time" in made.stderr


def test_a_key_is_listed_and_revoked(database: str) -> None:
    """Without its secret, and with what became of it."""
    arguments = ("--kind", "ai", "--owner", "max", "--expires", "90d", "--database", database)
    made = remit("key", "create", "--subject", "robo", *arguments, "--format", "json")
    record = json.loads(made.stdout)
    assert (record["kind"], record["owner"]) == ("ai", "max")
    assert record["expires_at"] > record["created_at"]
    listed = remit("key", "list", "--database", database).stdout
    assert f"{record['id']}  live      robo (ai of max)" in listed
    assert record["secret"] not in listed
    revoked = remit("key", "revoke", record["id"], "--database", database)
    assert revoked.stdout == f"{record['id']} of robo is revoked\n"
    (after,) = json.loads(remit("key", "list", "--database", database, "--format", "json").stdout)
    assert after["revoked_at"] is not None
    assert "secret" not in after


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--kind", "ai"], "--owner max"),
        (["--owner", "max"], "--kind ai"),
        (["--expires", "soon"], "90d"),
        (["--expires", "0d"], "90d"),
    ],
)
def test_a_key_that_means_nothing_is_wrong_usage(
    database: str, arguments: list[str], says: str
) -> None:
    """What to write instead is said, and no key is made."""
    made = remit("key", "create", "--subject", "x", *arguments, "--database", database)
    assert made.exit_code == 2
    assert says in made.stderr
    assert made.stdout == ""
    assert json.loads(remit("key", "list", "--database", database, "--format", "json").stdout) == []


def test_a_token_is_revoked_by_its_id_or_its_jti(database: str) -> None:
    """Whether it was ever seen or not; what is no id of one is said to be none."""
    token = "tok_" + "0f" * 16
    revoked = remit("key", "revoke", token, "--database", database)
    assert revoked.stdout == f"{token} is revoked\n"
    by_jti = remit("key", "revoke", "--jti", "j-1", "--database", database, "--format", "json")
    told = json.loads(by_jti.stdout)
    assert told["id"].startswith("tok_")
    assert told["state"] == "revoked"
    wrong = remit("key", "revoke", "tok_1", "--database", database)
    assert wrong.exit_code == 1
    assert "by.key" in wrong.stderr


def test_everything_of_somebody_is_revoked_at_once(database: str) -> None:
    """Each of their keys, and nobody else's."""
    for subject in ("ana", "ana", "ben"):
        remit("key", "create", "--subject", subject, "--database", database)
    revoked = remit("key", "revoke", "--subject", "ana", "--database", database)
    assert revoked.stdout == "2 keys of ana and every token issued until now are revoked\n"
    listed = json.loads(remit("key", "list", "--database", database, "--format", "json").stdout)
    live = [key["subject"] for key in listed if key["revoked_at"] is None]
    assert live == ["ben"]


@pytest.mark.parametrize(
    "arguments", [[], ["key_1", "--subject", "ana"], ["--subject", "ana", "--jti", "j"]]
)
def test_one_thing_is_revoked_at_a_time(database: str, arguments: list[str]) -> None:
    """Whoever names nothing, or two things, is asked which."""
    revoked = remit("key", "revoke", *arguments, "--database", database)
    assert revoked.exit_code == 2
    assert "--subject NAME" in revoked.stderr


def test_an_unknown_key_is_not_revoked(database: str) -> None:
    """It is said, with 1."""
    revoked = remit("key", "revoke", "key_none", "--database", database)
    assert revoked.exit_code == 1
    assert "remit key list" in revoked.stderr


def test_a_database_that_is_none_is_a_sentence() -> None:
    """Not a traceback."""
    made = remit("key", "create", "--subject", "ana", "--database", "mysql://localhost/x")
    assert made.exit_code == 1
    assert "postgresql://" in made.stderr
    assert "Traceback" not in made.stderr

"""``remit db``: the schema is brought up to date, and checked."""

import json
from pathlib import Path

from tests.cli.terminal import remit


def test_a_database_is_made_and_is_sound(tmp_path: Path) -> None:
    """Before it is made it is not sound; upgrading twice is no harm."""
    database = f"sqlite:///{tmp_path}/new/remit.db"
    (tmp_path / "new").mkdir()
    missing = remit("db", "check", "--database", database)
    assert missing.exit_code == 1
    assert "remit db upgrade" in missing.stderr
    assert not (tmp_path / "new" / "remit.db").exists()
    for _ in range(2):
        assert remit("db", "upgrade", "--database", database).exit_code == 0
    sound = remit("db", "check", "--database", database)
    assert (sound.exit_code, sound.stderr) == (0, "")
    assert sound.stdout.endswith("is sound\n")


def test_findings_are_for_programs_too(tmp_path: Path) -> None:
    """With a stable code."""
    database = f"sqlite:///{tmp_path}/remit.db"
    found = remit("db", "check", "--database", database, "--format", "json")
    assert json.loads(found.stdout)["findings"][0]["code"] == "no_database"
    remit("db", "upgrade", "--database", database)
    found = remit("db", "check", "--database", database, "--format", "json")
    assert json.loads(found.stdout) == {"ok": True, "findings": []}


def test_a_password_is_not_shown() -> None:
    """Not even where the server cannot be reached."""
    database = "postgresql://remit:hunter2@127.0.0.1:1/remit"
    found = remit("db", "upgrade", "--database", database)
    assert found.exit_code == 1
    assert "hunter2" not in found.output
    assert "Traceback" not in found.output

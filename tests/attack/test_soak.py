"""The long attack, for a moment: it kills, judges, and can fail."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.soak import main, summarise
from bench.tally import Round, Tally, code_digest
from tests.attack.audited import audited
from tests.attack.clients import Wish
from tests.attack.policy import proposal
from tests.attack.target import opened
from tests.logged import alter

ROUND = Round(
    database="sqlite",
    requests=420,
    decisions=400,
    approved=200,
    retried=9,
    kills=1,
    seconds=2.0,
    faults=(),
)


def test_a_short_soak_holds(capsys: pytest.CaptureFixture[str]) -> None:
    """A few hundred decisions with a kill in between: all are there, and the sum says so."""
    arguments = ["--decisions", "700", "--round", "700", "--every", "0.9", "--database", "sqlite"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "700 decisions" in said
    assert "  0 kills" not in said
    assert "| together | 1" in said


def test_a_soak_that_found_something_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """One fault in one round is enough, and it is printed; nothing killed proves nothing."""
    bad = Round(**{name: getattr(ROUND, name) for name in ROUND.__slots__} | {"faults": ("lost",)})
    assert summarise([ROUND]) == 0
    assert summarise([ROUND, bad]) == 1
    assert "  lost" in capsys.readouterr().out
    assert summarise([]) == 1
    assert summarise([replace(ROUND, kills=0)]) == 1


def test_a_run_goes_on_where_the_last_one_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rounds of earlier runs count, and nothing is decided once there are enough."""
    file = tmp_path / "soak.jsonl"
    Tally(file).add(ROUND)
    assert Tally(file).rounds == [replace(ROUND, faults=[])]
    assert main(["--decisions", "400", "--database", "sqlite", "--tally", str(file)]) == 0
    assert "400 of 400 decisions" in capsys.readouterr().out


def test_a_fault_of_an_earlier_run_is_not_forgotten(tmp_path: Path) -> None:
    """A run that goes on from a fault decides nothing more, and fails."""
    file = tmp_path / "soak.jsonl"
    Tally(file).add(replace(ROUND, faults=("lost",)))
    assert main(["--database", "sqlite", "--tally", str(file)]) == 1
    assert len(file.read_text().splitlines()) == 1


def test_rounds_of_other_code_do_not_count(tmp_path: Path) -> None:
    """What another state of the service decided proves nothing of this one."""
    file = tmp_path / "soak.jsonl"
    Tally(file, code="before").add(ROUND)
    with pytest.raises(SystemExit, match="other code"):
        Tally(file, code="after")


def test_code_is_told_apart_by_every_byte(tmp_path: Path) -> None:
    """One byte more, in any module, is other code."""
    module = tmp_path / "core" / "money.py"
    module.parent.mkdir()
    module.write_text("a = 1\n")
    before = code_digest(tmp_path)
    assert code_digest(tmp_path) == before
    module.write_text("a = 2\n")
    assert code_digest(tmp_path) != before


def test_a_log_that_was_altered_is_a_fault(policies: Path, sqlite_url: str) -> None:
    """What the judge of a round says of a log is what an auditor would say of it."""
    with opened(sqlite_url, policies, 1) as target:
        wishes = [Wish(body=proposal("site-x", f"x-{n}", "1.00"), key=f"x-{n}") for n in range(9)]
        assert {outcome.status for outcome in target.end(target.begin(wishes))} == {201}
        assert audited(target) == []
        alter(
            sqlite_url,
            "UPDATE entries SET body = :body WHERE kind = 'decision'",
            {"body": b"{}"},
        )
        assert any(fault.startswith("tile_mismatch") for fault in audited(target))

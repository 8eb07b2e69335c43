"""The long attack, for a moment: it kills, judges, and can fail."""

import pytest

from bench.soak import Round, main, summarise

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
    """One fault in one round is enough, and it is printed; no round at all proves nothing."""
    bad = Round(**{name: getattr(ROUND, name) for name in ROUND.__slots__} | {"faults": ("lost",)})
    assert summarise([ROUND]) == 0
    assert summarise([ROUND, bad]) == 1
    assert "  lost" in capsys.readouterr().out
    assert summarise([]) == 1

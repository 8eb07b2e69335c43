"""Suites that are read."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from service.policyfile.folder import read_folder
from service.policyfile.suitedocument import EvidenceDocument
from service.policyfile.suitefile import SuiteFile, read_suites

GOOD = Path(__file__).parent / "good"
SHIPPED = Path(__file__).parents[2] / "policies"


def suite() -> SuiteFile:
    (only,) = read_suites(read_folder(GOOD))
    return only


def test_a_suite_has_people_facts_and_an_instant() -> None:
    """What steps refer to is there, each with what was left out."""
    document = suite().document
    assert document.suite == "goodwill"
    assert document.at == datetime(2026, 3, 1, 21, tzinfo=timezone(timedelta(hours=-5)))
    assert document.agents["ana"].kind == "human"
    assert (document.agents["bot"].kind, document.agents["bot"].owner) == ("ai", "max")
    assert document.facts["gold"]["guest"] == {"id": "G-1", "tier": "gold"}


def test_short_forms_are_written_out() -> None:
    """A name of facts is a list of one, a kind of evidence has a reference, money is text."""
    brief = suite().document.tests[0].steps[0]
    assert (brief.by, brief.amount, brief.facts) == ("ana", "150", ["gold"])
    full = suite().document.tests[1].steps[0]
    assert full.facts == ["gold", {"incident": {"severity": 4}}]
    assert full.evidence == [
        EvidenceDocument(kind="photo", reference="photo"),
        EvidenceDocument(kind="receipt", reference="case/991/1"),
    ]
    assert full.at == datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
    assert full.expect.budgets["guest-stay"].remaining == "2000"


def test_null_is_told_from_nothing_expected() -> None:
    """`without_escalation_up_to: null` expects that there is no cap; left out, nothing."""
    brief, full = (case.steps[0].expect for case in suite().document.tests)
    assert "cap" in full.model_fields_set
    assert full.cap is None
    assert "cap" not in brief.model_fields_set


def test_a_step_knows_its_place() -> None:
    """Whoever runs a suite can point at the line that did not hold."""
    place = suite().place.child("tests", 0, "steps", 0, "expect", "outcome")
    assert place.problem("code", "Message.", "Remedy.").line == 11


@pytest.mark.parametrize(
    "folder", sorted({path.parent for path in SHIPPED.rglob("*_test.yaml")}), ids=lambda it: it.name
)
def test_every_shipped_suite_is_read(folder: Path) -> None:
    """The suites beside the shipped policies have their shape."""
    assert read_suites(read_folder(folder))

"""Every code has one status, and every code that the service can say is in the table."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.api.problems import STATUSES, TITLES, problem
from service.app.errors import Conflict, ServiceError
from service.core.escalation import Objection
from service.core.refusal import Fault, Refused

ROOT = Path(__file__).parents[2]

RAISED_BY = {
    "ServiceError", "Unauthenticated", "Forbidden", "NotFound", "Conflict", "Mismatch", "Gone",
    "TooLarge", "Unavailable", "Unreadable", "FactError", "MoneyError", "_fault", "_refused",
}  # fmt: skip
"""What is called with a code as its first text."""

NOT_OVER_HTTP = {
    "service/app/balances.py",
    "service/app/close.py",
    "service/app/decide.py",
    "service/app/line.py",
}
"""Codes of commands that speak no HTTP."""

NEVER_SHOWN = {"key_revoked", "unknown_key"}
"""All that is wrong with a key is told as ``unauthenticated``."""


def said(path: Path) -> Iterator[str]:
    """The codes that a module says."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        for keyword in node.keywords:
            if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                yield str(keyword.value.value)
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in RAISED_BY and node.args and isinstance(node.args[0], ast.Constant):
            yield str(node.args[0].value)


def all_said() -> set[str]:
    found: set[str] = set()
    for folder in ("core", "app", "api"):
        for path in (ROOT / "service" / folder).rglob("*.py"):
            if path.relative_to(ROOT).as_posix() not in NOT_OVER_HTTP:
                found |= {code for code in said(path) if code}
    return found | {objection.value for objection in Objection}


def test_the_table_has_every_code_that_is_said() -> None:
    """A code without a status would be a failure inside."""
    assert all_said() - NEVER_SHOWN - set(STATUSES) == set()


def test_the_search_finds_codes() -> None:
    """The test above could fail."""
    assert {"unknown_field", "not_permitted", "no_policy", "money_not_text"} <= all_said()


def test_every_status_has_a_title() -> None:
    """One title for each."""
    assert set(STATUSES.values()) == set(TITLES)


@pytest.mark.parametrize("code", sorted(STATUSES))
def test_every_code_is_a_problem(code: str) -> None:
    """Rendered with its own status and type."""
    response = problem(ServiceError(code, "what", "instead"), "req_1")
    assert response.status_code == STATUSES[code]
    assert f"/problems/{code}".encode() in response.body


@pytest.mark.parametrize("code", sorted(STATUSES))
def test_every_code_is_in_the_documentation(code: str) -> None:
    """Whoever meets one can look it up."""
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert f"| `{code}` | {STATUSES[code]} |" in page


def test_a_code_that_nobody_knows_is_a_failure_inside() -> None:
    """Never a success, whatever was raised."""
    assert problem(Conflict("new_code", "what", "instead"), "req_1").status_code == 500


def test_a_refusal_is_named_after_its_first_fault() -> None:
    """The rest is in its list."""
    faults = tuple(
        Fault(code=code, pointer=f"/{code}", message="what", remedy="instead")
        for code in ("unknown_site", "wrong_type")
    )
    response = problem(Refused(faults), "req_1")
    assert response.status_code == 422
    assert b'"code":"unknown_site"' in response.body

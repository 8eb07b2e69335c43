"""The plain implementation beside ours decides what the hotel's suites say."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import Engine
from sqlmodel import Session
from starlette.testclient import TestClient

from bench.plain.access import PEOPLE, enforcer
from bench.plain.app import create_app, open_database
from bench.plain.desk import House, decide
from bench.plain.rules import HOTEL, Proposal
from tests.databases import postgresql_url

__all__ = ["postgresql_url"]

SUITES = Path(__file__).parents[2] / "policies" / "hotel"
KNOWN = {"goodwill_credit", "comp_night", "late_checkout", "spend_for_guest", "cash"}
FACTS = {"guest", "stay", "incident", "tonight"}


@pytest.fixture
def engine(postgresql_url: str) -> Iterator[Engine]:
    opened = open_database(postgresql_url)
    yield opened
    opened.dispose()


def suites() -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """The tests of the hotel that ask for what the plain implementation knows, by people."""
    for name in ("goodwill_test.yaml", "budgets_test.yaml"):
        suite = yaml.safe_load((SUITES / name).read_text(encoding="utf-8"))
        for test in suite["tests"]:
            if all(is_simple(step) for step in test["steps"]):
                yield test["name"], suite, test


def is_simple(step: Mapping[str, Any]) -> bool:
    return step["propose"] in KNOWN and step["as"] in PEOPLE


CASES = list(suites())


def test_most_of_the_suites_are_simple_enough() -> None:
    """The comparison below is one: thirty steps and more, of every outcome."""
    steps = [step for _, _, test in CASES for step in test["steps"]]
    assert len(steps) >= 30
    outcomes = {step["expect"]["outcome"] for step in steps}
    assert outcomes == {"approved", "escalated", "denied", "incomplete"}


@pytest.mark.parametrize(("suite", "test"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_the_plain_implementation_decides_as_the_hotel_says(
    engine: Engine, suite: Mapping[str, Any], test: Mapping[str, Any]
) -> None:
    """Outcome, rule, who is asked and what is missing, step by step."""
    house = House(enforcer(), HOTEL)
    for step in test["steps"]:
        proposal, at = asked(suite, step)
        with Session(engine) as session:
            _, made = decide(session, house, step["as"], proposal, at)
            session.commit()
        told = {"outcome": made.outcome, "grant": made.rule, "to": made.to, "missing": made.missing}
        expected = step["expect"]
        assert {name: told[name] for name in told if name in expected} == {
            name: value for name, value in expected.items() if name in told
        }


def asked(suite: Mapping[str, Any], step: Mapping[str, Any]) -> tuple[Proposal, datetime]:
    """A step as a proposal, and its instant."""
    body = {name: step[name] for name in ("amount", "quantity", "note") if name in step}
    site = suite["agents"][step["as"]]["site"]
    facts = {name: value for name, value in suite["facts"][step["facts"]].items() if name in FACTS}
    at = step.get("at", suite["at"])
    instant = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    return Proposal(site=site, resolution=step["propose"], facts=facts, **body), instant


def test_many_at_once_never_overspend_a_stay(engine: Engine) -> None:
    """Over HTTP, from many threads: of two thousand dollars two get nine hundred."""
    body = {
        "site": "new_york",
        "resolution": "spend_for_guest",
        "amount": "900.00",
        "note": "a doctor",
        "facts": {"guest": {"id": "G-1", "tier": "gold"}, "stay": {"id": "S-1", "total": "10.00"}},
    }
    headers = {"Authorization": "Bearer plain-key-of-ana"}
    with TestClient(create_app(engine)) as client, ThreadPoolExecutor(8) as threads:

        def one(_: int) -> str:
            response = client.post("/v1/resolutions", json=body, headers=headers)
            assert response.status_code == 201, response.text
            outcome: str = response.json()["outcome"]
            return outcome

        outcomes = list(threads.map(one, range(16)))
    assert outcomes.count("approved") == 2
    assert outcomes.count("escalated") == 14


def test_nobody_unknown_decides(engine: Engine) -> None:
    """Without a key, or at somebody else's site, there is no decision."""
    body = {"site": "vienna", "resolution": "goodwill_credit", "amount": "1.00"}
    with TestClient(create_app(engine)) as client:
        assert client.post("/v1/resolutions", json=body).status_code == 401
        headers = {"Authorization": "Bearer plain-key-of-ana"}
        assert client.post("/v1/resolutions", json=body, headers=headers).status_code == 403

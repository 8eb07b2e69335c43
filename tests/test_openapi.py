"""The OpenAPI document is what the service answers, to the letter."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from service.api.app import create_app, routed
from service.api.document import described
from service.api.routes.log import MEDIA
from service.app.metrics import MEDIA_TYPE
from tests.app.house import House, open_house
from tests.databases import sqlite_url

__all__ = ["sqlite_url"]

FILE = Path(__file__).parents[1] / "openapi" / "openapi.json"
CHECKS = [
    schemathesis.checks.not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
STREAM = "/v1/escalations/stream"
"""It goes on until somebody leaves, so it has tests of its own."""

EXAMPLES = 15
"""How many requests are made up for each call."""


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(described(routed()))
    return found


def calls() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, call)
        for path, methods in document()["paths"].items()
        for method, call in methods.items()
    ]


def test_the_file_is_up_to_date() -> None:
    """What is committed is what is served."""
    assert FILE.read_bytes() == described(routed()), "Run: make openapi"


def test_the_document_is_the_same_each_time() -> None:
    """Sorted keys, and nothing of the machine or the minute."""
    assert described(routed()) == described(routed())
    assert json.dumps(document(), sort_keys=True) == json.dumps(document())


def test_every_call_has_a_name() -> None:
    """A noun and a verb; names are unique, since clients are generated from them."""
    names = [call["operationId"] for _, _, call in calls()]
    assert all(re.fullmatch(r"[a-z]+\.[a-z]+", name) for name in names)
    assert len(set(names)) == len(names)


def test_every_reference_leads_somewhere() -> None:
    """No schema is named that is not there, and none is there that nobody names."""
    text = FILE.read_text(encoding="utf-8")
    named = set(re.findall(r'"#/components/schemas/([A-Za-z]+)"', text))
    assert named == set(document()["components"]["schemas"])


FOR_EVERYBODY = {
    "/healthz",
    "/readyz",
    "/metrics",
    "/checkpoint",
    "/tile/{level}/{index}",
    "/v1/log/key",
}
EXPORT = "/v1/log/export"
OTHER_KINDS = {
    STREAM: "text/event-stream",
    "/metrics": MEDIA_TYPE,
    "/checkpoint": "text/plain; charset=utf-8",
    "/tile/{level}/{index}": "application/octet-stream",
    "/tile/entries/{index}": "application/octet-stream",
    "/v1/log/{entry}/proof": "text/plain; charset=utf-8",
}


@pytest.mark.parametrize(("path", "method"), [(path, method) for path, method, _ in calls()])
def test_every_call_takes_a_key_but_those_for_everybody(path: str, method: str) -> None:
    """And its problems are documented as problems."""
    call = document()["paths"][path][method]
    if path in FOR_EVERYBODY:
        assert "security" not in call
    else:
        assert call["security"] == [{"key": []}]
    if path in {"/healthz", "/readyz"}:
        return
    for status, response in call["responses"].items():
        kind = OTHER_KINDS.get(path, "application/json")
        if not status.startswith("2"):
            kind = "application/problem+json"
        kinds = sorted(MEDIA.values()) if path == EXPORT and status.startswith("2") else [kind]
        assert list(response["content"]) == kinds


def test_the_served_document_is_the_committed_one(house: House) -> None:
    """GET /openapi.json needs no key."""
    response = TestClient(create_app(house.services)).get("/openapi.json")
    assert response.content == FILE.read_bytes()


@pytest.fixture
def house(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    """A shop on SQLite."""
    with open_house(tmp_path, sqlite_url) as opened:
        yield opened


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("person", ["ana", "gus", "audra"])
def test_made_up_requests_are_answered_as_documented(
    house: House, person: str, mode: GenerationMode
) -> None:
    """Valid and broken ones alike: every status, type and schema is in the document."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(house.services))
    headers = {"Authorization": f"Bearer {house.key(person).secret}"}
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]
        if operation.path == STREAM:
            continue
        if mode is GenerationMode.POSITIVE or _can_break(operation):
            _try(operation, mode, headers)


def _can_break(operation: Any) -> bool:
    """Whether there is anything that a request could say wrong."""
    return bool(list(operation.iter_parameters()) or len(operation.body))


def _try(operation: Any, mode: GenerationMode, headers: dict[str, str]) -> None:
    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.explicit, Phase.generate],
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    ask()

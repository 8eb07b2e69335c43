"""The page for those who answer: its exchanges are tried in order, its diagram is the table's."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.problems import STATUSES
from service.bootstrap import compile_files, open_services
from service.cli.statediagram import BEGIN, END, drawn
from service.config import Settings
from service.core.diagram import mermaid
from service.core.escalation import TRANSITIONS, Event, Objection, State
from service.policyfile.folder import read_folder
from tests.app.house import MASTER_KEY, House
from tests.databases import sqlite_url
from tests.markdown_page import Fence, Page

__all__ = ["sqlite_url"]

ROOT = Path(__file__).parent.parent
HOTEL = ROOT / "policies" / "hotel"
PAGE = Page(ROOT / "docs" / "escalation.md")


@pytest.fixture
def hotel(sqlite_url: str) -> Iterator[tuple[TestClient, House]]:
    """The hotel that ships, open."""
    settings = Settings(policies=HOTEL, database=sqlite_url, master_key=MASTER_KEY)
    with open_services(settings) as services, TestClient(create_app(services)) as client:
        yield client, House(services, HOTEL)


def holds(told: object, stands: Mapping[str, Any] | list[Any] | object) -> bool:
    """Whether what is told is part of what stands there."""
    if isinstance(told, Mapping) and isinstance(stands, Mapping):
        return all(name in stands and holds(value, stands[name]) for name, value in told.items())
    return told == stands


def test_the_page_can_be_followed_to_its_end(hotel: tuple[TestClient, House]) -> None:
    """Every body that it sends is taken, and what it says is told is told."""
    client, house = hotel
    escalation, answer = "", dict[str, Any]()
    sent = 0
    for fence in PAGE.fences:
        if (fence.language, fence.word) == ("json", "told"):
            assert holds(json.loads(fence.text), answer), f"line {fence.line}: {answer}"
        if (fence.language, fence.word) != ("json", "send"):
            continue
        answer = posted(client, house, fence, escalation)
        escalation = escalation if "decision" in answer else answer["escalation"]["id"]
        sent += 1
    assert sent >= 10


def posted(client: TestClient, house: House, fence: Fence, escalation: str) -> dict[str, Any]:
    to = fence.options["to"]
    path = "/v1/resolutions" if to == "resolutions" else f"/v1/escalations/{escalation}/{to}"
    headers = {"Authorization": f"Bearer {house.key(fence.options['as']).secret}"}
    response = client.post(path, json=json.loads(fence.text), headers=headers)
    assert response.status_code in {200, 201}, f"line {fence.line}: {response.text}"
    found: dict[str, Any] = response.json()
    return found


@pytest.mark.parametrize("fence", [it for it in PAGE.fences if it.word == "policy"])
def test_every_policy_on_the_page_loads(fence: Fence) -> None:
    """In the hotel's place of those keys."""
    files = read_folder(HOTEL)
    files["escalation.yaml"] = b"remit: 1\n" + fence.text.encode()
    if "sites:" in fence.text:
        sites = b"sites:\n  vienna:   {timezone: Europe/Vienna}\n  new_york: {}\n"
        assert sites in files["hotel.yaml"]
        files["hotel.yaml"] = files["hotel.yaml"].replace(sites, b"sites: {new_york: {}}\n")
    compile_files(files)


def test_the_diagram_is_the_tables() -> None:
    """What the page draws is what the code allows."""
    assert drawn(PAGE.text) == PAGE.text, "Run: make generate"


def test_a_diagram_has_every_move_once() -> None:
    """One arrow for each pair of states, with all events of it; final states lead out."""
    text = mermaid(TRANSITIONS, State.OPEN)
    found = {
        (State(state), Event(event)): State(to)
        for state, to, events in re.findall(r"(\w+) --> (\w+): (.+)", text)
        for event in events.split(", ")
    }
    assert found == TRANSITIONS
    ends = re.findall(r"(\w+) --> \[\*\]", text)
    assert set(ends) == set(State) - {State.OPEN, State.ASKED}


def test_a_page_without_its_markers_is_refused() -> None:
    """Nothing is written where nobody knows where to."""
    with pytest.raises(ValueError, match="states"):
        drawn(PAGE.text.replace(BEGIN, ""))
    with pytest.raises(ValueError, match="states"):
        drawn(PAGE.text.replace(END, ""))


def test_every_event_and_every_objection_is_explained() -> None:
    """Whoever meets one in the log or in a refusal finds it here."""
    for name in (*Event, *Objection):
        assert f"`{name}`" in PAGE.text, name


def test_every_code_on_the_page_is_one() -> None:
    """A status beside a code is the one that the service answers."""
    found = re.findall(r"\b(\d{3}) `(\w+)`", PAGE.text)
    assert found
    assert all(STATUSES[code] == int(status) for status, code in found)


def test_links_lead_somewhere() -> None:
    """Every page and every heading that is linked exists."""
    for page, anchor in re.findall(r"\]\(([\w.-]*)#([\w-]+)\)", PAGE.text):
        text = (ROOT / "docs" / page).read_text("utf-8") if page else PAGE.text
        headings = re.findall(r"(?m)^#+ (.+)$", text)
        assert anchor in {re.sub(r"[^\w -]", "", it).lower().replace(" ", "-") for it in headings}

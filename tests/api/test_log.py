"""The log over HTTP: lists, searches and exports."""

import json

import pytest

from service.api.models import EntryPage
from service.api.peoplemodels import PeopleThen
from service.audit.manifest import check_export
from service.bootstrap import compile_files
from tests.api.door import Door, assert_problem
from tests.app.house import ACCESS, shop_files
from tests.audit.real import key_of, publish


def test_entries_are_filtered(door: Door) -> None:
    """By columns, amounts and instants, in the shape that is documented."""
    door.propose(amount="10.00")
    door.propose(amount="20.00")
    door.propose(resolution="cash", amount="5.00")

    def count(**query: str) -> int:
        page = EntryPage.model_validate(door.get("/v1/log", person="audra", **query).json())
        return len(page.entries)

    assert count(kind="decision") == 3
    assert count(rule="small") == 2
    assert count(reason="prohibited") == 1
    assert count(resolution="cash", outcome="denied") == 1
    assert count(kind="decision", amount_from="10.00", amount_to="19.00") == 1
    assert count(kind="decision", until="2020-01-01T00:00:00Z") == 0


def test_an_escalation_is_a_filter(door: Door) -> None:
    """It stands for the resolution that it is about."""
    opened = door.propose(amount="300.00").json()["escalation"]["id"]
    page = door.get("/v1/log", person="audra", escalation=opened).json()
    assert [entry["kind"] for entry in page["entries"]] == ["decision"]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("subject", "G-1", "unknown_parameter"),
        ("amount_from", "much", "invalid_parameter"),
        ("amount_to", "1.234", "invalid_parameter"),
        ("kind", "comet", "invalid_parameter"),
        ("limit", "201", "invalid_parameter"),
    ],
)
def test_what_cannot_be_asked_is_a_problem(door: Door, name: str, value: str, code: str) -> None:
    """A person's id least of all: addresses are logged."""
    assert_problem(door.get("/v1/log", person="audra", **{name: value}), 400, code)


def test_a_person_is_searched_for_in_a_body(door: Door) -> None:
    """By the value that was proposed."""
    door.propose(guest="G-1")
    door.propose(guest="G-2")
    response = door.post("/v1/log/search", {"subject": "G-1"}, person="audra")
    page = EntryPage.model_validate(response.json())
    assert [entry.kind for entry in page.entries] == ["decision"]
    assert "G-1" not in response.text


def test_a_search_that_means_nothing_is_refused(door: Door) -> None:
    """With the place of each fault."""
    response = door.post("/v1/log/search", {"colour": "red"}, person="audra")
    body = assert_problem(response, 422, "unknown_field")
    assert [error["pointer"] for error in body["errors"]] == ["/colour"]


def test_who_may_not_audit_finds_nothing(door: Door) -> None:
    """Neither in lists nor in exports."""
    for response in (
        door.get("/v1/log", person="ana"),
        door.post("/v1/log/search", {}, person="ana"),
        door.get("/v1/log/export", person="ana"),
    ):
        assert_problem(response, 403, "not_permitted")


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("jsonl", "application/jsonl"),
        ("csv", "text/csv; charset=utf-8"),
        ("parquet", "application/vnd.apache.parquet"),
    ],
)
def test_the_log_is_exported(door: Door, form: str, kind: str) -> None:
    """As a file of its kind."""
    door.propose()
    publish(door.house)
    response = door.get("/v1/log/export", person="audra", format=form)
    assert response.status_code == 200
    assert response.headers["content-type"] == kind
    assert f'filename="log.{form}"' in response.headers["content-disposition"]
    assert b"remit export" in response.content


def test_an_export_is_signed(door: Door) -> None:
    """Its last line is the manifest over all the others."""
    door.propose()
    publish(door.house)
    lines = door.get("/v1/log/export", person="audra", kind="decision").content.splitlines()
    entry = lines[0].partition(b'"entry":')[2][:-1]
    manifest = lines[1].decode()
    assert check_export([entry, _text(manifest)], [key_of(door.house)]).entries == 1


def _text(line: str) -> str:
    text: str = json.loads(line)["manifest"]
    return text


@pytest.mark.parametrize("query", [{"format": "xml"}, {"limit": "5"}, {"after": "ent_1"}])
def test_what_an_export_does_not_have_is_a_problem(door: Door, query: dict[str, str]) -> None:
    """It is the whole of what was asked for, in one of three formats."""
    response = door.get("/v1/log/export", person="audra", **query)
    code = "invalid_parameter" if "format" in query else "unknown_parameter"
    assert_problem(response, 400, code)


# ── Opened exports, and people ──


def test_opening_takes_a_right_of_its_own(door: Door) -> None:
    """Who may read the log may not open it, and nothing tells the values."""
    door.propose(guest="G-1")
    door.headers("audra")
    publish(door.house)
    response = door.get("/v1/log/export", person="audra", open="true")
    assert_problem(response, 403, "not_permitted")
    closed = door.get("/v1/log/export", person="audra", open="false")
    assert closed.status_code == 200
    assert "G-1" not in closed.text
    assert door.house.entries(kind="export") == []


def test_an_opened_export_is_told_to_the_log(door: Door) -> None:
    """The values are there, and who asked for them is an entry of the log."""
    access = ACCESS + "p, auditor, log, open\n"
    files = shop_files(access=access)
    assert door.house.services.publisher.publish(compile_files(files), by="test")
    door.propose(guest="G-1")
    door.headers("audra")
    publish(door.house)
    response = door.get("/v1/log/export", person="audra", open="true", kind="decision")
    (line, _) = [json.loads(text) for text in response.text.splitlines()]
    assert ["guest.id", "G-1"] in line["opened"]
    page = door.get("/v1/log", person="audra", kind="export").json()
    (entry,) = EntryPage.model_validate(page).entries
    assert (entry.about, entry.body["query"]) == ("audra", {"kind": "decision"})


@pytest.mark.parametrize("value", ["yes", "1", ""])
def test_what_opens_is_said_plainly(door: Door, value: str) -> None:
    """A word that means nothing opens nothing."""
    response = door.get("/v1/log/export", person="audra", open=value)
    assert_problem(response, 400, "invalid_parameter")


def test_people_are_told_as_of_an_instant(door: Door) -> None:
    """In the shape that is documented, page by page."""
    door.headers("max")
    whole = PeopleThen.model_validate(door.get("/v1/log/people", person="audra").json())
    assert whole.policy is not None
    assert whole.next is None
    (max_,) = [one for one in whole.people if one.id == "max"]
    assert [(held.role, held.site) for held in max_.roles] == [("manager", "main")]
    assert [key.id for key in max_.keys] == [door.house.key("max").record.id]
    page = door.get("/v1/log/people", person="audra", at=whole.at, limit="2").json()
    assert [one["id"] for one in page["people"]] == ["ana", "audra"]
    assert page["next"] == "audra"
    then = door.get("/v1/log/people", person="audra", at="2020-01-01T00:00:00Z").json()
    assert (then["policy"], then["people"]) == (None, [])


def test_people_are_for_who_audits_every_site(door: Door) -> None:
    """And an instant that lies ahead is no question."""
    assert_problem(door.get("/v1/log/people"), 403, "not_permitted")
    ahead = door.get("/v1/log/people", person="audra", at="2999-01-01T00:00:00Z")
    assert assert_problem(ahead, 422, "out_of_range")["errors"][0]["pointer"] == "/at"

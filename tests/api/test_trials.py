"""Trials over HTTP: started, watched, confirmed, ended, and what is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.api.trialmodels import TrialPage, TrialTaken, TrialWithFigures
from tests.api.door import Door, assert_problem, open_door
from tests.api.test_policy import KEY, SUITE
from tests.app.authors import AUTHORS, TWO
from tests.app.trying import LOWERED, RAISED, compared, shop
from tests.databases import sqlite_url

__all__ = ["sqlite_url"]

ROUTE = "/v1/policy/trials"
GUARDED: dict[str, Any] = {"sites": ["main"], "guardrail": {"approved": "1000.00"}}


@pytest.fixture
def door(tmp_path: Path, sqlite_url: str) -> Iterator[Door]:
    """A shop in which one author suffices."""
    with open_door(tmp_path, sqlite_url, shop(access=AUTHORS)) as opened:
        yield opened


@pytest.fixture
def guarded(tmp_path: Path, sqlite_url: str) -> Iterator[Door]:
    """A shop in which two are needed."""
    with open_door(tmp_path, sqlite_url, shop(access=TWO)) as opened:
        yield opened


def files(*changes: tuple[str, str], access: str = AUTHORS, **more: str) -> dict[str, str]:
    texts = {name: data.decode() for name, data in shop(*changes, access=access).items()}
    return {**texts, **{f"{name}.yaml": text for name, text in more.items()}}


def start(
    door: Door, *changes: tuple[str, str], mode: str = "pilot", person: str = "paula", **more: Any
) -> Any:
    body = {"files": files(*(changes or RAISED)), "mode": mode, **more}
    return door.post(ROUTE, body, person=person)


def test_a_pilot_is_started_watched_and_ended(door: Door) -> None:
    """Each answer is as it is documented; the candidate decides in between."""
    taken = start(door, **GUARDED, comment="more in spring", ends_at="2999-01-01T00:00:00+01:00")
    assert taken.status_code == 201, taken.text
    trial = TrialTaken.model_validate(taken.json())
    assert (trial.state, trial.sites, trial.comment) == ("running", ["main"], "more in spring")
    assert trial.ends_at is not None
    made = door.propose(amount="150.00").json()
    assert (made["outcome"], made["policy"]["version"]) == ("approved", trial.version)
    compared(door.house, trial.id)
    seen = TrialWithFigures.model_validate(door.get(f"{ROUTE}/{trial.id}", person="paula").json())
    assert seen.decided is not None
    assert seen.decided.approved == "150.00"
    assert seen.compared is not None
    assert (seen.compared.flipped, seen.compared.approved_more) == (1, "150.00")
    assert "up_to: 180" in seen.files["shop.yaml"]
    done = door.post(f"{ROUTE}/{trial.id}/end", {}, person="peter").json()
    assert TrialTaken.model_validate(done).reason == "by_hand"
    assert door.propose(amount="150.00", guest="G-2").json()["outcome"] == "incomplete"
    page = TrialPage.model_validate(door.get(ROUTE, person="audra").json())
    assert [one.id for one in page.trials] == [trial.id]
    listed = door.get("/v1/policy/versions", person="paula").json()["versions"]
    assert trial.version in [one["version"] for one in listed]


def test_a_shadow_is_no_version(door: Door) -> None:
    """It decides nothing, so nothing has to be kept of it but the trial."""
    trial = start(door, *LOWERED, mode="shadow").json()
    assert (trial["state"], trial["guardrail"]) == ("running", None)
    listed = door.get("/v1/policy/versions", person="paula").json()["versions"]
    assert trial["version"] not in [one["version"] for one in listed]
    shown = door.get(f"{ROUTE}/{trial['id']}", person="paula").json()
    assert TrialWithFigures.model_validate(shown).decided is None


def test_a_repeated_start_has_one_effect(door: Door) -> None:
    """The same key gets the stored answer, also once it is over."""
    body = {"files": files(*LOWERED), "mode": "shadow"}
    first = door.post(ROUTE, body, person="paula", headers=KEY)
    door.post(f"{ROUTE}/{first.json()['id']}/end", {}, person="paula")
    again = door.post(ROUTE, body, person="paula", headers=KEY)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.content == first.content
    assert door.get(ROUTE, person="paula").json()["trials"][0]["state"] == "ended"


def test_a_proposal_that_only_the_candidate_knows_gets_past_the_door(door: Door) -> None:
    """The door reads ahead by the set in force, and must not refuse for the other."""
    more = (
        ("  cash: {}\n", "  cash: {}\n  gift: {}\n"),
        ("may: [credit, night", "may: [credit, gift, night"),
    )
    assert_problem(door.propose(resolution="gift", amount="5.00"), 422, "unknown_resolution")
    start(door, *more, **GUARDED)
    assert door.propose(resolution="gift", amount="5.00").json()["outcome"] == "approved"
    elsewhere = door.propose(person="vera", resolution="gift", amount="5.00", site="annex")
    assert_problem(elsewhere, 422, "unknown_resolution")


def test_a_set_whose_tests_fail_is_not_tried(door: Door) -> None:
    """Exactly as it would not be published."""
    bad = {"files": files(*LOWERED, shop_test=SUITE), "mode": "shadow"}
    assert_problem(door.post(ROUTE, bad, person="paula"), 422, "suites_failed")
    broken = {"files": {"shop.yaml": "remit: 1\n"}, "mode": "shadow"}
    assert_problem(door.post(ROUTE, broken, person="paula"), 422, "policy_invalid")
    assert door.get(ROUTE, person="paula").json()["trials"] == []


@pytest.mark.parametrize(
    ("given", "code", "pointer"),
    [
        ({"mode": None}, "missing_field", "/mode"),
        ({"mode": "half"}, "not_a_choice", "/mode"),
        ({"sites": None}, "missing_field", "/sites"),
        ({"sites": []}, "wrong_type", "/sites"),
        ({"sites": ["moon"]}, "unknown_site", "/sites"),
        ({"sites": "main"}, "wrong_type", "/sites"),
        ({"share_percent": 0}, "out_of_range", "/share_percent"),
        ({"share_percent": True}, "out_of_range", "/share_percent"),
        ({"guardrail": None}, "missing_field", "/guardrail"),
        ({"guardrail": {"after_decisions": 5}}, "missing_field", "/guardrail"),
        ({"guardrail": {"approved": 5}}, "money_not_text", "/guardrail/approved"),
        ({"guardrail": {"approved": "0.00"}}, "amount_not_positive", "/guardrail/approved"),
        ({"guardrail": {"most": "5.00"}}, "unknown_field", "/guardrail/most"),
        ({"guardrail": {"escalated_percent": 100}}, "out_of_range", "/guardrail/escalated_percent"),
        ({"guardrail": []}, "wrong_type", "/guardrail"),
        ({"ends_at": "tomorrow"}, "not_a_timestamp", "/ends_at"),
        ({"ends_at": "1999-01-01T00:00:00Z"}, "already_over", "/ends_at"),
        ({"mode": "shadow"}, "unknown_field", "/guardrail"),
        (
            {"mode": "shadow", "guardrail": None, "share_percent": 5},
            "unknown_field",
            "/share_percent",
        ),
        ({"files": None}, "missing_field", "/files"),
        ({"name": "x"}, "unknown_field", "/name"),
    ],
)
def test_what_cannot_be_read_is_told_in_its_place(
    door: Door, given: dict[str, Any], code: str, pointer: str
) -> None:
    """422, and no trial."""
    body = {"files": files(*RAISED), "mode": "pilot", **GUARDED, **given}
    body = {name: value for name, value in body.items() if value is not None}
    problem = assert_problem(door.post(ROUTE, body, person="paula"), 422, code)
    assert pointer in [fault["pointer"] for fault in problem["errors"]]
    assert door.get(ROUTE, person="paula").json()["trials"] == []


def test_who_may(door: Door) -> None:
    """Authors start and end; agents neither see nor touch them."""
    assert_problem(start(door, **GUARDED, person="ana"), 403, "not_permitted")
    trial = start(door, **GUARDED).json()["id"]
    assert_problem(door.get(ROUTE, person="ana"), 403, "not_permitted")
    assert_problem(door.get(f"{ROUTE}/{trial}", person="ana"), 403, "not_permitted")
    assert_problem(door.post(f"{ROUTE}/{trial}/end", {}, person="ana"), 403, "not_permitted")
    assert_problem(door.post(f"{ROUTE}/{trial}/confirm", {}, person="ana"), 403, "not_permitted")
    assert_problem(door.get(f"{ROUTE}/tri_0", person="paula"), 404, "no_trial")
    assert_problem(door.post(f"{ROUTE}/tri_0/end", {}, person="paula"), 404, "no_trial")


def test_conflicts_name_what_stands_in_the_way(door: Door) -> None:
    """Another one that runs, another version than was thought, the rules in force."""
    trial = start(door, **GUARDED).json()["id"]
    running = assert_problem(start(door, *LOWERED, mode="shadow"), 409, "trial_running")
    assert trial in running["remedy"]
    door.post(f"{ROUTE}/{trial}/end", {}, person="paula")
    assert_problem(door.post(f"{ROUTE}/{trial}/end", {}, person="paula"), 409, "trial_over")
    assert_problem(start(door, **GUARDED, replaces="sha256:0"), 409, "policy_moved_on")
    same = {"files": files(), "mode": "shadow"}
    assert_problem(door.post(ROUTE, same, person="paula"), 409, "already_in_force")


def test_a_pilot_takes_two_people(guarded: Door) -> None:
    """202 for the first; the second looks at the files and confirms."""
    body = {"files": files(*RAISED, access=TWO), "mode": "pilot", **GUARDED}
    asked = guarded.post(ROUTE, body, person="paula")
    assert (asked.status_code, asked.json()["state"]) == (202, "requested")
    where = f"{ROUTE}/{asked.json()['id']}"
    assert guarded.get(where, person="peter").json()["compared"] is None
    own = guarded.post(f"{where}/confirm", {}, person="paula")
    assert_problem(own, 403, "second_person_required")
    done = guarded.post(f"{where}/confirm", {}, person="peter")
    assert (done.status_code, done.json()["confirmed_by"]) == (200, "peter")
    assert guarded.propose(amount="150.00").json()["outcome"] == "approved"
    again = guarded.post(f"{where}/confirm", {}, person="peter")
    assert_problem(again, 409, "trial_not_waiting")


def test_a_publication_over_http_ends_it(door: Door) -> None:
    """In the same transaction; the trial says so."""
    trial = start(door, **GUARDED).json()["id"]
    put = {"files": files(("limit: 300", "limit: 290"))}
    assert door.post("/v1/policy/publish", put, person="paula").status_code == 201
    shown = door.get(f"{ROUTE}/{trial}", person="paula").json()
    assert (shown["state"], shown["reason"], shown["ended_by"]) == ("ended", "superseded", "paula")

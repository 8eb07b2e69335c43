"""The policy over HTTP: checked, published, taken back, and who may."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.api.door import Door, assert_problem, open_door
from tests.app.authors import AUTHORS, TWO
from tests.app.house import POLICY, shop_files, write_shop
from tests.cli.terminal import remit
from tests.databases import sqlite_url

__all__ = ["sqlite_url"]

ROUTE = "/v1/policy"
KEY = {"Idempotency-Key": "k"}

SUITE = """\
suite: shop
at: 2026-03-01T21:00:00-05:00
agents: {ana: {roles: [clerk], site: main}}
facts: {one: {guest: {id: G-1}, stay: {id: S-1}}}
tests:
  - name: a clerk gives a hundred
    steps:
      - {as: ana, propose: credit, amount: "100.00", facts: one, expect: {outcome: approved}}
"""


@pytest.fixture
def door(tmp_path: Path, sqlite_url: str) -> Iterator[Door]:
    """A shop in which one author suffices."""
    with open_door(tmp_path, sqlite_url, shop_files(access=AUTHORS)) as opened:
        yield opened


@pytest.fixture
def guarded(tmp_path: Path, sqlite_url: str) -> Iterator[Door]:
    """A shop in which two are needed."""
    with open_door(tmp_path, sqlite_url, shop_files(access=TWO)) as opened:
        yield opened


def files(limit: int, access: str = AUTHORS, **more: str) -> dict[str, str]:
    """The shop's set with another limit for clerks."""
    policy = POLICY.replace("up_to: 100}", f"up_to: {limit}}}")
    texts = {name: data.decode() for name, data in shop_files(policy, access).items()}
    return {**texts, **{f"{name}.yaml": text for name, text in more.items()}}


def publish(door: Door, limit: int, person: str = "paula", **more: Any) -> Any:
    return door.post(f"{ROUTE}/publish", {"files": files(limit), **more}, person=person)


def in_force(door: Door) -> str:
    version: str = door.get(ROUTE).json()["version"]
    return version


def test_what_one_person_publishes_decides_the_next_proposal(door: Door) -> None:
    """201, an entry with both versions, and from then on the new limit."""
    before = in_force(door)
    assert door.propose(amount="90.00").json()["outcome"] == "approved"
    taken = publish(door, 80, comment="less in spring")
    assert taken.status_code == 201, taken.text
    body = taken.json()
    assert (body["state"], body["replaces"], body["comment"]) == (
        "published",
        before,
        "less in spring",
    )
    assert in_force(door) == body["version"]
    assert door.propose(amount="90.00").json()["outcome"] == "incomplete"
    (entry,) = door.house.entries(kind="policy", about=body["version"])
    told = orjson.loads(entry.body)
    assert (told["effect"], told["before"], told["version"]) == (
        "published",
        before,
        body["version"],
    )
    assert (told["by"]["id"], told["changes"]) == ("paula", body["changes"])
    assert b"spring" not in entry.body


def test_a_repeated_publication_has_one_effect(door: Door) -> None:
    """The same key gets the stored answer, also after another policy came into force."""
    body = {"files": files(80)}
    first = door.post(f"{ROUTE}/publish", body, person="paula", headers=KEY)
    assert publish(door, 70).status_code == 201
    again = door.post(f"{ROUTE}/publish", body, person="paula", headers=KEY)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.content == first.content
    assert in_force(door) != first.json()["version"]


def test_a_set_whose_tests_fail_is_not_published(door: Door) -> None:
    """422 with each failing test in its place; the last good set stays in force."""
    before = in_force(door)
    bad = {"files": files(80, shop_test=SUITE)}
    problem = assert_problem(
        door.post(f"{ROUTE}/publish", bad, person="paula"), 422, "suites_failed"
    )
    (fault,) = problem["errors"]
    assert (fault["code"], fault["pointer"]) == ("test_failed", "/files/shop_test.yaml")
    assert "a clerk gives a hundred: step 1, outcome: expected approved" in fault["message"]
    checked = door.post(f"{ROUTE}/check", bad, person="paula").json()
    assert (checked["publishable"], checked["tests"], checked["failed"]) == (False, 1, 1)
    assert in_force(door) == before
    good = {"files": files(120, shop_test=SUITE)}
    assert door.post(f"{ROUTE}/check", good, person="paula").json()["publishable"]
    assert in_force(door) == before
    assert door.post(f"{ROUTE}/publish", good, person="paula").status_code == 201


def test_a_set_that_does_not_load_is_not_published(door: Door) -> None:
    """Every problem of every file comes with its line."""
    bad = {"files": {"shop.yaml": POLICY.replace("clerk, may", "clark, may")}}
    problem = assert_problem(
        door.post(f"{ROUTE}/publish", bad, person="paula"), 422, "policy_invalid"
    )
    assert any(fault["pointer"] == "/files/shop.yaml" for fault in problem["errors"])
    checked = door.post(f"{ROUTE}/check", bad, person="paula").json()
    assert not checked["publishable"]
    assert checked["name"] is None
    assert {found["file"] for found in checked["problems"]} >= {"shop.yaml"}


def test_a_version_is_taken_back(door: Door) -> None:
    """Rollback puts the bytes of an earlier version in force, and says so in the log."""
    first = in_force(door)
    publish(door, 80)
    done = door.post(f"{ROUTE}/rollback", {"version": first}, person="peter")
    assert done.status_code == 201, done.text
    assert (done.json()["effect"], done.json()["state"]) == ("rollback", "published")
    assert in_force(door) == first
    newest = door.house.entries(kind="policy")[0]
    assert orjson.loads(newest.body)["effect"] == "rolled_back"
    unknown = door.post(f"{ROUTE}/rollback", {"version": "sha256:0"}, person="peter")
    assert_problem(unknown, 404, "no_version")


def test_nobody_publishes_over_what_they_have_not_seen(door: Door) -> None:
    """With ``replaces`` a publication only follows that version."""
    seen = in_force(door)
    assert publish(door, 80, person="peter").status_code == 201
    assert_problem(publish(door, 90, replaces=seen), 409, "policy_moved_on")
    assert publish(door, 90, replaces=in_force(door)).status_code == 201
    assert_problem(publish(door, 90), 409, "already_in_force")


def test_versions_are_listed_with_the_one_in_force(door: Door) -> None:
    """Newest first, page by page; with files for who publishes, without for who only reads."""
    made = [in_force(door), *(publish(door, limit).json()["version"] for limit in (80, 70))]
    first = door.get(f"{ROUTE}/versions", limit="2").json()
    assert [one["version"] for one in first["versions"]] == [made[2], made[1]]
    assert [one["in_force"] for one in first["versions"]] == [True, False]
    rest = door.get(f"{ROUTE}/versions", limit="2", after=first["next"]).json()
    assert ([one["version"] for one in rest["versions"]], rest["next"]) == ([made[0]], None)
    shown = door.get(f"{ROUTE}/versions/{made[1]}", person="audra").json()
    assert shown["files"] == files(80)
    assert_problem(door.get(f"{ROUTE}/versions/{made[1]}"), 403, "not_permitted")
    missing = door.get(f"{ROUTE}/versions/sha256:0", person="paula")
    assert_problem(missing, 404, "no_version")


def test_two_people_publish_where_two_are_needed(guarded: Door) -> None:
    """202 changes nothing; the author cannot confirm; the second person puts it in force."""
    before = in_force(guarded)
    taken = guarded.post(f"{ROUTE}/publish", {"files": files(80, TWO)}, person="paula", headers=KEY)
    assert taken.status_code == 202, taken.text
    asked = taken.json()
    assert (asked["state"], in_force(guarded)) == ("requested", before)
    path = f"{ROUTE}/publications/{asked['id']}"
    assert guarded.get(path, person="peter").json()["files"] == files(80, TWO)
    alone = guarded.post(f"{path}/confirm", {}, person="paula")
    assert_problem(alone, 403, "second_person_required")
    assert_problem(guarded.post(f"{path}/confirm", {}, person="ana"), 403, "not_permitted")
    done = guarded.post(f"{path}/confirm", {}, person="peter", headers=KEY)
    assert done.status_code == 200, done.text
    assert (done.json()["confirmed_by"], done.json()["state"]) == ("peter", "published")
    assert in_force(guarded) == asked["version"]
    again = guarded.post(f"{path}/confirm", {}, person="peter", headers=KEY)
    assert again.content == done.content
    assert_problem(guarded.post(f"{path}/confirm", {}, person="peter"), 409, "already_published")
    effects = [orjson.loads(one.body)["effect"] for one in guarded.house.entries(kind="policy")]
    assert effects == ["published", "requested", "published"]
    (listed,) = guarded.get(f"{ROUTE}/publications", person="peter").json()["publications"]
    assert (listed["requested_by"], listed["confirmed_by"]) == ("paula", "peter")


def test_what_waits_is_not_put_over_something_newer(guarded: Door) -> None:
    """Of two that were asked for against one version, the second can no longer be confirmed."""
    asked = [
        guarded.post(f"{ROUTE}/publish", {"files": files(limit, TWO)}, person="paula").json()["id"]
        for limit in (80, 70)
    ]
    first, second = (
        guarded.post(f"{ROUTE}/publications/{one}/confirm", {}, person="peter") for one in asked
    )
    assert first.status_code == 200
    assert_problem(second, 409, "policy_moved_on")


def test_an_agents_owner_is_no_second_person(guarded: Door) -> None:
    """What an AI agent asked for counts as asked for by who answers for it."""
    guarded.house.key("paula", "ai", "peter")
    taken = guarded.post(f"{ROUTE}/publish", {"files": files(80, TWO)}, person="paula")
    path = f"{ROUTE}/publications/{taken.json()['id']}/confirm"
    assert_problem(guarded.post(path, {}, person="peter"), 403, "second_person_required")
    assert_problem(guarded.post(path, {}, person="paula"), 403, "humans_only")


@pytest.mark.parametrize(
    ("call", "body"),
    [("publish", {"files": {}}), ("check", {"files": {}}), ("rollback", {"version": "sha256:0"})],
)
def test_others_may_not(door: Door, call: str, body: Any) -> None:
    """Who has not the right is told which, before anything is compiled."""
    assert_problem(door.post(f"{ROUTE}/{call}", body), 403, "not_permitted")


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ([], "wrong_type", ""),
        ({}, "missing_field", "/files"),
        ({"files": []}, "wrong_type", "/files"),
        ({"files": {"a.yaml": 1}}, "wrong_type", "/files/a.yaml"),
        ({"files": {"../a.yaml": ""}}, "not_of_a_set", "/files/..~1a.yaml"),
        ({"files": {"/etc/a.yaml": ""}}, "not_of_a_set", "/files/~1etc~1a.yaml"),
        ({"files": {"a.py": ""}}, "not_of_a_set", "/files/a.py"),
        ({"files": {}, "comment": 1}, "wrong_type", "/comment"),
        ({"files": {}, "comment": "x" * 1_001}, "text_too_long", "/comment"),
        ({"files": {}, "force": True}, "unknown_field", "/force"),
    ],
)
def test_a_wrong_body_is_refused(door: Door, body: Any, code: str, pointer: str) -> None:
    """Each fault has its place and its remedy."""
    response = door.post(f"{ROUTE}/publish", body, person="paula")
    assert assert_problem(response, 422, code)["errors"][0]["pointer"] == pointer


def test_a_publication_that_is_not_there(guarded: Door) -> None:
    """404 to look at it and to confirm it."""
    path = f"{ROUTE}/publications/pub_x"
    assert_problem(guarded.get(path, person="peter"), 404, "no_publication")
    assert_problem(guarded.post(f"{path}/confirm", {}, person="peter"), 404, "no_publication")


ODD = "facts:\n  guest.mood: {type: text, optional: true}\n"


def checked(door: Door, texts: dict[str, str], **more: Any) -> dict[str, Any]:
    response = door.post(f"{ROUTE}/check", {"files": texts, **more}, person="paula")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_a_check_remarks_what_the_command_remarks(door: Door, tmp_path: Path) -> None:
    """Each with its code, its place, a remedy and where it is explained; none keeps it back."""
    texts = files(100)
    texts["shop.yaml"] = texts["shop.yaml"].replace("facts:\n", ODD)
    folder = write_shop(tmp_path / "odd", {name: text.encode() for name, text in texts.items()})
    printed = orjson.loads(remit("policy", "check", folder, "--format", "json").stdout)
    found = checked(door, texts)
    assert (found["ok"], found["publishable"], found["problems"]) == (True, True, [])
    assert found["warnings"] == printed["problems"]
    assert found["undecided"] == printed["undecided"]
    line = texts["shop.yaml"].splitlines().index("  guest.mood: {type: text, optional: true}") + 1
    (unused,) = [it for it in found["warnings"] if it["line"] == line]
    assert (unused["file"], unused["severity"]) == ("shop.yaml", "warning")
    assert unused["code"] == "unused_fact"
    assert unused["remedy"]
    assert unused["docs"] == "docs/managing-policy.md#unused_fact"


def test_a_strict_check_is_fine_only_without_remarks(door: Door) -> None:
    """It may be put in force all the same: strictness is the author's, and not the service's."""
    found = checked(door, files(100), strict=True)
    assert (found["ok"], found["publishable"], found["warnings_more"]) == (False, True, 0)
    assert found["warnings"]


def test_errors_and_failing_tests_are_explained_too(door: Door) -> None:
    """Both have a place in the documentation, and nothing is remarked about what does not load."""
    broken = files(100)
    broken["shop.yaml"] += "nonsense: 1\n"
    found = checked(door, broken)
    assert (found["ok"], found["warnings"]) == (False, [])
    assert found["problems"][0]["docs"].startswith("docs/policy-language.md#")
    failing = checked(door, files(90, shop_test=SUITE))
    assert [it["docs"] for it in failing["problems"]] == ["docs/managing-policy.md#tests"]


@pytest.mark.parametrize("strict", ["yes", 1, None])
def test_strict_is_true_or_false(door: Door, strict: object) -> None:
    """Nothing else is taken for either."""
    body = {"files": files(100), "strict": strict}
    assert_problem(door.post(f"{ROUTE}/check", body, person="paula"), 422, "wrong_type")

"""Whoever is known and is refused over HTTP leaves a trace in the log; nobody else does."""

from typing import Any

import orjson
import pytest

from tests.api.door import Door, assert_problem
from tests.app.house import proposal


def told(door: Door) -> list[tuple[str, str, str, int]]:
    """What the log says of refused attempts, newest first: who, what, why, how often."""
    door.house.services.attempts.count()
    bodies = [orjson.loads(entry.body) for entry in door.house.entries(kind="refused")]
    return [(body["by"]["id"], body["attempted"], body["code"], body["refused"]) for body in bodies]


def test_who_lacks_a_right_is_told_to_the_log(door: Door) -> None:
    """By the operation, and never by the path, the body or the query."""
    assert_problem(door.propose(person="audra"), 403, "not_permitted")
    assert_problem(door.get("/v1/log", agent="somebody"), 403, "not_permitted")
    assert sorted(told(door)) == [
        ("ana", "log.list", "not_permitted", 1),
        ("audra", "resolutions.propose", "not_permitted", 1),
    ]


def test_who_answers_their_own_request_is_told_to_the_log(door: Door) -> None:
    """Four eyes are kept by the server, and who tried to close two of them is known."""
    opened = door.propose(person="max", amount="900.00", note="x").json()["escalation"]["id"]
    path = f"/v1/escalations/{opened}/answer"
    assert_problem(door.post(path, {"answer": "approve"}, person="max"), 403, "own_request")
    assert told(door) == [("max", "escalations.answer", "own_request", 1)]


def test_each_of_several_answers_counts(door: Door) -> None:
    """Many answers in one call are as many attempts."""
    opened = [
        door.propose(person="max", amount="900.00", note="x", guest=guest).json()["escalation"]
        for guest in ("G-1", "G-2", "G-3")
    ]
    answers = [{"id": one["id"], "answer": "approve"} for one in opened]
    response = door.post("/v1/escalations/answers", {"answers": answers}, person="max")
    assert [one["status"] for one in response.json()["answers"]] == [403, 403, 403]
    assert told(door) == [("max", "escalations.answers", "own_request", 3)]


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_revoked_key_is_its_holders_attempt(door: Door, method: str) -> None:
    """Whether the process had forgotten the key by then or finds out in the batch."""
    headers = door.headers("ana")
    assert door.propose().status_code == 201
    door.house.services.keys.revoke(door.house.key("ana").record.id, by="test")
    given: dict[str, Any] = {"json": proposal()} if method == "POST" else {}
    for _ in range(2):
        response = door.client.request(method, "/v1/resolutions", headers=headers, **given)
        assert_problem(response, 401, "unauthenticated")
    what = "resolutions.propose" if method == "POST" else "resolutions.list"
    assert told(door)[0][:3] == ("ana", what, "key_revoked")


@pytest.mark.parametrize("token", ["", "rk_nobody", "nothing"])
def test_who_is_unknown_leaves_no_trace(door: Door, token: str) -> None:
    """Nobody can write into the log without a key."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    for path in ("/v1/resolutions", "/v1/log"):
        assert door.client.get(path, headers=headers).status_code == 401
    assert_problem(
        door.client.post("/v1/resolutions", json=proposal(), headers=headers),
        401,
        "unauthenticated",
    )
    assert told(door) == []


def test_what_is_no_refusal_of_a_right_is_not_told(door: Door) -> None:
    """Typing errors and things that are not there fill no log."""
    assert door.propose(amount="x").status_code == 422
    assert door.get("/v1/resolutions/res_none").status_code == 404
    assert door.get("/v1/nowhere").status_code == 404
    assert told(door) == []


def test_a_flood_over_http_is_few_entries(door: Door) -> None:
    """Some hundred refused requests, and the log has hardly grown."""
    door.headers("audra")
    before = len(door.house.entries())
    for _ in range(300):
        assert door.propose(person="audra").status_code == 403
    numbers = [number for _, _, _, number in told(door)]
    assert len(numbers) <= 9
    assert 150 < numbers[0] <= 300
    assert len(door.house.entries()) == before + len(numbers)


def test_auditors_find_refused_attempts(door: Door) -> None:
    """By their kind, by whom, and by the code that was answered."""
    assert_problem(door.propose(person="audra"), 403, "not_permitted")
    told(door)
    for query in ({"kind": "refused"}, {"reason": "not_permitted"}, {"outcome": "refused"}):
        found = door.get("/v1/log", person="audra", **query).json()["entries"]
        assert [entry["about"] for entry in found] == ["audra"]
        assert found[0]["body"]["attempted"] == "resolutions.propose"

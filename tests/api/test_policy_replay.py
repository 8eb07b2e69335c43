"""``POST /v1/policy/replay``: what a candidate would have decided, asked for over HTTP."""

import asyncio
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.app.replayask import ENTRIES_MAX, Replays, Run
from service.app.replaytally import Tally
from service.app.replaywork import ReplayFailed, Share, Stream
from service.bootstrap import compile_files, open_services
from tests.api.door import Door, assert_problem
from tests.app.house import ACCESS, POLICY, House, shop_files, shop_settings, write_shop
from tests.cli.terminal import remit
from tests.databases import sqlite_url

__all__ = ["sqlite_url"]

ROOT = Path(__file__).parents[2]
ROUTE = "/v1/policy/replay"
AUTHORS = f"{ACCESS}p, author, policy, publish\ng, paula, author, *\n"


@pytest.fixture
def door(tmp_path: Path, sqlite_url: str) -> Iterator[Door]:
    """A shop with an author, in which four things were proposed."""
    shop = write_shop(tmp_path / "shop", shop_files(access=AUTHORS))
    with open_services(shop_settings(shop, sqlite_url)) as services:
        app = create_app(services)
        with TestClient(app, raise_server_exceptions=False) as client:
            house = House(services, tmp_path)
            for guest, amount in (("G-1", "90.00"), ("G-2", "60.00"), ("G-3", "20.00")):
                house.propose(guest=guest, amount=amount)
            house.propose("vera", guest="G-4", amount="90.00", site="annex")
            yield Door(client, house)


def files(*changes: tuple[str, str], access: str = AUTHORS) -> dict[str, str]:
    policy = POLICY
    for old, new in changes:
        assert old in policy
        policy = policy.replace(old, new)
    return {name: data.decode() for name, data in shop_files(policy, access).items()}


TIGHT = ("upgrade], up_to: 100", "upgrade], up_to: 80")


def replayed(door: Door, **more: Any) -> dict[str, Any]:
    response = door.post(ROUTE, {"files": files(TIGHT), **more}, person="paula")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_it_answers_what_the_command_prints(door: Door, tmp_path: Path) -> None:
    """The same JSON to the letter, but for on how many processes it was made."""
    candidate = write_shop(
        tmp_path / "next", {name: text.encode() for name, text in files(TIGHT).items()}
    )
    database = door.house.services.settings.database
    given = ("--database", database, "--candidate", candidate, "--format", "json")
    printed = orjson.loads(remit("policy", "replay", *given).stdout)
    answered = replayed(door)
    assert (answered.pop("how"), bool(printed.pop("how"))) == ("one process", True)
    assert answered == printed
    assert (answered["against"], answered["decisions"], answered["flipped"]) == ("the log", 4, 2)


def test_a_site_and_a_window_are_taken(door: Door) -> None:
    """Days by the set's clocks, and instants."""
    assert replayed(door, site="annex")["decisions"] == 1
    assert replayed(door, until="2001-01-01")["decisions"] == 0
    assert replayed(door, since="2001-01-01T00:00:00Z", site="main")["flipped"] == 1


def test_nothing_is_done(door: Door) -> None:
    """No entry, no budget, no policy; not even the candidate is kept."""
    door.headers("paula")  # a key is an entry, too
    before = door.house.entries()
    version = door.get("/v1/policy").json()["version"]
    replayed(door)
    assert door.house.entries() == before
    assert door.get("/v1/policy").json()["version"] == version
    assert len(door.get("/v1/policy/versions", person="paula").json()["versions"]) == 1


def test_only_who_publishes_may_ask(door: Door) -> None:
    """The rights of a publication, at every site, and a key."""
    assert_problem(door.post(ROUTE, {"files": files()}, person="max"), 403, "not_permitted")
    assert door.client.post(ROUTE, json={"files": files()}).status_code == 401


def test_a_candidate_that_does_not_load_says_where(door: Door) -> None:
    """The file, the line, and what to write instead."""
    broken = files(("up_to: 200", "up_to: 200.5"))
    problem = assert_problem(
        door.post(ROUTE, {"files": broken}, person="paula"), 422, "policy_invalid"
    )
    assert [error["pointer"] for error in problem["errors"]] == ["/files/shop.yaml"]


@pytest.mark.parametrize(
    ("more", "code", "pointer"),
    [
        ({"since": "yesterday"}, "not_a_date", "/since"),
        ({"until": "2026-02-30"}, "not_a_date", "/until"),
        ({"site": "nowhere"}, "unknown_site", "/site"),
        ({"since": 1}, "wrong_type", "/since"),
        ({"flips": 3}, "unknown_field", "/flips"),
        ({"files": files(("currency: USD", "currency: EUR"))}, "other_currency", "/files"),
    ],
)
def test_a_body_that_cannot_be_taken_says_why(
    door: Door, more: dict[str, Any], code: str, pointer: str
) -> None:
    """With a pointer to the place, and a remedy."""
    response = door.post(ROUTE, {"files": files(), **more}, person="paula")
    problem = assert_problem(response, 422, code)
    assert problem["errors"][0]["pointer"] == pointer
    assert problem["errors"][0]["remedy"]


class Waits:
    """A run that does not end before it is let."""

    def __init__(self) -> None:
        self.began, self.may_end = Event(), Event()

    def __call__(self, shares: Sequence[Share], stream: Stream) -> Tally:
        self.began.set()
        assert self.may_end.wait(30)
        return Tally()


def fails(shares: Sequence[Share], stream: Stream) -> Tally:
    raise ReplayFailed("a process of the replay was ended")


def with_run(door: Door, run: Run, told: list[Exception] | None = None) -> Door:
    """The same door, whose replays run otherwise."""
    services = door.house.services
    report = [] if told is None else told
    replays = Replays(services.store, services.library, compile_files, run, report.append)
    app = create_app(replace(services, replays=replays))
    return Door(TestClient(app, raise_server_exceptions=False), door.house)


def test_one_at_a_time(door: Door) -> None:
    """Who comes second is told when to come again, and the service decides meanwhile."""
    run = Waits()
    waiting = with_run(door, run)
    statuses: list[int] = []
    first = Thread(target=lambda: statuses.append(ask(waiting).status_code))
    first.start()
    assert run.began.wait(30)
    busy = ask(waiting)
    assert_problem(busy, 429, "replay_running")
    assert int(busy.headers["retry-after"]) > 0
    assert waiting.propose(guest="G-9").status_code == 201
    run.may_end.set()
    first.join(30)
    assert statuses == [200]
    assert ask(waiting).status_code == 200


def ask(door: Door) -> Any:
    return door.post(ROUTE, {"files": files()}, person="paula")


def test_a_replay_that_ends_before_its_time_is_told(door: Door) -> None:
    """503 for whoever asked, a report for the operator, and the next one may begin."""
    told: list[Exception] = []
    broken = with_run(door, fails, told)
    for _ in range(2):
        assert_problem(ask(broken), 503, "replay_failed")
    assert [type(failure) for failure in told] == [ReplayFailed] * 2


def test_a_killed_process_is_such_an_end(door: Door) -> None:
    """Whatever the machine does to it, somebody is answered."""
    done = Event()

    def kill() -> None:
        import multiprocessing  # noqa: PLC0415 - only here

        while not done.wait(0.01):
            for child in multiprocessing.active_children():
                if child.name == "replay" and child.pid is not None:
                    os.kill(child.pid, signal.SIGKILL)

    killer = Thread(target=kill)
    killer.start()
    try:
        assert_problem(ask(door), 503, "replay_failed")
    finally:
        done.set()
        killer.join()


def test_decisions_go_on_while_it_runs(door: Door) -> None:
    """A real one, in its own process: proposals are answered before it is."""
    app = create_app(door.house.services)
    author, clerk = door.headers("paula"), door.headers("ana")
    order: list[str] = []

    async def both() -> None:
        import httpx  # noqa: PLC0415 — only here

        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:

            async def replay() -> None:
                answer = await client.post(ROUTE, json={"files": files()}, headers=author)
                assert answer.status_code == 200
                order.append("replayed")

            running = asyncio.create_task(replay())
            await asyncio.sleep(0.05)
            for number in range(3):
                body = {
                    "site": "main",
                    "resolution": "credit",
                    "amount": "1.00",
                    "currency": "USD",
                    "facts": {"guest": {"id": f"H-{number}"}, "stay": {"id": "S"}},
                }
                answer = await client.post("/v1/resolutions", json=body, headers=clerk)
                assert answer.status_code == 201, answer.text
                order.append("decided")
            await running

    asyncio.run(both())
    assert order == ["decided"] * 3 + ["replayed"]


@pytest.mark.parametrize(
    ("since", "said"),
    [
        (None, "ask for less with since and until"),
        ("2026-06-01", "end sooner with until"),
    ],
)
def test_a_span_that_holds_too_much_is_refused(door: Door, since: str | None, said: str) -> None:
    """With the bound, what is read besides the window, and what to do instead."""
    services = door.house.services
    replays = Replays(services.store, services.library, compile_files, fails, print, entries_max=3)
    app = create_app(replace(services, replays=replays))
    narrow = Door(TestClient(app, raise_server_exceptions=False), door.house)
    body = {"files": files(), **({} if since is None else {"since": since})}
    problem = assert_problem(narrow.post(ROUTE, body, person="paula"), 422, "replay_too_long")
    assert said in problem["remedy"]
    assert "remit policy replay --candidate" in problem["remedy"]
    assert "more than 3 entries" in problem["detail"]
    assert ("from the log's beginning on" in problem["detail"]) is (since is not None)


def test_the_bound_is_the_one_that_is_documented() -> None:
    """Integrators read it in the page and in the description of the call."""
    shown = f"{ENTRIES_MAX:,} entries"
    for file in ("docs/api.md", "openapi/openapi.json"):
        assert shown in (ROOT / file).read_text(encoding="utf-8")

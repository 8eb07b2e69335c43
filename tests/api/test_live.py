"""Server-sent events: a screen that misses nothing and costs little."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.types import ASGIApp, Message

from service.api.app import create_app
from service.api.live import Stream
from service.app.deskports import Happened
from tests.api.door import Door, assert_problem
from tests.app.house import House
from tests.stored import AT, ESCALATION

SECONDS = 60
PATH = "/v1/escalations/stream"


class Client:
    """One connection to the stream, as a server would hold it."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.text = ""
        self.is_over = False
        self.is_stuck = False
        self._gone = asyncio.Event()
        self._changed = asyncio.Condition()

    async def receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self.is_stuck:
            await asyncio.Event().wait()
        async with self._changed:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            else:
                self.text += message["body"].decode()
                self.is_over = not message.get("more_body", False)
            self._changed.notify_all()

    def leave(self) -> None:
        self._gone.set()

    async def wait(self, is_there: Callable[["Client"], bool]) -> None:
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(lambda: is_there(self)), SECONDS)

    def events(self) -> list[tuple[str, str, Any]]:
        """What was dispatched: the event's name, its id, its data.

        Cut as the standard says: an empty line ends a block, and one without data is none.
        """
        found = []
        for block in self.text.split("\n\n"):
            lines = [line.partition(": ") for line in block.splitlines() if line[:1] != ":"]
            fields = {name: value for name, _, value in lines}
            if "data" in fields:
                found.append((fields["event"], fields["id"], json.loads(fields["data"])))
        return found

    def last_id(self) -> str:
        """What a browser would come back with."""
        ids = [line[4:] for line in self.text.splitlines() if line.startswith("id: ")]
        return ids[-1]


@asynccontextmanager
async def connected(app: ASGIApp, **headers: str) -> AsyncIterator[Client]:
    """A client, and the task that serves it; both end with the block."""
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": PATH, "query_string": b"", "headers": raw}
    client = Client()
    serving = asyncio.ensure_future(app(scope, client.receive, client.send))
    try:
        yield client
    finally:
        client.leave()
        await asyncio.wait_for(serving, SECONDS)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, SECONDS))


async def escalated(house: House) -> str:
    made = await asyncio.to_thread(house.propose, amount="300.00", note="a leak")
    return str(made["escalation"]["id"])


def ids(client: Client) -> list[str]:
    return [data["escalation"]["id"] for name, _, data in client.events() if name == "escalation"]


def test_a_screen_is_told_what_happens(door: Door) -> None:
    """First that it is ready, then each thing with its position in the log."""
    headers = door.headers("max")

    async def test() -> None:
        async with connected(create_app(door.house.services), **headers) as client:
            await client.wait(lambda it: bool(it.events()))
            assert client.status == 200
            assert client.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert client.headers["x-request-id"]
            id_ = await escalated(door.house)
            await client.wait(lambda it: ids(it) == [id_])
        ready, event = client.events()
        assert ready[0] == "ready"
        assert int(event[1]) > int(ready[1])
        assert event[2]["kind"] == "decision"
        assert event[2]["escalation"]["state"] == "open"

    run(test())


def test_who_comes_back_misses_nothing(door: Door) -> None:
    """With the last id that came, to whichever process."""
    headers = door.headers("max")

    async def test() -> None:
        app = create_app(door.house.services)
        async with connected(app, **headers) as first:
            await first.wait(lambda it: bool(it.events()))
        id_ = await escalated(door.house)
        async with connected(app, **headers, **{"Last-Event-ID": first.last_id()}) as second:
            await second.wait(lambda it: ids(it) == [id_])

    run(test())


def test_a_revoked_key_ends_it(door: Door) -> None:
    """Within a moment, and the end is a clean one."""
    headers = door.headers("max")

    async def test() -> None:
        async with connected(create_app(door.house.services), **headers) as client:
            await client.wait(lambda it: bool(it.events()))
            key = door.house.key("max").record.id
            await asyncio.to_thread(door.house.services.keys.revoke, key, by="test")
            await client.wait(lambda it: it.is_over)

    run(test())


def test_a_process_that_stops_ends_it(door: Door) -> None:
    """So that stopping waits for nobody's screen."""
    headers = door.headers("max")

    async def test() -> None:
        async with connected(create_app(door.house.services), **headers) as client:
            await client.wait(lambda it: bool(it.events()))
            door.house.services.approvals.feed.stop_soon()
            await client.wait(lambda it: it.is_over)

    run(test())


@pytest.mark.parametrize("given", ["-1", "x", "1.5", "9" * 17])
def test_an_id_that_was_never_given_is_refused(door: Door, given: str) -> None:
    """Nothing is guessed from it."""
    headers = {**door.headers("max"), "Last-Event-ID": given}
    assert_problem(door.client.get(PATH, headers=headers), 400, "invalid_parameter")


def test_nobody_watches_without_a_key(door: Door) -> None:
    """The stream is as closed as the inbox."""
    assert_problem(door.client.get(PATH), 401, "unauthenticated")


class Quiet:
    """A feed that says only what a test makes it say."""

    def __init__(self) -> None:
        self.watchers: list[Any] = []

    def join(self, watcher: Any, position: int | None = None) -> None:
        self.watchers.append(watcher)

    def leave(self, watcher: Any) -> None:
        self.watchers.remove(watcher)


def stream(feed: Quiet, house: House, **bounds: Any) -> Stream:
    feed_: Any = feed
    return Stream(feed_, house.principal("max"), None, **bounds)


def happened(index: int) -> Happened:
    return Happened(index, "answer", AT, ESCALATION)


def test_a_quiet_stream_shows_that_it_lives(door: Door) -> None:
    """With a comment and the position reached, which is no event."""

    async def test() -> None:
        feed = Quiet()
        async with connected(stream(feed, door.house, heartbeat_seconds=0.01)) as client:
            await client.wait(lambda it: it.text.count(": \n") >= 2)
            assert client.events() == []
            feed.watchers[0].tell(7, [])
            await client.wait(lambda it: it.text.count("id: 7\n\n") >= 3)
            assert [name for name, _, _ in client.events()] == ["ready"]
            feed.watchers[0].start_anew(9)
            await client.wait(lambda it: len(it.events()) == 2)
            assert client.events()[1][:2] == ("reload", "9")
        assert feed.watchers == []

    run(test())


def test_a_slow_client_is_dropped(door: Door) -> None:
    """What waits for it is bounded in number and in time, and then it is gone."""

    async def test() -> None:
        feed = Quiet()
        async with connected(stream(feed, door.house, queued_max=3, send_seconds=30)) as client:
            await client.wait(lambda it: it.status is not None)
            for index in range(9):
                feed.watchers[0].tell(index + 1, [happened(index)])
            await client.wait(lambda it: it.is_over)
        assert feed.watchers == []
        async with connected(stream(feed, door.house, send_seconds=0.05)) as client:
            await client.wait(lambda it: it.status is not None)
            client.is_stuck = True
            feed.watchers[0].tell(1, [happened(0)])
            for _ in range(600):
                if not feed.watchers:
                    break
                await asyncio.sleep(0.05)
            assert feed.watchers == []

    run(test())

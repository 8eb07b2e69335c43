"""Server-sent events: what happens to escalations, as it happens.

https://html.spec.whatwg.org/multipage/server-sent-events.html; the id of an event is the
position in the log after it, so a client that comes back with ``Last-Event-ID`` misses
nothing, whichever replica it comes back to.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import orjson
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from service.app.deskports import Happened
from service.app.feed import Feed
from service.app.find import escalation_summary
from service.app.principal import Principal
from service.core.factvalue import rfc3339

HEARTBEAT_SECONDS: Final = 15
SEND_SECONDS: Final = 20
"""How long one message may take to leave; whoever takes longer is gone."""

QUEUED_MAX: Final = 256
"""How many looks may wait for a client; with more it is dropped, and comes back later."""

_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class Stream(Response):
    """One client's screen: a response without an end, and the watcher that the feed tells."""

    def __init__(
        self,
        feed: Feed,
        principal: Principal,
        after: int | None,
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        send_seconds: float = SEND_SECONDS,
        queued_max: int = QUEUED_MAX,
    ) -> None:
        """Begin to watch. Raises `Unavailable` where too many do."""
        super().__init__()
        self._feed = feed
        self._principal = principal
        self._heartbeat_seconds = heartbeat_seconds
        self._send_seconds = send_seconds
        self._queued_max = queued_max
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._ended = asyncio.Event()
        self._position = after
        self._is_greeted = False
        feed.join(self, after)

    # ── What the feed calls, from its thread ──

    @property
    def principal(self) -> Principal:
        """See `feed.Watcher`."""
        return self._principal

    def tell(self, position: int, happened: Sequence[Happened]) -> None:
        """See `feed.Watcher`."""
        self._post(position, b"".join(_event(one) for one in happened))

    def start_anew(self, position: int) -> None:
        """See `feed.Watcher`."""
        self._post(position, f"event: reload\nid: {position}\ndata: {{}}\n\n".encode())

    def end(self) -> None:
        """See `feed.Watcher`."""
        self._call(self._ended.set)

    def _post(self, position: int, events: bytes) -> None:
        self._call(self._take, position, events)

    def _call(self, function: Any, *arguments: Any) -> None:  # noqa: ANN401 — as asyncio's
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)

    # ── On the event loop ──

    def _take(self, position: int, events: bytes) -> None:
        self._position = position
        if not self._is_greeted:
            self._is_greeted = True
            events = b"event: ready\n" + _at(position) + b"data: {}\n\n" + events
        if events:
            self._queue.put_nowait(events + _at(position) + b"\n")
        if self._queue.qsize() > self._queued_max:
            self._ended.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client goes, is too slow, or has no right to it any more."""
        del scope
        gone = asyncio.ensure_future(_gone(receive))
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            while (events := await self._following(gone, ended)) is not None:
                message = {"type": "http.response.body", "body": events, "more_body": True}
                await self._sent(send, message)
            if not gone.done():
                await self._sent(send, {"type": "http.response.body", "body": b""})
        except TimeoutError:
            return  # the connection is of no use: leaving it unfinished closes it
        finally:
            self._feed.leave(self)
            gone.cancel()
            ended.cancel()

    async def _sent(self, send: Send, message: Message) -> None:
        await asyncio.wait_for(send(message), self._send_seconds)

    async def _following(
        self, gone: "asyncio.Future[None]", ended: "asyncio.Future[Any]"
    ) -> bytes | None:
        """What to send next; a sign of life where nothing happens; ``None`` at the end."""
        following = asyncio.ensure_future(self._queue.get())
        done, _ = await asyncio.wait(
            {gone, ended, following},
            timeout=self._heartbeat_seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not following.done():
            following.cancel()
        if gone in done or ended in done:
            return None
        if following in done:
            return following.result()
        return b": \n\n" if self._position is None else b": \n" + _at(self._position) + b"\n"


async def _gone(receive: Receive) -> None:
    """The client went away."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _at(position: int) -> bytes:
    return f"id: {position}\n".encode()


def _event(one: Happened) -> bytes:
    """One event. It names no person who is served, as the inbox does not."""
    data = {
        "kind": one.kind,
        "at": rfc3339(one.at),
        "escalation": escalation_summary(one.escalation),
    }
    return (
        b"event: escalation\n" + _at(one.leaf_index + 1) + b"data: " + orjson.dumps(data) + b"\n\n"
    )

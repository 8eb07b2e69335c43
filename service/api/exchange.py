"""One exchange of request and response: its id, its line in the log, its last safety net."""

import asyncio
import re
from typing import Final

import structlog
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from service.api.body import Disconnected, header
from service.api.problems import INTERNAL, problem
from service.app.metrics import ELSEWHERE, UNMEASURED, Exchanged, Metrics
from service.app.ports import Clock, Ids

REQUEST_ID: Final = "remit.request_id"
"""The key of the request's id in its scope."""

ROUTE: Final = "remit.route"
"""The key of the pattern that took a request, where the framework did not choose it."""

_SANE = re.compile(rb"[A-Za-z0-9._~:+/=-]{1,128}")
_FAILED: Final = 400
_log: FilteringBoundLogger = structlog.get_logger("remit.http")


def request_id_of(scope: Scope) -> str:
    """The id that the exchange gave to its request."""
    found: str = scope[REQUEST_ID]
    return found


class Exchange:
    """ASGI around the application. Everything that leaves has an ``X-Request-Id``.

    What fails within is answered as a problem that tells nothing, and logged. A refused
    or failed request is a line at level info, any other one at level debug: a decision
    is in the decision log, which is not the operator's.
    """

    def __init__(self, app: ASGIApp, ids: Ids, clock: Clock, metrics: Metrics = UNMEASURED) -> None:
        """Keep what is inside."""
        self._app = app
        self._ids = ids
        self._clock = clock
        self._metrics = metrics
        self._log = _log.bind()  # once: what is not told must cost nothing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[REQUEST_ID] = request_id = self._request_id(scope)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        sending = _Sending(scope, send, request_id, self._log)
        try:
            await sending.run(self._app, receive)
        finally:
            self._metrics.exchanged(sending.exchanged())

    def _request_id(self, scope: Scope) -> str:
        given = header(scope, b"x-request-id")
        if given is not None and _SANE.fullmatch(given):
            return given.decode("ascii")
        return self._ids.new("req", self._clock.now())


class _Sending:
    """The way out of one request."""

    __slots__ = (
        "_answered_at",
        "_id",
        "_inner",
        "_is_head",
        "_log",
        "_loop",
        "_scope",
        "_send",
        "_started_at",
        "_status",
    )

    def __init__(
        self, scope: Scope, send: Send, request_id: str, log: FilteringBoundLogger
    ) -> None:
        self._scope = scope
        self._send = send
        self._id = request_id.encode()
        self._log = log
        self._status = 0
        self._is_head = scope["method"] == "HEAD"
        self._inner = {**scope, "method": "GET"} if self._is_head else scope
        self._loop = asyncio.get_running_loop()
        self._started_at = self._answered_at = self._loop.time()

    def exchanged(self) -> Exchanged:
        """What came of it, by the route that took it."""
        route = self._inner.get(ROUTE) or _pattern(self._inner.get("route"))
        seconds = self._answered_at - self._started_at
        return Exchanged(route, self._scope["method"], self._status, seconds)

    async def run(self, app: ASGIApp, receive: Receive) -> None:
        scope = self._inner
        try:
            await app(scope, receive, self)
        except Disconnected:
            return
        except Exception:  # noqa: BLE001 — nothing of it may reach the caller, or end the server
            self._log.error("failed", path=scope["path"], exc_info=True)
            if not self._status:
                await problem(INTERNAL, self._id.decode())(scope, receive, self)
        self._tell()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._answered_at = self._loop.time()
            message["headers"] = [*message["headers"], (b"x-request-id", self._id)]
        elif self._is_head:
            message = {**message, "body": b""}
        await self._send(message)

    def _tell(self) -> None:
        """One line: no query string and no body, which may name people."""
        tell = self._log.info if self._status >= _FAILED else self._log.debug
        seconds = self._loop.time() - self._started_at
        tell(
            "request",
            method=self._scope["method"],
            path=self._scope["path"],
            status=self._status,
            milliseconds=round(seconds * 1000, 1),
        )


def _pattern(route: object) -> str:
    """The path of a route as it is declared: never what somebody asked for."""
    return route.path if isinstance(route, APIRoute) else ELSEWHERE

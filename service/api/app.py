"""The application: every route, every handler, and nothing that decides."""

from typing import Final

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from service import __version__
from service.api.auth import CALLER, Callers
from service.api.commands import Line
from service.api.document import described
from service.api.exchange import ROUTE, Exchange, request_id_of
from service.api.problems import INTERNAL, Unreadable, problem
from service.api.routes import (
    allowance,
    budgets,
    delegations,
    desk,
    erasures,
    escalations,
    health,
    holds,
    log,
    notices,
    policy,
    resolutions,
    transparency,
    trials,
)
from service.app.attempts import Attempts
from service.app.errors import NotFound, ServiceError
from service.core.refusal import Refused
from service.services import Services

DESCRIPTION: Final = (
    "May I do this for this person, now? Propose a resolution; it is decided under the least "
    "authority that suffices, charged, logged, and handed upwards only if it must be."
)

_ROUTERS: Final = (
    resolutions.router,
    holds.router,
    allowance.router,
    budgets.router,
    delegations.router,
    desk.router,
    erasures.router,
    escalations.router,
    policy.router,
    trials.router,
    transparency.router,  # before the log, whose entries have any name
    log.router,
    notices.router,
    health.router,
)
_METHODS: Final = ("GET", "POST")


def create_app(services: Services) -> ASGIApp:
    """The whole HTTP door over running services. Starts and stops nothing."""
    app = routed()
    callers = Callers(services.keys, services.clock, services.tokens)
    line = Line(services.committer)
    app.state.services = services
    app.state.callers = callers
    app.state.line = line
    proposing = resolutions.Proposing(services, callers, line)
    inside = _Shortcut(proposing, app, services.attempts)
    return Exchange(inside, services.ids, services.clock, services.metrics)


def routed() -> FastAPI:
    """The routes and their documentation, over nothing yet."""
    app = FastAPI(
        title="Remit",
        version=__version__,
        summary="Limits, budgets and approvals for people who serve customers.",
        description=DESCRIPTION,
        docs_url=None,  # it would load its scripts from somebody else's host
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # a redirect would repeat the Host header, which nobody vouches for
    )
    for router in _ROUTERS:
        app.include_router(router)
    app.router.routes.append(Route("/openapi.json", _Document(app), methods=["GET"]))
    app.router.routes.append(Route("/{path:path}", _Elsewhere(app.router.routes)))
    app.add_exception_handler(ServiceError, _on_refusal)
    app.add_exception_handler(Refused, _on_refusal)
    app.add_exception_handler(HTTPException, _on_http)
    return app


class _Shortcut:
    """Lets proposals pass by the framework, which takes longer to route than they to decide."""

    def __init__(self, proposing: ASGIApp, others: ASGIApp, attempts: Attempts) -> None:
        self._proposing = proposing
        self._others = others
        self._attempts = attempts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] != "http"
            or scope["path"] != resolutions.ROUTE
            or scope["method"] != "POST"
        ):
            await self._others(scope, receive, send)
            return
        scope[ROUTE] = resolutions.ROUTE
        try:
            await self._proposing(scope, receive, send)
        except (ServiceError, Refused) as failure:
            self._attempts.tell(scope.get(CALLER), resolutions.PROPOSE, failure)
            await problem(failure, request_id_of(scope))(scope, receive, send)


class _Document:
    """The OpenAPI document, rendered when it is first asked for."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._document = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[ROUTE] = "/openapi.json"
        self._document = self._document or described(self._app)
        await Response(self._document, media_type="application/json")(scope, receive, send)


class _Elsewhere:
    """Paths and methods that no route takes, and ``OPTIONS`` of those that one does."""

    def __init__(self, routes: list[BaseRoute]) -> None:
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        allowed = self._allowed(scope)
        if not allowed:
            raise NotFound("not_found", "there is nothing here", "see GET /openapi.json")
        headers = {"Allow": ", ".join(allowed)}
        if scope["method"] == "OPTIONS":
            response = Response(status_code=204, headers=headers)
        else:
            failure = Unreadable(
                "method_not_allowed",
                f"{scope['method'][:20]} does not work here",
                f"use one of: {headers['Allow']}",
            )
            response = problem(failure, request_id_of(scope))
            response.headers["Allow"] = headers["Allow"]
        await response(scope, receive, send)

    def _allowed(self, scope: Scope) -> list[str]:
        found = [method for method in _METHODS if self._takes({**scope, "method": method})]
        if "GET" in found:
            found.append("HEAD")
        return [*found, "OPTIONS"] if found else []

    def _takes(self, scope: Scope) -> bool:
        known = (route for route in self._routes if not _is_elsewhere(route))
        return any(route.matches(scope)[0] is Match.FULL for route in known)


def _is_elsewhere(route: BaseRoute) -> bool:
    return isinstance(route, Route) and isinstance(route.endpoint, _Elsewhere)


async def _on_refusal(request: Request, failure: Exception) -> Response:
    if not isinstance(failure, ServiceError | Refused):
        failure = INTERNAL
    services: Services = request.app.state.services
    services.attempts.tell(request.scope.get(CALLER), _attempted(request.scope), failure)
    return problem(failure, request_id_of(request.scope))


def _attempted(scope: Scope) -> str:
    """The operation id of the route that took a request: never its path, which may name things."""
    route = scope.get("route")
    found = route.operation_id if isinstance(route, APIRoute) else None
    return found or "unknown"


async def _on_http(request: Request, failure: Exception) -> Response:
    """What the framework refuses by itself, which the routes leave it no reason to."""
    status = failure.status_code if isinstance(failure, HTTPException) else 500
    if status == 404:  # noqa: PLR2004 — HTTP
        missing = NotFound("not_found", "there is nothing here", "see GET /openapi.json")
        return problem(missing, request_id_of(request.scope))
    return problem(INTERNAL, request_id_of(request.scope))

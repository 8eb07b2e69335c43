"""Resolutions: propose one, ask what it would get, find what was decided."""

from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.api import documentation as documented
from service.api import models
from service.api.answers import Caller, json_bytes, named, send_answer, services_of
from service.api.auth import CALLER, Callers
from service.api.body import PROPOSAL_BYTES_MAX, read_json
from service.api.commands import Line, idempotency_key
from service.api.parameters import RESOLUTIONS, filtered, waits
from service.api.publication import published_header
from service.app.errors import Forbidden, Unauthenticated
from service.app.idempotency import Claim, claim_of
from service.app.principal import Principal
from service.app.propose import Propose, read_request
from service.core.refusal import Refused
from service.core.request import Request as Proposal
from service.services import Services

ROUTE: Final = "/v1/resolutions"
PROPOSE: Final = "resolutions.propose"

router = APIRouter(tags=["resolutions"])


class Proposing:
    """ASGI for ``POST /v1/resolutions``, the one call that must be quick.

    Reads, checks and renders as every other endpoint does; it only spares the framework's
    way to a function.
    """

    def __init__(self, services: Services, callers: Callers, line: Line) -> None:
        """Keep what a proposal passes through."""
        self._services = services
        self._callers = callers
        self._line = line

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one proposal. Raises what it was refused with."""
        scope[CALLER] = principal = await self._callers.remembered(scope)
        query: bytes = scope["query_string"]
        is_to_wait = bool(query) and waits(query)
        body = await read_json(scope, receive, bytes_max=PROPOSAL_BYTES_MAX)
        command = await self._command(principal, body, idempotency_key(scope))
        try:
            answer = await self._line.send(command)
        except Unauthenticated:
            self._callers.forget(scope)
            raise
        if answer.unnamed is not None:
            answer = await named(self._services, answer)
        if is_to_wait:
            await send_answer(answer, send, await published_header(self._services, answer.body))
        else:
            await send_answer(answer, send)

    async def _command(self, principal: Principal, body: Any, key: str | None) -> Propose:  # noqa: ANN401 — JSON
        if key is None:
            request, version = await self._read(principal, body)
            return Propose(principal=principal, body=body, request=request, version=version)
        claim = self._claim(principal, body, key)
        return Propose(principal=principal, body=body, claim=claim)

    def _claim(self, principal: Principal, body: Any, key: str) -> Claim:  # noqa: ANN401 — JSON
        return claim_of(self._services.vault, person=principal.id, route=ROUTE, key=key, body=body)

    async def _read(self, principal: Principal, body: Any) -> tuple[Proposal, str]:  # noqa: ANN401 — JSON
        """The request under the policy that was in force a moment ago.

        What that one refuses is asked again of whatever decides it now.
        """
        library = self._services.library
        latest = library.latest
        if latest is not None:
            try:
                return read_request(latest, principal, body), latest.rulebook.version
            except (Refused, Forbidden):
                pass
        deciding = self._services.asking.deciding
        snapshot = await run_in_threadpool(deciding, principal, body)
        return read_request(snapshot, principal, body), snapshot.rulebook.version


@router.post(
    ROUTE,
    operation_id=PROPOSE,
    status_code=201,
    summary="Propose a resolution: decide, charge, log",
    openapi_extra=documented.waiting(documented.body("Proposal", idempotent=True)),
    responses=documented.publishes(documented.commands(201, models.Decision, 429)),
)
async def propose() -> Response:
    """All four outcomes are 201: the decision was made, and is in the log.

    With an `Idempotency-Key` the same request has one effect, whatever happens on the
    way: the stored answer comes again, byte for byte, with `Idempotent-Replayed: true`.
    With `wait=published` the answer comes once a checkpoint covers its entry, or after ten
    seconds; `Log-Published` says which.
    """
    raise AssertionError("Proposing answers before the framework is asked")


@router.post(
    "/v1/resolutions/check",
    operation_id="resolutions.check",
    summary="The same answer with no effect",
    openapi_extra=documented.body("Proposal"),
    responses=documented.asks(models.Decision),
)
async def check(request: Request, principal: Caller) -> Response:
    """What proposing this would get at this moment. Nothing is charged, nothing is logged."""
    body = await read_json(request.scope, request.receive, bytes_max=PROPOSAL_BYTES_MAX)
    asking = services_of(request).asking
    return json_bytes(await run_in_threadpool(asking.check, principal, body))


@router.get(
    "/v1/resolutions",
    operation_id="resolutions.list",
    summary="What was decided, newest first",
    openapi_extra=documented.query("resolutions", RESOLUTIONS),
    responses=documented.reads(models.ResolutionPage),
)
def list_resolutions(request: Request, principal: Caller) -> Response:
    """Decisions of the sites that the caller may see."""
    wanted, page = filtered(request.query_params, "resolutions", RESOLUTIONS)
    return json_bytes(services_of(request).finder.list_resolutions(principal, wanted, page))


@router.get(
    "/v1/resolutions/{id}",
    operation_id="resolutions.get",
    summary="One resolution with its proposal and its history",
    responses=documented.reads(models.Case),
)
def get_resolution(request: Request, principal: Caller, id: str) -> Response:  # noqa: A002
    """The decision as it stands now, what was proposed, and every step since."""
    return json_bytes(services_of(request).finder.get_resolution(principal, id))

"""What follows an approval: settle or release what is held, reverse what was settled."""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api import documentation as documented
from service.api import models
from service.api.answers import Caller, answered, claim_for, line_of, named, services_of
from service.api.body import read_json
from service.app.finish import Finish
from service.app.principal import Principal
from service.core.hold import Move

router = APIRouter(tags=["resolutions"])


@router.post(
    "/v1/resolutions/{id}/settle",
    operation_id="resolutions.settle",
    summary="Settle what is held: all of it, or less",
    openapi_extra=documented.body("Settlement", idempotent=True),
    responses=documented.commands(200, models.Decision),
)
async def settle(request: Request, principal: Caller, id: str) -> Response:  # noqa: A002
    """What is not settled returns to the budgets. A hold whose time was up is a conflict.

    For who proposed it, and for who answers escalations at the site.
    """
    return await _finish(request, principal, id, Move.SETTLE)


@router.post(
    "/v1/resolutions/{id}/release",
    operation_id="resolutions.release",
    summary="Give back what is held",
    openapi_extra=documented.body("Release", idempotent=True),
    responses=documented.commands(200, models.Decision),
)
async def release(request: Request, principal: Caller, id: str) -> Response:  # noqa: A002
    """All of it returns to the budgets. For whoever may settle it."""
    return await _finish(request, principal, id, Move.RELEASE)


@router.post(
    "/v1/resolutions/{id}/reverse",
    operation_id="resolutions.reverse",
    summary="Correct what was settled: the money returns",
    openapi_extra=documented.body("Reversal", idempotent=True),
    responses=documented.commands(200, models.Decision),
)
async def reverse(request: Request, principal: Caller, id: str) -> Response:  # noqa: A002
    """The money returns to the windows it came from, and a new entry says why.

    For people who may approve it, and never for who proposed it.
    """
    return await _finish(request, principal, id, Move.REVERSE)


async def _finish(request: Request, principal: Principal, id: str, move: Move) -> Response:  # noqa: A002
    services = services_of(request)
    body = await read_json(request.scope, request.receive)
    claim = claim_for(request, principal, f"/v1/resolutions/{id}/{move.value}", body)
    resolution = await run_in_threadpool(services.finder.find_resolution, principal, id)
    given = await line_of(request).send(
        Finish(principal=principal, resolution=resolution, move=move, body=body, claim=claim)
    )
    return answered(await named(services, given))

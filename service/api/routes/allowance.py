"""The allowance: what somebody may do for a person at this moment."""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api import documentation as documented
from service.api import models
from service.api.answers import Caller, json_bytes, services_of
from service.api.body import PROPOSAL_BYTES_MAX, read_json

router = APIRouter(tags=["allowance"])


@router.post(
    "/v1/allowance",
    operation_id="allowance.ask",
    summary="What the caller may do for somebody, resolution by resolution",
    openapi_extra=documented.body("Circumstances"),
    responses=documented.asks(models.Allowance),
)
async def ask(request: Request, principal: Caller) -> Response:
    """The most that passes unasked, what it needs, and who is next. Has no effect."""
    body = await read_json(request.scope, request.receive, bytes_max=PROPOSAL_BYTES_MAX)
    return json_bytes(
        await run_in_threadpool(services_of(request).asking.allowance, principal, body)
    )

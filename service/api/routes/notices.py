"""Notices: what left the house, what waits to, and what was given up."""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from service.api import documentation as documented
from service.api import noticemodels as models
from service.api.answers import Caller, services_of
from service.api.body import read_json
from service.api.parameters import NOTICES, filtered
from service.core.settlement import read_release

router = APIRouter(tags=["notices"])


@router.get(
    "/v1/notices",
    operation_id="notices.list",
    summary="What receivers were told, are still to be told, and could not be told",
    openapi_extra=documented.query("notices", NOTICES),
    responses=documented.reads(models.NoticePage),
)
def list_notices(request: Request, principal: Caller) -> Response:
    """Notices of the sites that the caller may see. `state=dead` are those that were given up."""
    wanted, page = filtered(request.query_params, "notices", NOTICES)
    return JSONResponse(services_of(request).outbox.page(principal, wanted, page))


@router.post(
    "/v1/notices/{id}/redeliver",
    operation_id="notices.redeliver",
    summary="Send a notice again that was given up, or that its receiver lost",
    openapi_extra=documented.body("Release"),
    responses=documented.acts(models.Notice),
)
async def redeliver(request: Request, principal: Caller, id: str) -> Response:  # noqa: A002
    """Puts it at the end of its receiver's line, with all its attempts before it."""
    read_release(await read_json(request.scope, request.receive))
    found = await run_in_threadpool(services_of(request).outbox.redeliver, principal, id)
    return JSONResponse(found)

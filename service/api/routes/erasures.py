"""Erasures: one person asks, a second one confirms."""

from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api import documentation as documented
from service.api import erasuremodels as models
from service.api.answers import Caller, answered, claim_for, json_bytes, line_of, services_of
from service.api.body import read_json
from service.api.parameters import paged
from service.app.erase import ConfirmErasure, RequestErasure
from service.core.factvalue import FactError, check_text
from service.core.refusal import Fault, Refused
from service.core.settlement import read_release

ROUTE: Final = "/v1/erasures"
FIELDS: Final = ("subject", "waive")
_EXAMPLE: Final = 'send an object like {"subject": "G-1029"}'

router = APIRouter(tags=["erasures"])


@router.get(
    ROUTE,
    operation_id="erasures.list",
    summary="Erasures, newest first",
    openapi_extra=documented.query("erasures", ()),
    responses=documented.reads(models.ErasurePage),
)
def list_erasures(request: Request, principal: Caller) -> Response:
    """Who asked and who confirmed; whom it was about is nowhere."""
    return json_bytes(services_of(request).erasures.list(principal, paged(request.query_params)))


@router.post(
    ROUTE,
    operation_id="erasures.request",
    status_code=202,
    summary="Ask that a person be erased; a second person confirms it",
    openapi_extra=documented.body("ErasureRequest", idempotent=True),
    responses=documented.commands(202, models.ErasureTaken),
)
async def ask(request: Request, principal: Caller) -> Response:
    """Destroys nothing yet."""
    services = services_of(request)
    body = await read_json(request.scope, request.receive)
    person, waived = read_request(body)
    claim = claim_for(request, principal, ROUTE, body)
    subject = await run_in_threadpool(services.erasures.find_subject, principal, person)
    command = RequestErasure(principal=principal, subject=subject, waived=waived, claim=claim)
    return answered(await line_of(request).send(command))


@router.post(
    ROUTE + "/{id}/confirm",
    operation_id="erasures.confirm",
    summary="Confirm an erasure that somebody else asked for: now it happens",
    openapi_extra=documented.body("ErasureConfirmation", idempotent=True),
    responses=documented.commands(200, models.ErasureTaken),
)
async def confirm(request: Request, principal: Caller, id: str) -> Response:  # noqa: A002
    """Destroys the person's key, openings and stored answers; every entry and proof stays.

    Open escalations of theirs are withdrawn within a second, holds run their course.
    """
    services = services_of(request)
    body = await read_json(request.scope, request.receive)
    read_release(body)
    claim = claim_for(request, principal, f"{ROUTE}/{id}/confirm", body)
    erasure, names = await run_in_threadpool(services.erasures.find, principal, id)
    command = ConfirmErasure(principal=principal, erasure=erasure, names=names, claim=claim)
    reply = await line_of(request).send(command)
    await run_in_threadpool(services.erasures.finish)
    return answered(reply)


def read_request(body: Any) -> tuple[str, bool]:  # noqa: ANN401 — JSON
    """Who is to be erased, and whether caps may begin anew. Raises `Refused`."""
    if not isinstance(body, dict):
        raise Refused((_fault("wrong_type", "", "a JSON object is expected here"),))
    faults = [
        _fault("unknown_field", f"/{name[:100]}", "this field is not known")
        for name in body
        if name not in FIELDS
    ]
    waive = body.get("waive", False)
    if not isinstance(waive, bool):
        faults.append(_fault("wrong_type", "/waive", "true or false is expected here"))
    person = ""
    try:
        person = check_text(body["subject"])
    except KeyError:
        faults.append(_fault("missing_field", "/subject", '"subject" is missing'))
    except FactError as error:
        faults.append(_fault(error.code, "/subject", error.message))
    if faults:
        raise Refused(tuple(faults))
    return person, waive


def _fault(code: str, pointer: str, message: str) -> Fault:
    return Fault(code=code, pointer=pointer, message=message, remedy=_EXAMPLE)

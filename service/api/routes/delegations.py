"""Delegations: who answers for whom."""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api import delegationmodels as models
from service.api import documentation as documented
from service.api.answers import Caller, answered, claim_for, json_bytes, line_of, services_of
from service.api.body import read_json
from service.api.parameters import DELEGATIONS, sought
from service.app.delegate import Delegate, Revoke
from service.core.settlement import read_release

ROUTE = "/v1/delegations"

router = APIRouter(tags=["escalations"])


@router.get(
    ROUTE,
    operation_id="delegations.list",
    summary="Who answers for whom, newest first",
    openapi_extra=documented.query("delegations", DELEGATIONS),
    responses=documented.reads(models.DelegationPage),
)
def list_delegations(request: Request, principal: Caller) -> Response:
    """What the caller gave and received; of others, what the caller manages."""
    wanted, page = sought(request.query_params)
    return json_bytes(services_of(request).approvals.delegations.list(principal, wanted, page))


@router.post(
    ROUTE,
    operation_id="delegations.create",
    status_code=201,
    summary="Let somebody answer for you, or for a colleague",
    openapi_extra=documented.body("Appointment", idempotent=True),
    responses=documented.commands(201, models.DelegationTaken),
)
async def create(request: Request, principal: Caller) -> Response:
    """Holds from its beginning, and no more at its end; asked at the instant of each answer.

    Circles and chains of more than three are refused.
    """
    body = await read_json(request.scope, request.receive)
    claim = claim_for(request, principal, ROUTE, body)
    return answered(
        await line_of(request).send(Delegate(principal=principal, body=body, claim=claim))
    )


@router.post(
    "/v1/delegations/{id}/revoke",
    operation_id="delegations.revoke",
    summary="End a delegation before its time",
    openapi_extra=documented.body("Revocation", idempotent=True),
    responses=documented.commands(200, models.DelegationTaken),
)
async def revoke(request: Request, principal: Caller, id: str) -> Response:  # noqa: A002
    """For either of the two, and for who manages delegations there."""
    services = services_of(request)
    body = await read_json(request.scope, request.receive)
    read_release(body)
    claim = claim_for(request, principal, f"{ROUTE}/{id}/revoke", body)
    found = await run_in_threadpool(services.approvals.delegations.find, principal, id)
    return answered(
        await line_of(request).send(Revoke(principal=principal, delegation=found, claim=claim))
    )

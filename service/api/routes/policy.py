"""The policy in force, for whoever has to work under it."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api import documentation as documented
from service.api import models
from service.api.answers import Caller, json_bytes, services_of

router = APIRouter(tags=["policy"])


@router.get(
    "/v1/policy",
    operation_id="policy.get",
    summary="What may be proposed, where, and with which facts",
    responses=documented.reads(models.PolicyInForce),
)
def get_policy(request: Request, principal: Caller) -> Response:
    """The names that a proposal may use. Limits are told case by case: ask the allowance."""
    return json_bytes(services_of(request).policy.in_force(principal))

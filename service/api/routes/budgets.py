"""Budgets: what is used, held and left."""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api import budgetmodels as models
from service.api import documentation as documented
from service.api.answers import Caller, json_bytes, services_of
from service.api.body import read_json
from service.api.parameters import BUDGETS, asked

router = APIRouter(tags=["budgets"])


@router.get(
    "/v1/budgets",
    operation_id="budgets.list",
    summary="What is used, held and left of each budget that is kept for no person",
    openapi_extra=documented.query("budgets", BUDGETS),
    responses=documented.reads(models.BudgetPage),
)
def list_budgets(request: Request, principal: Caller) -> Response:
    """Rows of this moment's windows, or of those that held the instant `at`.

    A parameter `per.` and a name, like `per.agent.id=ana`, takes only rows with that value
    in their key. Budgets whose key has a personal fact are searched for instead.
    """
    question, page = asked(request.query_params)
    return json_bytes(services_of(request).budgets.list(principal, question, page))


@router.post(
    "/v1/budgets/search",
    operation_id="budgets.search",
    summary="The budget rows that some facts would charge",
    openapi_extra=documented.body("BudgetSearch"),
    responses=documented.asks(models.BudgetPage),
)
async def search(request: Request, principal: Caller) -> Response:
    """Rows whose whole key is given by the site, the facts and the agent; unused ones too."""
    body = await read_json(request.scope, request.receive)
    found = services_of(request).budget_search.search
    return json_bytes(await run_in_threadpool(found, principal, body))

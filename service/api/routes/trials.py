"""Trials: a candidate beside the policy in force, without effect or for some."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api import documentation as documented
from service.api import trialmodels as wire
from service.api.answers import Caller, answered, claim_for, json_bytes, line_of, services_of
from service.api.body import read_json
from service.api.parameters import paged
from service.api.policybody import SET_BYTES_MAX
from service.api.trialbody import read_trial_body
from service.app.trialend import EndTrial
from service.app.trialstart import ConfirmTrial, StartTrial
from service.core.settlement import read_release

ROUTE: Final = "/v1/policy/trials"

router = APIRouter(tags=["policy"])


@router.get(
    ROUTE,
    operation_id="trials.list",
    summary="Candidates that are tried or were, newest first",
    openapi_extra=documented.query("trials", ()),
    responses=documented.reads(wire.TrialPage),
)
def list_trials(request: Request, principal: Caller) -> Response:
    """One runs at a time."""
    page = paged(request.query_params)
    return json_bytes(services_of(request).trials.list(principal, page))


@router.get(
    ROUTE + "/{id}",
    operation_id="trials.get",
    summary="One trial: what was decided, and how both sets compare",
    responses=documented.reads(wire.TrialWithFigures),
)
def get_trial(request: Request, principal: Caller, id: str) -> Response:  # noqa: A002
    """The figures are about a second old; `entries_left` says how much is not in yet."""
    return json_bytes(services_of(request).trials.one(principal, id))


@router.post(
    ROUTE,
    operation_id="trials.start",
    status_code=201,
    summary="Try a candidate beside the policy in force",
    openapi_extra=documented.body("TrialStart", idempotent=True),
    responses=documented.confirmable(201, wire.TrialTaken),
)
async def start(request: Request, principal: Caller) -> Response:
    """At once; a pilot waits (202) where a publication would wait for a second person."""
    services = services_of(request)
    body = await read_json(request.scope, request.receive, bytes_max=SET_BYTES_MAX)
    asked = read_trial_body(body)
    claim = claim_for(request, principal, ROUTE, body)
    found = await run_in_threadpool(services.publications.candidate, principal, asked.files)
    command = StartTrial(
        principal=principal,
        snapshot=found,
        terms=asked.terms(found.rulebook.decimals),
        replaces=asked.replaces,
        claim=claim,
    )
    return answered(await line_of(request).send(command))


@router.post(
    ROUTE + "/{id}/confirm",
    operation_id="trials.confirm",
    summary="Confirm a pilot that somebody else asked for: now it begins",
    openapi_extra=documented.body("TrialConfirmation", idempotent=True),
    responses=documented.commands(200, wire.TrialTaken),
)
async def confirm(request: Request, principal: Caller, id: str) -> Response:  # noqa: A002
    """Only beside the version that it was asked for against."""
    services = services_of(request)
    body = await read_json(request.scope, request.receive)
    read_release(body)
    claim = claim_for(request, principal, f"{ROUTE}/{id}/confirm", body)
    files = await run_in_threadpool(services.trials.waiting, principal, id)
    await run_in_threadpool(services.publications.remember, files)
    command = ConfirmTrial(principal=principal, id=id, claim=claim)
    return answered(await line_of(request).send(command))


@router.post(
    ROUTE + "/{id}/end",
    operation_id="trials.end",
    summary="End a trial, or take back one that waits",
    openapi_extra=documented.body("TrialEnd", idempotent=True),
    responses=documented.commands(200, wire.TrialTaken),
)
async def end(request: Request, principal: Caller, id: str) -> Response:  # noqa: A002
    """What was decided stands. One person suffices: it is the careful side."""
    body = await read_json(request.scope, request.receive)
    read_release(body)
    claim = claim_for(request, principal, f"{ROUTE}/{id}/end", body)
    command = EndTrial(principal=principal, id=id, claim=claim)
    return answered(await line_of(request).send(command))

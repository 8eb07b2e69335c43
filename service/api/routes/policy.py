"""The policy: what is in force, what was, and what is to be."""

from functools import partial
from typing import Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api import documentation as documented
from service.api import models
from service.api import policymodels as wire
from service.api.answers import Caller, answered, claim_for, json_bytes, line_of, services_of
from service.api.body import read_json
from service.api.parameters import paged
from service.api.policybody import (
    SET_BYTES_MAX,
    read_check,
    read_replay,
    read_rollback,
    read_set_body,
)
from service.app.publication import ConfirmPublication, RequestPublication
from service.app.replaywork import Stream
from service.core.settlement import read_release

ROUTE: Final = "/v1/policy"

router = APIRouter(tags=["policy"])


@router.get(
    ROUTE,
    operation_id="policy.get",
    summary="What may be proposed, where, and with which facts",
    responses=documented.reads(models.PolicyInForce),
)
def get_policy(request: Request, principal: Caller) -> Response:
    """The names that a proposal may use. Limits are told case by case: ask the allowance."""
    return json_bytes(services_of(request).policy.in_force(principal))


@router.get(
    ROUTE + "/versions",
    operation_id="policy.versions",
    summary="Every version that was published, newest first",
    openapi_extra=documented.query("versions", ()),
    responses=documented.reads(wire.PolicyVersionPage),
)
def list_versions(request: Request, principal: Caller) -> Response:
    """By their first publication; exactly one is in force."""
    page = paged(request.query_params)
    return json_bytes(services_of(request).publications.versions(principal, page))


@router.get(
    ROUTE + "/versions/{version}",
    operation_id="policy.version",
    summary="One version with its files",
    responses=documented.reads(wire.PolicyVersionWithFiles),
)
def get_version(request: Request, principal: Caller, version: str) -> Response:
    """For who publishes, confirms, or reads the log of every site."""
    return json_bytes(services_of(request).publications.version(principal, version))


@router.get(
    ROUTE + "/publications",
    operation_id="policy.publications",
    summary="What was put in force or waits for a second person, newest first",
    openapi_extra=documented.query("publications", ()),
    responses=documented.reads(wire.PublicationPage),
)
def list_publications(request: Request, principal: Caller) -> Response:
    """Those over HTTP; what a folder put in force stands in the log."""
    page = paged(request.query_params)
    return json_bytes(services_of(request).publications.list(principal, page))


@router.get(
    ROUTE + "/publications/{id}",
    operation_id="policy.publication",
    summary="One publication with its files",
    responses=documented.reads(wire.PublicationWithFiles),
)
def get_publication(request: Request, principal: Caller, id: str) -> Response:  # noqa: A002
    """For the second person, who looks before confirming."""
    return json_bytes(services_of(request).publications.one(principal, id))


@router.post(
    ROUTE + "/check",
    operation_id="policy.check",
    summary="Whether a set could be put in force; nothing is done",
    openapi_extra=documented.body("PolicyChecked"),
    responses=documented.asks(wire.PolicyCheck),
)
async def check(request: Request, principal: Caller) -> Response:
    """It has to load, and its own suites have to pass.

    `warnings` are remarks about rules that do nothing, bind nobody or go untested, as
    `remit policy check` makes them: they keep nothing from being put in force.
    """
    body = await read_json(request.scope, request.receive, bytes_max=SET_BYTES_MAX)
    files, strict = read_check(body)
    checked = partial(services_of(request).publications.check, strict=strict)
    return json_bytes(await run_in_threadpool(checked, principal, files))


@router.post(
    ROUTE + "/replay",
    operation_id="policy.replay",
    summary="What a set would have decided of what was decided; nothing is done",
    openapi_extra=documented.body("PolicyReplay"),
    responses=documented.asks(wire.PolicyReplayed, 429),
)
async def replay(request: Request, principal: Caller) -> Response:
    """Both sides, as `remit policy replay --format json` prints them.

    Budgets are carried as they would have been. It reads at most 100,000 entries of the
    log, those before `since` included that the set's budgets count, and one at a time.
    """
    services = services_of(request)
    body = await read_json(request.scope, request.receive, bytes_max=SET_BYTES_MAX)
    asked = read_replay(body)
    stream = Stream(database=services.settings.database)
    return json_bytes(await run_in_threadpool(services.replays.replay, principal, asked, stream))


@router.post(
    ROUTE + "/publish",
    operation_id="policy.publish",
    status_code=201,
    summary="Put a set in force",
    openapi_extra=documented.body("PolicyPublication", idempotent=True),
    responses=documented.confirmable(201, wire.PublicationTaken),
)
async def publish(request: Request, principal: Caller) -> Response:
    """At once, or where two people are needed when the second one has confirmed (202)."""
    services = services_of(request)
    body = await read_json(request.scope, request.receive, bytes_max=SET_BYTES_MAX)
    asked = read_set_body(body)
    claim = claim_for(request, principal, f"{ROUTE}/publish", body)
    found = await run_in_threadpool(services.publications.candidate, principal, asked.files)
    command = RequestPublication(
        principal=principal,
        snapshot=found,
        comment=asked.comment,
        replaces=asked.replaces,
        claim=claim,
    )
    return answered(await line_of(request).send(command))


@router.post(
    ROUTE + "/rollback",
    operation_id="policy.rollback",
    status_code=201,
    summary="Put an earlier version in force again",
    openapi_extra=documented.body("PolicyRollback", idempotent=True),
    responses=documented.confirmable(201, wire.PublicationTaken),
)
async def rollback(request: Request, principal: Caller) -> Response:
    """What was decided meanwhile stands. Where two people are needed, the second confirms."""
    services = services_of(request)
    body = await read_json(request.scope, request.receive)
    asked = read_rollback(body)
    claim = claim_for(request, principal, f"{ROUTE}/rollback", body)
    found = await run_in_threadpool(services.publications.earlier, principal, asked.version)
    command = RequestPublication(
        principal=principal,
        snapshot=found,
        effect="rollback",
        comment=asked.comment,
        replaces=asked.replaces,
        claim=claim,
    )
    return answered(await line_of(request).send(command))


@router.post(
    ROUTE + "/publications/{id}/confirm",
    operation_id="policy.confirm",
    summary="Confirm a publication that somebody else asked for: now it is put in force",
    openapi_extra=documented.body("PublicationConfirmation", idempotent=True),
    responses=documented.commands(200, wire.PublicationTaken),
)
async def confirm(request: Request, principal: Caller, id: str) -> Response:  # noqa: A002
    """Only in place of the version that it was asked for against."""
    services = services_of(request)
    body = await read_json(request.scope, request.receive)
    read_release(body)
    claim = claim_for(request, principal, f"{ROUTE}/publications/{id}/confirm", body)
    await run_in_threadpool(services.publications.waiting, principal, id)
    command = ConfirmPublication(principal=principal, id=id, claim=claim)
    return answered(await line_of(request).send(command))

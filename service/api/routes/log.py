"""The log, for auditors."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from service.api import documentation as documented
from service.api import models, peoplemodels
from service.api.answers import Caller, json_bytes, services_of
from service.api.body import read_json
from service.api.parameters import ENTRIES, EXPORT, PEOPLE, as_of, exported, logged

MEDIA: Final = {
    "jsonl": "application/jsonl",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}

router = APIRouter(tags=["log"])


@router.get(
    "/v1/log",
    operation_id="log.list",
    summary="Entries, newest first",
    openapi_extra=documented.query("entries", ENTRIES),
    responses=documented.reads(models.EntryPage),
)
def list_entries(request: Request, principal: Caller) -> Response:
    """Entries of the sites that the caller may audit. Personal values are not opened."""
    services = services_of(request)
    query = logged(request.query_params, services.library.in_force().rulebook.decimals)
    return json_bytes(services.books.search.list(principal, query))


@router.post(
    "/v1/log/search",
    operation_id="log.search",
    summary="Entries by what may not stand in an address: whom they are about",
    openapi_extra=documented.body("LogSearch"),
    responses=documented.asks(models.EntryPage),
)
async def search(request: Request, principal: Caller) -> Response:
    """As `GET /v1/log`, and by `subject`: the value of the policy's subject, as it was proposed.

    A person who was erased is found no more.
    """
    body = await read_json(request.scope, request.receive)
    found = services_of(request).books.search.search
    return json_bytes(await run_in_threadpool(found, principal, body))


@router.get(
    "/v1/log/export",
    operation_id="log.export",
    response_class=StreamingResponse,
    summary="Every published entry that a filter takes, as one file",
    openapi_extra=documented.parameters("export", (*ENTRIES, *EXPORT)),
    responses=documented.exports(MEDIA, "Rows in the order of the log, then a signed manifest."),
)
def export(request: Request, principal: Caller) -> StreamingResponse:
    """Streams; what was cut short lacks the manifest.

    With `open=true` personal values stand beside the entries that commit to them, for whoever
    may open the log, and who asked is an entry before the first byte leaves. What was erased
    stays closed.
    """
    services = services_of(request)
    decimals = services.library.in_force().rulebook.decimals
    query, form, opens = exported(request.query_params, decimals)
    pieces = services.books.exporter.export(principal, query, form, opens=opens)
    named = {"Content-Disposition": f'attachment; filename="log.{form}"'}
    return StreamingResponse(pieces, media_type=MEDIA[form], headers=named)


@router.get(
    "/v1/log/people",
    operation_id="log.people",
    summary="Who held which role, key and delegation at an instant",
    openapi_extra=documented.query("people", PEOPLE),
    responses=documented.reads(peoplemodels.PeopleThen, 422),
)
def list_people(request: Request, principal: Caller) -> Response:
    """Those who work with the service, by id; for whoever may read the log of every site.

    Roles are those of the policy that was in force at that instant, keys and delegations
    those that held then. Of now where `at` is left out.
    """
    at, page = as_of(request.query_params)
    return json_bytes(services_of(request).books.people.list(principal, at, page))


@router.get(
    "/v1/log/{entry}",
    operation_id="log.get",
    summary="One entry with the exact bytes that were hashed",
    responses=documented.reads(models.ExactEntry),
)
def get_entry(request: Request, principal: Caller, entry: str) -> Response:
    """`leaf` is SHA-256 over a zero byte and `bytes` (RFC 6962, section 2.1)."""
    return json_bytes(services_of(request).finder.get_entry(principal, entry))

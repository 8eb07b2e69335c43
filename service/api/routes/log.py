"""The log, for auditors."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api import documentation as documented
from service.api import models
from service.api.answers import Caller, json_bytes, services_of
from service.api.parameters import ENTRIES, filtered

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
    wanted, page = filtered(request.query_params, "entries", ENTRIES)
    return json_bytes(services_of(request).finder.list_entries(principal, wanted, page))


@router.get(
    "/v1/log/{entry}",
    operation_id="log.get",
    summary="One entry with the exact bytes that were hashed",
    responses=documented.reads(models.ExactEntry),
)
def get_entry(request: Request, principal: Caller, entry: str) -> Response:
    """`leaf` is SHA-256 over a zero byte and `bytes` (RFC 6962, section 2.1)."""
    return json_bytes(services_of(request).finder.get_entry(principal, entry))

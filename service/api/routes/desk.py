"""What those who answer escalations work with: answers to several at once, and live screens."""

from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api import documentation as documented
from service.api.answers import Caller, json_bytes, services_of
from service.api.body import header, read_json
from service.api.bulk import BULK_BYTES_MAX, Bulk, SeveralTaken, read_several
from service.api.commands import idempotency_key
from service.api.exchange import request_id_of
from service.api.live import Stream
from service.api.problems import Unreadable

LAST_EVENT_ID: Final = b"last-event-id"
_DIGITS_MAX: Final = 16

router = APIRouter(tags=["escalations"])


@router.get(
    "/v1/escalations/stream",
    operation_id="escalations.stream",
    summary="What happens to escalations, as it happens",
    openapi_extra=documented.events(),
    responses=documented.streams(),
    response_class=Response,
)
async def stream(request: Request, principal: Caller) -> Response:
    """Server-sent events about every escalation that the caller may see.

    `ready` comes at the beginning, `escalation` whenever something happens to one, and
    `reload` where too much happened since the last event that the client had. The id of
    each is a position in the log: send the last one as `Last-Event-ID` to miss nothing. A
    lonely id is a sign of life. It ends when the key is revoked.
    """
    return Stream(services_of(request).approvals.feed, principal, _position(request.scope))


@router.post(
    "/v1/escalations/answers",
    operation_id="escalations.answers",
    summary="Answer several at once",
    openapi_extra=documented.body("SeveralAnswers", idempotent=True),
    responses=documented.asks(SeveralTaken),
)
async def answer_several(request: Request, principal: Caller) -> Response:
    """Each answer is taken or refused by itself, with the status of a call of its own.

    A repeated call with the same `Idempotency-Key` has no second effect: what was taken
    before comes again, and what was refused is tried again.
    """
    body = await read_json(request.scope, request.receive, bytes_max=BULK_BYTES_MAX)
    several = read_several(body)
    bulk = Bulk(services_of(request), request.app.state.line, request_id_of(request.scope))
    return json_bytes(await bulk.answer(principal, several, idempotency_key(request.scope)))


def _position(scope: Any) -> int | None:  # noqa: ANN401 — ASGI
    given = header(scope, LAST_EVENT_ID)
    if given is None:
        return None
    if not given.isdigit() or len(given) > _DIGITS_MAX:
        raise Unreadable(
            "invalid_parameter",
            "the Last-Event-ID is none that this service gave",
            "send the id of the last event as it came, or leave the header out",
            pointer="Last-Event-ID",
        )
    return int(given)

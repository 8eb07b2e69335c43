"""What every endpoint needs on its way in and out."""

from dataclasses import replace
from typing import Annotated, Any, TypeAlias

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Send

from service.api.auth import caller
from service.api.commands import Line, idempotency_key
from service.app.idempotency import Claim, claim_of
from service.app.principal import Principal
from service.app.propose import Answered
from service.services import Services

Caller: TypeAlias = Annotated[Principal, Depends(caller)]
"""Who is calling, asked of the database in this request."""

JSON = "application/json"
REPLAYED = {"Idempotent-Replayed": "true"}
_REPLAYED_RAW = (b"idempotent-replayed", b"true")


def services_of(request: Request) -> Services:
    """What the application was created with."""
    services: Services = request.app.state.services
    return services


def line_of(request: Request) -> Line:
    """The way to the committer."""
    line: Line = request.app.state.line
    return line


def claim_for(request: Request, principal: Principal, route: str, body: Any) -> Claim | None:  # noqa: ANN401 — JSON
    """What the call's ``Idempotency-Key`` claims; ``None`` without one. Raises `Unreadable`."""
    key = idempotency_key(request.scope)
    if key is None:
        return None
    vault = services_of(request).vault
    return claim_of(vault, person=principal.id, route=route, key=key, body=body)


def json_bytes(body: bytes, status: int = 200) -> Response:
    """A response of JSON that is rendered already."""
    return Response(body, status_code=status, media_type=JSON)


def answered(answer: Answered) -> Response:
    """A committed answer, and whether it was given before."""
    return Response(
        answer.body,
        status_code=answer.status,
        media_type=JSON,
        headers=REPLAYED if answer.replayed else None,
    )


async def send_answer(answer: Answered, send: Send, *more: tuple[bytes, bytes]) -> None:
    """What `answered` would send, without the making of a response."""
    headers = [
        (b"content-length", str(len(answer.body)).encode()),
        (b"content-type", JSON.encode()),
    ]
    if answer.replayed:
        headers.append(_REPLAYED_RAW)
    headers.extend(more)
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def named(services: Services, answer: Answered) -> Answered:
    """The answer with the personal values put back that it was stored without."""
    if answer.unnamed is None:
        return answer
    body = await run_in_threadpool(services.finder.named, answer.unnamed, answer.body)
    return replace(answer, body=body, unnamed=None)

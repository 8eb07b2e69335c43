"""Escalations: the inbox of those above, and their answers."""

from typing import Any, Final, cast

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api import documentation as documented
from service.api import models
from service.api.answers import Caller, answered, json_bytes, named, services_of
from service.api.body import read_json
from service.api.commands import Line, idempotency_key
from service.api.parameters import ESCALATIONS, filtered
from service.app.answering import AnswerKind
from service.app.idempotency import Claim, claim_of
from service.app.ports import Vault
from service.app.principal import Principal
from service.app.respond import Respond
from service.core.factvalue import FactError, check_text
from service.core.proposal import NOTE_CHARS_MAX
from service.core.refusal import Fault, Refused

FIELDS: Final = ("answer", "reason")
ANSWERS: Final = ("approve", "deny")

router = APIRouter(tags=["escalations"])


@router.get(
    "/v1/escalations",
    operation_id="escalations.list",
    summary="What waits for an answer, and what had one; newest first",
    openapi_extra=documented.query("escalations", ESCALATIONS),
    responses=documented.reads(models.EscalationPage),
)
def list_escalations(request: Request, principal: Caller) -> Response:
    """Escalations of the sites that the caller may see."""
    wanted, page = filtered(request.query_params, "escalations", ESCALATIONS)
    return json_bytes(services_of(request).finder.list_escalations(principal, wanted, page))


@router.get(
    "/v1/escalations/{id}",
    operation_id="escalations.get",
    summary="One escalation with everything that an approver needs",
    responses=documented.reads(models.EscalationCase),
)
def get_escalation(request: Request, principal: Caller, id: str) -> Response:  # noqa: A002
    """The case as it stands: what was proposed, why it fell outside, what happened since."""
    return json_bytes(services_of(request).finder.get_escalation(principal, id))


@router.post(
    "/v1/escalations/{id}/answer",
    operation_id="escalations.answer",
    summary="Approve or deny",
    openapi_extra=documented.body("Answer", idempotent=True),
    responses=documented.commands(200, models.AnswerTaken),
)
async def answer(request: Request, principal: Caller, id: str) -> Response:  # noqa: A002
    """Decides the request anew, with the caller's authority and the balances of this moment.

    So it may also move further up, wait for a second person, or be refused with the
    reason. Nobody answers what they or an agent of theirs proposed.
    """
    services = services_of(request)
    body = await read_json(request.scope, request.receive)
    kind, text = read_answer(body)
    key = idempotency_key(request.scope)
    claim = None if key is None else _claim(services.vault, principal, id, key, body)
    escalation = await run_in_threadpool(services.finder.find_escalation, principal, id)
    line: Line = request.app.state.line
    given = await line.send(
        Respond(principal=principal, escalation=escalation, answer=kind, text=text, claim=claim)
    )
    return answered(await named(services, given))


def read_answer(body: Any) -> tuple[AnswerKind, str | None]:  # noqa: ANN401 — JSON
    """The answer and its text. Raises `Refused` with every fault."""
    if not isinstance(body, dict):
        raise Refused((_fault("wrong_type", "", "a JSON object is expected here", _EXAMPLE),))
    faults = [
        _fault("unknown_field", f"/{name[:100]}", "this field is not known", _EXAMPLE)
        for name in body
        if name not in FIELDS
    ]
    kind = body.get("answer")
    if kind is None:
        faults.append(_fault("missing_field", "/answer", '"answer" is missing', _EXAMPLE))
    elif kind not in ANSWERS:
        faults.append(
            _fault("not_a_choice", "/answer", "this is no answer", "write approve or deny")
        )
    text = _reason(body, faults)
    if faults:
        raise Refused(tuple(faults))
    return cast("AnswerKind", kind), text


def _reason(body: dict[str, Any], faults: list[Fault]) -> str | None:
    text = body.get("reason")
    if text is None:
        if body.get("answer") == "deny":
            faults.append(
                _fault(
                    "reason_required",
                    "/reason",
                    "a denial says why",
                    'add "reason": a sentence that the agent can act on',
                )
            )
        return None
    try:
        return check_text(text, NOTE_CHARS_MAX, lines=True)
    except FactError as error:
        faults.append(_fault(error.code, "/reason", error.message, error.remedy))
        return None


_EXAMPLE: Final = 'send an object like {"answer": "deny", "reason": "…"}'


def _fault(code: str, pointer: str, message: str, remedy: str) -> Fault:
    return Fault(code=code, pointer=pointer, message=message, remedy=remedy)


def _claim(vault: Vault, principal: Principal, id: str, key: str, body: Any) -> Claim:  # noqa: A002, ANN401
    route = f"/v1/escalations/{id}/answer"
    return claim_of(vault, person=principal.id, route=route, key=key, body=body)

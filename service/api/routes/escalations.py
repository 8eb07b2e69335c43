"""Escalations: the inbox of those above, their answers, and what the agent says to them."""

from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api import answermodels, casemodels
from service.api import documentation as documented
from service.api.answerbody import Words, read_answer, read_reply, read_withdrawal
from service.api.answers import Caller, answered, claim_for, json_bytes, named, services_of
from service.api.body import read_json
from service.api.commands import Line
from service.api.parameters import ESCALATIONS, filtered, wanted_of_mine
from service.app.idempotency import Claim
from service.app.ownmove import OwnEvent, OwnMove
from service.app.principal import Principal
from service.app.records import EscalationRecord
from service.app.respond import Respond
from service.core.escalation import Event

router = APIRouter(tags=["escalations"])


@router.get(
    "/v1/escalations",
    operation_id="escalations.list",
    summary="What waits for an answer, and what had one; newest first",
    openapi_extra=documented.query("escalations", ESCALATIONS),
    responses=documented.reads(casemodels.EscalationPage),
)
def list_escalations(request: Request, principal: Caller) -> Response:
    """Escalations of the sites that the caller may see.

    With `for=me` only what the caller may answer, on their own or for somebody else, the
    soonest to be answered first, with counts over all pages.
    """
    services = services_of(request)
    mine = wanted_of_mine(request.query_params)
    if mine is not None:
        return json_bytes(services.approvals.inbox.list(principal, mine))
    wanted, page = filtered(request.query_params, "escalations", ESCALATIONS)
    return json_bytes(services.finder.list_escalations(principal, wanted, page))


@router.get(
    "/v1/escalations/{id}",
    operation_id="escalations.get",
    summary="One escalation with everything that an approver needs",
    responses=documented.reads(casemodels.EscalationCase),
)
def get_escalation(request: Request, principal: Caller, id: str) -> Response:  # noqa: A002
    """The case as it stands, and what helps to answer it.

    What was proposed, why it fell outside, what happened since; what each answer would do
    and leave in the budgets, what was decided for the same subject and in similar cases,
    what the proposer has used, until when it is due, and who could answer.
    """
    return json_bytes(services_of(request).approvals.cases.get(principal, id))


@router.post(
    "/v1/escalations/{id}/answer",
    operation_id="escalations.answer",
    summary="Approve, counter, ask or deny",
    openapi_extra=documented.body("Answer", idempotent=True),
    responses=documented.commands(200, answermodels.AnswerTaken),
)
async def answer(request: Request, principal: Caller, id: str) -> Response:  # noqa: A002
    """Decides the request anew, with the caller's authority and the balances of this moment.

    So an approval may also move further up, wait for a second person, or be refused with
    the reason. A counter-offer approves another amount or quantity. A question goes back
    to the agent, and the clock stands until the reply. Nobody answers what they or an
    agent of theirs proposed, nor what is for themselves.
    """
    sent = await _sent(request, principal, id, "answer")
    read = read_answer(sent.body)
    command = Respond(
        principal=principal,
        escalation=sent.escalation,
        answer=read.answer,
        text=read.text,
        claim=sent.claim,
        offer=read.offer,
        digest=read.digest,
    )
    return await _taken(request, command)


@router.post(
    "/v1/escalations/{id}/reply",
    operation_id="escalations.reply",
    summary="Reply to a question",
    openapi_extra=documented.body("Reply", idempotent=True),
    responses=documented.commands(200, answermodels.AnswerTaken),
)
async def reply(request: Request, principal: Caller, id: str) -> Response:  # noqa: A002
    """For who proposed, or the owner of the agent that did.

    The clock goes on with the time that was left. What was asked for stays as it was.
    """
    sent = await _sent(request, principal, id, "reply")
    return await _taken(request, _own(principal, sent, Event.REPLY, read_reply(sent.body)))


@router.post(
    "/v1/escalations/{id}/withdraw",
    operation_id="escalations.withdraw",
    summary="Take the request back",
    openapi_extra=documented.body("Withdrawal", idempotent=True),
    responses=documented.commands(200, answermodels.AnswerTaken),
)
async def withdraw(request: Request, principal: Caller, id: str) -> Response:  # noqa: A002
    """For who proposed, or the owner of the agent that did, as long as nobody decided."""
    sent = await _sent(request, principal, id, "withdraw")
    return await _taken(request, _own(principal, sent, Event.WITHDRAW, read_withdrawal(sent.body)))


class _Sent(NamedTuple):
    """What came with a call about one escalation."""

    body: Any
    claim: Claim | None
    escalation: EscalationRecord


async def _sent(request: Request, principal: Principal, id_: str, call: str) -> _Sent:
    """The body, what its Idempotency-Key claims, and the escalation as it is now."""
    services = services_of(request)
    body = await read_json(request.scope, request.receive)
    claim = claim_for(request, principal, f"/v1/escalations/{id_}/{call}", body)
    found = await run_in_threadpool(services.finder.find_escalation, principal, id_)
    return _Sent(body, claim, found)


def _own(principal: Principal, sent: _Sent, event: OwnEvent, words: Words) -> OwnMove:
    return OwnMove(
        principal=principal,
        escalation=sent.escalation,
        event=event,
        text=words.text,
        claim=sent.claim,
        digest=words.digest,
    )


async def _taken(request: Request, command: Respond | OwnMove) -> Response:
    line: Line = request.app.state.line
    return answered(await named(services_of(request), await line.send(command)))

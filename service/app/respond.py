"""Respond: somebody above answers an escalation, and the request is decided anew."""

from collections.abc import Mapping
from dataclasses import replace

import orjson

from service.app.accounts import BudgetRows
from service.app.answering import Answering, AnswerKind, Given
from service.app.batch import Batch
from service.app.errors import Conflict, Forbidden
from service.app.idempotency import Claim, replay_of
from service.app.principal import Principal, require
from service.app.propose import Answered, replayed
from service.app.records import (
    BudgetRecord,
    EscalationRecord,
    IdempotencyRecord,
    ResolutionRecord,
    SurrogateRecord,
)
from service.core.escalation import Objection, State, find_objection
from service.core.proposal import read_proposal
from service.core.refusal import Refused
from service.core.request import Agent, Request
from service.core.rulebook import Rulebook

_OBJECTIONS: Mapping[Objection, tuple[str, str]] = {
    Objection.HUMANS_ONLY: (
        "only people answer escalations",
        "let a colleague answer with their own key",
    ),
    Objection.OWN_REQUEST: (
        "nobody answers their own request, nor that of an agent they own",
        "let somebody else with the authority answer",
    ),
    Objection.ALREADY_APPROVED: (
        "you approved this request already; the quorum takes distinct people",
        "let a second person approve",
    ),
    Objection.NOT_YOUR_REMIT: (
        "this escalation went to a role that is not in your reach",
        "let somebody who holds that role, or one above it, answer",
    ),
}


def restored_request(rulebook: Rulebook, record: ResolutionRecord) -> Request:
    """The (pseudonymous) request of a stored proposal, read under a rulebook of today.

    Raises `Refused` where today's policy does not know what was asked then.
    """
    stored = orjson.loads(record.proposal)
    agent = Agent(
        id=record.agent,
        kind=record.agent_kind,
        owner=record.agent_owner,
        roles=record.agent_roles,
    )
    request = read_proposal(rulebook, stored["body"], agent)
    return replace(request, facts={**request.facts, **stored["personal"]})


class Respond:
    """One answer on its way through a batch. ``escalation`` is as the door read it, unlocked."""

    def __init__(
        self,
        *,
        principal: Principal,
        escalation: EscalationRecord,
        answer: AnswerKind,
        text: str | None,
        claim: Claim | None = None,
    ) -> None:
        """Keep what was answered."""
        self.principal = principal
        self.escalation = escalation
        self.answer: AnswerKind = answer
        self.text = text
        self.claim = claim
        self._held: tuple[str, ...] = ()
        self._request: Request | Refused | None = None
        self._rows: BudgetRows | None = None
        self._replay: IdempotencyRecord | None = None

    def idempotency_key(self) -> str | None:
        """See `batch.Command`."""
        return None if self.claim is None else self.claim.key

    def read(self, batch: Batch) -> None:
        """Find an answer that was given already, or see that the caller may answer at all."""
        self._replay = self._find_replay(batch)
        if self._replay is None:
            access = batch.snapshot.access
            require(access, self.principal, "escalation", "answer", self.escalation.site)

    def surrogates(self, batch: Batch) -> Mapping[bytes, SurrogateRecord]:  # noqa: ARG002
        """See `batch.Command`."""
        return {}

    def subject(self, batch: Batch) -> str | None:  # noqa: ARG002
        """Whose key seals the text of the answer."""
        return None if self._replay is not None else self.escalation.subject

    def escalation_id(self) -> str | None:
        """See `batch.Command`."""
        return self.escalation.id

    def resolution_id(self) -> str | None:
        """See `batch.Command`."""
        return self.escalation.resolution

    def budgets(self, batch: Batch) -> Mapping[str, BudgetRecord]:
        """The rows that the approver's authority may charge, for the proposer's keys."""
        if self._replay is not None:
            return {}
        rulebook = batch.snapshot.rulebook
        record = batch.resolutions[self.escalation.resolution]
        self._held = batch.snapshot.access.roles(self.principal.id, record.site)
        if self.answer == "deny":
            return {}  # whatever today's policy says of it, it can be denied
        try:
            request = replace(restored_request(rulebook, record), authority=self._held)
        except Refused as refused:
            self._request = refused
            return {}
        self._request = request
        self._rows = BudgetRows(rulebook, request, batch.at)
        return self._rows.wanted(batch.ids)

    def decide(self, batch: Batch) -> Answered:
        """Answer, if the escalation is still open and four eyes look at it."""
        replay = self._find_replay(batch)
        if replay is not None:
            return replayed(replay)
        escalation = batch.escalations[self.escalation.id]
        if State(escalation.state) is not State.OPEN:
            raise Conflict(
                "already_answered",
                f"this escalation is {escalation.state}",
                "look at it: GET /v1/escalations/{id}",
            )
        self._look(batch, escalation)
        return Answering(batch, self._given(), escalation).done()

    def _given(self) -> Given:
        return Given(
            principal=self.principal,
            answer=self.answer,
            text=self.text,
            claim=self.claim,
            held=self._held,
            request=self._request,
            rows=self._rows,
        )

    def _look(self, batch: Batch, escalation: EscalationRecord) -> None:
        objection = find_objection(
            batch.snapshot.rulebook,
            role=escalation.role,
            person=self.principal.id,
            kind=self.principal.kind,
            held=self._held,
            proposer=escalation.proposer,
            proposer_owner=escalation.proposer_owner,
            approvals=escalation.approvals,
        )
        if objection is not None:
            what, instead = _OBJECTIONS[objection]
            raise Forbidden(objection.value, what, instead)

    def _find_replay(self, batch: Batch) -> IdempotencyRecord | None:
        key = self.idempotency_key()
        return replay_of(self.claim, None if key is None else batch.idempotency.get(key))

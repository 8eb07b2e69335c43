"""Own move: what who proposed does with their own escalation: reply, or withdraw it."""

from typing import Literal

from service.app.batch import Batch, Kept
from service.app.casecommand import CaseCommand
from service.app.errors import Conflict, Forbidden
from service.app.idempotency import Claim
from service.app.principal import Principal
from service.app.propose import Answered
from service.app.records import EscalationRecord
from service.app.transition import Step, Transition
from service.core.escalation import TRANSITIONS, Event, State

OwnEvent = Literal[Event.REPLY, Event.WITHDRAW]


class OwnMove(CaseCommand):
    """A reply or a withdrawal on its way through a batch.

    ``text`` is the reply, or why it is withdrawn. A reply is text alone: what was asked
    for stays as it was proposed, and as it is bound by its digest.
    """

    def __init__(
        self,
        *,
        principal: Principal,
        escalation: EscalationRecord,
        event: OwnEvent,
        text: str | None,
        claim: Claim | None = None,
        digest: str | None = None,
    ) -> None:
        """Keep what was said."""
        super().__init__(escalation=escalation, claim=claim, digest=digest)
        self.principal = principal
        self.event: OwnEvent = event
        self.text = text

    def read(self, batch: Batch) -> None:
        """See that it is the caller's own. Raises `Forbidden`."""
        record = self.escalation
        if self.find_replay(batch) is not None:
            return
        if self.principal.id not in {record.proposer, record.proposer_owner}:
            raise Forbidden(
                "not_yours",
                "this was proposed by somebody else",
                "let who proposed it do this, or who owns the agent that did",
            )

    def subject(self, batch: Batch) -> Kept | None:
        """Whose key seals what was said."""
        return None if self.find_replay(batch) is not None else Kept(self.escalation.subject)

    def decide(self, batch: Batch) -> Answered:
        """Take the word back or give it, where the escalation still waits."""
        replay = self.find_answer(batch)
        if replay is not None:
            return replay
        record = self._waiting(batch)
        if (State(record.state), self.event) not in TRANSITIONS:
            raise Conflict(
                "not_asked",
                "nobody asked anything that is not replied to yet",
                "look at it: GET /v1/escalations/{id}",
            )
        step = Step(event=self.event, principal=self.principal, text=self.text, claim=self.claim)
        return Transition(batch, record, step).done()

"""Commands about one escalation: what they lock, and how they are repeated."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from service.app.batch import Batch
from service.app.errors import Conflict, Gone
from service.app.idempotency import Claim
from service.app.plaincommand import PlainCommand
from service.app.records import (
    EscalationRecord,
    ResolutionRecord,
)
from service.core.escalation import WAITING, State
from service.core.proposal import read_proposal
from service.core.request import Agent, Request
from service.core.rulebook import Rulebook


def restored_request(
    rulebook: Rulebook, record: ResolutionRecord, instead: Mapping[str, Any] | None = None
) -> Request:
    """The (pseudonymous) request of a stored proposal, read under a rulebook of today.

    ``instead`` are fields to read in place of those that were sent. Raises `Refused`
    where today's policy does not know what was asked then.
    """
    stored = orjson.loads(record.proposal)
    agent = Agent(
        id=record.agent,
        kind=record.agent_kind,
        owner=record.agent_owner,
        roles=record.agent_roles,
    )
    request = read_proposal(rulebook, {**stored["body"], **(instead or {})}, agent)
    return replace(request, facts={**request.facts, **stored["personal"]})


class CaseCommand(PlainCommand):
    """What commands about one escalation share. It is as the door read it, unlocked."""

    def __init__(
        self,
        *,
        escalation: EscalationRecord,
        claim: Claim | None = None,
        digest: str | None = None,
    ) -> None:
        """Keep what it is about. ``digest`` is that of the request which the caller means."""
        super().__init__(claim)
        self.escalation = escalation
        self.digest = digest

    def escalation_id(self) -> str | None:
        """See `batch.Command`."""
        return self.escalation.id

    def resolution_id(self) -> str | None:
        """See `batch.Command`."""
        return self.escalation.resolution

    def _waiting(self, batch: Batch) -> EscalationRecord:
        """The escalation under its lock.

        Raises `Conflict` where it is over or another one, `Gone` where the person that it
        is for was erased: it is about to be withdrawn, and nothing said of it can be kept.
        """
        record = batch.escalations[self.escalation.id]
        if State(record.state) not in WAITING:
            raise Conflict(
                "already_answered",
                f"this escalation is {record.state}",
                "look at it: GET /v1/escalations/{id}",
            )
        if record.subject not in batch.subject_keys:
            raise Gone("erased", "what this is about was erased", "there is nothing left to do")
        if self.digest not in {None, record.digest}:
            raise Conflict(
                "digest_mismatch",
                "this was said of another request than the one that waits",
                "look at the case again, and send the digest that it has",
            )
        return record

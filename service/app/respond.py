"""Respond: somebody above answers an escalation, and the request is decided anew."""

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from service.app.accounts import BudgetRows
from service.app.answering import PLAIN, Answering, AnswerKind, Given
from service.app.batch import Batch, Kept
from service.app.casecommand import CaseCommand, restored_request
from service.app.elapse import Pending, came_too_late, is_due
from service.app.errors import Conflict, Forbidden
from service.app.idempotency import Claim
from service.app.mandates import THING, find_way, get_way, ways_in_batch
from service.app.principal import Principal, require
from service.app.propose import Answered
from service.app.records import BudgetRecord, EscalationRecord, ResolutionRecord
from service.app.transition import Transition
from service.core.delegation import Mandate
from service.core.escalation import TRANSITIONS, Objection, State
from service.core.refusal import Refused
from service.core.request import Request
from service.core.rulebook import Rulebook


class Respond(CaseCommand):
    """One answer on its way through a batch. ``escalation`` is as the door read it, unlocked.

    ``offer`` is what a counter-offer is for, in the words of a proposal: ``amount`` (and
    ``currency``) or ``quantity``. ``text`` is the reason, or the question that is asked.
    """

    def __init__(  # noqa: PLR0913 — the parts of an answer, all by name
        self,
        *,
        principal: Principal,
        escalation: EscalationRecord,
        answer: AnswerKind,
        text: str | None,
        claim: Claim | None = None,
        offer: Mapping[str, Any] | None = None,
        digest: str | None = None,
    ) -> None:
        """Keep what was answered."""
        super().__init__(escalation=escalation, claim=claim, digest=digest)
        self.principal = principal
        self.answer: AnswerKind = answer
        self.text = text
        self.offer = offer
        self._ways: tuple[Mandate, ...] = ()
        self._served: frozenset[str] = frozenset()
        self._request: Request | Refused | None = None
        self._rows: BudgetRows | None = None
        self._countered = False
        self._pending: Pending | None = None

    def read(self, batch: Batch) -> None:
        """Find an answer that was given already, or see that the caller may answer at all."""
        if self.find_replay(batch) is not None:
            return
        person, site = self.principal.id, self.escalation.site
        if self.answer == "deny" and person in _proposers(self.escalation):
            raise Forbidden(
                Objection.OWN_REQUEST.value,
                "nobody denies their own request, nor that of an agent they own",
                "withdraw it: POST /v1/escalations/{id}/withdraw",
            )
        self._ways = ways_in_batch(batch, self.principal, site)
        if not self._ways:
            require(batch.snapshot.access, self.principal, THING, "answer", site)
        self._served = self._find_served(batch)

    def subject(self, batch: Batch) -> Kept | None:
        """Whose key seals the text of the answer."""
        return None if self.find_replay(batch) is not None else Kept(self.escalation.subject)

    def budgets(self, batch: Batch) -> Mapping[str, BudgetRecord]:
        """The rows that the approver's authority may charge, for the proposer's keys."""
        if self.find_replay(batch) is not None:
            return {}
        self._pending = Pending.find(batch, batch.escalations.get(self.escalation.id))
        wanted = {} if self._pending is None else self._pending.wanted()
        if self.answer not in PLAIN:  # whatever today's policy says of it, it can be denied
            self._request = self._read_request(batch)
        if not isinstance(self._request, Request):
            return wanted
        roles = {role: None for way in self._ways for role in way.roles}
        asked = replace(self._request, authority=tuple(roles))
        self._rows = BudgetRows(batch.snapshot.rulebook, asked, batch.at)
        return ChainMap(dict(self._rows.wanted(batch.ids)), dict(wanted))

    def decide(self, batch: Batch) -> Answered | Conflict:
        """Answer, if the escalation still waits and four eyes look at it.

        What is due by itself happens first, whatever comes of the answer.
        """
        replay = self.find_answer(batch)
        if replay is not None:
            return replay
        record = self._waiting(batch)
        if self._pending is not None and is_due(batch, record):
            Transition(batch, record, self._pending.step(record)).done()
            return came_too_late(record, batch.escalations[record.id])
        way = self._look(batch, record)
        self._require_legal(record)
        return Answering(batch, self._given(way), record).done()

    def _given(self, way: Mandate) -> Given:
        return Given(
            principal=self.principal,
            way=way,
            answer=self.answer,
            text=self.text,
            claim=self.claim,
            request=self._request,
            rows=self._rows,
            countered=self._countered,
        )

    def _read_request(self, batch: Batch) -> Request | Refused:
        """What would be approved. Raises `Refused` for an offer that cannot be read."""
        rulebook, record = batch.snapshot.rulebook, batch.resolutions[self.escalation.resolution]
        try:
            asked = restored_request(rulebook, record)
        except Refused as refused:
            return refused
        if self.offer is None:
            return asked
        offered = self._offered(rulebook, record)
        self._countered = (offered.amount_minor, offered.quantity) != (
            asked.amount_minor,
            asked.quantity,
        )
        return offered

    def _offered(self, rulebook: Rulebook, record: ResolutionRecord) -> Request:
        """The request with the offer in place of what was asked, read as a proposal is."""
        cleared: dict[str, Any] = {"amount": None, "quantity": None}
        own = {"currency": rulebook.currency}
        return restored_request(rulebook, record, {**cleared, **own, **(self.offer or {})})

    def _look(self, batch: Batch, record: EscalationRecord) -> Mandate:
        """As whom the caller may answer. Raises `Forbidden`, or `Conflict` where it moved on."""
        rulebook, ways = batch.snapshot.rulebook, self._ways_left(batch)
        found = find_way(rulebook, ways, self.principal, record, self._served)
        if found is Objection.NOT_YOUR_REMIT and record.role != self.escalation.role:
            raise Conflict(
                "moved_on",
                f"it went to {record.role} at the same moment",
                "look at it again: GET /v1/escalations/{id}",
            )
        return get_way(rulebook, ways, self.principal, record, self._served)

    def _ways_left(self, batch: Batch) -> tuple[Mandate, ...]:
        """Those that hold still, should a command before this one have taken some away."""
        if not (batch.writes.delegations or batch.writes.delegation_changes):
            return self._ways
        left = ways_in_batch(batch, self.principal, self.escalation.site)
        return tuple([way for way in self._ways if way in left])

    def _require_legal(self, record: EscalationRecord) -> None:
        event = PLAIN.get(self.answer)
        if event is None or (State(record.state), event) in TRANSITIONS:
            return
        raise Conflict(
            "already_asked",
            f"{record.asked_by} asked already, and the agent has not replied yet",
            "wait for the reply, or decide without it",
        )

    def _find_served(self, batch: Batch) -> frozenset[str]:
        """Who of those whose say this would be is the person that the request is for.

        Nobody's id is read: the keyed hash of each, taken as the subject's fact, leads to
        the surrogate of somebody who was served, if they ever were.
        """
        subject = batch.snapshot.rulebook.subject
        people = {self.principal.id, *(one for way in self._ways for one in way.through)}
        if subject is None:
            return frozenset()
        prints = {batch.vault.fingerprint(f"{subject}\0{person}"): person for person in people}
        known = batch.tx.surrogates(prints)
        return frozenset(
            person
            for fingerprint, person in prints.items()
            if fingerprint in known and known[fingerprint].surrogate == self.escalation.subject
        )


def _proposers(escalation: EscalationRecord) -> set[str | None]:
    return {escalation.proposer, escalation.proposer_owner}

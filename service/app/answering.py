"""Answering: what comes of an answer that four eyes may give."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from service.app.accounts import BudgetRows
from service.app.batch import Batch
from service.app.errors import Conflict
from service.app.idempotency import Claim
from service.app.principal import Principal
from service.app.propose import Answered, kept_back, uncharged
from service.app.records import EscalationRecord
from service.app.tokenpeople import roles_today
from service.app.transition import Step, Transition
from service.core.decision import Decision, Outcome
from service.core.delegation import Mandate
from service.core.escalation import Event
from service.core.evaluate import evaluate
from service.core.message import message
from service.core.quorum import approvals_needed, is_given_unasked
from service.core.refusal import Refused
from service.core.request import Request
from service.core.rulebook import Rulebook

REASONS_TOLD: Final = 3
"""How many reasons a refused approval tells; the first one determines."""

AnswerKind = Literal["approve", "counter", "ask", "deny"]

PLAIN: Final[Mapping[AnswerKind, Event]] = {"ask": Event.ASK, "deny": Event.DENY}
"""Answers that nothing has to be decided for, and the event that each is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An answer that four eyes may give, and what it is about.

    ``way`` is as whom somebody answers. ``request`` is what they would approve, read
    under today's policy: `Refused` where that no longer knows it, ``None`` where nothing
    is to be approved. ``rows`` are those that approving may charge.
    """

    principal: Principal
    way: Mandate
    answer: AnswerKind
    text: str | None
    claim: Claim | None
    request: Request | Refused | None
    rows: BudgetRows | None
    countered: bool = False


class Answering:
    """One legal answer and everything that it writes."""

    def __init__(self, batch: Batch, given: Given, escalation: EscalationRecord) -> None:
        """Keep the escalation as it stands under its lock."""
        self.batch = batch
        self.given = given
        self.escalation = escalation
        self.rulebook: Rulebook = batch.snapshot.rulebook

    def done(self) -> Answered:
        """What the approver is told. Raises `Conflict` before anything is written."""
        return Transition(self.batch, self.escalation, self._step()).done()

    def _step(self) -> Step:
        given = self.given
        event = PLAIN.get(given.answer)
        return self._approved() if event is None else self._said(event)

    def _said(self, event: Event) -> Step:
        given = self.given
        return Step(
            event=event,
            answer=given.answer,
            principal=given.principal,
            way=given.way,
            roles=given.way.roles,
            text=given.text,
            claim=given.claim,
        )

    def _approved(self) -> Step:
        """Decide the request anew, with the approver's authority and today's balances."""
        request, rows = self.given.request, self.given.rows
        if not isinstance(request, Request) or rows is None:
            raise _not_approvable(str(request))
        request = replace(request, authority=self.given.way.roles)
        balances = rows.balances(self.batch.balances)
        decision = evaluate(self.rulebook, request, balances, self.batch.at)
        if decision.outcome is Outcome.ESCALATED and decision.escalate_to is not None:
            return self._out_of_reach(decision, decision.escalate_to.role, rows)
        if decision.outcome is not Outcome.APPROVED:
            told = decision.reasons[:REASONS_TOLD]
            raise _not_approvable(" ".join(message(reason, self.rulebook) for reason in told))
        return self._voted(decision, request, rows)

    def _out_of_reach(self, decision: Decision, role: str, rows: BudgetRows) -> Step:
        """An approval goes further up; a counter-offer is the approver's own, so it does not."""
        if self.given.countered:
            raise _not_approvable(
                f"that much takes {role}", "counter with less, or approve what was asked"
            )
        said = self._said(Event.MOVE_UP)
        return replace(said, decision=decision, rows=rows, to=role)

    def _voted(self, decision: Decision, request: Request, rows: BudgetRows) -> Step:
        """The approval, which a quorum may still have to follow."""
        given = self.given
        event = Event.COUNTER if given.countered else Event.APPROVE
        countered = request if given.countered else None
        said = replace(self._said(event), rows=rows, countered=countered)
        votes = (*self._votes_before(countered), said.voice)
        if self._is_alone(decision, request):
            return replace(said, decision=self._held(decision), votes=votes, alone=True)
        if len(votes) < approvals_needed(self.rulebook, self.escalation.role, decision):
            return replace(said, event=Event.CONCUR, decision=uncharged(decision), votes=votes)
        return replace(said, decision=self._held(decision), votes=votes)

    def _held(self, decision: Decision) -> Decision:
        """The decision with its charges as holds, where the resolution is one that is held."""
        known = self.rulebook.resolutions[self.batch.resolutions[self._id].resolution]
        return decision if known.hold is None else kept_back(decision)

    @property
    def _id(self) -> str:
        return self.escalation.resolution

    def _votes_before(self, countered: Request | None) -> tuple[str, ...]:
        """The approvals of exactly this so far; those of another amount count no more."""
        record = self.escalation
        offer = (None, None) if countered is None else (countered.amount_minor, countered.quantity)
        same = offer == (record.offer_minor, record.offer_quantity)
        return record.approvals if same else ()

    def _is_alone(self, decision: Decision, request: Request) -> bool:
        agent, batch = request.agent, self.batch
        access, tokens = batch.snapshot.access, batch.tx.tokens
        today = roles_today(access, tokens, agent.id, request.site, batch.at)
        return is_given_unasked(self.rulebook, decision, agent.roles, today)


def _not_approvable(
    why: str, instead: str = "deny it, or let the agent propose something else"
) -> Conflict:
    return Conflict("not_approvable", f"today's policy does not allow it: {why}", instead)

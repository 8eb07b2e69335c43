"""Outlook: what each answer to an escalation would do now. Nothing is locked or changed."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from service.app.accounts import BudgetRows, committed_balances
from service.app.casecommand import restored_request
from service.app.ports import Reader
from service.app.records import EscalationRecord, ResolutionRecord
from service.app.snapshot import Snapshot
from service.app.tokenpeople import roles_today
from service.core.answer import answer_of, headroom_json, money_json
from service.core.decision import Decision, Outcome
from service.core.delegation import Mandate
from service.core.escalation import Event
from service.core.evaluate import evaluate
from service.core.quorum import approvals_needed, is_given_unasked
from service.core.refusal import Refused
from service.core.request import Request
from service.core.rulebook import Rulebook

REFUSED: Final = "refused"
"""What comes of an approval that today's policy allows nobody."""


class Outlook:
    """The request of one escalation, decided again on paper with balances as committed."""

    def __init__(
        self,
        reader: Reader,
        snapshot: Snapshot,
        escalation: EscalationRecord,
        resolution: ResolutionRecord,
        at: datetime,
    ) -> None:
        """Read the request under today's policy, which may no longer know it."""
        self._reader = reader
        rulebook = snapshot.rulebook
        self._rulebook: Rulebook = rulebook
        agent, site = resolution.agent, resolution.site
        self._roles_today = roles_today(snapshot.access, reader.tokens, agent, site, at)
        self._escalation = escalation
        self._at = at
        self._request: Request | None
        try:
            self._request = restored_request(rulebook, resolution)
        except Refused:
            self._request = None

    def unasked(self) -> dict[str, Any] | None:
        """What the proposer could be given without asking, today; ``None`` for an unknown case."""
        if self._request is None:
            return None
        decision = self._decision(self._request)
        return {
            "outcome": decision.outcome.value,
            "without_escalation_up_to": headroom_json(
                self._rulebook, decision.without_escalation_up_to
            ),
            "counter_offer": money_json(self._rulebook, decision.counter_offer_minor),
        }

    def answers(self, way: Mandate) -> dict[str, Any]:
        """What approving as asked would do with somebody's authority, and what denying would.

        A denial and a question leave every budget as it is.
        """
        untouched = {"effect": Event.DENY.value, "to": None, "decision": None}
        if self._request is None:
            refused = {"effect": REFUSED, "to": None, "decision": None}
            return {"approve": refused, "deny": untouched}
        request = replace(self._request, authority=way.roles)
        decision = self._decision(request)
        to = decision.escalate_to
        approve = {
            "effect": self._effect(decision, request),
            "to": None if to is None else to.role,
            "decision": answer_of(self._rulebook, decision, self._at),
        }
        return {"approve": approve, "deny": untouched}

    def _effect(self, decision: Decision, request: Request) -> str:
        if decision.outcome is Outcome.ESCALATED:
            return Event.MOVE_UP.value
        if decision.outcome is not Outcome.APPROVED:
            return REFUSED
        record = self._escalation
        countered = record.offer_minor is not None or record.offer_quantity is not None
        given = 1 if countered else len(record.approvals) + 1  # votes are for one value
        rulebook, then, today = self._rulebook, request.agent.roles, self._roles_today
        needed = approvals_needed(rulebook, record.role, decision)
        is_enough = given >= needed or is_given_unasked(rulebook, decision, then, today)
        return (Event.APPROVE if is_enough else Event.CONCUR).value

    def _decision(self, request: Request) -> Decision:
        names = BudgetRows(self._rulebook, request, self._at).names
        rows = self._reader.budgets(set(names.values()))
        return evaluate(self._rulebook, request, committed_balances(names, rows), self._at)

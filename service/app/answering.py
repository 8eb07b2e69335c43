"""Answering: one legal answer to an escalation, and everything that it writes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import orjson

from service.app.accounts import BudgetRows
from service.app.batch import Batch
from service.app.charges import charges_of
from service.app.entry import Head, caller_body, decision_body, entry_of
from service.app.errors import Conflict
from service.app.idempotency import Claim
from service.app.principal import Principal
from service.app.propose import (
    Answered,
    charge_rows,
    escalation_body,
    kept_back,
    state_of,
    uncharged,
)
from service.app.pseudonym import seal
from service.app.records import (
    BudgetRecord,
    EntryRecord,
    EscalationRecord,
    IdempotencyRecord,
    ResolutionRecord,
)
from service.core.answer import answer_of
from service.core.decision import Decision, Outcome
from service.core.disclosure import Disclosure
from service.core.escalation import TRANSITIONS, Event, State
from service.core.evaluate import evaluate
from service.core.factvalue import rfc3339
from service.core.hold import Charge
from service.core.message import message
from service.core.refusal import Refused
from service.core.request import Request
from service.core.rulebook import Rulebook

REASONS_TOLD: Final = 3
"""How many reasons a refused approval tells; the first one determines."""

AnswerKind = Literal["approve", "deny"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An answer that four eyes may give, and what it is about.

    ``held`` are the approver's roles at the site. ``request`` is what was proposed, read
    under today's policy: `Refused` where that no longer knows it, ``None`` for a denial.
    ``rows`` are those that approving may charge.
    """

    principal: Principal
    answer: AnswerKind
    text: str | None
    claim: Claim | None
    held: tuple[str, ...]
    request: Request | Refused | None
    rows: BudgetRows | None


class Answering:
    """One legal answer and everything that it writes."""

    def __init__(self, batch: Batch, given: Given, escalation: EscalationRecord) -> None:
        self.batch = batch
        self.given = given
        self.escalation = escalation
        self.rulebook: Rulebook = batch.snapshot.rulebook
        self.resolution = batch.resolutions[escalation.resolution]
        known = self.rulebook.resolutions.get(self.resolution.resolution)
        self.hold = None if known is None else known.hold
        self.rows: Mapping[str, BudgetRecord] = {}
        self.decision: Decision | None = None
        self.sealed = _sealed(batch, given.text)

    def done(self) -> Answered:
        """What the approver is told. Raises `Conflict` before anything is written."""
        event = Event.DENY if self.given.answer == "deny" else self._approve()
        moved = self._moved(event)
        resolution = self._resolved(event)
        entry = self._entry(event, moved, resolution)
        if event is Event.APPROVE and self.decision is not None and self.given.rows is not None:
            charge_rows(self.batch, self.given.rows, self.decision)
        body = orjson.dumps(self._reply(event, moved, resolution, entry))
        self._write(moved, resolution, entry, body)
        return Answered(body=body, status=200, unnamed=resolution.id)

    def _approve(self) -> Event:
        """Decide the request anew, with the approver's authority and today's balances."""
        request, rows = self.given.request, self.given.rows
        if not isinstance(request, Request) or rows is None:
            raise _not_approvable(str(request))
        self.rows = rows.by_budget(self.batch.budgets)
        balances = rows.balances(self.batch.balances)
        decision = evaluate(self.rulebook, request, balances, self.batch.at)
        self.decision = decision if self.hold is None else kept_back(decision)
        if decision.outcome is Outcome.ESCALATED:
            return Event.MOVE_UP
        if decision.outcome is not Outcome.APPROVED:
            told = decision.reasons[:REASONS_TOLD]
            raise _not_approvable(" ".join(message(reason, self.rulebook) for reason in told))
        if self._is_quorum(decision, request):
            return Event.APPROVE
        self.decision = uncharged(decision)
        return Event.CONCUR

    def _is_quorum(self, decision: Decision, request: Request) -> bool:
        """Whether enough distinct people approved, or the agent may by now do it alone."""
        rule = self.rulebook.escalation.get(self.escalation.role)
        needed = 1 if rule is None else rule.approvals
        alone = self.rulebook.ladder(request.agent.roles).reach
        lone = decision.authority is not None and decision.authority.role in alone
        return lone or len(self.escalation.approvals) + 1 >= needed

    def _moved(self, event: Event) -> EscalationRecord:
        """The escalation after the event."""
        at, person = self.batch.at, self.given.principal.id
        state = TRANSITIONS[State(self.escalation.state), event]
        if event is Event.CONCUR:
            return replace(self.escalation, approvals=(*self.escalation.approvals, person))
        if event is Event.MOVE_UP and self.decision is not None and self.decision.escalate_to:
            role = self.decision.escalate_to.role
            rule = self.rulebook.escalation.get(role)
            within = None if rule is None else rule.answer_within
            due = None if within is None else at + within
            return replace(self.escalation, role=role, approvals=(), answer_by=due)
        approvals = self.escalation.approvals
        if event is Event.APPROVE:
            approvals = (*approvals, person)
        return replace(
            self.escalation,
            state=state.value,
            approvals=approvals,
            answered_by=person,
            answered_at=at,
        )

    def _resolved(self, event: Event) -> ResolutionRecord:
        """The resolution after the event; its answer is filled in by `_reply`."""
        if event is Event.APPROVE and self.decision is not None:
            held = self.hold is not None
            return replace(
                self.resolution,
                outcome=Outcome.APPROVED.value,
                state=state_of(self.decision, held=held),
                value_minor=self.decision.value_minor,
                charges=self._charges(self.decision),
                hold_ends_at=None if self.hold is None else self.batch.at + self.hold.lasts,
                hold_then=None if self.hold is None else self.hold.then,
            )
        if event is Event.DENY:
            return replace(self.resolution, outcome=Outcome.DENIED.value, state=None)
        return self.resolution

    def _charges(self, decision: Decision) -> tuple[Charge, ...]:
        rows = self.given.rows
        return () if rows is None else charges_of(decision, rows.names, held=self.hold is not None)

    def _entry(
        self, event: Event, moved: EscalationRecord, resolution: ResolutionRecord
    ) -> EntryRecord:
        batch, escalation = self.batch, self.escalation
        head = Head(
            id=batch.ids.new("ent", batch.at), kind="answer", at=batch.at, about=self.resolution.id
        )
        body: dict[str, Any] = {
            "by": caller_body(self.given.principal),
            "roles": list(self.given.held),
            "escalation": escalation_body(escalation),
            "digest": escalation.digest,
            "opened_under": escalation.policy_version,
            "answer": self.given.answer,
            "effect": event.value,
            "state": resolution.state,
            "approvals": list(moved.approvals),
            "policy": {"version": self.rulebook.version, "rules": self.rulebook.rules},
            "site": escalation.site,
            "decision": None
            if self.decision is None
            else decision_body(self.rulebook, self.decision, self.rows),
        }
        return entry_of(
            head,
            body,
            self.sealed,
            site=escalation.site,
            agent=self.given.principal.id,
            subject=escalation.subject,
            resolution=self.resolution.resolution,
            outcome=moved.state,
            value_minor=self.resolution.value_minor,
            policy_version=self.rulebook.version,
        )

    def _reply(
        self,
        event: Event,
        moved: EscalationRecord,
        resolution: ResolutionRecord,
        entry: EntryRecord,
    ) -> dict[str, Any]:
        answered = self._decision_json(event, moved, entry)
        self._answer = orjson.dumps(answered)
        return {
            "id": moved.id,
            "state": moved.state,
            "effect": event.value,
            "to": moved.role,
            "answer_by": None if moved.answer_by is None else rfc3339(moved.answer_by),
            "answered_by": moved.answered_by,
            "answered_at": None if moved.answered_at is None else rfc3339(moved.answered_at),
            "approvals": list(moved.approvals),
            "resolution": resolution.id,
            "decision": answered,
            "entry": {"id": entry.id, "leaf": entry.leaf.hex()},
        }

    def _decision_json(
        self, event: Event, moved: EscalationRecord, entry: EntryRecord
    ) -> dict[str, Any]:
        """The resolution's decision as it stands now."""
        escalation = {**escalation_body(moved), "state": moved.state}
        if event is Event.APPROVE and self.decision is not None:
            return answer_of(
                self.rulebook,
                self.decision,
                self.batch.at,
                id=self.resolution.id,
                state=state_of(self.decision, held=self.hold is not None),
                escalation=escalation,
                entry={"id": entry.id, "leaf": entry.leaf.hex()},
            )
        before: dict[str, Any] = orjson.loads(self.resolution.answer)
        before["escalation"] = escalation
        if event is Event.DENY:
            before |= {"outcome": Outcome.DENIED.value, "state": None}
        return before

    def _write(
        self,
        moved: EscalationRecord,
        resolution: ResolutionRecord,
        entry: EntryRecord,
        body: bytes,
    ) -> None:
        batch, given = self.batch, self.given
        writes = batch.writes
        if self.sealed:
            wrapped = batch.subject_keys[moved.subject]
            writes.openings.append(seal(batch.vault, wrapped, entry.id, moved.subject, self.sealed))
        writes.entries.append(entry)
        writes.escalation_changes.append(moved)
        writes.resolution_changes.append(replace(resolution, answer=self._answer))
        batch.escalations[moved.id] = moved
        batch.resolutions[resolution.id] = replace(resolution, answer=self._answer)
        if given.claim is not None:
            record = IdempotencyRecord(
                key=given.claim.key,
                fingerprint=given.claim.fingerprint,
                resolution=resolution.id,
                subject=moved.subject,
                status=200,
                answer=body,
            )
            batch.idempotency[given.claim.key] = record
            writes.idempotency.append(record)


def _sealed(batch: Batch, text: str | None) -> tuple[str, ...]:
    """The text of the answer as an encoded disclosure."""
    if text is None:
        return ()
    return (Disclosure(salt=batch.ids.salt(), name="answer", value=text).encoded(),)


def _not_approvable(why: str) -> Conflict:
    return Conflict(
        "not_approvable",
        f"today's policy does not allow it: {why}",
        "deny it, or let the agent propose something else",
    )

"""Transition: one legal move of an escalation, and everything that it writes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import orjson

from service.app.accounts import BudgetRows
from service.app.batch import Batch
from service.app.charges import charges_of
from service.app.deadline import awaiting, paused, resumed
from service.app.ending import SERVICE
from service.app.entry import Head, caller_body, decision_body, entry_of
from service.app.idempotency import Claim
from service.app.principal import Principal
from service.app.propose import Answered, charge_rows, escalation_body, state_of
from service.app.pseudonym import seal
from service.app.records import (
    EntryKind,
    EntryRecord,
    EscalationRecord,
    IdempotencyRecord,
    ResolutionRecord,
)
from service.core.answer import answer_of
from service.core.decision import Decision, Outcome
from service.core.delegation import Mandate, voice
from service.core.disclosure import Disclosure
from service.core.escalation import GRANTS, MOVES, REFUSES, TRANSITIONS, Event, State
from service.core.escalationtold import Told, told
from service.core.factvalue import rfc3339
from service.core.request import Request

KINDS: Final[Mapping[Event, EntryKind]] = MappingProxyType(
    {
        **dict.fromkeys(Event, "answer"),
        Event.REPLY: "reply",
        Event.WITHDRAW: "withdraw",
        Event.REMIND: "remind",
        Event.HAND_ON: "timeout",
        Event.TIME_OUT: "timeout",
        Event.REROUTE: "reroute",
        Event.LAPSE: "reroute",
    }
)
"""What the entry of each event is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One event, who brings it, and on which decision.

    ``answer`` is what somebody above said, where that brought it. Without a ``principal``
    it is the service. ``way`` is as whom somebody answers, and ``roles`` are those by
    whose authority it was decided. ``decision`` has its charges only where the event
    grants; ``rows`` are what they are charged to. ``to`` is the role that is awaited from
    now on. ``votes`` are those who approved, with this one; ``countered`` is the request
    as they approved it, where that is another than was asked. ``alone`` says that the
    agent may give it unasked by now.
    """

    event: Event
    answer: str | None = None
    principal: Principal | None = None
    way: Mandate | None = None
    roles: tuple[str, ...] = ()
    text: str | None = None
    claim: Claim | None = None
    decision: Decision | None = None
    rows: BudgetRows | None = None
    to: str | None = None
    votes: tuple[str, ...] = ()
    countered: Request | None = None
    alone: bool = False

    @property
    def voice(self) -> str:
        """Who did it, as it is shown: ``mia for max``."""
        if self.principal is None:
            return str(SERVICE["id"])
        return voice(self.principal.id, () if self.way is None else self.way.through)


class Transition:
    """One legal move. The caller has seen that it is one, and who may make it."""

    def __init__(self, batch: Batch, escalation: EscalationRecord, step: Step) -> None:
        """Keep the escalation as it stands under its lock."""
        self.batch = batch
        self.step = step
        self.before = escalation
        self.rulebook = batch.snapshot.rulebook
        self.resolution = batch.resolutions[escalation.resolution]
        known = self.rulebook.resolutions.get(self.resolution.resolution)
        self.hold = None if known is None else known.hold
        self.sealed = self._sealed()

    def done(self) -> Answered:
        """What whoever brought the event is told. Everything is among the batch's writes."""
        after = self._after()
        resolution = self._resolved()
        entry = self._entry(after, resolution)
        step = self.step
        if step.event in GRANTS and step.decision is not None and step.rows is not None:
            charge_rows(self.batch, step.rows, step.decision)
        answer = self._answer(after, entry)
        resolution = replace(resolution, answer=orjson.dumps(answer))
        body = orjson.dumps(_reply(after, step, answer, entry))
        self._write(after, resolution, entry)
        self._keep(after, body)
        return Answered(body=body, status=200, unnamed=resolution.id)

    def _after(self) -> EscalationRecord:
        """The escalation after the event."""
        event, at, before = self.step.event, self.batch.at, self.before
        state = TRANSITIONS[State(before.state), event]
        after = before
        if event in MOVES:
            after = awaiting(self.rulebook, before, self.step.to or before.role, at)
        elif event is Event.ASK:
            after = paused(self.rulebook, before, self.step.voice, at)
        elif event is Event.REPLY:
            after = resumed(self.rulebook, before, at)
        elif event is Event.REMIND:
            after = replace(before, remind_at=None, reminded_at=at)
        elif event is Event.CONCUR:
            after = self._voted()
        else:
            after = self._closed()
        return replace(after, state=state.value)

    def _voted(self) -> EscalationRecord:
        offer = self.step.countered
        return replace(
            self.before,
            approvals=self.step.votes,
            offer_minor=None if offer is None else offer.amount_minor,
            offer_quantity=None if offer is None else offer.quantity,
        )

    def _closed(self) -> EscalationRecord:
        after = self._voted() if self.step.event in GRANTS else self.before
        by = None if self.step.principal is None else self.step.voice
        return replace(after, answered_by=by, answered_at=self.batch.at, remind_at=None)

    def _resolved(self) -> ResolutionRecord:
        """The resolution after the event, with the answer that it had before."""
        step, before = self.step, self.resolution
        if step.event in REFUSES:
            return replace(before, outcome=Outcome.DENIED.value, state=None)
        if step.event not in GRANTS or step.decision is None or step.rows is None:
            return before
        held = self.hold is not None
        return replace(
            before,
            outcome=Outcome.APPROVED.value,
            state=state_of(step.decision, held=held),
            value_minor=step.decision.value_minor,
            charges=charges_of(step.decision, step.rows.names, held=held),
            hold_ends_at=None if self.hold is None else self.batch.at + self.hold.lasts,
            hold_then=None if self.hold is None else self.hold.then,
        )

    def _sealed(self) -> tuple[str, ...]:
        """What was said as an encoded disclosure."""
        if self.step.text is None:
            return ()
        salt = self.batch.ids.salt()
        return (Disclosure(salt=salt, name="answer", value=self.step.text).encoded(),)

    def _entry(self, after: EscalationRecord, resolution: ResolutionRecord) -> EntryRecord:
        batch, before, step = self.batch, self.before, self.step
        return entry_of(
            Head(
                id=batch.ids.new("ent", batch.at),
                kind=KINDS[step.event],
                at=batch.at,
                about=resolution.id,
            ),
            {**self._circumstances(), **self._effect(after, resolution)},
            self.sealed,
            site=before.site,
            agent=None if step.principal is None else step.principal.id,
            subject=before.subject,
            resolution=resolution.resolution,
            outcome=after.state,
            value_minor=resolution.value_minor,
            policy_version=self.rulebook.version,
        )

    def _circumstances(self) -> dict[str, Any]:
        """Who did it, with which right, and to what."""
        before, step, way = self.before, self.step, self.step.way
        return {
            "by": SERVICE if step.principal is None else caller_body(step.principal),
            "for": [] if way is None else list(way.through),
            "delegations": [] if way is None else list(way.delegations),
            "roles": list(step.roles),
            "escalation": escalation_body(before),
            "was": before.state,
            "digest": before.digest,
            "opened_under": before.policy_version,
            "policy": {"version": self.rulebook.version, "rules": self.rulebook.rules},
            "site": before.site,
        }

    def _effect(self, after: EscalationRecord, resolution: ResolutionRecord) -> dict[str, Any]:
        """What it did."""
        step, due = self.step, after.answer_by
        rows = {} if step.rows is None else step.rows.by_budget(self.batch.budgets)
        offer = step.countered
        return {
            "answer": step.answer,
            "effect": step.event.value,
            "state": resolution.state,
            "to": after.role,
            "answer_by": None if due is None else rfc3339(due),
            "approvals": list(after.approvals),
            "countered": None
            if offer is None
            else {"amount_minor": offer.amount_minor, "quantity": offer.quantity},
            "alone": step.alone,
            "decision": None
            if step.decision is None
            else decision_body(self.rulebook, step.decision, rows),
        }

    def _answer(self, after: EscalationRecord, entry: EntryRecord) -> dict[str, Any]:
        """The resolution's decision as it stands now."""
        step = self.step
        stood: dict[str, Any] = orjson.loads(self.resolution.answer)
        if step.event in GRANTS and step.decision is not None:
            answer = answer_of(
                self.rulebook,
                step.decision,
                self.batch.at,
                id=self.resolution.id,
                state=state_of(step.decision, held=self.hold is not None),
                entry={"id": entry.id, "leaf": entry.leaf.hex()},
            )
            return answer | {"escalation": self._told(after, stood["value"], answer["value"])}
        ended = {"outcome": Outcome.DENIED.value, "state": None} if step.event in REFUSES else {}
        return stood | ended | {"escalation": self._told(after, stood["value"], None)}

    def _told(
        self,
        after: EscalationRecord,
        asked: Mapping[str, Any] | None,
        given: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        """What the agent is told of the escalation."""
        step = self.step
        countered = step.event is Event.COUNTER
        sentence = Told(
            event=step.event,
            by=None if step.principal is None else step.voice,
            proposer=after.proposer,
            role=after.role,
            before=self.before.role,
            value=_words(given) if countered else None,
            alone=step.alone,
        )
        return {
            **escalation_body(after),
            "state": after.state,
            "effect": step.event.value,
            "by": None if step.principal is None else step.voice,
            "asked": asked if countered else None,
            "alone": step.alone,
            "message": told(sentence),
        }

    def _write(
        self, after: EscalationRecord, resolution: ResolutionRecord, entry: EntryRecord
    ) -> None:
        batch = self.batch
        writes, subject = batch.writes, after.subject
        if self.sealed:
            wrapped = batch.subject_keys[subject]
            writes.openings.append(seal(batch.vault, wrapped, entry.id, subject, self.sealed))
        writes.entries.append(entry)
        writes.escalation_changes.append(after)
        batch.escalations[after.id] = after
        if self.step.event is Event.REMIND:
            return  # nothing that the agent waits for
        writes.resolution_changes.append(resolution)
        batch.resolutions[resolution.id] = resolution

    def _keep(self, after: EscalationRecord, body: bytes) -> None:
        """Keep the reply for whoever sends the same again."""
        claim = self.step.claim
        if claim is None:
            return
        record = IdempotencyRecord(
            key=claim.key,
            fingerprint=claim.fingerprint,
            resolution=after.resolution,
            subject=after.subject,
            status=200,
            answer=body,
        )
        self.batch.idempotency[claim.key] = record
        self.batch.writes.idempotency.append(record)


def _reply(
    after: EscalationRecord, step: Step, answer: Mapping[str, Any], entry: EntryRecord
) -> dict[str, Any]:
    """What whoever brought the event is told."""
    due, answered = after.answer_by, after.answered_at
    return {
        "id": after.id,
        "state": after.state,
        "effect": step.event.value,
        "to": after.role,
        "answer_by": None if due is None else rfc3339(due),
        "answered_by": after.answered_by,
        "answered_at": None if answered is None else rfc3339(answered),
        "approvals": list(after.approvals),
        "message": answer["escalation"]["message"],
        "resolution": after.resolution,
        "decision": answer,
        "entry": {"id": entry.id, "leaf": entry.leaf.hex()},
    }


def _words(value: Mapping[str, Any] | None) -> str | None:
    """A value as it stands in a sentence: the quantity where there is one."""
    if value is None:
        return None
    quantity = value.get("quantity")
    return f"{value['amount']} {value['currency']}" if quantity is None else str(quantity)

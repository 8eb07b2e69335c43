"""Elapse: what becomes of an escalation by itself, when its time is up or its role is gone."""

from collections.abc import Mapping
from dataclasses import replace

from service.app.accounts import BudgetRows
from service.app.batch import Batch
from service.app.casecommand import CaseCommand, restored_request
from service.app.deadline import is_overdue
from service.app.errors import Conflict
from service.app.propose import uncharged
from service.app.records import BudgetRecord, EscalationRecord
from service.app.tokenpeople import roles_today
from service.app.transition import Step, Transition
from service.core.decision import Decision, Outcome
from service.core.escalation import WAITING, Event, State
from service.core.evaluate import evaluate
from service.core.refusal import Refused
from service.core.request import Request
from service.core.rulebook import Rulebook


def is_stranded(rulebook: Rulebook, escalation: EscalationRecord) -> bool:
    """Whether it waits for a role that the policy no longer has: nobody could answer."""
    return State(escalation.state) in WAITING and escalation.role not in rulebook.roles


def is_late(escalation: EscalationRecord, batch: Batch) -> bool:
    """Whether it is still open, and its time is up."""
    return State(escalation.state) is State.OPEN and is_overdue(escalation, batch.at)


class Pending:
    """What an escalation is due for, and the rows that finding the next role may read."""

    def __init__(self, batch: Batch, escalation: EscalationRecord) -> None:
        """Look once; nothing is decided before `step`."""
        self.batch = batch
        self.rulebook = batch.snapshot.rulebook
        self.roles = self._candidates(escalation)
        self.request = self._request(escalation)
        self.rows: BudgetRows | None = None
        if self.roles and self.request is not None:
            asked = replace(self.request, authority=self.roles)
            self.rows = BudgetRows(self.rulebook, asked, batch.at)

    @classmethod
    def find(cls, batch: Batch, escalation: EscalationRecord | None) -> "Pending | None":
        """What it is due for at this instant; ``None`` for nothing."""
        return cls(batch, escalation) if escalation and is_due(batch, escalation) else None

    def wanted(self) -> Mapping[str, BudgetRecord]:
        """The rows to lock."""
        return {} if self.rows is None else self.rows.wanted(self.batch.ids)

    def step(self, escalation: EscalationRecord) -> Step:
        """Who is awaited from now on, or that nobody is."""
        stranded = is_stranded(self.rulebook, escalation)
        ends = Event.LAPSE if stranded else Event.TIME_OUT
        tried: Decision | None = None
        for role in self.roles:
            decision = self._decision(role)
            tried = decision or tried
            if decision is not None and decision.outcome is Outcome.APPROVED:
                goes = Event.REROUTE if stranded else Event.HAND_ON
                return self._step(goes, decision, role)
        if stranded and self.roles:  # nobody could approve it at this moment, but somebody deny it
            return self._step(Event.REROUTE, tried, self.roles[-1])
        return self._step(ends, tried, None)

    def _step(self, event: Event, decision: Decision | None, role: str | None) -> Step:
        return Step(
            event=event,
            roles=() if role is None else (role,),
            decision=None if decision is None else uncharged(decision),
            rows=self.rows,
            to=role,
        )

    def _candidates(self, escalation: EscalationRecord) -> tuple[str, ...]:
        """The roles that may be awaited next, lowest first."""
        if not is_stranded(self.rulebook, escalation):
            is_next = escalation.on_timeout == "next"
            return self.rulebook.ladder((escalation.role,)).above if is_next else ()
        record = self.batch.resolutions[escalation.resolution]
        known = tuple([role for role in record.agent_roles if role in self.rulebook.roles])
        access, tokens = self.batch.snapshot.access, self.batch.tx.tokens
        today = roles_today(access, tokens, record.agent, record.site, self.batch.at)
        return self.rulebook.ladder(known or today).above

    def _request(self, escalation: EscalationRecord) -> Request | None:
        record = self.batch.resolutions[escalation.resolution]
        try:
            return restored_request(self.rulebook, record)
        except Refused:
            return None

    def _decision(self, role: str) -> Decision | None:
        """What somebody who holds the role could decide now."""
        if self.request is None or self.rows is None:
            return None
        request = replace(self.request, authority=(role,))
        balances = self.rows.balances(self.batch.balances)
        return evaluate(self.rulebook, request, balances, self.batch.at)


def is_due(batch: Batch, escalation: EscalationRecord) -> bool:
    """Whether something happens to it at this instant by itself."""
    return is_late(escalation, batch) or is_stranded(batch.snapshot.rulebook, escalation)


def came_too_late(before: EscalationRecord, after: EscalationRecord) -> Conflict:
    """What whoever answers is told where something happened by itself first."""
    over = State(after.state) not in WAITING
    return Conflict(
        "answer_overdue",
        f"{before.role} can no longer answer this: "
        + (f"it is {after.state}" if over else f"it went to {after.role}"),
        "let the agent propose it again" if over else "let somebody who may answer it now do so",
    )


class Elapse(CaseCommand):
    """What is due for one escalation. Does nothing where somebody was faster, or nothing is.

    What it answers is whether anything was done.
    """

    principal = None

    def __init__(self, escalation: EscalationRecord) -> None:
        """Keep the escalation as it was read, unlocked."""
        super().__init__(escalation=escalation)
        self._pending: Pending | None = None

    def budgets(self, batch: Batch) -> Mapping[str, BudgetRecord]:
        """What finding the next role may read."""
        self._pending = Pending.find(batch, batch.escalations.get(self.escalation.id))
        return {} if self._pending is None else self._pending.wanted()

    def decide(self, batch: Batch) -> bool:
        """Hand it on or end it."""
        record = batch.escalations.get(self.escalation.id)
        if self._pending is None or record is None or not is_due(batch, record):
            return False
        Transition(batch, record, self._pending.step(record)).done()
        return True


class Remind(CaseCommand):
    """The reminder of one escalation, at half of its time; sent once.

    What it answers is whether it was sent.
    """

    principal = None

    def __init__(self, escalation: EscalationRecord) -> None:
        """Keep the escalation as it was read, unlocked."""
        super().__init__(escalation=escalation)

    def decide(self, batch: Batch) -> bool:
        """Note that it was sent."""
        record = batch.escalations.get(self.escalation.id)
        if record is None or State(record.state) is not State.OPEN:
            return False
        if record.remind_at is None or record.remind_at > batch.at or is_late(record, batch):
            return False
        Transition(batch, record, Step(event=Event.REMIND)).done()
        return True

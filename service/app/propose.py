"""Propose: decide a resolution, charge it, log it, and hand it upwards if it lies outside."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from service.app.accounts import BudgetRows
from service.app.batch import Batch
from service.app.charges import charges_of
from service.app.deadline import deadline_of
from service.app.entry import Head, caller_body, decision_body, entry_of, of_decision, proposal_body
from service.app.errors import TooMany
from service.app.floodguard import Guards
from service.app.idempotency import Claim, replay_of
from service.app.principal import Principal, for_caller, require
from service.app.pseudonym import (
    PersonalValue,
    Pseudonymous,
    name_people,
    newly_owned,
    personal_values,
    pseudonymous,
    seal,
    stored_proposal,
    wanted_surrogates,
)
from service.app.records import (
    BudgetRecord,
    EntryRecord,
    EscalationRecord,
    IdempotencyRecord,
    ResolutionRecord,
    ResolutionState,
    SurrogateRecord,
)
from service.app.snapshot import Snapshot
from service.core.answer import answer_of
from service.core.decision import Decision, Outcome
from service.core.evaluate import evaluate
from service.core.factvalue import rfc3339
from service.core.proposal import read_proposal
from service.core.request import Agent, Request
from service.core.rulebook import Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the caller gets: JSON bytes, and whether they were given before.

    Where ``unnamed`` is set the body still holds surrogates of that resolution's personal
    values; see `find.Finder.named`.
    """

    body: bytes
    replayed: bool = False
    status: int = 201
    unnamed: str | None = None


def read_request(snapshot: Snapshot, principal: Principal, body: Any) -> Request:  # noqa: ANN401 — JSON
    """The request of a proposal under a policy, with the caller's roles at its site.

    Raises `Refused` for what cannot be decided, `Forbidden` where the caller may not propose.
    """
    access = for_caller(snapshot.access, principal)

    def at(site: str) -> Agent:
        roles = access.roles(principal.id, site)
        return Agent(id=principal.id, kind=principal.kind, owner=principal.owner, roles=roles)

    request = read_proposal(snapshot.rulebook, body, at)
    require(access, principal, "resolution", "propose", request.site)
    return request


def with_roles(snapshot: Snapshot, principal: Principal, request: Request) -> Request:
    """The request with the roles that the caller, its agent, holds at its site."""
    agent = request.agent
    roles = for_caller(snapshot.access, principal).roles(agent.id, request.site)
    return replace(request, agent=replace(agent, roles=roles))


class Propose:
    """One proposal on its way through a batch.

    ``request`` may carry what the door read already, under the policy version it names;
    it is read again where another version is in force by then.
    """

    def __init__(
        self,
        *,
        principal: Principal,
        body: Mapping[str, Any],
        claim: Claim | None = None,
        request: Request | None = None,
        version: str | None = None,
    ) -> None:
        """Keep what was asked."""
        self.principal = principal
        self.body = body
        self.claim = claim
        self._request = request
        self._version = version
        self._replay: IdempotencyRecord | None = None
        self._values: tuple[PersonalValue, ...] = ()
        self._case: Pseudonymous | None = None
        self._rows: BudgetRows | None = None
        self._guards: Guards | None = None

    def idempotency_key(self) -> str | None:
        """See `batch.Command`."""
        return None if self.claim is None else self.claim.key

    def read(self, batch: Batch) -> None:
        """Find an answer that was given already, or read the request under today's policy."""
        self._replay = self._find_replay(batch)
        if self._replay is not None:
            return
        if self._request is None or self._version != batch.snapshot.rulebook.version:
            self._request = read_request(batch.snapshot, self.principal, self.body)
            self._version = batch.snapshot.rulebook.version
        self._values = personal_values(batch.snapshot.rulebook, self._request, batch.vault)

    def surrogates(self, batch: Batch) -> Mapping[bytes, SurrogateRecord]:
        """See `batch.Command`."""
        return wanted_surrogates(batch.snapshot.rulebook, self._values, batch.ids)

    def subject(self, batch: Batch) -> str | None:
        """Take the personal values out; whose key is needed to seal them."""
        if self._replay is not None or self._request is None:
            return None
        self._case = pseudonymous(
            batch.snapshot.rulebook, self._request, self._values, batch.surrogates, batch.ids
        )
        for owned in newly_owned(self._values, batch.surrogates, self._case.subject):
            batch.surrogates[owned.fingerprint] = owned
            batch.writes.surrogates.append(owned)
        return self._case.subject

    def escalation_id(self) -> str | None:
        """See `batch.Command`."""
        return None

    def resolution_id(self) -> str | None:
        """See `batch.Command`."""
        return None

    def budgets(self, batch: Batch) -> Mapping[str, BudgetRecord]:
        """See `batch.Command`."""
        if self._case is None:
            return {}
        self._rows = BudgetRows(batch.snapshot.rulebook, self._case.request, batch.at)
        self._guards = Guards(batch.snapshot.rulebook, self._case.request)
        return self._guards.beside(self._rows.wanted(batch.ids), batch.ids)

    def decide(self, batch: Batch) -> Answered | TooMany:
        """Decide against the locked balances; add everything that follows to the writes.

        An escalation too many is refused, with nothing decided.
        """
        replay = self._find_replay(batch)
        if replay is not None:
            return replayed(replay)
        if self._case is None or self._rows is None or self._guards is None:
            raise AssertionError("a proposal is read before it is decided")
        deciding = _Deciding(batch, self, self._case, self._rows)
        to = deciding.decision.escalate_to
        flood = None if to is None else self._guards.turn_away(batch, self.principal, to.role)
        return deciding.done() if flood is None else flood

    def _find_replay(self, batch: Batch) -> IdempotencyRecord | None:
        key = self.idempotency_key()
        return replay_of(self.claim, None if key is None else batch.idempotency.get(key))


def replayed(record: IdempotencyRecord) -> Answered:
    """The answer that was given before."""
    return Answered(
        body=record.answer or b"", replayed=True, status=record.status, unnamed=record.resolution
    )


class _Deciding:
    """The decision of one proposal and everything that it writes."""

    def __init__(
        self, batch: Batch, command: Propose, case: Pseudonymous, rows: BudgetRows
    ) -> None:
        self.batch = batch
        self.command = command
        self.case = case
        self.rulebook: Rulebook = batch.snapshot.rulebook
        self.request = case.request
        self.id = batch.ids.new("res", batch.at)
        self.entry_id = batch.ids.new("ent", batch.at)
        self.rows = rows
        balances = rows.balances(batch.balances)
        decision = evaluate(self.rulebook, self.request, balances, batch.at)
        self.hold = self.rulebook.resolutions[self.request.resolution].hold
        self.decision = decision if self.hold is None else kept_back(decision)
        self.escalation = self._escalation()

    def done(self) -> Answered:
        entry = self._entry()
        answer = orjson.dumps(self._answer(entry))
        writes, case = self.batch.writes, self.case
        if case.sealed:
            wrapped = self.batch.subject_keys[case.subject]
            writes.openings.append(
                seal(self.batch.vault, wrapped, entry.id, case.subject, case.sealed)
            )
        writes.entries.append(entry)
        writes.resolutions.append(self._record(answer))
        if self.escalation is not None:
            writes.escalations.append(_bound(self.escalation, entry))
        charge_rows(self.batch, self.rows, self.decision)
        self._keep_answer(answer)
        return Answered(body=name_people(answer, case.names))

    def _escalation(self) -> EscalationRecord | None:
        to = self.decision.escalate_to
        if to is None:
            return None
        batch, agent, site = self.batch, self.request.agent, self.request.site
        due = deadline_of(self.rulebook, site, to.role, batch.at)
        return EscalationRecord(
            id=batch.ids.new("esc", batch.at),
            resolution=self.id,
            site=site,
            role=to.role,
            state="open",
            digest="",
            policy_version=self.rulebook.version,
            proposer=agent.id,
            proposer_owner=agent.owner,
            subject=self.case.subject,
            opened_at=batch.at,
            answer_by=due.answer_by,
            on_timeout=due.on_timeout,
            remind_at=due.remind_at,
        )

    def _entry(self) -> EntryRecord:
        head = Head(id=self.entry_id, kind="decision", at=self.batch.at, about=self.id)
        opened = self.escalation
        rows = self.rows.by_budget(self.batch.budgets)
        body = {
            "by": caller_body(self.command.principal),
            "proposal": proposal_body(self.rulebook, self.request),
            "state": self._state(),
            "escalation": None if opened is None else escalation_body(opened),
            **decision_body(self.rulebook, self.decision, rows),
        }
        found_by = of_decision(self.rulebook, self.request, self.decision, self.case.subject)
        return entry_of(head, body, self.case.sealed, **found_by)

    def _answer(self, entry: EntryRecord) -> dict[str, Any]:
        return answer_of(
            self.rulebook,
            self.decision,
            self.batch.at,
            id=self.id,
            state=self._state(),
            escalation=None if self.escalation is None else escalation_json(self.escalation),
            entry={"id": entry.id, "leaf": entry.leaf.hex()},
        )

    def _state(self) -> ResolutionState | None:
        return state_of(self.decision, held=self.hold is not None)

    def _record(self, answer: bytes) -> ResolutionRecord:
        request, decision, agent = self.request, self.decision, self.request.agent
        approved = decision.outcome is Outcome.APPROVED
        return ResolutionRecord(
            id=self.id,
            entry=self.entry_id,
            site=request.site,
            agent=agent.id,
            agent_kind=agent.kind,
            agent_owner=agent.owner,
            agent_roles=agent.roles,
            subject=self.case.subject,
            resolution=request.resolution,
            outcome=decision.outcome.value,
            state=self._state(),
            value_minor=decision.value_minor,
            policy_version=self.rulebook.version,
            decided_at=self.batch.at,
            proposal=stored_proposal(self.rulebook, request, self.command.body),
            answer=answer,
            escalation=None if self.escalation is None else self.escalation.id,
            charges=charges_of(decision, self.rows.names, held=self.hold is not None),
            hold_ends_at=self.batch.at + self.hold.lasts if self.hold and approved else None,
            hold_then=self.hold.then if self.hold and approved else None,
        )

    def _keep_answer(self, answer: bytes) -> None:
        claim = self.command.claim
        if claim is None:
            return
        record = IdempotencyRecord(
            key=claim.key,
            fingerprint=claim.fingerprint,
            resolution=self.id,
            subject=self.case.subject,
            status=201,
            answer=answer,
        )
        self.batch.idempotency[claim.key] = record
        self.batch.writes.idempotency.append(record)


def kept_back(decision: Decision) -> Decision:
    """The decision with its charges as holds."""
    return decision._replace(readings=tuple([reading.kept_back() for reading in decision.readings]))


def uncharged(decision: Decision) -> Decision:
    """The decision as it would be, with nothing charged yet."""
    return decision._replace(
        readings=tuple(
            reading._replace(charged=0, after=reading.before, used_after=reading.used_before)
            for reading in decision.readings
        ),
    )


def charge_rows(batch: Batch, rows: BudgetRows, decision: Decision) -> None:
    """Put the balances after a decision in place of those before, for the commands that follow."""
    for reading in decision.readings:
        if reading.charged:
            batch.balances[rows.names[reading.key]] = reading.after


def state_of(decision: Decision, *, held: bool) -> ResolutionState | None:
    """The state of a resolution right after its decision."""
    if decision.outcome is Outcome.APPROVED:
        return "held" if held else "settled"
    return "pending" if decision.outcome is Outcome.ESCALATED else None


def escalation_json(escalation: EscalationRecord) -> dict[str, Any]:
    """What an answer says of its escalation."""
    due = escalation.answer_by
    return {
        "id": escalation.id,
        "to": escalation.role,
        "answer_by": None if due is None else rfc3339(due),
    }


def escalation_body(escalation: EscalationRecord) -> dict[str, Any]:
    """What an entry says of an escalation."""
    return escalation_json(escalation)


def _bound(escalation: EscalationRecord, entry: EntryRecord) -> EscalationRecord:
    """The escalation bound to the exact request: to the leaf of the decision that opened it."""
    return replace(escalation, digest=entry.leaf.hex())

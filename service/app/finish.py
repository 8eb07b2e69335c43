"""Finish: settle or release what is held, reverse what was settled, end what is overdue."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from service.app.batch import Batch, Kept
from service.app.charges import charged_rows
from service.app.ending import Ending, Given, decimals_of, expire, value_of
from service.app.errors import Conflict, Forbidden, NotFound
from service.app.idempotency import Claim, replay_of
from service.app.principal import Principal, for_caller, require
from service.app.propose import Answered, replayed
from service.app.records import (
    BudgetRecord,
    IdempotencyRecord,
    ResolutionRecord,
    SurrogateRecord,
)
from service.core.escalation import Objection, find_objection
from service.core.hold import TRANSITIONS, Move, State, is_over
from service.core.settlement import (
    read_release,
    read_reversal,
    read_settlement,
    read_unexplained,
)

_OBJECTIONS: Final[Mapping[Objection, tuple[str, str]]] = {
    Objection.HUMANS_ONLY: (
        "only people reverse what was settled",
        "let a colleague reverse it with their own key",
    ),
    Objection.OWN_REQUEST: (
        "nobody reverses what they proposed, nor what an agent of theirs did",
        "let somebody else who may approve it reverse it",
    ),
    Objection.NOT_YOUR_REMIT: (
        "this was given under a role that is not in your reach",
        "let somebody who holds that role, or one above it, reverse it",
    ),
}


class Finish:
    """One move on its way through a batch. ``resolution`` is as the door read it, unlocked."""

    def __init__(
        self,
        *,
        principal: Principal,
        resolution: ResolutionRecord,
        move: Move,
        body: Any,  # noqa: ANN401 — JSON
        claim: Claim | None = None,
    ) -> None:
        """Keep what was asked."""
        self.principal = principal
        self.resolution = resolution
        self.move = move
        self.body = body
        self.claim = claim
        self._replay: IdempotencyRecord | None = None
        self._roles: tuple[str, ...] = ()

    def idempotency_key(self) -> str | None:
        """See `batch.Command`."""
        return None if self.claim is None else self.claim.key

    def read(self, batch: Batch) -> None:
        """Find an answer that was given already, or see that the caller may do this at all."""
        self._replay = self._find_replay(batch)
        if self._replay is not None:
            return
        access = for_caller(batch.snapshot.access, self.principal)
        self._roles = access.roles(self.principal.id, self.resolution.site)
        if self.move is Move.REVERSE:
            site = self.resolution.site
            require(batch.snapshot.access, self.principal, "escalation", "answer", site)
        else:
            self._require_finisher(batch)

    def surrogates(self, batch: Batch) -> Mapping[bytes, SurrogateRecord]:  # noqa: ARG002
        """See `batch.Command`."""
        return {}

    def subject(self, batch: Batch) -> Kept | None:  # noqa: ARG002
        """Whose key seals the reason of a reversal, unless the person was erased."""
        if self._replay is not None or self.move is not Move.REVERSE:
            return None
        return Kept(self.resolution.subject)

    def escalation_id(self) -> str | None:
        """See `batch.Command`."""
        return None

    def resolution_id(self) -> str | None:
        """See `batch.Command`."""
        return self.resolution.id

    def budgets(self, batch: Batch) -> Mapping[str, BudgetRecord]:
        """Exactly the rows that the approval charged."""
        if self._replay is not None:
            return {}
        return charged_rows(self._record(batch).charges)

    def decide(self, batch: Batch) -> Answered | Conflict:
        """Move it on. A hold that is overdue ends first, whatever comes of the move.

        Only a reversal may go on from there, as it could a moment later.
        """
        replay = self._find_replay(batch)
        if replay is not None:
            return replayed(replay)
        record = self._record(batch)
        if _is_due(record, batch):
            record = expire(batch, record)
            if self.move is not Move.REVERSE:
                return _expired(record)
        given = self._given(batch, record)
        after = Ending(batch, record, given).done()
        self._keep_answer(batch, after)
        return Answered(body=after.answer, status=200, unnamed=after.id)

    def _given(self, batch: Batch, record: ResolutionRecord) -> Given:
        """What is asked, where it is legal and well formed."""
        self._require_legal(record)
        principal, move, roles = self.principal, self.move, self._roles
        if move is Move.REVERSE:
            self._require_four_eyes(batch, record)
            reason = self._reason(batch, record)
            return Given(move=move, principal=principal, roles=roles, reason=reason)
        if move is Move.RELEASE:
            read_release(self.body)
            return Given(move=move, principal=principal, roles=roles)
        settled = read_settlement(self.body, value_of(record), decimals_of(record))
        return Given(move=move, principal=principal, roles=roles, settled=settled)

    def _reason(self, batch: Batch, record: ResolutionRecord) -> str | None:
        """Why it is reversed; nothing where there is no key left to seal it under."""
        if record.subject in batch.subject_keys:
            return read_reversal(self.body)
        read_unexplained(self.body)
        return None

    def _require_legal(self, record: ResolutionRecord) -> None:
        if record.state in _APPROVED and (State(record.state), self.move) in TRANSITIONS:
            return
        if self.move is Move.REVERSE:
            raise Conflict(
                "not_settled",
                f"this is {record.state or record.outcome}, and only what is settled is reversed",
                "release it if it is held; what was released or reversed is back already",
            )
        if record.hold_ends_at is not None:
            raise _expired(record)
        raise Conflict(
            "not_held",
            f"this is {record.state or record.outcome}, and not held",
            "look at it: GET /v1/resolutions/{id}",
        )

    def _require_finisher(self, batch: Batch) -> None:
        """Who proposed it, or answers for the agent that did, or for escalations there."""
        person, record = self.principal.id, self.resolution
        access = for_caller(batch.snapshot.access, self.principal)
        if access.may(person, "escalation", "answer", record.site):
            return
        if person not in {record.agent, record.agent_owner}:
            raise Forbidden(
                "not_yours",
                "this was proposed by somebody else",
                "let them finish it, or somebody who answers escalations at the site",
            )
        require(access, self.principal, "resolution", "propose", record.site)

    def _require_four_eyes(self, batch: Batch, record: ResolutionRecord) -> None:
        objection = find_objection(
            batch.snapshot.rulebook,
            role=authority_of(record),
            person=self.principal.id,
            kind=self.principal.kind,
            held=self._roles,
            proposer=record.agent,
            proposer_owner=record.agent_owner,
            approvals=(),
        )
        if objection is not None:
            what, instead = _OBJECTIONS[objection]
            raise Forbidden(objection.value, what, instead)

    def _record(self, batch: Batch) -> ResolutionRecord:
        found = batch.resolutions.get(self.resolution.id)
        if found is None:
            raise NotFound("no_resolution", "there is no such resolution", "list them")
        return found

    def _find_replay(self, batch: Batch) -> IdempotencyRecord | None:
        key = self.idempotency_key()
        return replay_of(self.claim, None if key is None else batch.idempotency.get(key))

    def _keep_answer(self, batch: Batch, after: ResolutionRecord) -> None:
        if self.claim is None:
            return
        record = IdempotencyRecord(
            key=self.claim.key,
            fingerprint=self.claim.fingerprint,
            resolution=after.id,
            subject=after.subject,
            status=200,
            answer=after.answer,
        )
        batch.idempotency[self.claim.key] = record
        batch.writes.idempotency.append(record)


class Expire:
    """The end of one overdue hold. Does nothing where somebody was faster, or it is not due.

    What it answers is whether it ended the hold.
    """

    principal = None

    def __init__(self, resolution: str) -> None:
        """Keep the resolution's id."""
        self._id = resolution

    def idempotency_key(self) -> str | None:
        """See `batch.Command`."""
        return None

    def read(self, batch: Batch) -> None:
        """See `batch.Command`."""

    def surrogates(self, batch: Batch) -> Mapping[bytes, SurrogateRecord]:  # noqa: ARG002
        """See `batch.Command`."""
        return {}

    def subject(self, batch: Batch) -> str | None:  # noqa: ARG002
        """See `batch.Command`."""
        return None

    def escalation_id(self) -> str | None:
        """See `batch.Command`."""
        return None

    def resolution_id(self) -> str | None:
        """See `batch.Command`."""
        return self._id

    def budgets(self, batch: Batch) -> Mapping[str, BudgetRecord]:
        """Exactly the rows that the approval charged, where it is due."""
        record = self._find_due(batch)
        return {} if record is None else charged_rows(record.charges)

    def decide(self, batch: Batch) -> bool:
        """End the hold by the move that it names."""
        record = self._find_due(batch)
        if record is not None:
            expire(batch, record)
        return record is not None

    def _find_due(self, batch: Batch) -> ResolutionRecord | None:
        record = batch.resolutions.get(self._id)
        return record if record is not None and _is_due(record, batch) else None


_APPROVED: Final = frozenset(State)


def _is_due(record: ResolutionRecord, batch: Batch) -> bool:
    return record.state == State.HELD.value and is_over(record.hold_ends_at, batch.at)


def authority_of(record: ResolutionRecord) -> str:
    """The role under which an approval was given."""
    role: str = orjson.loads(record.answer)["authority"]["role"]
    return role


def _expired(record: ResolutionRecord) -> Conflict:
    return Conflict(
        "hold_expired",
        f"the hold was over before this came, and is {record.state}",
        "propose it again if it is still wanted",
    )

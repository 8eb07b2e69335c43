"""Delegate: say who answers for whom, and take it back; each is an entry of the log."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from service.app.accessports import Access
from service.app.batch import Batch
from service.app.entry import Head, caller_body, entry_of
from service.app.errors import Conflict, Forbidden, NotFound
from service.app.idempotency import Claim
from service.app.mandates import standing_in
from service.app.plaincommand import PlainCommand
from service.app.principal import Principal, for_caller
from service.app.propose import Answered
from service.app.tokenpeople import remembered
from service.core.appointment import Appointment, begun, read_appointment
from service.core.delegation import (
    CHAIN_MAX,
    GIVEN_MAX,
    RECEIVED_MAX,
    Clash,
    Delegation,
    find_clash,
)
from service.core.factvalue import rfc3339
from service.core.refusal import Fault, Refused

EVERYWHERE: Final = "*"
"""The site that asks for a right at every site."""

_CLASHES: Final[Mapping[Clash, tuple[str, str]]] = {
    Clash.CIRCLE: (
        "the delegate already passes on to the delegator, so it would lead in a circle",
        "choose somebody else, or revoke the other one first",
    ),
    Clash.TOO_LONG: (
        f"more than {CHAIN_MAX} delegations would follow each other",
        "delegate to whoever stands at the end of the chain",
    ),
    Clash.TOO_MANY: (
        f"one person gives at most {GIVEN_MAX} at a time and receives at most {RECEIVED_MAX}",
        "revoke those that are no longer needed",
    ),
}


def delegation_json(one: Delegation, at: datetime) -> dict[str, Any]:
    """A delegation as everybody is shown it, at an instant."""
    revoked = one.revoked_at
    return {
        **terms_json(one),
        "state": state_of(one, at),
        "created_by": one.created_by,
        "created_at": rfc3339(one.created_at),
        "revoked_by": one.revoked_by,
        "revoked_at": None if revoked is None else rfc3339(revoked),
    }


def terms_json(one: Delegation) -> dict[str, Any]:
    """What stays as it was agreed: who answers for whom, where, as what and for how long."""
    return {
        "id": one.id,
        "for": one.delegator,
        "to": one.delegate,
        "site": one.site,
        "role": one.role,
        "from": rfc3339(one.starts_at),
        "until": rfc3339(one.ends_at),
    }


def state_of(one: Delegation, at: datetime) -> str:
    """Where a delegation stands: ``upcoming``, ``active``, ``ended`` or ``revoked``."""
    if one.revoked_at is not None and one.revoked_at <= at:
        return "revoked"
    if at < one.starts_at:
        return "upcoming"
    return "active" if at < one.ends_at else "ended"


def manages(access: Access, person: str, site: str | None) -> bool:
    """Whether somebody arranges delegations between others at a site; ``None`` is every one."""
    if site is None:
        return access.sites(person, "delegation", "manage") is None
    return access.may(person, "delegation", "manage", site)


class _Change(PlainCommand):
    """What both commands share: who sends them, and the entry."""

    def __init__(self, principal: Principal, claim: Claim | None) -> None:
        super().__init__(claim)
        self.principal = principal

    def _answered(self, batch: Batch, one: Delegation, effect: str, status: int) -> Answered:
        """The entry of the log, the kept answer, and the answer."""
        head = Head(id=batch.ids.new("ent", batch.at), kind="delegation", at=batch.at, about=one.id)
        shown = delegation_json(one, batch.at)
        told = {"by": caller_body(self.principal), "effect": effect, "delegation": shown}
        entry = entry_of(
            head,
            told,
            site=one.site,
            agent=self.principal.id,
            policy_version=batch.snapshot.rulebook.version,
        )
        batch.writes.entries.append(entry)
        return self.answered(batch, shown, entry, status)


class Delegate(_Change):
    """One delegation on its way through a batch.

    Whoever answers escalations may delegate their own answers; who manages delegations
    at the site may arrange them between others, but never to themselves.
    """

    def __init__(
        self,
        *,
        principal: Principal,
        body: Any,  # noqa: ANN401 — JSON
        claim: Claim | None = None,
    ) -> None:
        """Keep what was asked."""
        super().__init__(principal, claim)
        self.body = body

    def decide(self, batch: Batch) -> Answered:
        """Make it, if it may be made and leads neither in a circle nor too far."""
        replay = self.find_answer(batch)
        if replay is not None:
            return replay
        asked = read_appointment(batch.snapshot.rulebook, self.body, self.principal.id)
        self._require_allowed(for_caller(batch.snapshot.access, self.principal), asked)
        self._require_known(batch, asked)
        starts_at, ends_at = begun(asked, batch.at)
        new = Delegation(
            id=batch.ids.new("del", batch.at),
            delegator=asked.delegator,
            delegate=asked.delegate,
            site=asked.site,
            role=asked.role,
            starts_at=starts_at,
            ends_at=ends_at,
            created_by=self.principal.id,
            created_at=batch.at,
        )
        clash = find_clash(standing_in(batch, locked=True), new)
        if clash is not None:
            what, instead = _CLASHES[clash]
            raise Conflict(clash.value, what, instead)
        batch.writes.delegations.append(new)
        return self._answered(batch, new, "created", 201)

    def _require_allowed(self, access: Access, asked: Appointment) -> None:
        person = self.principal.id
        if self.principal.kind != "human":
            raise Forbidden(
                "humans_only",
                "only people say who answers for whom",
                "let a colleague do it with their own key",
            )
        if asked.delegator == person:
            if not answers_somewhere(access, person, asked.site):
                raise _not_permitted(person, "answer escalations", "escalation, answer")
            return
        if not manages(access, person, asked.site):
            raise _not_permitted(person, "manage delegations", "delegation, manage")
        if asked.delegate == person:
            raise Forbidden(
                "own_delegation",
                "nobody hands themselves what somebody else may do",
                "let the colleague delegate, or somebody else who manages delegations",
            )

    def _require_known(self, batch: Batch, asked: Appointment) -> None:
        """A misspelt name would take every answer away silently."""
        came = remembered(batch.tx.tokens, {asked.delegator, asked.delegate}, batch.at)
        known = {*batch.snapshot.access.people(), *came, self.principal.id}
        faults = tuple(
            Fault(
                code="unknown_person",
                pointer=f"/{field}",
                message="access.csv names no such person, and none came with a token lately",
                remedy="write the name as it stands there, or let them send a command first",
            )
            for field, person in (("for", asked.delegator), ("to", asked.delegate))
            if person not in known
        )
        if faults:
            raise Refused(faults)


class Revoke(_Change):
    """The end of one delegation, before its time. ``delegation`` is as the door read it."""

    def __init__(
        self, *, principal: Principal, delegation: Delegation, claim: Claim | None = None
    ) -> None:
        """Keep what was asked."""
        super().__init__(principal, claim)
        self.delegation = delegation

    def decide(self, batch: Batch) -> Answered:
        """End it. Either of the two may, and whoever manages delegations there."""
        replay = self.find_answer(batch)
        if replay is not None:
            return replay
        standing = {one.id: one for one in standing_in(batch, locked=True)}
        one = standing.get(self.delegation.id)
        if one is None:
            raise Conflict(
                "delegation_over",
                "this delegation is over already",
                "look at it: GET /v1/delegations",
            )
        access, person = for_caller(batch.snapshot.access, self.principal), self.principal.id
        if person not in {one.delegator, one.delegate} and not manages(access, person, one.site):
            raise _not_permitted(person, "manage delegations", "delegation, manage")
        ended = replace(one, revoked_by=person, revoked_at=batch.at)
        _replace(batch, ended)
        return self._answered(batch, ended, "revoked", 200)


def answers_somewhere(access: Access, person: str, site: str | None) -> bool:
    """Whether somebody may answer escalations at a site, or at any where none is named."""
    if site is not None:
        return access.may(person, "escalation", "answer", site)
    sites = access.sites(person, "escalation", "answer")
    return sites is None or bool(sites)


def no_delegation(id_: str) -> NotFound:
    """There is no such delegation, or not for this person."""
    return NotFound(
        "no_delegation",
        f"there is no delegation {id_[:60]!r} for you",
        "list them: GET /v1/delegations",
    )


def _replace(batch: Batch, ended: Delegation) -> None:
    """Where it was made in this very batch it is written once, as it ended."""
    made = batch.writes.delegations
    for place, one in enumerate(made):
        if one.id == ended.id:
            made[place] = ended
            return
    batch.writes.delegation_changes.append(ended)


def _not_permitted(person: str, what: str, right: str) -> Forbidden:
    return Forbidden(
        "not_permitted",
        f"{person} may not {what} here",
        f"ask whoever keeps access.csv for a role with: {right}",
    )

"""Mandates: as whom somebody may answer at a site, for themselves first and then for others."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from service.app.accessports import Access
from service.app.batch import Batch
from service.app.errors import Forbidden
from service.app.ports import Reader, Vault
from service.app.principal import Principal
from service.app.records import EscalationRecord
from service.app.snapshot import Snapshot
from service.app.tokenpeople import snapshot_for
from service.core.delegation import Delegation, Mandate, mandates
from service.core.escalation import Objection, find_objection
from service.core.factvalue import rfc3339
from service.core.rulebook import Rulebook

THING: Final = "escalation"

OBJECTIONS: Final[Mapping[Objection, tuple[str, str]]] = {
    Objection.HUMANS_ONLY: (
        "only people answer escalations",
        "let a colleague answer with their own key",
    ),
    Objection.OWN_REQUEST: (
        "nobody answers their own request, nor that of an agent they own",
        "let somebody else with the authority answer; who proposed it may withdraw it",
    ),
    Objection.SERVED_PERSON: (
        "nobody decides what they are to be given themselves",
        "let somebody answer who is not the person that this is for",
    ),
    Objection.PROPOSERS_DELEGATE: (
        "you could only answer for somebody through who proposed this",
        "let somebody answer whom the proposer did not choose",
    ),
    Objection.ALREADY_APPROVED: (
        "you, or somebody you stand in for, approved this request already",
        "let a second person approve on their own authority",
    ),
    Objection.NOT_YOUR_REMIT: (
        "this escalation went to a role that is not in your reach",
        "let somebody who holds that role, or one above it, answer",
    ),
}
"""What is wrong and what to do instead, for each reason against somebody's answer."""


def ways_to_answer(
    snapshot: Snapshot, delegations: Iterable[Delegation], person: str, site: str, at: datetime
) -> tuple[Mandate, ...]:
    """Every way in which somebody may answer at a site now: on their own, then for others.

    A delegate may answer where the delegator may, though the file gives them no right. The
    snapshot is as `tokenpeople.snapshot_for` has it for whoever asks.
    """
    access = snapshot.access

    def roles_of(other: str) -> tuple[str, ...]:
        return access.roles(other, site) if _answers(access, other, site) else ()

    own = Mandate.own(roles_of(person)) if _answers(access, person, site) else None
    for_others = mandates(
        delegations,
        rulebook=snapshot.rulebook,
        person=person,
        site=site,
        at=at,
        roles_of=roles_of,
    )
    return for_others if own is None else (own, *for_others)


def ways_in_batch(batch: Batch, principal: Principal, site: str) -> tuple[Mandate, ...]:
    """The same in a transaction, with what was delegated earlier in the same batch."""
    delegations = standing_in(batch)
    snapshot = snapshot_for(batch.snapshot, principal, batch.tx.tokens, delegations, batch.at)
    return ways_to_answer(snapshot, delegations, principal.id, site, batch.at)


def standing_in(batch: Batch, *, locked: bool = False) -> Sequence[Delegation]:
    """The delegations that are not over, as the commands so far left them."""
    found = batch.tx.lock_delegations() if locked else batch.tx.delegations()
    writes = batch.writes
    changed = {one.id: one for one in (*found, *writes.delegations, *writes.delegation_changes)}
    return [one for one in changed.values() if one.over_at > batch.at]


def find_way(
    rulebook: Rulebook,
    ways: Iterable[Mandate],
    principal: Principal,
    escalation: EscalationRecord,
    served: frozenset[str] = frozenset(),
) -> Mandate | Objection:
    """The first way to which there is no objection; else the most telling objection.

    ``served`` are those people who are the one that the request is for. That somebody's
    reach is too short says least: it is told where there is nothing else.
    """
    told = Objection.NOT_YOUR_REMIT
    for way in ways:
        objection = objection_to(rulebook, way, principal, escalation, served)
        if objection is None:
            return way
        if told is Objection.NOT_YOUR_REMIT:
            told = objection
    return told


def objection_to(
    rulebook: Rulebook,
    way: Mandate,
    principal: Principal,
    escalation: EscalationRecord,
    served: frozenset[str] = frozenset(),
) -> Objection | None:
    """Why somebody may not answer an escalation in one of their ways."""
    return find_objection(
        rulebook,
        role=escalation.role,
        person=principal.id,
        kind=principal.kind,
        held=way.roles,
        proposer=escalation.proposer,
        proposer_owner=escalation.proposer_owner,
        approvals=escalation.approvals,
        served=not served.isdisjoint((principal.id, *way.through)),
        through=way.through,
        arranged_by=way.arranged_by,
    )


def get_way(
    rulebook: Rulebook,
    ways: Iterable[Mandate],
    principal: Principal,
    escalation: EscalationRecord,
    served: frozenset[str] = frozenset(),
) -> Mandate:
    """The way in which somebody answers. Raises `Forbidden` with what stands against it."""
    found = find_way(rulebook, ways, principal, escalation, served)
    if isinstance(found, Mandate):
        return found
    what, instead = OBJECTIONS[found]
    raise Forbidden(found.value, what, instead)


class Served:
    """Who of some people was ever served themselves, and under which surrogate.

    Nobody's id is read: the keyed hash of each, taken as the subject's fact, leads to the
    surrogate of somebody who was served.
    """

    def __init__(
        self, snapshot: Snapshot, vault: Vault, reader: Reader, people: Collection[str]
    ) -> None:
        """Look all of them up at once."""
        subject = snapshot.rulebook.subject
        prints = {vault.fingerprint(f"{subject}\0{one}"): one for one in people if subject}
        known = reader.surrogates(list(prints)) if prints else {}
        self._people = [(record.surrogate, prints[found]) for found, record in known.items()]

    def by(self, escalation: EscalationRecord) -> frozenset[str]:
        """Those of the people whom a request serves."""
        return frozenset(
            person for surrogate, person in self._people if surrogate == escalation.subject
        )


def mandate_json(way: Mandate) -> dict[str, Any]:
    """For whom somebody may act, through whom, as what, and until when."""
    return {
        "for": way.through[-1],
        "through": list(way.through[:-1]),
        "roles": list(way.roles),
        "until": None if way.until is None else rfc3339(way.until),
        "delegations": list(way.delegations),
    }


def _answers(access: Access, person: str, site: str) -> bool:
    return access.may(person, THING, "answer", site)

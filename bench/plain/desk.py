"""One decision, in the caller's transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from casbin import Enforcer
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from bench.plain.rules import GRANTS, LADDER, Grant, MissingFact, Proposal, is_prohibited, value_of
from bench.plain.tables import Audit, Budget, Gesture, Resolution

FRONT_DESK: Final = LADDER[0]
ZONES: Final = {"new_york": ZoneInfo("America/New_York"), "vienna": ZoneInfo("Europe/Vienna")}
WITHIN: Final = timedelta(days=90)


class NotAllowed(Exception):  # noqa: N818 — what it is
    """The caller may not propose here."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How much one key of one budget takes; ``desk_only`` where only the front desk's count.

    Of gestures it is how many, and the row is there to be locked: they are counted anew.
    """

    key: str
    most: int
    desk_only: bool
    counts: bool = False


@dataclass(slots=True)
class Decision:
    """What was decided, and what is left of each budget."""

    outcome: str
    rule: str | None = None
    to: str | None = None
    missing: list[str] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class House:
    """Who may propose, and how much there is."""

    enforcer: Enforcer
    limits: Mapping[str, int]


def decide(
    session: Session, house: House, person: str, proposal: Proposal, now: datetime
) -> tuple[Resolution, Decision]:
    """Decide and write; the caller commits. Raises `NotAllowed`, `ValueError`."""
    if not house.enforcer.enforce(person, proposal.site, "resolution", "propose"):
        raise NotAllowed(person)
    roles = house.enforcer.get_implicit_roles_for_user(person, proposal.site)
    top = max(LADDER.index(role) for role in roles if role in LADDER)
    cents = 0
    try:
        cents = value_of(proposal)
        limits = _limits(house.limits, person, proposal, now)
        made = _made(session, proposal, cents, limits, top, now)
    except MissingFact as missing:
        made = Decision(outcome="incomplete", missing=[str(missing)])
    return _write(session, person, proposal, cents, made, now), made


def _made(
    session: Session,
    proposal: Proposal,
    cents: int,
    limits: Sequence[Limit],
    top: int,
    now: datetime,
) -> Decision:
    if is_prohibited(proposal):
        return Decision(outcome="denied")
    rows = _locked(session, [limit.key for limit in limits])
    return Desk(session, proposal, cents, limits, rows, now).walk(top)


@dataclass(frozen=True, slots=True)
class Desk:
    """One proposal, and the budget rows over it, locked."""

    session: Session
    proposal: Proposal
    cents: int
    limits: Sequence[Limit]
    rows: dict[str, Budget]
    now: datetime

    def walk(self, top: int) -> Decision:
        """From the lowest role up: the first rule that passes, and has room."""
        gestures = self._gestures()
        missing: list[str] = []
        for place, role in enumerate(LADDER):
            if place > top and missing:
                break
            for grant in (one for one in GRANTS if one.role == role):
                lack = _lack(grant, self.proposal, self.cents)
                if lack is None or not self._has_room(role, gestures):
                    continue
                if lack:
                    missing += lack
                elif place > top:
                    return Decision(outcome="escalated", to=role)
                else:
                    return self._charged(grant)
        return Decision(outcome="incomplete" if missing else "denied", missing=missing)

    def _gestures(self) -> int:
        """How many the guest got within ninety days."""
        chosen = select(func.count()).select_from(Gesture)
        guest = col(Gesture.guest) == self.proposal.facts.guest.id
        return self.session.exec(chosen.where(guest, col(Gesture.at) > self.now - WITHIN)).one()

    def _mine(self, role: str) -> list[Limit]:
        return [limit for limit in self.limits if role == FRONT_DESK or not limit.desk_only]

    def _has_room(self, role: str, gestures: int) -> bool:
        return all(
            gestures < limit.most
            if limit.counts
            else self.rows[limit.key].used + self.cents <= limit.most
            for limit in self._mine(role)
        )

    def _charged(self, grant: Grant) -> Decision:
        made = Decision(outcome="approved", rule=grant.id)
        for limit in self._mine(grant.role):
            row = self.rows[limit.key]
            row.used += 1 if limit.counts else self.cents
            self.session.add(row)
            made.left[limit.key] = limit.most - row.used
        if grant.role == FRONT_DESK:
            self.session.add(Gesture(guest=self.proposal.facts.guest.id or "", at=self.now))
        return made


def _lack(grant: Grant, proposal: Proposal, cents: int) -> list[str] | None:
    """What a rule still needs; ``None`` where it does not allow this at all."""
    if grant.may is not None and proposal.resolution not in grant.may:
        return None
    try:
        if cents > grant.up_to(proposal.facts) or not grant.when(proposal.facts):
            return None
    except MissingFact as missing:
        return [str(missing)]
    return ["note"] if grant.needs_note and not proposal.note else []


def _limits(most: Mapping[str, int], person: str, proposal: Proposal, now: datetime) -> list[Limit]:
    """The budgets over a proposal. Raises `MissingFact`."""
    guest, stay, site = proposal.facts.guest.id, proposal.facts.stay.id, proposal.site
    if guest is None:
        raise MissingFact("fact:guest.id")
    local = now.astimezone(ZONES[site])
    found = [
        Limit(f"guest-stay/{guest}/{stay}", most["guest-stay"], desk_only=True),
        Limit(f"house/{site}/{local:%Y-%m}", most["house"], desk_only=False),
        Limit(f"repeat/{guest}", most["repeat"], desk_only=True, counts=True),
    ]
    if proposal.resolution != "spend_for_guest":
        found.append(
            Limit(f"shift/{person}/{site}/{local:%Y-%m-%d}", most["shift"], desk_only=True)
        )
    return found


def _locked(session: Session, keys: Sequence[str]) -> dict[str, Budget]:
    """The rows, made where they are missing, locked in one order."""
    new = [{"key": key, "used": 0} for key in sorted(keys)]
    session.exec(insert(Budget).values(new).on_conflict_do_nothing())
    chosen = select(Budget).where(col(Budget.key).in_(keys)).order_by(col(Budget.key))
    return {row.key: row for row in session.exec(chosen.with_for_update())}


def _write(
    session: Session, person: str, proposal: Proposal, cents: int, made: Decision, now: datetime
) -> Resolution:
    sent: dict[str, Any] = proposal.model_dump(mode="json")
    record = Resolution(
        site=proposal.site,
        person=person,
        guest=proposal.facts.guest.id,
        resolution=proposal.resolution,
        cents=cents,
        outcome=made.outcome,
        rule=made.rule,
        note=proposal.note,
        proposal=sent,
        at=now.astimezone(UTC),
    )
    session.add(record)
    told = {"by": person, "outcome": made.outcome, "rule": made.rule, "left": made.left}
    session.add(Audit(resolution=record.id, at=record.at, told={**told, "asked": sent}))
    return record

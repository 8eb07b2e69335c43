"""The way upwards, told naively: one shop, its people, and what each answer must do.

Clerks give 100, managers what the policy says, owners 5,000; a case has 3,000 in all.
Managers have 20 open minutes and then the owners are asked, who have 240 and then it is
denied. What an owner gives takes two. Times are whole minutes.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from tests.oracle.wallclock import due_at, worked

ZONE: Final = ZoneInfo("America/New_York")
HOURS: Final = (7 * 60, 23 * 60)
LADDER: Final = ("clerk", "manager", "owner")
ROLES: Final = {"ana": "clerk", "ben": "clerk", "robo": "clerk"} | {
    **dict.fromkeys(("max", "mia"), "manager"),
    **dict.fromkeys(("gus", "grace"), "owner"),
}
OWNER_OF: Final = {"robo": "max"}
MINUTES: Final = {"manager": 20, "owner": 240}
THEN: Final = {"manager": "next", "owner": "deny"}
QUORUM: Final = {"manager": 1, "owner": 2}
CASE_MAX: Final = 3_000

Refusal = str
"""The code that something is refused with."""


@dataclass
class Mandate:
    """Somebody answers for somebody else, until an instant."""

    delegator: str
    delegate: str
    until: datetime


@dataclass
class Case:
    """One escalation. ``left`` are the open minutes until the deadline and the reminder."""

    proposer: str
    amount: int
    role: str
    state: str = "open"
    votes: list[str] = field(default_factory=list)
    offer: int | None = None
    answer_by: datetime | None = None
    remind_at: datetime | None = None
    left: tuple[int, int | None] | None = None
    reminders: int = 0
    given: int | None = None

    @property
    def is_over(self) -> bool:
        return self.state not in {"open", "asked"}

    def wait_for(self, role: str, now: datetime) -> None:
        """Another role is asked, with a clock of its own."""
        self.role, self.votes, self.offer, self.left, self.state = role, [], None, None, "open"
        self.answer_by = due_at(now, MINUTES[role], HOURS, ZONE)
        self.remind_at = due_at(now, MINUTES[role] // 2, HOURS, ZONE)


@dataclass
class Shop:
    """Everything that happened so far, and what time it is."""

    now: datetime
    manager_limit: int = 500
    used: int = 0
    cases: list[Case] = field(default_factory=list)
    mandates: list[Mandate] = field(default_factory=list)

    def propose(self, person: str, amount: int) -> str:
        """The outcome of a proposal; what is escalated is a case more."""
        outcome, role = self._decide(ROLES[person], amount)
        if outcome == "approved":
            self.used += amount
        if outcome == "escalated":
            case = Case(person, amount, role)
            case.wait_for(role, self.now)
            self.cases.append(case)
        return outcome

    def approve(self, person: str, case: Case, amount: int | None = None) -> str:
        """What an approval, or a counter-offer of an amount, does; or why it is refused."""
        voice = self._look(person, case)
        if isinstance(voice, Refused):
            return voice.code
        wanted = case.amount if amount is None else amount
        offer = None if wanted == case.amount else wanted
        outcome, role = self._decide(ROLES[voice.split(" for ")[-1]], wanted)
        if outcome == "escalated" and offer is None:
            case.wait_for(role, self.now)
            return "move_up"
        if outcome != "approved":
            return "not_approvable"
        votes = [*(case.votes if offer == case.offer else []), voice]
        alone = LADDER.index(role) <= LADDER.index(ROLES[case.proposer])
        needed = 1 if alone else max(QUORUM[role], QUORUM[case.role])
        case.votes, case.offer = votes, offer
        if len(votes) < needed:
            return "concur"
        self.used += wanted
        self._end(case, "approved")
        case.given = wanted
        return "approve" if offer is None else "counter"

    def ask(self, person: str, case: Case) -> str:
        voice = self._look(person, case)
        if isinstance(voice, Refused):
            return voice.code
        if case.state == "asked":
            return "already_asked"
        until = [worked(self.now, at, HOURS, ZONE) for at in (case.answer_by, case.remind_at) if at]
        case.left = (until[0], until[1] if case.remind_at else None)
        case.state, case.answer_by, case.remind_at = "asked", None, None
        return "ask"

    def deny(self, person: str, case: Case) -> str:
        if person in self._proposers(case):
            return "own_request"
        voice = self._look(person, case)
        if isinstance(voice, Refused):
            return voice.code
        self._end(case, "denied")
        return "deny"

    def reply(self, person: str, case: Case) -> str:
        if person not in self._proposers(case):
            return "not_yours"
        if case.is_over:
            return "already_answered"
        if case.left is None:
            return "not_asked"
        minutes, half = case.left
        case.answer_by = due_at(self.now, minutes, HOURS, ZONE)
        case.remind_at = None if half is None else due_at(self.now, half, HOURS, ZONE)
        case.state, case.left = "open", None
        return "reply"

    def withdraw(self, person: str, case: Case) -> str:
        if person not in self._proposers(case):
            return "not_yours"
        if case.is_over:
            return "already_answered"
        self._end(case, "withdrawn")
        return "withdraw"

    def delegate(self, delegator: str, delegate: str, minutes: int) -> None:
        self.mandates.append(Mandate(delegator, delegate, self.now + timedelta(minutes=minutes)))

    def sweep(self) -> None:
        """What is due by now: the ends first, then reminders of what is left."""
        for case in self.cases:
            if self._is_late(case):
                self._time_out(case)
            elif case.state == "open" and case.remind_at and case.remind_at <= self.now:
                case.remind_at, case.reminders = None, case.reminders + 1

    def _decide(self, held: str, amount: int) -> tuple[str, str]:
        """The outcome, and the role that gives it or has to be asked."""
        limits = {"clerk": 100, "manager": self.manager_limit, "owner": 5_000}
        passes = [
            role for role in LADDER if amount <= limits[role] and self.used + amount <= CASE_MAX
        ]
        if not passes:
            return "denied", ""
        within = LADDER.index(passes[0]) <= LADDER.index(held)
        return ("approved" if within else "escalated"), passes[0]

    def _look(self, person: str, case: Case) -> "str | Refused":
        """As whom somebody answers; or why they may not, or what time did first."""
        ways = self._ways(person)
        if not ways:
            return Refused("not_permitted")
        if case.is_over:
            return Refused("already_answered")
        if self._is_late(case):
            self._time_out(case)
            return Refused("answer_overdue")
        told = "not_your_remit"
        for way in ways:
            why = self._objection(way, case)
            if why is None:
                return " for ".join(way)
            told = why if told == "not_your_remit" else told
        return Refused(told)

    def _ways(self, person: str) -> list[list[str]]:
        """Oneself where one may answer anything, then those one stands in for."""
        own = [] if ROLES[person] == "clerk" else [[person]]
        alive = [one for one in self.mandates if one.until > self.now]
        others = {one.delegator for one in alive if one.delegate == person}
        return own + [[person, other] for other in sorted(others)]

    def _objection(self, way: list[str], case: Case) -> str | None:
        if way[0] in self._proposers(case):
            return "own_request"
        if set(way[1:]) & self._proposers(case):
            return "proposers_delegate"
        if set(way) & {person for vote in case.votes for person in vote.split(" for ")}:
            return "already_approved"
        if LADDER.index(ROLES[way[-1]]) < LADDER.index(case.role):
            return "not_your_remit"
        return None

    def _is_late(self, case: Case) -> bool:
        return case.state == "open" and case.answer_by is not None and case.answer_by <= self.now

    def _time_out(self, case: Case) -> None:
        above = LADDER[LADDER.index(case.role) + 1 :]
        next_role = next((r for r in above if self._decide(r, case.amount)[0] == "approved"), None)
        if THEN[case.role] == "next" and next_role is not None:
            case.wait_for(next_role, self.now)
        else:
            self._end(case, "expired")

    def _end(self, case: Case, state: str) -> None:
        case.state, case.remind_at = state, None

    def _proposers(self, case: Case) -> set[str]:
        return {case.proposer, OWNER_OF.get(case.proposer, case.proposer)}


@dataclass(frozen=True)
class Refused:
    """Why nothing came of an answer."""

    code: Refusal

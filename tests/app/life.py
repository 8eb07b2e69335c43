"""The life of held money, told naively: every approval by itself, re-added for each question."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from service.core.hold import Move

ZONE: Final = ZoneInfo("America/New_York")
WEEK: Final = timedelta(days=7)
HOLDS: Final = {
    "credit": None,
    "loan": (timedelta(hours=48), Move.SETTLE),
    "bond": (timedelta(hours=24), Move.RELEASE),
}
LIMITS: Final = {"usual": 10_000, "low": 4_000, "high": 15_000}
"""What the budget ``total`` may be, in minor units; the other limits never change."""

DAY_LIMIT: Final = 8_000
WEEK_LIMIT: Final = 9_000
TIMES: Final = 4

POLICY: Final = """\
remit: 1
name: life
currency: USD
timezone: America/New_York
sites: {main: {}}
roles:
  clerk: {reports_to: manager}
  manager: {}
facts:
  stay.id: {type: text}
resolutions:
  credit: {}
  loan: {hold: {for: 48h, then: settle}}
  bond: {hold: {for: 24h, then: release}}
grants:
  - {id: give, role: clerk, may: any}
  - {id: more, role: manager, may: any}
budgets:
  - {id: total, limit: 100, per: [stay.id]}
  - {id: daily, limit: 80, per: [stay.id], every: day}
  - {id: week, limit: 90, per: [stay.id], within: 7d}
  - {id: times, count: 4, per: [stay.id], within: 7d}
escalation:
  manager: {answer_within: 15m, on_timeout: deny}
"""

ACCESS: Final = """\
p, agent, resolution, propose
p, agent, resolution, read
p, approver, escalation, answer
p, approver, budget, read
g, clerk, agent, *
g, manager, agent, *
g, manager, approver, *
g, ana, clerk, main
g, gus, manager, *
"""


@dataclass
class Approval:
    """One approval; ``amount`` is what is held or spent of it now."""

    amount: int
    state: str
    day: date
    spent_at: datetime
    ends_at: datetime | None = None
    then: Move | None = None
    expired: bool = False


@dataclass
class Life:
    """Everything that was approved for one stay."""

    now: datetime
    limit: int = LIMITS["usual"]
    approvals: list[Approval] = field(default_factory=list)

    def propose(self, resolution: str, amount: int) -> Approval | None:
        """The approval, or none where any budget is exhausted."""
        used = self.used()
        fits = (
            used["total"] + amount <= self.limit
            and used["daily"] + amount <= DAY_LIMIT
            and used["week"] + amount <= WEEK_LIMIT
            and used["times"] + 1 <= TIMES
        )
        if not fits:
            return None
        hold, today = HOLDS[resolution], self.now.astimezone(ZONE).date()
        if hold is None:
            made = Approval(amount, "settled", today, self.now)
        else:
            made = Approval(amount, "held", today, self.now, self.now + hold[0], hold[1])
        self.approvals.append(made)
        return made

    def move(self, approval: Approval, move: Move, amount: int) -> str | None:
        """Move an approval on, or say with which code that is refused."""
        self.expire()
        wanted = "settled" if move is Move.REVERSE else "held"
        if approval.state != wanted:
            if move is Move.REVERSE:
                return "not_settled"
            return "hold_expired" if approval.expired else "not_held"
        if move is Move.SETTLE and amount > approval.amount:
            return "more_than_held"
        self._end(approval, move, amount)
        return None

    def expire(self) -> None:
        """End every hold whose time is up."""
        for approval in self.approvals:
            over = approval.ends_at is not None and approval.ends_at <= self.now
            if approval.state == "held" and over and approval.then is not None:
                self._end(approval, approval.then, approval.amount)
                approval.expired = True

    def _end(self, approval: Approval, move: Move, amount: int) -> None:
        if move is Move.SETTLE:
            approval.state, approval.amount, approval.spent_at = "settled", amount, self.now
        else:
            approval.state = "released" if move is Move.RELEASE else "reversed"

    def used(self) -> dict[str, int]:
        """What each budget has used at this moment."""
        return {name: held + settled for name, (held, settled) in self.balances().items()}

    def balances(self) -> dict[str, tuple[int, int]]:
        """What each budget holds and what is settled of it at this moment."""
        today = self.now.astimezone(ZONE).date()
        held = [a for a in self.approvals if a.state == "held"]
        settled = [a for a in self.approvals if a.state == "settled"]
        alive = [a for a in settled if a.spent_at + WEEK > self.now]
        return {
            "total": (_sum(held), _sum(settled)),
            "daily": (
                _sum([a for a in held if a.day == today]),
                _sum([a for a in settled if a.day == today]),
            ),
            "week": (_sum(held), _sum(alive)),
            "times": (len(held), len(alive)),
        }


def _sum(approvals: list[Approval]) -> int:
    return sum(approval.amount for approval in approvals)

"""What a replay adds up: two sides of every decision, in total, by rule and by month."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappush, heappushpop
from typing import Final, NamedTuple

from service.app.replaycase import APPROVED, ESCALATED, Verdict

FLIPS_KEPT: Final = 100
"""How many decisions that came out otherwise are listed, unless more are asked for."""


class Flip(NamedTuple):
    """A decision that comes out otherwise. Sorts by what it is about: the least value first."""

    value_minor: int
    number: int
    id: str
    at: datetime
    site: str
    agent: str
    resolution: str
    before: Verdict
    after: Verdict


@dataclass(slots=True)
class Side:
    """What one side came to. Money is in minor units.

    ``answered_minor`` was approved by somebody above after it waited. ``waited_seconds`` is
    measured; ``unmeasured`` counts, by role, escalations whose answer nobody knows.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    approved_minor: int = 0
    answered: int = 0
    answered_minor: int = 0
    waited_seconds: int = 0
    unmeasured: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Side") -> None:
        """Add what another part came to."""
        self.outcomes.update(other.outcomes)
        self.approved_minor += other.approved_minor
        self.answered += other.answered
        self.answered_minor += other.answered_minor
        self.waited_seconds += other.waited_seconds
        self.unmeasured.update(other.unmeasured)

    @property
    def money_minor(self) -> int:
        """All that left."""
        return self.approved_minor + self.answered_minor


@dataclass(slots=True)
class Row:
    """Both sides of a rule or of a month: decisions by outcome, and money approved at once."""

    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    before_minor: int = 0
    after_minor: int = 0

    def note(self, side: str, verdict: Verdict) -> None:
        """Take notice of a verdict on one side."""
        counts = self.before if side == "before" else self.after
        counts[verdict.outcome] += 1
        if verdict.outcome != APPROVED:
            return
        if side == "before":
            self.before_minor += verdict.value_minor or 0
        else:
            self.after_minor += verdict.value_minor or 0

    def add(self, other: "Row") -> None:
        """Add what another part came to."""
        self.before.update(other.before)
        self.after.update(other.after)
        self.before_minor += other.before_minor
        self.after_minor += other.after_minor


@dataclass(slots=True)
class Tally:
    """Everything that is reported. Grows with rules and months, and not with the stream.

    ``moves`` counts decisions by outcome before and after. ``measured`` has, by role, how
    many answers of the log were waited for, and how many seconds. ``flips`` are the most
    valuable ones, as many as asked for; ``flipped`` counts all.
    """

    flips_max: int = FLIPS_KEPT
    decisions: int = 0
    flipped: int = 0
    before: Side = field(default_factory=Side)
    after: Side = field(default_factory=Side)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    rules: dict[str, Row] = field(default_factory=dict)
    months: dict[str, Row] = field(default_factory=dict)
    sites: dict[str, Row] = field(default_factory=dict)
    measured: dict[str, tuple[int, int]] = field(default_factory=dict)
    flips: list[Flip] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    first_at: datetime | None = None
    last_at: datetime | None = None

    def note(self, case: Flip) -> None:
        """Take notice of one decision with both of its verdicts."""
        before, after = case.before, case.after
        self.decisions += 1
        self.moves[before.outcome, after.outcome] += 1
        self._span(case.at)
        for name, verdict, side in (("before", before, self.before), ("after", after, self.after)):
            side.outcomes[verdict.outcome] += 1
            if verdict.outcome == APPROVED:
                side.approved_minor += verdict.value_minor or 0
            for rows, key in self._rows(case, verdict):
                row = rows.get(key)
                if row is None:
                    row = rows[key] = Row()
                row.note(name, verdict)
        if is_flip(before, after):
            self.flipped += 1
            self._keep(case)

    def waited(self, role: str, seconds: int) -> None:
        """Take notice of an answer of the log that somebody waited for."""
        count, total = self.measured.get(role, (0, 0))
        self.measured[role] = (count + 1, total + seconds)

    def add(self, other: "Tally") -> None:
        """Add what another part of the stream came to."""
        self.decisions += other.decisions
        self.flipped += other.flipped
        self.before.add(other.before)
        self.after.add(other.after)
        self.moves.update(other.moves)
        self.notes.update(other.notes)
        for mine, theirs in (
            (self.rules, other.rules),
            (self.months, other.months),
            (self.sites, other.sites),
        ):
            for key, row in theirs.items():
                mine.setdefault(key, Row()).add(row)
        for role, (count, seconds) in other.measured.items():
            known = self.measured.get(role, (0, 0))
            self.measured[role] = (known[0] + count, known[1] + seconds)
        for flip in other.flips:
            self._keep(flip)
        for at in (other.first_at, other.last_at):
            if at is not None:
                self._span(at)

    def _rows(self, case: Flip, verdict: Verdict) -> Iterable[tuple[dict[str, Row], str]]:
        yield self.rules, verdict.rule or verdict.outcome
        yield self.months, f"{case.at.year}-{case.at.month:02}"
        yield self.sites, case.site

    def _keep(self, flip: Flip) -> None:
        if len(self.flips) < self.flips_max:
            heappush(self.flips, flip)
        elif self.flips_max:
            heappushpop(self.flips, flip)

    def _span(self, at: datetime) -> None:
        self.first_at = at if self.first_at is None else min(self.first_at, at)
        self.last_at = at if self.last_at is None else max(self.last_at, at)


def is_flip(before: Verdict, after: Verdict) -> bool:
    """Whether a decision comes out otherwise: another outcome, or another role is asked."""
    if before.outcome != after.outcome:
        return True
    return before.outcome == ESCALATED and before.role != after.role


def waiting_seconds(
    tally: Tally, side: Side, within_seconds: Mapping[str, int | None]
) -> tuple[int, int]:
    """How long people wait on a side, and how many escalations nothing is known of.

    What was measured; for escalations that the log does not answer the mean of the answers
    of that role; where there are none, the time in which the role has to answer.
    """
    total, unknown = side.waited_seconds, 0
    for role, count in side.unmeasured.items():
        answers, seconds = tally.measured.get(role, (0, 0))
        each = seconds // answers if answers else within_seconds.get(role)
        if each is None:
            unknown += count
        else:
            total += count * each
    return total, unknown

"""What a trial adds up: the same cases under both sets. Grows with rules, not with cases."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, Self

import orjson

from service.app.replaycase import APPROVED, ESCALATED, Verdict
from service.app.replaytally import is_flip
from service.core.factvalue import rfc3339
from service.core.money import format_minor

FLIPS_KEPT: Final = 50
"""How many of the last decisions that come out otherwise are listed."""

NOTES_KEPT: Final = 50
_ARROW: Final = ">"


class Compared(NamedTuple):
    """One case under both sets: which of the two decided it is the trial's mode."""

    entry: str
    about: str
    at: datetime
    site: str
    resolution: str
    live: Verdict
    candidate: Verdict


@dataclass(slots=True)
class Side:
    """What one set came to: decisions by outcome, and money approved at once, in minor units."""

    outcomes: Counter[str] = field(default_factory=Counter)
    approved_minor: int = 0

    def note(self, verdict: Verdict) -> None:
        """Take notice of a verdict."""
        self.outcomes[verdict.outcome] += 1
        self.approved_minor += approved_minor(verdict)


@dataclass(slots=True)
class TrialTally:
    """Everything that a trial tells.

    ``moves`` have, by both outcomes, how many decisions and how much value; ``rules``, by
    the rule that determined, decisions and money approved under the live set and under the
    candidate. ``failed`` counts what the other set could not decide at all, by a fault of
    this service. ``notes`` count what the candidate could not take of requests.
    """

    live: Side = field(default_factory=Side)
    candidate: Side = field(default_factory=Side)
    decisions: int = 0
    flipped: int = 0
    failed: int = 0
    more_minor: int = 0
    less_minor: int = 0
    more_escalations: int = 0
    less_escalations: int = 0
    moves: dict[str, list[int]] = field(default_factory=dict)
    rules: dict[str, list[int]] = field(default_factory=dict)
    flips: list[dict[str, Any]] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str) -> Self:
        """What `dumps` made."""
        told = orjson.loads(text)
        for side in ("live", "candidate"):
            if side in told:
                outcomes, minor = Counter(told[side]["outcomes"]), told[side]["approved_minor"]
                told[side] = Side(outcomes, minor)
        return cls(**told)

    def dumps(self) -> str:
        """As JSON, money in minor units."""
        return orjson.dumps(self, option=orjson.OPT_NON_STR_KEYS).decode()

    def note(self, case: Compared) -> None:
        """Take notice of one case."""
        live, candidate = case.live, case.candidate
        self.decisions += 1
        self.live.note(live)
        self.candidate.note(candidate)
        self._difference(live, candidate)
        for place, verdict in ((0, live), (2, candidate)):
            row = self.rules.setdefault(verdict.rule or verdict.outcome, [0, 0, 0, 0])
            row[place] += 1
            row[place + 1] += approved_minor(verdict)
        if is_flip(live, candidate):
            self._flip(case)

    def fail(self, note: str) -> None:
        """Take notice of a case that could not be compared."""
        self.failed += 1
        self.remark(note)

    def remark(self, note: str, times: int = 1) -> None:
        """Count a sentence, as long as there are not too many different ones."""
        if note in self.notes or len(self.notes) < NOTES_KEPT:
            self.notes[note] = self.notes.get(note, 0) + times

    def _difference(self, live: Verdict, candidate: Verdict) -> None:
        more = approved_minor(candidate) - approved_minor(live)
        self.more_minor += max(0, more)
        self.less_minor += max(0, -more)
        self.more_escalations += candidate.outcome == ESCALATED != live.outcome
        self.less_escalations += live.outcome == ESCALATED != candidate.outcome

    def _flip(self, case: Compared) -> None:
        live, candidate = case.live, case.candidate
        move = self.moves.setdefault(f"{live.outcome}{_ARROW}{candidate.outcome}", [0, 0])
        move[0] += 1
        move[1] += _value(case)
        self.flipped += 1
        self.flips.append(_flip_json(case))
        del self.flips[:-FLIPS_KEPT]


def approved_minor(verdict: Verdict) -> int:
    """The money that a verdict gives away without asking."""
    return verdict.value_minor or 0 if verdict.outcome == APPROVED else 0


def _value(case: Compared) -> int:
    return case.live.value_minor or case.candidate.value_minor or 0


def _flip_json(case: Compared) -> dict[str, Any]:
    return {
        "entry": case.entry,
        "about": case.about,
        "at": rfc3339(case.at),
        "site": case.site,
        "resolution": case.resolution,
        "value_minor": _value(case),
        "live": _verdict_json(case.live),
        "candidate": _verdict_json(case.candidate),
    }


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    return {"outcome": verdict.outcome, "rule": verdict.rule, "role": verdict.role}


def tally_json(tally: TrialTally, decimals: int) -> dict[str, Any]:
    """The tally as it is shown: money as text, what there is most of first."""

    def money(minor: int) -> str:
        return format_minor(minor, decimals)

    moves = sorted(tally.moves.items(), key=lambda item: (-item[1][0], item[0]))
    return {
        "decisions": tally.decisions,
        "flipped": tally.flipped,
        "failed": tally.failed,
        "live": _side_json(tally.live, decimals),
        "candidate": _side_json(tally.candidate, decimals),
        "approved_more": money(tally.more_minor),
        "approved_less": money(tally.less_minor),
        "escalations_more": tally.more_escalations,
        "escalations_less": tally.less_escalations,
        "moves": [
            dict(zip(("live", "candidate"), move.split(_ARROW), strict=True))
            | {"decisions": count, "value": money(minor)}
            for move, (count, minor) in moves
        ],
        "rules": [_rule_json(rule, row, decimals) for rule, row in sorted(tally.rules.items())],
        "last_flips": [
            {name: value for name, value in flip.items() if name != "value_minor"}
            | {"value": money(flip["value_minor"])}
            for flip in reversed(tally.flips)
        ],
        "notes": [{"note": note, "times": times} for note, times in sorted(tally.notes.items())],
    }


def _side_json(side: Side, decimals: int) -> dict[str, Any]:
    counts = {"approved": 0, "escalated": 0, "denied": 0, "incomplete": 0, "refused": 0}
    return {**counts, **side.outcomes, "money": format_minor(side.approved_minor, decimals)}


def _rule_json(rule: str, row: list[int], decimals: int) -> dict[str, Any]:
    live, live_minor, candidate, candidate_minor = row
    return {
        "rule": rule,
        "live": {"decisions": live, "money": format_minor(live_minor, decimals)},
        "candidate": {"decisions": candidate, "money": format_minor(candidate_minor, decimals)},
    }

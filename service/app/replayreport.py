"""What a replay came to, as JSON: the same value that text and page are made of."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from service.app.replaycase import REFUSED, Verdict
from service.app.replaytally import Flip, Row, Side, Tally, waiting_seconds
from service.core.decision import Outcome
from service.core.factvalue import rfc3339
from service.core.money import format_minor
from service.core.rulebook import Rulebook

OUTCOMES = (*(outcome.value for outcome in Outcome), REFUSED)


def report_of(
    tally: Tally, candidate: Rulebook, baseline: Rulebook | None, *, how: str
) -> dict[str, Any]:
    """The report. ``how`` says on how many processes it was made, and why.

    Money is text in the candidate's currency. Hours are rounded to one decimal.
    """
    book = candidate
    first, last = tally.first_at, tally.last_at
    before = _side(tally, tally.before, baseline or candidate)
    after = _side(tally, tally.after, candidate)
    return {
        "candidate": _policy(candidate),
        "against": "the log" if baseline is None else _policy(baseline),
        "currency": book.currency,
        "from": None if first is None else rfc3339(first),
        "to": None if last is None else rfc3339(last),
        "decisions": tally.decisions,
        "flipped": tally.flipped,
        "before": before,
        "after": after,
        "change": {
            "money": _signed(tally.after.money_minor - tally.before.money_minor, book),
            "escalations": after["escalated"] - before["escalated"],
            "waiting_hours": round(after["waiting_hours"] - before["waiting_hours"], 1),
        },
        "moves": [
            {"before": before, "after": after, "count": count}
            for (before, after), count in sorted(tally.moves.items())
        ],
        "rules": _rows("rule", tally.rules, book),
        "months": _rows("month", tally.months, book),
        "sites": _rows("site", tally.sites, book),
        "flips": [_flip(flip, book) for flip in sorted(tally.flips, key=_by_time)],
        "notes": dict(tally.notes),
        "how": how,
    }


def _policy(book: Rulebook) -> dict[str, str]:
    return {"name": book.name, "version": book.version, "rules": book.rules}


def _side(tally: Tally, side: Side, book: Rulebook) -> dict[str, Any]:
    waited, unknown = waiting_seconds(tally, side, _within(book))
    return {
        **_counts(side.outcomes),
        "money": format_minor(side.money_minor, book.decimals),
        "money_unasked": format_minor(side.approved_minor, book.decimals),
        "answered": side.answered,
        "money_answered": format_minor(side.answered_minor, book.decimals),
        "waiting_hours": round(waited / 3_600, 1),
        "waiting_unknown": unknown,
    }


def _within(book: Rulebook) -> Mapping[str, int | None]:
    """How long each role has to answer, in seconds."""
    second = timedelta(seconds=1)
    return {
        role: None if rule.answer_within is None else rule.answer_within // second
        for role, rule in book.escalation.items()
    }


def _counts(found: Counter[str]) -> dict[str, int]:
    return {outcome: found.get(outcome, 0) for outcome in OUTCOMES}


def _rows(name: str, rows: Mapping[str, Row], book: Rulebook) -> list[dict[str, Any]]:
    return [
        {
            name: key,
            "before": {
                **_counts(row.before),
                "money": format_minor(row.before_minor, book.decimals),
            },
            "after": {**_counts(row.after), "money": format_minor(row.after_minor, book.decimals)},
        }
        for key, row in sorted(rows.items())
    ]


def _by_time(flip: Flip) -> tuple[object, ...]:
    return flip.at, -flip.number, flip.id


def _flip(flip: Flip, book: Rulebook) -> dict[str, Any]:
    return {
        "entry": flip.id,
        "at": rfc3339(flip.at),
        "site": flip.site,
        "agent": flip.agent,
        "resolution": flip.resolution,
        "value": format_minor(flip.value_minor, book.decimals),
        "before": _verdict(flip.before),
        "after": _verdict(flip.after),
    }


def _verdict(verdict: Verdict) -> dict[str, str | None]:
    return {"outcome": verdict.outcome, "rule": verdict.rule, "role": verdict.role}


def _signed(minor: int, book: Rulebook) -> str:
    return f"{'+' if minor > 0 else ''}{format_minor(minor, book.decimals)}"

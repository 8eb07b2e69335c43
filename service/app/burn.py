"""Burn: what was charged to budget rows and came back, day by day, re-added from the log."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Final

from service.app.changes import changes_between
from service.app.ports import Reader
from service.app.records import BudgetRecord
from service.core.rulebook import Rulebook
from service.core.window import window_at

BURN_DAYS_MAX: Final = 31
"""How far back days are told."""

Days = dict[date, tuple[int, int]]
"""By local day: what was charged, and what came back."""


def burn_of(
    reader: Reader, rulebook: Rulebook, rows: Sequence[BudgetRecord], now: datetime
) -> dict[str, Days]:
    """The days of each row by its name, within its window and at most `BURN_DAYS_MAX`.

    Days are the zone's of the row's site, else the set's. Reads every entry of the rows'
    sites and windows once.
    """
    found: dict[str, Days] = {row.row: {} for row in rows}
    if not rows:
        return found
    zones = {row.row: _zone(rulebook, row.site) for row in rows}
    until = now + timedelta(microseconds=1)  # what was decided at this instant belongs to it
    for change in changes_between(reader, _since(rows, now), until, _sites(rows)):
        for line in change.rows:
            if line.row in found:
                start = window_at(change.at, "day", zones[line.row], rulebook.calendar).starts_at
                _add(found[line.row], start.astimezone(zones[line.row]).date(), line.charged)
    return found


def burn_json(days: Days, show: Callable[[int], str | int]) -> list[dict[str, Any]]:
    """Days with their amounts as JSON, oldest first; days on which nothing moved are left out."""
    return [
        {"day": day.isoformat(), "charged": show(charged), "returned": show(returned)}
        for day, (charged, returned) in sorted(days.items())
        if charged or returned
    ]


def _add(days: Days, day: date, amount: int) -> None:
    charged, returned = days.get(day, (0, 0))
    days[day] = charged + max(0, amount), returned + max(0, -amount)


def _zone(rulebook: Rulebook, site: str | None) -> tzinfo:
    if site is None or rulebook.sites is None or site not in rulebook.sites:
        return rulebook.zone
    return rulebook.sites[site].zone


def _since(rows: Sequence[BudgetRecord], now: datetime) -> datetime:
    """The earliest instant that any of the rows asks for."""
    least = now - timedelta(days=BURN_DAYS_MAX)
    return min(least if row.starts_at is None else max(least, row.starts_at) for row in rows)


def _sites(rows: Sequence[BudgetRecord]) -> frozenset[str] | None:
    """Where the rows can have been charged; a row of no site, anywhere."""
    sites = [row.site for row in rows if row.site is not None]
    return frozenset(sites) if len(sites) == len(rows) else None

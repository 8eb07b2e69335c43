"""The close of a month: approved, settled, released and reversed, re-added from the log."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, NamedTuple

from service.app.changes import Change, Sums, changes_between
from service.app.ports import Store
from service.app.snapshot import Library
from service.core.money import format_minor
from service.core.refusal import Fault, Refused
from service.core.rulebook import Rulebook
from service.core.window import Window, window_at

_MONTH: Final = re.compile(r"(19[7-9]\d|[2-8]\d{3})-(0[1-9]|1[0-2])")


class Line(NamedTuple):
    """One line of a close; money in minor units, or a count where ``counts``.

    ``budget`` is ``None`` on the line of the resolutions themselves: those lines together
    are the money that was given, and those of one budget what it saw of it.
    """

    site: str
    budget: str | None
    role: str
    resolution: str
    counts: bool
    sums: Sums


class Close(NamedTuple):
    """The lines of one month, sorted; ``currency`` and ``decimals`` are the policy's in force."""

    month: str
    currency: str
    decimals: int
    lines: tuple[Line, ...]

    def listed(self) -> list[dict[str, Any]]:
        """The lines as JSON. ``held`` is by how much more is held at the month's end."""
        return [self._line(line) for line in self.lines]

    def _line(self, line: Line) -> dict[str, Any]:
        def show(quantity: int) -> str | int:
            return quantity if line.counts else format_minor(quantity, self.decimals)

        sums = line.sums
        return {
            "month": self.month,
            "site": line.site,
            "budget": line.budget,
            "role": line.role,
            "resolution": line.resolution,
            "unit": "count" if line.counts else self.currency,
            "approved": show(sums.approved),
            "settled": show(sums.settled),
            "released": show(sums.released),
            "reversed": show(sums.reversed),
            "held": show(sums.approved - sums.settled - sums.released),
        }


class Closer:
    """Adds up a month, site by site, each in its own time zone."""

    def __init__(self, store: Store, library: Library) -> None:
        """Keep the ports."""
        self._store = store
        self._library = library

    def close(self, month: str, site: str | None = None) -> Close:
        """The close of a month like ``2026-03``, of one site or all. Raises `Refused`.

        A month is the calendar's of the policy in force: it begins as the windows of
        monthly budgets do. Memory grows with the lines and not with the entries.
        """
        rulebook = self._library.in_force().rulebook
        months = _Months(rulebook, month)
        sums: dict[tuple[str, str | None, str, str, bool], Sums] = {}
        sites = None if site is None else frozenset({site})
        since, until = months.outermost()
        with self._store.read() as reader:
            for change in changes_between(reader, since, until, sites):
                if months.holds(change):
                    _add(sums, change)
        ordered = sorted(sums, key=lambda key: (key[0], key[1] or "", *key[2:]))
        lines = tuple([Line(*key, sums[key]) for key in ordered])
        return Close(month, rulebook.currency, rulebook.decimals, lines)


class _Months:
    """One month in every zone of a policy."""

    def __init__(self, rulebook: Rulebook, month: str) -> None:
        self._own = _month_of(rulebook, month, rulebook.zone)
        self._by_site: Mapping[str, Window] = {
            site.id: _month_of(rulebook, month, site.zone)
            for site in (rulebook.sites or {}).values()
        }

    def outermost(self) -> tuple[datetime, datetime]:
        """From the first beginning to the last end."""
        windows = [self._own, *self._by_site.values()]
        return min(w.starts_at for w in windows), max(w.ends_at for w in windows)

    def holds(self, change: Change) -> bool:
        """Whether something happened in the month of its site."""
        window = self._by_site.get(change.site, self._own)
        return window.starts_at <= change.at < window.ends_at


def _month_of(rulebook: Rulebook, month: str, zone: tzinfo) -> Window:
    found = _MONTH.fullmatch(month)
    if found is None:
        fault = Fault(
            code="not_a_month",
            pointer="/month",
            message="this is no month",
            remedy="write it like 2026-03",
        )
        raise Refused((fault,))
    calendar = rulebook.calendar
    first_day = calendar.year_starts[1]
    first = datetime(int(found[1]), int(found[2]), first_day, tzinfo=zone)
    begins = datetime.combine(first.date(), calendar.day_starts, tzinfo=zone)
    return window_at(begins.astimezone(UTC), "month", zone, calendar)


def _add(sums: dict[tuple[str, str | None, str, str, bool], Sums], change: Change) -> None:
    site, role, resolution = change.site, change.role, change.resolution
    added: list[tuple[str | None, bool, Sums]] = [(None, False, change.sums)]
    added += [(row.budget, row.counts, row.sums) for row in change.rows]
    for budget, counts, more in added:
        key = (site, budget, role, resolution, counts)
        sums[key] = sums.get(key, Sums()).plus(more)

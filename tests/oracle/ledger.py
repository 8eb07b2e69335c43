"""Budgets as a list of every charge that was ever made, re-added for each question."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo

from tests.oracle.policy import Budget, Calendar


@dataclass(frozen=True)
class Charge:
    """An amount of money or a count that a decision put on one key of a budget."""

    budget: str
    key: tuple[str, ...]
    at: datetime
    amount: int


@dataclass
class Ledger:
    """All charges, oldest first."""

    charges: list[Charge] = field(default_factory=list)

    def used(
        self, budget: Budget, key: tuple[str, ...], at: datetime, zone: tzinfo, calendar: Calendar
    ) -> int:
        """The sum of what still counts against the limit at ``at``."""
        since, until = stretch(budget, at, zone, calendar)
        return sum(
            charge.amount
            for charge in self.charges
            if (charge.budget, charge.key) == (budget.id, key)
            and (since is None or since <= charge.at)
            and (until is None or charge.at < until)
            and (budget.within is None or at < charge.at + budget.within)
        )


def stretch(
    budget: Budget, at: datetime, zone: tzinfo, calendar: Calendar
) -> tuple[datetime | None, datetime | None]:
    """The calendar window that holds ``at``, from and until; open where there is none.

    Walks the local days one by one, back to where a window begins and on to the next.
    """
    if budget.every is None:
        return None, None
    day = at.astimezone(zone).date() + timedelta(days=2)
    while not (begins(day, budget.every, calendar) and boundary(day, zone, calendar) <= at):
        day -= timedelta(days=1)
    since = boundary(day, zone, calendar)
    day += timedelta(days=1)
    while not begins(day, budget.every, calendar):
        day += timedelta(days=1)
    return since, boundary(day, zone, calendar)


def begins(day: date, every: str, calendar: Calendar) -> bool:
    """Whether a window of ``every`` begins on that day."""
    month, day_of_month = calendar.year_starts
    if every == "day":
        return True
    if every == "week":
        return day.weekday() == calendar.week_starts
    months = {"month": 1, "quarter": 3, "year": 12}[every]
    return day.day == day_of_month and (day.month - month) % months == 0


def boundary(day: date, zone: tzinfo, calendar: Calendar) -> datetime:
    """The instant at which the clocks on the wall show that day's beginning."""
    return datetime.combine(day, calendar.day_starts, zone).astimezone(UTC)

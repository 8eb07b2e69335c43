"""What an approval put on budget rows, kept with it until the money is spent for good or back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from service.app.batch import Batch
from service.app.records import BudgetRecord
from service.app.rowname import RowName, limit_of
from service.core.budget import Balance, BudgetKey, used
from service.core.decision import Decision
from service.core.factvalue import rfc3339
from service.core.hold import FOREVER, Charge, Move, release, reverse, settle
from service.core.money import format_minor

_SECOND: Final = timedelta(seconds=1)


def charges_of(
    decision: Decision, names: Mapping[BudgetKey, str], *, held: bool
) -> tuple[Charge, ...]:
    """What a decision charges, by the names of the rows; nothing where it charges nothing."""
    return tuple(
        [
            Charge(
                names[reading.key],
                reading.charged,
                None if held or not reading.after.spends else reading.after.spends[-1][0],
            )
            for reading in decision.readings
            if reading.charged
        ]
    )


def charged_rows(charges: Iterable[Charge]) -> dict[str, BudgetRecord]:
    """The rows of charges, to lock. They stand already: what is here is never inserted."""
    return {
        charge.row: BudgetRecord(
            key=charge.row,
            row="",
            budget=RowName.parse(charge.row).budget,
            site=None,
            starts_at=None,
            ends_at=None,
        )
        for charge in charges
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One budget row before and after a move of one charge.

    ``limit`` is the policy's in force; a row that no budget keeps any more has none.
    ``within`` is the length of its rolling window, if it rolls.
    ``held`` and ``settled`` are by how much the row changed, ``spent_at`` the instant of
    the spend that a rolling window gained or lost. ``left`` is what the approval has on
    the row from now on, ``None`` for nothing.
    """

    row: BudgetRecord
    counts: bool
    limit: int | None
    within: timedelta | None
    after: Balance
    used_before: int
    used_after: int
    held: int
    settled: int
    spent_at: datetime | None
    left: Charge | None

    def body(self) -> dict[str, Any]:
        """The line of an entry. ``charged`` is by how much changed what counts as used."""
        row = self.row
        return {
            "budget": row.budget,
            "row": row.row,
            "version": self.after.version,
            "counts": self.counts,
            "limit": self.limit,
            "charged": self.used_after - self.used_before,
            "before": self.used_before,
            "after": self.used_after,
            "within_seconds": None if self.within is None else self.within // _SECOND,
            "held": self.held,
            "settled": self.settled,
            "spent_at": None if self.spent_at is None else rfc3339(self.spent_at),
            "from": None if row.starts_at is None else rfc3339(row.starts_at),
            "until": None if row.ends_at is None else rfc3339(row.ends_at),
        }

    def shown(self, decimals: int) -> dict[str, Any]:
        """What an answer says anew of this row: what the resolution has on it, and its state."""

        def show(quantity: int) -> str | int:
            return quantity if self.counts else format_minor(quantity, decimals)

        found: dict[str, Any] = {
            "charged": show(0 if self.left is None else self.left.amount),
            "used": show(self.used_after),
            "version": self.after.version,
        }
        if self.limit is not None:
            found["limit"] = show(self.limit)
            found["remaining"] = show(max(0, self.limit - self.used_after))
        return found


def moved(batch: Batch, charge: Charge, move: Move, settled_minor: int) -> Moved:
    """One charge after a move; the batch's balance is changed for the commands that follow.

    ``settled_minor`` is what is settled of money; a count is settled whole. Raises
    `ValueError` where the row does not have what the charge says: nothing may be written.
    """
    name, before = RowName.parse(charge.row), batch.balances[charge.row]
    budget = name.find_budget(batch.snapshot.rulebook)
    within = None if not name.is_rolling else FOREVER if budget is None else budget.within
    spent = charge.amount if name.counts else settled_minor
    after, left = _after(before, charge, move, spent, within, batch.at)
    batch.balances[charge.row] = after
    changed = after is not before
    return Moved(
        row=batch.budgets[charge.row],
        counts=name.counts,
        limit=None if budget is None else limit_of(budget),
        within=within,
        after=after,
        used_before=used(before, within, batch.at),
        used_after=used(after, within, batch.at),
        held=after.held - before.held,
        settled=spent if left else -charge.amount if move is Move.REVERSE and changed else 0,
        spent_at=left.spent_at if left else charge.spent_at,
        left=left,
    )


def _after(
    before: Balance,
    charge: Charge,
    move: Move,
    spent: int,
    within: timedelta | None,
    at: datetime,
) -> tuple[Balance, Charge | None]:
    """The balance after a move, and what is left of the charge."""
    if move is Move.RELEASE:
        return release(before, charge.amount), None
    if move is Move.REVERSE:
        return reverse(before, charge.amount, charge.spent_at, within, at), None
    after = settle(before, charge.amount, spent, within, at)
    spent_at = None if within is None else after.spends[-1][0]
    return after, Charge(charge.row, spent, spent_at)

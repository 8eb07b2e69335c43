"""Counting refused attempts: a tally of each by the day, and an entry whenever it doubled."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import orjson

from service.app.attempt import Attempt, Times
from service.app.batch import Batch
from service.app.entry import Head, caller_body, entry_of
from service.app.plaincommand import PlainCommand
from service.app.ports import Ids
from service.app.principal import Principal
from service.app.records import BudgetRecord
from service.app.wanted import Wanted
from service.core.factvalue import rfc3339
from service.core.tally import counted, is_told

BUDGET: Final = "#attempts"
"""What the rows of tallies say they are: no budget of a policy has such a name.

They stand among the budgets' rows and are locked with them, in one order, so that the
counts of all replicas add up. No entry names them.
"""

WINDOW: Final = timedelta(days=1)
"""How long one count goes on: a calendar day in UTC. Then it begins at the first one again."""


class CountAttempts(PlainCommand):
    """Adds to the tallies of some attempts; whose count doubled gets an entry."""

    principal: Principal | None = None

    def __init__(self, times: Mapping[Attempt, Times]) -> None:
        """How often each of them happened since it was last counted."""
        super().__init__()
        self.times = times

    def budgets(self, batch: Batch) -> Mapping[str, BudgetRecord]:
        """The rows of the tallies, one for each attempt and day."""
        window, ids = _window_at(batch.at), batch.ids
        names = {_row_name(attempt, window[0]): None for attempt in self.times}
        return Wanted(names, lambda name, _: _new_row(name, window, ids))

    def decide(self, batch: Batch) -> Sequence[Attempt]:
        """Count; which of them were told to the log."""
        window, told = _window_at(batch.at), []
        for attempt, (number, by) in self.times.items():
            name = _row_name(attempt, window[0])
            before = batch.balances[name]
            batch.balances[name] = after = counted(before, number)
            if is_told(before, after):
                _tell(batch, attempt, by, after.held, window)
                told.append(attempt)
        return told


def _window_at(at: datetime) -> tuple[datetime, datetime]:
    begins = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return begins, begins + WINDOW


def _row_name(attempt: Attempt, begins: datetime) -> str:
    """Shaped like the name of every other row; see `rowname.RowName`."""
    person, what, code = attempt
    key = [f"agent.id={person}", f"attempted={what}", f"code={code}"]
    return orjson.dumps([BUDGET, "count", "day", rfc3339(begins), *key]).decode()


def _new_row(name: str, window: tuple[datetime, datetime], ids: Ids) -> BudgetRecord:
    begins, ends = window
    return BudgetRecord(
        key=name,
        row=ids.surrogate("bud"),
        budget=BUDGET,
        site=None,
        starts_at=begins,
        ends_at=ends,
    )


def _tell(
    batch: Batch, attempt: Attempt, by: Principal, number: int, window: tuple[datetime, datetime]
) -> None:
    begins, ends = window
    rulebook = batch.snapshot.rulebook
    body = {
        "by": caller_body(by),
        "attempted": attempt.what,
        "code": attempt.code,
        "refused": number,
        "from": rfc3339(begins),
        "until": rfc3339(ends),
        "policy": {"version": rulebook.version, "rules": rulebook.rules},
    }
    id_ = batch.ids.new("ent", batch.at)
    head = Head(id=id_, kind="refused", at=batch.at, about=attempt.person)
    batch.writes.entries.append(
        entry_of(
            head,
            body,
            agent=attempt.person,
            outcome="refused",
            reason=attempt.code,
            policy_version=rulebook.version,
        )
    )

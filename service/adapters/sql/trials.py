"""Trials in the database."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Select, delete, false, select

from service.adapters.sql.rows import (
    HEAD,
    TRIAL_BUDGETS,
    TRIAL_COUNTS,
    TRIAL_FIGURES,
    TRIALS,
    Shape,
)
from service.adapters.sql.sets import VALUES, Sets
from service.app.trialrecords import (
    TrialBudget,
    TrialCounts,
    TrialFigures,
    TrialRecord,
    trial_key,
)
from service.core.budget import Balance

Record = TypeVar("Record")

_RUNNING: Final = select(HEAD.c.trial)


class SqlTrialReader:
    """See `service.app.trialports.TrialReader`."""

    def __init__(self, connection: Connection, sets: Sets) -> None:
        """Read nothing yet."""
        self._connection = connection
        self._sets = sets

    def running(self) -> str | None:
        """The id of the one that runs."""
        found: str | None = self._connection.execute(_RUNNING).scalar()
        return found

    def find(self, id: str) -> TrialRecord | None:  # noqa: A002
        """One trial."""
        found = self._trials(select(TRIALS.table).where(TRIALS.key == id))
        return found[0] if found else None

    def latest(self, after: str | None, limit: int) -> Sequence[TrialRecord]:
        """Newest first; the cursor is the id of the last one seen."""
        wanted = select(TRIALS.table).order_by(TRIALS.key.desc()).limit(limit)
        return self._trials(wanted if after is None else wanted.where(TRIALS.key < after))

    def counts(self, id: str) -> TrialCounts:  # noqa: A002
        """What a pilot has decided so far."""
        return self._one(TRIAL_COUNTS, id) or TrialCounts(trial=id)

    def find_figures(self, id: str) -> TrialFigures | None:  # noqa: A002
        """How its candidate compares."""
        return self._one(TRIAL_FIGURES, id)

    def uncompared(self) -> Sequence[str]:
        """The ids of those whose entries are not all compared, oldest first."""
        columns = TRIAL_FIGURES.table.c
        wanted = select(columns.trial).where(columns.is_done.is_(false())).order_by(columns.trial)
        return self._connection.execute(wanted).scalars().all()

    def budgets(self, id: str, rows: Collection[str]) -> Mapping[str, Balance]:  # noqa: A002
        """By the names of their rows: the balances that only its candidate keeps."""
        names = {trial_key(id, row): row for row in rows}
        if not names:
            return {}
        wanted = select(TRIAL_BUDGETS.table).where(self._sets.among(TRIAL_BUDGETS.key))
        found = self._connection.execute(wanted, {VALUES: sorted(names)})
        records = [TRIAL_BUDGETS.record(row) for row in found]
        return {names[record.key]: record.balance for record in records}

    def _trials(self, wanted: Select[Any]) -> list[TrialRecord]:
        return [TRIALS.record(row) for row in self._connection.execute(wanted)]

    def _one(self, shape: Shape[Record], id_: str) -> Record | None:
        row = self._connection.execute(select(shape.table).where(shape.key == id_)).one_or_none()
        return None if row is None else shape.record(row)


class SqlTrialTransaction(SqlTrialReader):
    """See `service.app.trialports.TrialTransaction`."""

    def compared(self, figures: TrialFigures, budgets: Sequence[TrialBudget]) -> bool:
        """Replace figures and put balances, if nobody else did since; whether they were."""
        to, sets = self._connection, self._sets
        names, before = TRIAL_FIGURES.names, figures.version - 1
        row = (*TRIAL_FIGURES.row(figures), before)
        if not sets.change(to, TRIAL_FIGURES.table, names, [row], "version"):
            return False
        if budgets:
            rows = TRIAL_BUDGETS.rows(sorted(budgets, key=lambda one: one.key))
            sets.put(to, TRIAL_BUDGETS.table, TRIAL_BUDGETS.names, rows)
        if figures.is_done:
            mine = TRIAL_BUDGETS.table.c.trial == figures.trial
            to.execute(delete(TRIAL_BUDGETS.table).where(mine))
        return True

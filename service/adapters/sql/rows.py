"""Records to rows and back: the one place where the two meet."""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Boolean, Column, Table

from service.adapters.sql.columns import Form, Spends, instant
from service.adapters.sql.sets import Names
from service.adapters.sql.straight import Row
from service.adapters.sql.tables import METADATA
from service.app import (
    erasurerecords,
    noticerecords,
    publicationrecords,
    records,
    tokenrecords,
    trialrecords,
)
from service.core.budget import Balance
from service.core.delegation import Delegation

Record = TypeVar("Record")

_SPENDS: Final = Spends()


class Shape(Generic[Record]):
    """How one kind of record is stored: a table whose columns bear the fields' names."""

    def __init__(self, record: type[Record], table: str, **elsewhere: str) -> None:
        """``elsewhere`` says where in the record a column's value is, if not by its name."""
        self.type = record
        self.table: Table = METADATA.tables[table]
        self.names: Names = tuple(self.table.c.keys())
        self._values = attrgetter(*[elsewhere.get(name, name) for name in self.names])
        self._forms = [
            (place, column.type)
            for place, column in enumerate(self.table.c)
            if isinstance(column.type, Form)
        ]
        self._readers: list[tuple[int, Callable[[Any], Any]]] = [
            *((place, form.decode) for place, form in self._forms),
            # SQLite has no booleans: it gives 0 and 1.
            *((n, bool) for n, column in enumerate(self.table.c) if _is_boolean(column)),
        ]

    @property
    def key(self) -> Column[Any]:
        """The column that a record is found and locked by."""
        (key,) = self.table.primary_key
        return key

    def row(self, record: Record) -> Row:
        """The record as a row of all columns, in the driver's form."""
        values = [*self._values(record)]
        for place, form in self._forms:
            value = values[place]
            if value is not None:
                values[place] = form.encode(value)
        return tuple(values)

    def rows(self, records: Iterable[Record]) -> list[Row]:
        """Several at once."""
        return [self.row(record) for record in records]

    def record(self, row: Sequence[Any]) -> Record:
        """The record of a row of all columns, as SQLAlchemy reads it."""
        return self.type(**dict(zip(self.names, row, strict=True)))

    def stored(self, row: Sequence[Any]) -> Record:
        """The record of a row of all columns, in the driver's form."""
        values = [*row]
        for place, read in self._readers:
            value = values[place]
            if value is not None:
                values[place] = read(value)
        return self.record(values)


def _is_boolean(column: Column[Any]) -> bool:
    return isinstance(column.type, Boolean)


class BudgetShape(Shape[records.BudgetRecord]):
    """A budget's balance stands in columns of its own."""

    CHANGES: Final[Names] = ("key", "held", "settled", "version", "spends")
    """The columns that a charge changes, and the key."""

    def change(self, changed: records.BudgetChange) -> Row:
        """The change as a row of `CHANGES`, and the version that it was computed from."""
        held, settled, version, spends = changed.balance
        return changed.key, held, settled, version, _SPENDS.encode(spends), changed.read

    def record(self, row: Sequence[Any]) -> records.BudgetRecord:
        """The record of a row of all columns, as SQLAlchemy reads it."""
        key, name, budget, site, starts_at, ends_at, held, settled, version, spends = row
        return records.BudgetRecord(
            key=key,
            row=name,
            budget=budget,
            site=site,
            starts_at=starts_at,
            ends_at=ends_at,
            balance=Balance(held, settled, version, spends),
        )

    def stored(self, row: Sequence[Any]) -> records.BudgetRecord:
        """The record of a row of all columns, in the driver's form: the hottest of all reads."""
        key, name, budget, site, starts_at, ends_at, held, settled, version, spends = row
        return records.BudgetRecord(
            key=key,
            row=name,
            budget=budget,
            site=site,
            starts_at=None if starts_at is None else instant(starts_at),
            ends_at=None if ends_at is None else instant(ends_at),
            balance=Balance(held, settled, version, _SPENDS.decode(spends)),
        )


POLICIES: Final = Shape(records.PolicyRecord, "policies")
KEYS: Final = Shape(records.KeyRecord, "api_keys")
SURROGATES: Final = Shape(records.SurrogateRecord, "surrogates")
SUBJECT_KEYS: Final = Shape(records.SubjectKeyRecord, "subject_keys")
OPENINGS: Final = Shape(records.OpeningRecord, "openings")
BUDGETS: Final = BudgetShape(
    records.BudgetRecord,
    "budgets",
    held="balance.held",
    settled="balance.settled",
    version="balance.version",
    spends="balance.spends",
)
RESOLUTIONS: Final = Shape(records.ResolutionRecord, "resolutions")
ESCALATIONS: Final = Shape(records.EscalationRecord, "escalations")
ENTRIES: Final = Shape(records.EntryRecord, "entries")
ERASURES: Final = Shape(erasurerecords.ErasureRecord, "erasures")
PUBLICATIONS: Final = Shape(publicationrecords.PublicationRecord, "publications")
TRIALS: Final = Shape(trialrecords.TrialRecord, "trials")
TRIAL_COUNTS: Final = Shape(trialrecords.TrialCounts, "trial_counts")
TRIAL_FIGURES: Final = Shape(trialrecords.TrialFigures, "trial_figures")
TRIAL_BUDGETS: Final = Shape(trialrecords.TrialBudget, "trial_budgets")
TOKEN_PEOPLE: Final = Shape(tokenrecords.TokenPersonRecord, "token_people")
TOKEN_REVOCATIONS: Final = Shape(tokenrecords.TokenRevocationRecord, "token_revocations")
DELEGATIONS: Final = Shape(Delegation, "delegations")
NOTICES: Final = Shape(noticerecords.NoticeRecord, "notices")
NOTICE_LEASES: Final = Shape(noticerecords.LeaseRecord, "notice_leases")
IDEMPOTENCY: Final = Shape(records.IdempotencyRecord, "idempotency")
HEAD: Final = METADATA.tables["policy_head"]
HEAD_COLUMNS: Final[Names] = ("id", "version")
HEAD_ID: Final = 1
"""The id of the head's one row."""

"""The write transaction: the one module that commits."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeVar

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Select,
    bindparam,
    cast,
    extract,
    func,
    or_,
    select,
)

from service.adapters.sql.columns import Instant, instant
from service.adapters.sql.conflict import busy_where_undone, connected
from service.adapters.sql.rows import (
    BUDGETS,
    ESCALATIONS,
    HEAD,
    IDEMPOTENCY,
    KEYS,
    RESOLUTIONS,
    SUBJECT_KEYS,
    SURROGATES,
    Shape,
)
from service.adapters.sql.sets import VALUES, Sets
from service.adapters.sql.writing import write
from service.app.ports import Clock
from service.app.records import (
    BudgetRecord,
    EscalationRecord,
    IdempotencyRecord,
    ResolutionRecord,
    SubjectKeyRecord,
    SurrogateRecord,
    Writes,
)
from service.app.wanted import Wanted

Key = TypeVar("Key", str, bytes)
Record = TypeVar("Record")

_HEAD: Final = select(HEAD.c.version)
_NOW: Final = cast(extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)
_NOW_AND_HEAD: Final = select(_NOW, _HEAD.scalar_subquery())


class Instants:
    """The instants of one process's transactions: the database's clock, never going back."""

    def __init__(self, clock: Clock) -> None:
        """``clock`` stands in for the clock of an embedded database."""
        self._clock = clock
        self._last: datetime | None = None

    def read(self, connection: Connection) -> tuple[datetime, str | None]:
        """The instant of a transaction that begins, and the version in force."""
        at, head = self._ask(connection)
        if self._last is not None and at < self._last:
            at = self._last
        self._last = at
        return at, head

    def now(self, connection: Connection) -> datetime:
        """The same clock for a connection that only reads; it remembers nothing."""
        at, _ = self._ask(connection)
        return at if self._last is None else max(at, self._last)

    def _ask(self, connection: Connection) -> tuple[datetime, str | None]:
        if connection.dialect.name == "sqlite":
            return self._clock.now(), connection.execute(_HEAD).scalar()
        microseconds, head = connection.execute(_NOW_AND_HEAD).one()
        return instant(microseconds), head


@contextmanager
def transaction(engine: Engine, sets: Sets, instants: Instants) -> Iterator["SqlTransaction"]:
    """A write transaction on the engine's one connection; others wait for it.

    Commits where the block ends, keeps nothing where it raises. Raises `Busy` where
    another transaction undid this one, `Unavailable` where there is no connection to be had.
    """
    with busy_where_undone(), connected(engine) as connection:
        connection.begin()
        at, head = instants.read(connection)
        yield SqlTransaction(connection, sets, at, head)
        _commit(connection)


def _commit(connection: Connection) -> None:
    """Commit, or close the connection: it may still hold what could not be committed."""
    with busy_where_undone(committing=True):
        try:
            connection.commit()
        except BaseException:
            connection.invalidate()
            raise


class SqlTransaction:
    """See `service.app.ports.Transaction`."""

    def __init__(self, connection: Connection, sets: Sets, at: datetime, head: str | None) -> None:
        self._connection = connection
        self._sets = sets
        self._at = at
        self._head = head

    @property
    def at(self) -> datetime:
        """The database's clock when the transaction began."""
        return self._at

    def head(self) -> str | None:
        """The version of the policy that was in force when the transaction began."""
        return self._head

    def live_keys(self, ids: Collection[str]) -> frozenset[str]:
        """Those of the API keys that are neither revoked nor expired at ``at``."""
        if not ids:
            return frozenset()
        parameters = {VALUES: sorted(ids), "at": self._at}
        found = self._connection.execute(_live(self._sets), parameters)
        return frozenset(found.scalars())

    def lock_idempotency(self, keys: Collection[str]) -> Mapping[str, IdempotencyRecord]:
        """Every key's record, inserted as new where it was absent, and locked."""
        return self._inserted(IDEMPOTENCY, {key: IdempotencyRecord(key=key) for key in keys})

    def lock_surrogates(
        self, wanted: Mapping[bytes, SurrogateRecord]
    ) -> Mapping[bytes, SurrogateRecord]:
        """By fingerprint: the record that stands, or the wanted one, inserted. Locked."""
        return self._inserted(SURROGATES, wanted)

    def lock_subject_keys(self, wanted: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """By subject: the wrapped key that stands, or the wanted one, inserted. Locked."""

        def new(subject: str, _: None) -> SubjectKeyRecord:
            return SubjectKeyRecord(subject=subject, wrapped=wanted[subject])

        found = self._inserted(SUBJECT_KEYS, Wanted(dict.fromkeys(wanted), new))
        return {subject: record.wrapped for subject, record in found.items()}

    def lock_escalations(self, ids: Collection[str]) -> Mapping[str, EscalationRecord]:
        """The escalations that exist, locked."""
        return self._locked(ESCALATIONS, sorted(ids))

    def lock_resolutions(self, ids: Collection[str]) -> Mapping[str, ResolutionRecord]:
        """The resolutions that exist, locked."""
        return self._locked(RESOLUTIONS, sorted(ids))

    def lock_budgets(self, wanted: Mapping[str, BudgetRecord]) -> Mapping[str, BudgetRecord]:
        """By key: the row that stands, or the wanted one, inserted. Locked, none missing."""
        return self._inserted(BUDGETS, wanted)

    def write(self, writes: Writes) -> None:
        """Write everything as sets. Raises `LookupError` for a change of what is not there."""
        write(self._connection, self._sets, writes, self._at)

    def _inserted(self, shape: Shape[Record], wanted: Mapping[Key, Record]) -> dict[Key, Record]:
        """Insert what is absent, and lock all of it."""
        keys = sorted(wanted)
        if not keys:
            return {}
        if self._sets.ALONE:
            return self._inserted_alone(shape, wanted, keys)
        rows = [shape.row(wanted[key]) for key in keys]
        self._sets.insert_missing(self._connection, shape.table, shape.names, rows)
        # A statement of its own: in the one above, a row that another transaction has
        # just inserted would be neither inserted nor seen, and count as nothing spent.
        found = self._locked(shape, keys)
        if len(found) != len(keys):
            missing = [key for key in keys if key not in found]
            raise LookupError(f"{shape.table.name}: inserted and not there: {missing}")
        return found

    def _inserted_alone(
        self, shape: Shape[Record], wanted: Mapping[Key, Record], keys: Sequence[Key]
    ) -> dict[Key, Record]:
        """The same where nobody else can write before this transaction ends."""
        found = self._locked(shape, keys)
        missing = {key: wanted[key] for key in keys if key not in found}
        if missing:
            rows = shape.rows(missing.values())
            self._sets.insert(self._connection, shape.table, shape.names, rows)
        return found | missing

    def _locked(self, shape: Shape[Record], keys: Sequence[Key]) -> dict[Key, Record]:
        """Lock rows in the order of their keys, which are sorted, bytewise."""
        if not keys:
            return {}
        place = shape.names.index(shape.key.name)
        rows = self._sets.lock(self._connection, shape.table, shape.names, keys)
        return {row[place]: shape.stored(row) for row in rows}


@cache
def _live(sets: Sets) -> Select[Any]:
    keys = KEYS.table.c
    lasts = or_(keys.expires_at.is_(None), keys.expires_at > bindparam("at", type_=Instant()))
    return select(keys.id).where(sets.among(keys.id), keys.revoked_at.is_(None), lasts)

"""The write transaction: the one module that commits."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    cast,
    extract,
    func,
    select,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError

from service.adapters.sql import outbox
from service.adapters.sql.columns import instant, microseconds
from service.adapters.sql.conflict import busy_where_undone, connected, is_lock_timeout
from service.adapters.sql.delegations import find_delegation, standing, take_turn
from service.adapters.sql.erasures import SqlErasureTransaction
from service.adapters.sql.keylocks import KEY_WAIT_MILLISECONDS, find_in_use, waiting_at_most
from service.adapters.sql.logwriter import SqlLogTransaction
from service.adapters.sql.publications import SqlPublicationTransaction
from service.adapters.sql.rows import (
    BUDGETS,
    ESCALATIONS,
    HEAD,
    HEAD_COLUMNS,
    HEAD_ID,
    IDEMPOTENCY,
    KEYS,
    NOTICES,
    RESOLUTIONS,
    SUBJECT_KEYS,
    SURROGATES,
    Shape,
)
from service.adapters.sql.sets import Sets
from service.adapters.sql.straight import ask
from service.adapters.sql.tokens import SqlTokenReader
from service.adapters.sql.trials import SqlTrialTransaction
from service.adapters.sql.writing import write
from service.app.errors import Busy, KeysInUse
from service.app.noticerecords import LeaseRecord, NoticeRecord
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
from service.core.delegation import Delegation

Key = TypeVar("Key", str, bytes)
Record = TypeVar("Record")

_LIFE: Final = ("id", "expires_at", "revoked_at")
_HEAD: Final = select(HEAD.c.version)
_NOW: Final = cast(extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)
_IN_FORCE_TEXT: Final = str(select(HEAD.c.version, HEAD.c.trial).compile(dialect=sqlite.dialect()))
_NOW_AND_IN_FORCE: Final = select(
    _NOW, _HEAD.scalar_subquery(), select(HEAD.c.trial).scalar_subquery()
)


class Begun(NamedTuple):
    """What a transaction reads first: its instant, the version in force, the trial beside it."""

    at: datetime
    head: str | None
    trial: str | None


class Instants:
    """The instants of one process's transactions: the database's clock, never going back."""

    def __init__(self, clock: Clock) -> None:
        """``clock`` stands in for the clock of an embedded database."""
        self._clock = clock
        self._last: datetime | None = None

    def read(self, connection: Connection) -> Begun:
        """The instant of a transaction that begins, and what is in force."""
        begun = self._ask(connection)
        if self._last is not None and begun.at < self._last:
            begun = begun._replace(at=self._last)
        self._last = begun.at
        return begun

    def now(self, connection: Connection) -> datetime:
        """The same clock for a connection that only reads; it remembers nothing."""
        at = self._ask(connection).at
        return at if self._last is None else max(at, self._last)

    def _ask(self, connection: Connection) -> Begun:
        if connection.dialect.name == "sqlite":
            rows = ask(connection, _IN_FORCE_TEXT)
            head, trial = rows[0] if rows else (None, None)
            return Begun(self._clock.now(), head, trial)
        at, head, trial = connection.execute(_NOW_AND_IN_FORCE).one()
        return Begun(instant(at), head, trial)


@contextmanager
def transaction(engine: Engine, sets: Sets, instants: Instants) -> Iterator["SqlTransaction"]:
    """A write transaction on the engine's one connection; others wait for it.

    Commits where the block ends, keeps nothing where it raises. Raises `Busy` where
    another transaction undid this one, `Unavailable` where there is no connection to be had.
    """
    with busy_where_undone(), connected(engine) as connection:
        connection.begin()
        yield SqlTransaction(connection, sets, instants.read(connection))
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

    def __init__(self, connection: Connection, sets: Sets, begun: Begun) -> None:
        self._connection = connection
        self._sets = sets
        self._at, self._head, self._trial = begun

    @property
    def at(self) -> datetime:
        """The database's clock when the transaction began."""
        return self._at

    def head(self) -> str | None:
        """The version of the policy that was in force when the transaction began."""
        return self._head

    def trial(self) -> str | None:
        """The trial that ran beside it then."""
        return self._trial

    @property
    def log(self) -> SqlLogTransaction:
        """The transparency log's rows."""
        return SqlLogTransaction(self._connection, self._sets)

    @property
    def erasures(self) -> SqlErasureTransaction:
        """Erasures."""
        return SqlErasureTransaction(self._connection, self._sets)

    @property
    def publications(self) -> SqlPublicationTransaction:
        """Publications."""
        return SqlPublicationTransaction(self._connection, self._sets)

    @property
    def trials(self) -> SqlTrialTransaction:
        """Trials."""
        return SqlTrialTransaction(self._connection, self._sets)

    @property
    def tokens(self) -> SqlTokenReader:
        """Tokens: what was revoked of them, and who came with one."""
        return SqlTokenReader(self._connection, self._sets)

    def lock_head(self) -> str | None:
        """The version in force now. There is a row to lock before the first version, too."""
        if not self._sets.ALONE:
            row = (HEAD_ID, None)
            self._sets.insert_missing(self._connection, HEAD, HEAD_COLUMNS, [row])
        return self._connection.execute(_HEAD.with_for_update()).scalar()

    def live_keys(self, ids: Collection[str]) -> frozenset[str]:
        """Those of the API keys that are neither revoked nor expired at ``at``."""
        if not ids:
            return frozenset()
        at = microseconds(self._at)
        return frozenset(
            id_
            for id_, expires_at, revoked_at in self._sets.find(
                self._connection, KEYS.table, _LIFE, sorted(ids)
            )
            if revoked_at is None and (expires_at is None or expires_at > at)
        )

    def lock_idempotency(self, keys: Collection[str]) -> Mapping[str, IdempotencyRecord]:
        """Every key's record, inserted as new where it was absent, and locked.

        Where nobody else can write a key is in nobody's hands: whoever had it has ended.
        Raises `KeysInUse` after a second, and `Busy` where they are free by then.
        """
        wanted = {key: IdempotencyRecord(key=key) for key in keys}
        if self._sets.ALONE or not wanted:
            return self._inserted(IDEMPOTENCY, wanted)
        try:
            with waiting_at_most(self._connection, KEY_WAIT_MILLISECONDS):
                return self._inserted(IDEMPOTENCY, wanted)
        except DBAPIError as error:
            if not is_lock_timeout(error):
                raise
        self._connection.rollback()
        used = find_in_use(self._connection, self._sets, sorted(wanted))
        raise KeysInUse(used) if used else Busy("an idempotency key was in use, and is free again")

    def lock_surrogates(
        self, wanted: Mapping[bytes, SurrogateRecord]
    ) -> Mapping[bytes, SurrogateRecord]:
        """By fingerprint: the record that stands, or the wanted one, inserted. Locked."""
        return self._inserted(SURROGATES, wanted)

    def lock_subject_keys(
        self, wanted: Mapping[str, bytes], kept: Collection[str] = ()
    ) -> Mapping[str, bytes]:
        """By subject: the wrapped key that stands, or the wanted one, inserted. Locked."""

        def new(subject: str, _: None) -> SubjectKeyRecord:
            return SubjectKeyRecord(subject=subject, wrapped=wanted[subject])

        found = self._inserted(SUBJECT_KEYS, Wanted(dict.fromkeys(wanted), new), kept)
        return {subject: record.wrapped for subject, record in found.items()}

    def surrogates(self, fingerprints: Collection[bytes]) -> Mapping[bytes, SurrogateRecord]:
        """The surrogates that exist, by fingerprint; nothing is inserted or locked."""
        wanted = select(SURROGATES.table).where(SURROGATES.key.in_(sorted(fingerprints)))
        found = [SURROGATES.record(row) for row in self._connection.execute(wanted)]
        return {record.fingerprint: record for record in found}

    def lock_escalations(self, ids: Collection[str]) -> Mapping[str, EscalationRecord]:
        """The escalations that exist, locked."""
        return self._locked(ESCALATIONS, sorted(ids))

    def lock_resolutions(self, ids: Collection[str]) -> Mapping[str, ResolutionRecord]:
        """The resolutions that exist, locked."""
        return self._locked(RESOLUTIONS, sorted(ids))

    def lock_budgets(self, wanted: Mapping[str, BudgetRecord]) -> Mapping[str, BudgetRecord]:
        """By key: the row that stands, or the wanted one, inserted. Locked, none missing."""
        return self._inserted(BUDGETS, wanted)

    def delegations(self) -> Sequence[Delegation]:
        """Every delegation that is not over at ``at``, as committed."""
        return standing(self._connection, self._at)

    def lock_delegations(self) -> Sequence[Delegation]:
        """The same, once nobody else changes any."""
        take_turn(self._connection, self._sets)
        return self.delegations()

    def find_delegation(self, id: str) -> Delegation | None:  # noqa: A002
        """One delegation, over or not."""
        return find_delegation(self._connection, id)

    def last_queued(self, about: Collection[str]) -> Mapping[str, datetime]:
        """When the latest notice about each was queued; those without one are absent."""
        return outbox.last_queued(self._connection, self._sets, about)

    def lock_lease(self, receiver: str, *, waits: bool = True) -> LeaseRecord | None:
        """Who delivers to a receiver; ``None`` where somebody else has it locked."""
        return outbox.lock_lease(self._connection, self._sets, receiver, waits=waits)

    def lock_notices(self, ids: Collection[str]) -> Mapping[str, NoticeRecord]:
        """The notices that exist, locked."""
        return self._locked(NOTICES, sorted(ids))

    def line(self, receiver: str, limit: int) -> Sequence[NoticeRecord]:
        """The notices that wait for a receiver, first come first."""
        return outbox.line(self._connection, receiver, limit)

    def write(self, writes: Writes) -> None:
        """Write everything as sets. Raises `LookupError` for a change of what is not there."""
        write(self._connection, self._sets, writes, self._at)

    def _inserted(
        self, shape: Shape[Record], wanted: Mapping[Key, Record], kept: Collection[Key] = ()
    ) -> dict[Key, Record]:
        """Insert what is absent, and lock all of it, with those of the kept that exist."""
        keys: list[Key] = sorted(set(wanted).union(kept))
        if not keys:
            return {}
        if self._sets.ALONE:
            return self._inserted_alone(shape, wanted, keys)
        if wanted:
            rows = [shape.row(wanted[key]) for key in sorted(wanted)]
            self._sets.insert_missing(self._connection, shape.table, shape.names, rows)
        # A statement of its own: in the one above, a row that another transaction has
        # just inserted would be neither inserted nor seen, and count as nothing spent.
        found = self._locked(shape, keys)
        missing = [key for key in wanted if key not in found]
        if missing:
            if shape is SUBJECT_KEYS or shape is SURROGATES:  # an erasure has just taken them
                raise Busy(f"{shape.table.name}: what was to be locked has been erased")
            raise LookupError(f"{shape.table.name}: inserted and not there: {missing}")
        return found

    def _inserted_alone(
        self, shape: Shape[Record], wanted: Mapping[Key, Record], keys: Sequence[Key]
    ) -> dict[Key, Record]:
        """The same where nobody else can write before this transaction ends."""
        found = self._locked(shape, keys)
        missing = {key: wanted[key] for key in wanted if key not in found}
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

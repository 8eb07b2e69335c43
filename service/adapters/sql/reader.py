"""One consistent read of what is committed."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Engine, Select, and_, or_, select, text

from service.adapters.sql import outbox, waiting
from service.adapters.sql.conflict import connected, unavailable_where_lost
from service.adapters.sql.delegations import find_delegation, list_delegations, standing
from service.adapters.sql.desk import SqlDesk
from service.adapters.sql.entrylist import SqlEntryReader
from service.adapters.sql.erasures import SqlErasureReader
from service.adapters.sql.logreader import SqlLogReader
from service.adapters.sql.publications import SqlPublicationReader
from service.adapters.sql.rows import (
    BUDGETS,
    ENTRIES,
    ESCALATIONS,
    HEAD,
    KEYS,
    NOTICES,
    OPENINGS,
    POLICIES,
    RESOLUTIONS,
    SUBJECT_KEYS,
    SURROGATES,
    Shape,
)
from service.adapters.sql.sets import VALUES, Sets
from service.adapters.sql.standing import SqlStandingReader
from service.adapters.sql.tokens import SqlTokenReader
from service.adapters.sql.trials import SqlTrialReader
from service.adapters.sql.uow import Instants
from service.app.noticerecords import NoticeRecord
from service.app.ports import DelegationFilter, Filter, Page, RowFilter
from service.app.records import (
    BudgetRecord,
    EntryRecord,
    EscalationRecord,
    KeyRecord,
    OpeningRecord,
    PolicyRecord,
    ResolutionRecord,
    SurrogateRecord,
)
from service.core.delegation import Delegation

Key = TypeVar("Key", str, bytes)
Record = TypeVar("Record")
Columns = Mapping[str, Column[Any]]

_RESOLUTIONS_BY: Final[Columns] = {
    "agent": RESOLUTIONS.table.c.agent,
    "outcome": RESOLUTIONS.table.c.outcome,
    "state": RESOLUTIONS.table.c.state,
    "resolution": RESOLUTIONS.table.c.resolution,
    "at": RESOLUTIONS.table.c.decided_at,
}
_ESCALATIONS_BY: Final[Columns] = {
    "agent": ESCALATIONS.table.c.proposer,
    "state": ESCALATIONS.table.c.state,
    "role": ESCALATIONS.table.c.role,
    "about": ESCALATIONS.table.c.resolution,
    "at": ESCALATIONS.table.c.opened_at,
}
_ENTRIES_BY: Final[Columns] = {
    "agent": ENTRIES.table.c.agent,
    "outcome": ENTRIES.table.c.outcome,
    "kind": ENTRIES.table.c.kind,
    "resolution": ENTRIES.table.c.resolution,
    "about": ENTRIES.table.c.about,
    "at": ENTRIES.table.c.at,
}
_NOTICES_BY: Final[Columns] = {
    "receiver": NOTICES.table.c.receiver,
    "state": NOTICES.table.c.state,
    "kind": NOTICES.table.c.event,
    "role": NOTICES.table.c.role,
    "about": NOTICES.table.c.about,
    "at": NOTICES.table.c.at,
}
_AFTER_ELEMENT: Final = "^"
"""What sorts after the comma and the bracket that may follow an element of a row's name."""

_WORDS: Final = ("agent", "outcome", "state", "kind", "role", "resolution", "about", "receiver")
"""The fields of a filter that a column must equal."""


@contextmanager
def reading(engine: Engine, sets: Sets, instants: Instants) -> Iterator["SqlReader"]:
    """A read transaction: everything in the block is seen as of its first statement.

    Raises `Unavailable` where the database cannot be reached, or is lost on the way.
    """
    with unavailable_where_lost(), connected(engine) as connection, connection.begin():
        yield SqlReader(connection, sets, instants)


class SqlReader:
    """See `service.app.ports.Reader`."""

    def __init__(self, connection: Connection, sets: Sets, instants: Instants) -> None:
        self._connection = connection
        self._sets = sets
        self._instants = instants

    @property
    def log(self) -> SqlLogReader:
        """The transparency log's rows."""
        return SqlLogReader(self._connection)

    @property
    def entries(self) -> SqlEntryReader:
        """Entries, found by what they are about."""
        return SqlEntryReader(self._connection)

    @property
    def publications(self) -> SqlPublicationReader:
        """Publications, and the versions that they made."""
        return SqlPublicationReader(self._connection)

    @property
    def trials(self) -> SqlTrialReader:
        """Candidates that are tried."""
        return SqlTrialReader(self._connection, self._sets)

    @property
    def tokens(self) -> SqlTokenReader:
        """Tokens: what was revoked of them, and who came with one."""
        return SqlTokenReader(self._connection, self._sets)

    def list_policies(self) -> Sequence[str]:
        """Every version that was ever published, in the order of first publication."""
        table = POLICIES.table.c
        ordered = select(table.version).order_by(table.published_at, table.version)
        return self._connection.execute(ordered).scalars().all()

    def head(self) -> str | None:
        """The version of the policy in force."""
        version: str | None = self._connection.execute(select(HEAD.c.version)).scalar()
        return version

    def find_policy(self, version: str) -> PolicyRecord | None:
        """A published version with its files."""
        return self._find(POLICIES, POLICIES.table.c.version == version)

    def find_key(self, digest: bytes) -> KeyRecord | None:
        """The API key whose secret has this digest."""
        return self._find(KEYS, KEYS.table.c.digest == digest)

    def list_keys(self) -> Sequence[KeyRecord]:
        """Every API key, oldest first."""
        found = self._connection.execute(select(KEYS.table).order_by(KEYS.key))
        return [KEYS.record(row) for row in found]

    def find_resolution(self, id: str) -> ResolutionRecord | None:  # noqa: A002
        """One resolution."""
        return self._find(RESOLUTIONS, RESOLUTIONS.key == id)

    def list_resolutions(self, wanted: Filter, page: Page) -> Sequence[ResolutionRecord]:
        """Newest first. Raises `ValueError` for a filter that resolutions do not have."""
        return self._list(RESOLUTIONS, _RESOLUTIONS_BY, wanted, page)

    def find_escalation(self, id: str) -> EscalationRecord | None:  # noqa: A002
        """One escalation."""
        return self._find(ESCALATIONS, ESCALATIONS.key == id)

    def list_escalations(self, wanted: Filter, page: Page) -> Sequence[EscalationRecord]:
        """Newest first; ``agent`` is the proposer, ``about`` the resolution's id.

        Raises `ValueError` for a filter that escalations do not have.
        """
        return self._list(ESCALATIONS, _ESCALATIONS_BY, wanted, page)

    def find_entry(self, id: str) -> EntryRecord | None:  # noqa: A002
        """One entry of the log."""
        return self._find(ENTRIES, ENTRIES.key == id)

    def list_entries(self, wanted: Filter, page: Page) -> Sequence[EntryRecord]:
        """Newest first. Raises `ValueError` for a filter that entries do not have."""
        return self._list(ENTRIES, _ENTRIES_BY, wanted, page)

    def openings(self, entries: Collection[str]) -> Mapping[str, OpeningRecord]:
        """The sealed openings of entries; erased ones are absent."""
        return self._among(OPENINGS, entries)

    def subject_keys(self, subjects: Collection[str]) -> Mapping[str, bytes]:
        """The wrapped keys of subjects; erased ones are absent."""
        found = self._among(SUBJECT_KEYS, subjects)
        return {subject: record.wrapped for subject, record in found.items()}

    def surrogates(self, fingerprints: Collection[bytes]) -> Mapping[bytes, SurrogateRecord]:
        """The surrogates that exist, by fingerprint."""
        return self._among(SURROGATES, fingerprints)

    def budgets(self, keys: Collection[str]) -> Mapping[str, BudgetRecord]:
        """The budget rows that exist, by key."""
        return self._among(BUDGETS, keys)

    def list_budgets(self, wanted: RowFilter, page: Page) -> Sequence[BudgetRecord]:
        """Budget rows by key, bytewise; the cursor is the ``row`` of the last one seen."""
        if not wanted.prefixes:
            return []
        key, table = BUDGETS.key, BUDGETS.table
        chosen = or_(*[_begins(key, prefix) for prefix in wanted.prefixes])
        statement = select(table).where(chosen).order_by(key).limit(page.limit)
        if page.after is not None:
            seen = select(key).where(chosen, table.c.row == page.after)
            statement = statement.where(key > seen.scalar_subquery())
        if wanted.sites is not None:
            statement = statement.where(table.c.site.in_(sorted(wanted.sites)))
        for part in wanted.parts:
            statement = statement.where(key.contains(part, autoescape=True))
        return [BUDGETS.record(row) for row in self._connection.execute(statement)]

    def overdue(self, limit: int) -> Sequence[str]:
        """The ids of resolutions whose hold is over by the database's clock, longest first."""
        ends_at = RESOLUTIONS.table.c.hold_ends_at
        # The condition stands there as text, since only so may the index of holds be taken.
        over = select(RESOLUTIONS.key).where(text("state = 'held'"), ends_at <= self.now())
        found = self._connection.execute(over.order_by(ends_at, RESOLUTIONS.key).limit(limit))
        return found.scalars().all()

    def overdue_escalations(self, limit: int) -> Sequence[EscalationRecord]:
        """Those whose answer is overdue by the database's clock and that say what follows."""
        return waiting.overdue(self._connection, self.now(), limit)

    def unreminded_escalations(self, limit: int) -> Sequence[EscalationRecord]:
        """Those that a reminder is due for by the database's clock, longest first."""
        return waiting.unreminded(self._connection, self.now(), limit)

    def stranded_escalations(
        self, roles: Collection[str], limit: int
    ) -> Sequence[EscalationRecord]:
        """Those that wait for an answer of a role that is none of these, oldest first."""
        return waiting.stranded(self._connection, roles, limit)

    def delegations(self, at: datetime) -> Sequence[Delegation]:
        """Every delegation that is not over at an instant, oldest first."""
        return standing(self._connection, at)

    def list_delegations(
        self, wanted: DelegationFilter, page: Page, at: datetime
    ) -> Sequence[Delegation]:
        """Newest first; the cursor is the id of the last one seen."""
        return list_delegations(self._connection, wanted, page, at)

    def find_delegation(self, id: str) -> Delegation | None:  # noqa: A002
        """One delegation, over or not."""
        return find_delegation(self._connection, id)

    def due_lines(self, receivers: Sequence[str], holder: str) -> Sequence[str]:
        """Those of the receivers whose first notice is due, and free for ``holder``."""
        return outbox.due_lines(self._connection, self._sets, receivers, holder, self.now())

    def find_notice(self, id: str) -> NoticeRecord | None:  # noqa: A002
        """One notice."""
        return self._find(NOTICES, NOTICES.key == id)

    def list_notices(self, wanted: Filter, page: Page) -> Sequence[NoticeRecord]:
        """Newest first; ``kind`` is the event, ``about`` the escalation's id.

        Raises `ValueError` for a filter that notices do not have.
        """
        return self._list(NOTICES, _NOTICES_BY, wanted, page)

    @property
    def desk(self) -> SqlDesk:
        """What those need who answer escalations, in the same read."""
        return SqlDesk(self._connection)

    @property
    def erasures(self) -> SqlErasureReader:
        """Erasures."""
        return SqlErasureReader(self._connection, self.now())

    @property
    def standing(self) -> SqlStandingReader:
        """Counts of what waits."""
        return SqlStandingReader(self._connection)

    def now(self) -> datetime:
        """The database's clock, as a transaction that began at this moment would read it."""
        return self._instants.now(self._connection)

    def _find(self, shape: Shape[Record], where: ColumnElement[bool]) -> Record | None:
        row = self._connection.execute(select(shape.table).where(where)).one_or_none()
        return None if row is None else shape.record(row)

    def _among(self, shape: Shape[Record], keys: Collection[Key]) -> dict[Key, Record]:
        if not keys:
            return {}
        place = shape.names.index(shape.key.name)
        found = self._connection.execute(_all_of(shape, self._sets), {VALUES: sorted(keys)})
        return {row[place]: shape.record(row) for row in found}

    def _list(self, shape: Shape[Record], by: Columns, wanted: Filter, page: Page) -> list[Record]:
        order = shape.key.asc() if page.oldest_first else shape.key.desc()
        statement = select(shape.table).order_by(order).limit(page.limit)
        statement = statement.where(*_wheres(shape, by, wanted))
        if page.after is not None:
            follows = shape.key > page.after if page.oldest_first else shape.key < page.after
            statement = statement.where(follows)
        return [shape.record(row) for row in self._connection.execute(statement)]


def _begins(key: Column[Any], prefix: str) -> ColumnElement[bool]:
    """Whether a key begins with a text and ends there or goes on with another element."""
    return and_(key >= prefix, key < prefix + _AFTER_ELEMENT)


def _wheres(shape: Shape[Any], by: Columns, wanted: Filter) -> Iterator[ColumnElement[bool]]:
    if wanted.sites is not None:
        yield shape.table.c.site.in_(sorted(wanted.sites))
    if wanted.since is not None:
        yield by["at"] >= wanted.since
    if wanted.until is not None:
        yield by["at"] < wanted.until
    for name in _WORDS:
        word = getattr(wanted, name)
        if word is None:
            continue
        if name not in by:
            raise ValueError(f"{shape.table.name} cannot be filtered by {name}")
        yield by[name] == word


@cache
def _all_of(shape: Shape[Any], sets: Sets) -> Select[Any]:
    return select(shape.table).where(sets.among(shape.key))

"""What the use cases need of the world. Each port has one adapter and the same file name."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.app.deskports import Desk
from service.app.entryports import EntryReader
from service.app.erasureports import ErasureReader, ErasureTransaction
from service.app.logports import LogReader, LogTransaction
from service.app.noticerecords import LeaseRecord, NoticeRecord
from service.app.publicationports import PublicationReader, PublicationTransaction
from service.app.records import (
    BudgetRecord,
    EntryRecord,
    EscalationRecord,
    IdempotencyRecord,
    KeyRecord,
    OpeningRecord,
    PolicyRecord,
    ResolutionRecord,
    SurrogateRecord,
    Writes,
)
from service.app.standingports import StandingReader
from service.app.tokenports import TokenReader
from service.app.trialports import TrialReader, TrialTransaction
from service.core.delegation import Delegation


class Clock(Protocol):
    """The process's clock: for what is not decided in a transaction."""

    def now(self) -> datetime:
        """The instant of the call, aware, UTC."""


class Ids(Protocol):
    """The only source of randomness."""

    def new(self, prefix: str, at: datetime) -> str:
        """``prefix_`` and 26 characters that sort by time (ULID), unique."""

    def surrogate(self, prefix: str) -> str:
        """``prefix_`` and 128 random bits in letters and digits, telling nothing."""

    def salt(self) -> str:
        """128 random bits, base64url without padding."""

    def secret(self) -> str:
        """256 random bits, base64url without padding."""

    def below(self, bound: int) -> int:
        """A whole number from zero to one less than ``bound``, each as likely."""


class Vault(Protocol):
    """Keys and sealing. Knows the master key; nobody else does."""

    def fingerprint(self, text: str) -> bytes:
        """A keyed hash (HMAC-SHA256): the same for the same text, telling nothing without a key."""

    def new_key(self) -> bytes:
        """A fresh data key, wrapped by the master key."""

    def seal(self, wrapped: bytes, plain: bytes, context: str) -> bytes:
        """Encrypt under a data key (AES-256-GCM, fresh nonce); ``context`` is authenticated."""

    def unseal(self, wrapped: bytes, sealed: bytes, context: str) -> bytes:
        """The inverse of `seal`. Raises `ValueError` where anything was altered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a list: at most ``limit`` items that come after the cursor.

    ``oldest_first`` turns the list around; for entries, which are replayed as they came.
    """

    after: str | None = None
    limit: int = 50
    oldest_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What to list; ``None`` takes everything. ``sites`` are those the reader may see.

    ``since`` is inclusive, ``until`` exclusive.
    """

    sites: frozenset[str] | None = None
    agent: str | None = None
    outcome: str | None = None
    state: str | None = None
    kind: str | None = None
    role: str | None = None
    receiver: str | None = None
    resolution: str | None = None
    about: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFilter:
    """Which budget rows to list: those whose names begin with any of ``prefixes``.

    ``sites`` are those of the rows (``None`` takes every row, of no site too); each of
    ``parts`` is a piece of the name.
    """

    prefixes: Sequence[str]
    sites: frozenset[str] | None = None
    parts: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegationFilter:
    """Which delegations to list: those of ``reader``, and those kept at ``sites``.

    ``sites`` are those where the reader manages delegations; ``None`` takes every one.
    ``person`` gave or received it.
    """

    reader: str
    sites: frozenset[str] | None
    person: str | None = None
    site: str | None = None
    is_over: bool | None = None


class Transaction(Protocol):
    """One write transaction. Leaving it cleanly commits; an exception rolls everything back.

    Rows are locked in one order everywhere, bytewise within each: idempotency keys,
    subjects, escalations, resolutions, budgets; then everything is written.
    """

    @property
    def at(self) -> datetime:
        """The database's clock, read once when the transaction began (UTC, microseconds)."""

    @property
    def log(self) -> LogTransaction:
        """The transparency log's rows."""

    def head(self) -> str | None:
        """The version of the policy in force; ``None`` in an empty database."""

    def trial(self) -> str | None:
        """The id of the trial that runs beside it; ``None`` nearly always."""

    @property
    def erasures(self) -> ErasureTransaction:
        """Erasures."""

    @property
    def publications(self) -> PublicationTransaction:
        """Publications."""

    @property
    def tokens(self) -> TokenReader:
        """Tokens: what was revoked of them, and who came with one."""

    @property
    def trials(self) -> TrialTransaction:
        """Trials."""

    def lock_head(self) -> str | None:
        """The same, once nobody else is publishing.

        Taken first by who publishes alone, last by who publishes in a batch.
        """

    def live_keys(self, ids: Collection[str]) -> frozenset[str]:
        """Those of the API keys that are neither revoked nor expired at ``at``."""

    def lock_idempotency(self, keys: Collection[str]) -> Mapping[str, IdempotencyRecord]:
        """Every key's record, inserted as new (no answer) where it was absent, and locked.

        Raises `KeysInUse` where another transaction has any of them for longer than
        `idempotency.IN_PROGRESS_SECONDS`.
        """

    def lock_surrogates(
        self, wanted: Mapping[bytes, SurrogateRecord]
    ) -> Mapping[bytes, SurrogateRecord]:
        """By fingerprint: the record that stands, or the wanted one, inserted. Locked."""

    def lock_subject_keys(
        self, wanted: Mapping[str, bytes], kept: Collection[str] = ()
    ) -> Mapping[str, bytes]:
        """By subject: the wrapped key that stands, or the wanted one, inserted. Locked.

        Those of the ``kept`` that have no key are not in the answer.
        """

    def surrogates(self, fingerprints: Collection[bytes]) -> Mapping[bytes, SurrogateRecord]:
        """The surrogates that exist, by fingerprint; nothing is inserted or locked."""

    def lock_escalations(self, ids: Collection[str]) -> Mapping[str, EscalationRecord]:
        """The escalations that exist, locked."""

    def lock_resolutions(self, ids: Collection[str]) -> Mapping[str, ResolutionRecord]:
        """The resolutions that exist, locked."""

    def lock_budgets(self, wanted: Mapping[str, BudgetRecord]) -> Mapping[str, BudgetRecord]:
        """By key: the row that stands, or the wanted one, inserted (in a statement before).

        Holds every wanted key, locked; a key that is missing afterwards is an error,
        never a zero.
        """

    def delegations(self) -> Sequence[Delegation]:
        """Every delegation that is not over at ``at``, as committed; nothing is locked."""

    def lock_delegations(self) -> Sequence[Delegation]:
        """The same, once nobody else changes any. Taken last, after the budgets."""

    def find_delegation(self, id: str) -> Delegation | None:  # noqa: A002
        """One delegation, over or not."""

    def last_queued(self, about: Collection[str]) -> Mapping[str, datetime]:
        """When the latest notice about each was queued; those without one are absent."""

    def lock_lease(self, receiver: str, *, waits: bool = True) -> LeaseRecord | None:
        """Who delivers to a receiver; ``None`` where somebody else has it locked.

        Locked after everything else. Who ``waits`` always gets it.
        """

    def lock_notices(self, ids: Collection[str]) -> Mapping[str, NoticeRecord]:
        """The notices that exist, locked."""

    def line(self, receiver: str, limit: int) -> Sequence[NoticeRecord]:
        """The notices that wait for a receiver, first come first."""

    def write(self, writes: Writes) -> None:
        """Write everything as sets."""


class Reader(Protocol):
    """One consistent read. Sees what is committed."""

    @property
    def log(self) -> LogReader:
        """The transparency log's rows."""

    @property
    def entries(self) -> EntryReader:
        """Entries, found by what they are about."""

    @property
    def publications(self) -> PublicationReader:
        """Publications, and the versions that they made."""

    @property
    def tokens(self) -> TokenReader:
        """Tokens: what was revoked of them, and who came with one."""

    @property
    def trials(self) -> TrialReader:
        """Candidates that are tried."""

    def list_policies(self) -> Sequence[str]:
        """Every version that was ever published, in the order of first publication."""

    def head(self) -> str | None:
        """The version of the policy in force."""

    def find_policy(self, version: str) -> PolicyRecord | None:
        """A published version with its files."""

    def find_key(self, digest: bytes) -> KeyRecord | None:
        """The API key whose secret has this digest."""

    def list_keys(self) -> Sequence[KeyRecord]:
        """Every API key, oldest first."""

    def find_resolution(self, id: str) -> ResolutionRecord | None:  # noqa: A002
        """One resolution."""

    def list_resolutions(self, wanted: Filter, page: Page) -> Sequence[ResolutionRecord]:
        """Newest first; the cursor is the id of the last one seen."""

    def find_escalation(self, id: str) -> EscalationRecord | None:  # noqa: A002
        """One escalation."""

    def list_escalations(self, wanted: Filter, page: Page) -> Sequence[EscalationRecord]:
        """Newest first; the cursor is the id of the last one seen."""

    def find_entry(self, id: str) -> EntryRecord | None:  # noqa: A002
        """One entry of the log."""

    def list_entries(self, wanted: Filter, page: Page) -> Sequence[EntryRecord]:
        """Newest first unless asked otherwise; the cursor is the id of the last one seen."""

    def openings(self, entries: Collection[str]) -> Mapping[str, OpeningRecord]:
        """The sealed openings of entries; erased ones are absent."""

    def subject_keys(self, subjects: Collection[str]) -> Mapping[str, bytes]:
        """The wrapped keys of subjects; erased ones are absent."""

    def surrogates(self, fingerprints: Collection[bytes]) -> Mapping[bytes, SurrogateRecord]:
        """The surrogates that exist, by fingerprint."""

    def budgets(self, keys: Collection[str]) -> Mapping[str, BudgetRecord]:
        """The budget rows that exist, by key."""

    def list_budgets(self, wanted: RowFilter, page: Page) -> Sequence[BudgetRecord]:
        """Budget rows by key, bytewise; the cursor is the ``row`` of the last one seen."""

    def overdue(self, limit: int) -> Sequence[str]:
        """The ids of resolutions whose hold is over by the database's clock, longest first."""

    def overdue_escalations(self, limit: int) -> Sequence[EscalationRecord]:
        """Those whose answer is overdue by the database's clock and that say what follows."""

    def unreminded_escalations(self, limit: int) -> Sequence[EscalationRecord]:
        """Those that a reminder is due for by the database's clock, longest first."""

    def stranded_escalations(
        self, roles: Collection[str], limit: int
    ) -> Sequence[EscalationRecord]:
        """Those that wait for an answer of a role that is none of these, oldest first."""

    def delegations(self, at: datetime) -> Sequence[Delegation]:
        """Every delegation that is not over at an instant, oldest first."""

    def list_delegations(
        self, wanted: DelegationFilter, page: Page, at: datetime
    ) -> Sequence[Delegation]:
        """Newest first; the cursor is the id of the last one seen."""

    def find_delegation(self, id: str) -> Delegation | None:  # noqa: A002
        """One delegation, over or not."""

    def due_lines(self, receivers: Sequence[str], holder: str) -> Sequence[str]:
        """Those of the receivers whose first notice is due, and free for ``holder``."""

    def find_notice(self, id: str) -> NoticeRecord | None:  # noqa: A002
        """One notice."""

    def list_notices(self, wanted: Filter, page: Page) -> Sequence[NoticeRecord]:
        """Newest first; the cursor is the id of the last one seen."""

    @property
    def desk(self) -> Desk:
        """What those need who answer escalations, in the same read."""

    @property
    def erasures(self) -> ErasureReader:
        """Erasures."""

    @property
    def standing(self) -> StandingReader:
        """Counts of what waits."""

    def now(self) -> datetime:
        """The database's clock, as a transaction that began at this moment would read it."""


class Store(Protocol):
    """The database."""

    def begin(self) -> AbstractContextManager[Transaction]:
        """A write transaction. On SQLite there is one at a time."""

    def read(self) -> AbstractContextManager[Reader]:
        """A read transaction on a connection that cannot write."""

    def sweep(self) -> None:
        """Take what was deleted of erased people out of the database's own files.

        What went into backups, archived write-ahead logs and the disk's free blocks before
        is out of reach here. Raises `Busy` or `Unavailable` where it has to be tried again.
        """

"""What is stored, as the use cases see it: rows without a database.

Instants are aware and in UTC. Money is in minor units. ``subject`` is always a
surrogate, never a person's own identifier. Bytes named ``answer`` and ``proposal`` hold
surrogates where a personal value would stand.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from service.app.erasurerecords import ErasureRecord
from service.app.noticerecords import LeaseRecord, NoticeRecord
from service.app.publicationrecords import PublicationRecord
from service.app.tokenrecords import TokenPersonRecord, TokenRevocationRecord
from service.app.trialrecords import TrialCounts, TrialFigures, TrialRecord
from service.core.budget import Balance
from service.core.delegation import Delegation
from service.core.hold import Charge
from service.core.request import AgentKind

ResolutionState = Literal["settled", "held", "released", "reversed", "pending"]
EscalationState = Literal["open", "asked", "approved", "denied", "withdrawn", "expired"]
HoldEnd = Literal["settle", "release"]
Timeout = Literal["next", "deny"]
EntryKind = Literal[
    "decision",
    "answer",
    "key",
    "policy",
    "settle",
    "release",
    "expire",
    "reverse",
    "reply",
    "withdraw",
    "remind",
    "timeout",
    "reroute",
    "refused",
    "delegation",
    "signing_key",
    "restart",
    "erasure",
    "export",
    "trial",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """An API key. ``digest`` is the SHA-256 of its secret; the secret is stored nowhere."""

    id: str
    digest: bytes
    subject: str
    kind: AgentKind
    owner: str | None
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRecord:
    """A published policy set, kept for ever: its files by relative path."""

    version: str
    rules: str
    name: str
    files: dict[str, bytes]
    published_at: datetime
    published_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyRecord:
    """A key that was used, scoped by who and where. ``answer`` is ``None`` while it is new.

    ``fingerprint`` is what the body hashed to. Erasure empties both and sets ``erased``.
    """

    key: str
    fingerprint: bytes | None = None
    resolution: str | None = None
    subject: str | None = None
    status: int = 0
    answer: bytes | None = None
    erased: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SurrogateRecord:
    """A random name for one personal value. ``fingerprint`` is keyed; ``subject`` owns it.

    After an erasure the value has another name, and ``charged_as`` is the one by which
    budgets still count it, until ``kept_until``.
    """

    fingerprint: bytes
    surrogate: str
    subject: str
    charged_as: str | None = None
    kept_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectKeyRecord:
    """The key that seals a subject's openings, wrapped by the master key."""

    subject: str
    wrapped: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningRecord:
    """The sealed disclosures of one entry. Destroyed by erasure."""

    entry: str
    subject: str
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRecord:
    """One row of a budget. ``key`` is unique and orders the locks; ``row`` is a random name."""

    key: str
    row: str
    budget: str
    site: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    balance: Balance = field(default_factory=Balance)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetChange:
    """What is to stand in a budget row. ``read`` is the version that it was computed from."""

    key: str
    read: int
    balance: Balance


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionRecord:
    """A proposal and what became of it.

    ``proposal`` is the request's JSON and ``answer`` the latest decision's. ``entry`` is
    that of the first decision. ``charges`` are what it has on budget rows now, in the order
    of its answer. ``hold_ends_at`` and ``hold_then`` are a hold's while it lasts, and stay
    where it ran to its end; whoever ends it before takes them away.
    """

    id: str
    entry: str
    site: str
    agent: str
    agent_kind: AgentKind
    agent_owner: str | None
    agent_roles: tuple[str, ...]
    subject: str
    resolution: str
    outcome: str
    state: ResolutionState | None
    value_minor: int | None
    policy_version: str
    decided_at: datetime
    proposal: bytes
    answer: bytes
    escalation: str | None = None
    charges: tuple[Charge, ...] = ()
    hold_ends_at: datetime | None = None
    hold_then: HoldEnd | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationRecord:
    """A request on its way upwards, bound to the leaf of the decision that opened it.

    ``approvals`` are the ids of those who approved so far, in order: what was asked, or
    the ``offer_`` (minor units of the set's currency, or a quantity) that one of them
    countered with. ``on_timeout`` is what happens at ``answer_by``; without it nothing
    does. A reminder is due at ``remind_at``, and was sent at ``reminded_at``. While the
    escalation is asked, its clock stands: nothing is due, and the two ``left_`` are the
    working time that was left until either.
    """

    id: str
    resolution: str
    site: str
    role: str
    state: EscalationState
    digest: str
    policy_version: str
    proposer: str
    proposer_owner: str | None
    subject: str
    opened_at: datetime
    answer_by: datetime | None
    approvals: tuple[str, ...] = ()
    answered_by: str | None = None
    answered_at: datetime | None = None
    on_timeout: Timeout | None = None
    remind_at: datetime | None = None
    reminded_at: datetime | None = None
    asked_by: str | None = None
    asked_at: datetime | None = None
    left_microseconds: int | None = None
    remind_left_microseconds: int | None = None
    offer_minor: int | None = None
    offer_quantity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRecord:
    """One entry of the log: the bytes that were hashed, and columns to find it by.

    ``about`` is the id of the resolution, key or policy version it records.
    """

    id: str
    kind: EntryKind
    at: datetime
    body: bytes
    leaf: bytes
    about: str
    site: str | None = None
    agent: str | None = None
    subject: str | None = None
    resolution: str | None = None
    outcome: str | None = None
    rule: str | None = None
    reason: str | None = None
    value_minor: int | None = None
    policy_version: str | None = None


@dataclass(slots=True, kw_only=True)
class Writes:
    """Everything a batch writes, as sets. The order of the fields is the order of writing."""

    policies: list[PolicyRecord] = field(default_factory=list)
    head: str | None = None
    keys: list[KeyRecord] = field(default_factory=list)
    revoked_keys: list[str] = field(default_factory=list)
    token_revocations: list[TokenRevocationRecord] = field(default_factory=list)
    token_people: list[TokenPersonRecord] = field(default_factory=list)
    subject_keys: list[SubjectKeyRecord] = field(default_factory=list)
    surrogates: list[SurrogateRecord] = field(default_factory=list)
    budgets: list[BudgetChange] = field(default_factory=list)
    resolutions: list[ResolutionRecord] = field(default_factory=list)
    resolution_changes: list[ResolutionRecord] = field(default_factory=list)
    escalations: list[EscalationRecord] = field(default_factory=list)
    escalation_changes: list[EscalationRecord] = field(default_factory=list)
    delegations: list[Delegation] = field(default_factory=list)
    delegation_changes: list[Delegation] = field(default_factory=list)
    entries: list[EntryRecord] = field(default_factory=list)
    openings: list[OpeningRecord] = field(default_factory=list)
    idempotency: list[IdempotencyRecord] = field(default_factory=list)
    unused_idempotency: list[str] = field(default_factory=list)
    erasures: list[ErasureRecord] = field(default_factory=list)
    erasure_changes: list[ErasureRecord] = field(default_factory=list)
    publications: list[PublicationRecord] = field(default_factory=list)
    publication_changes: list[PublicationRecord] = field(default_factory=list)
    trials: list[TrialRecord] = field(default_factory=list)
    trial_changes: list[TrialRecord] = field(default_factory=list)
    trial_figures: list[TrialFigures] = field(default_factory=list)
    trial_counts: TrialCounts | None = None
    trial_started: str | None = None
    trial_over: bool = False
    erased: list[str] = field(default_factory=list)
    forgotten: list[bytes] = field(default_factory=list)
    notices: list[NoticeRecord] = field(default_factory=list)
    notice_changes: list[NoticeRecord] = field(default_factory=list)
    notice_leases: list[LeaseRecord] = field(default_factory=list)
    forget_delivered_before: datetime | None = None

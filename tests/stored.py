"""Complete records to store. A test replaces the fields that it is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from service.app.erasurerecords import ErasureRecord
from service.app.noticerecords import NoticeRecord
from service.app.records import (
    BudgetChange,
    BudgetRecord,
    EntryRecord,
    EscalationRecord,
    IdempotencyRecord,
    KeyRecord,
    OpeningRecord,
    PolicyRecord,
    ResolutionRecord,
    SurrogateRecord,
)

AT: Final = datetime(2026, 3, 1, 21, 0, 0, 123457, tzinfo=UTC)

POLICY: Final = PolicyRecord(
    version="sha256:" + "a" * 64,
    rules="sha256:" + "b" * 64,
    name="grand-hotel",
    files={"hotel.yaml": "remit: 1\n# Größe".encode(), "access.csv": b"\xff"},
    published_at=AT,
    published_by="paula",
)
DEAD_NOTICE: Final = NoticeRecord(
    id="ntc_1",
    receiver="desk",
    event="escalation.opened",
    about="esc_1",
    resolution="res_1",
    site="main",
    role="manager",
    at=AT,
    data=b"{}",
    queued_at=AT,
    due_at=AT,
    state="dead",
    attempts=3,
    ended_at=AT,
    failure="http_500",
)
ERASURE: Final = ErasureRecord(
    id="era_1",
    subject="sub_1",
    state="requested",
    waived=False,
    requested_by="olga",
    requested_at=AT,
)
KEY: Final = KeyRecord(
    id="key_1", digest=b"\x01" * 32, subject="ana", kind="human", owner=None, created_at=AT
)
BUDGET: Final = BudgetRecord(
    key="shift",
    row="bud_1",
    budget="shift",
    site="new_york",
    starts_at=AT,
    ends_at=AT + timedelta(days=1),
)
SURROGATE: Final = SurrogateRecord(fingerprint=b"\x04" * 32, surrogate="sub_1", subject="sub_1")
OPENING: Final = OpeningRecord(entry="ent_1", subject="sub_1", sealed=b"\x00sealed")
RESOLUTION: Final = ResolutionRecord(
    id="res_1",
    entry="ent_1",
    site="new_york",
    agent="ana",
    agent_kind="ai",
    agent_owner="max",
    agent_roles=("front_desk", "duty_manager"),
    subject="sub_1",
    resolution="goodwill_credit",
    outcome="approved",
    state="settled",
    value_minor=2**53 - 1,
    policy_version=POLICY.version,
    decided_at=AT,
    proposal=b"{}",
    answer=b'{"outcome":"approved"}',
    hold_ends_at=AT + timedelta(hours=72),
)
ESCALATION: Final = EscalationRecord(
    id="esc_1",
    resolution="res_1",
    site="new_york",
    role="duty_manager",
    state="open",
    digest="sha256:" + "c" * 64,
    policy_version=POLICY.version,
    proposer="ana",
    proposer_owner=None,
    subject="sub_1",
    opened_at=AT,
    answer_by=AT + timedelta(minutes=15),
    approvals=("grace",),
)
ENTRY: Final = EntryRecord(
    id="ent_1",
    kind="decision",
    at=AT,
    body=b'{"kind":"decision"}',
    leaf=b"\x02" * 32,
    about="res_1",
    site="new_york",
    agent="ana",
    subject="sub_1",
    resolution="goodwill_credit",
    outcome="approved",
    rule="small-gesture",
    reason="within_limits",
    value_minor=15_000,
    policy_version=POLICY.version,
)
ANSWERED: Final = IdempotencyRecord(
    key="ana|1",
    fingerprint=b"\x03" * 32,
    resolution="res_1",
    subject="sub_1",
    status=201,
    answer=b'{"outcome":"approved"}',
)


def budgets(*keys: str) -> dict[str, BudgetRecord]:
    """New rows by key."""
    return {key: replace(BUDGET, key=key, row=f"bud_{key}") for key in keys}


def change(record: BudgetRecord, before: BudgetRecord) -> BudgetChange:
    """What makes a row of the one that it was before."""
    return BudgetChange(key=record.key, read=before.balance.version, balance=record.balance)


def spend(record: BudgetRecord, amount: int) -> BudgetChange:
    """The charge of a row."""
    return change(charged(record, amount), record)


def charged(record: BudgetRecord, amount: int) -> BudgetRecord:
    """The row after a charge."""
    balance = record.balance
    after = balance._replace(settled=balance.settled + amount, version=balance.version + 1)
    return replace(record, balance=after)

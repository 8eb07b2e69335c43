"""The first tables."""

import sqlalchemy as sa
from alembic import op

from service.adapters.sql.migrations.firstlog import log_tables, rows_only_added
from service.adapters.sql.migrations.firstpublications import policy_head, publications
from service.adapters.sql.migrations.firsttokens import tokens
from service.adapters.sql.migrations.firsttrials import trials

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

OUTLIVES = sa.text("kept_until IS NOT NULL")
HELD = sa.text("state = 'held'")
WAITING = sa.text("state = 'waiting'")
SELDOM = {"kind": "decision", "outcome": "approved", "reason": "within_limits"}
WORDS = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    _api_keys()
    _budgets()
    _entries()
    _idempotency()
    _openings()
    _policies()
    _resolutions()
    _subject_keys()
    _surrogates()
    _escalations()
    policy_head()
    publications()
    tokens()
    trials()
    _delegations()
    _delegation_turns()
    _erasures()
    _notices()
    _notice_leases()
    log_tables()
    rows_only_added()


def _api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("subject", WORDS, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("owner", WORDS, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('human', 'ai')", name="ck_api_keys_kind"),
        sa.CheckConstraint("length(digest) = 32", name="ck_api_keys_digest"),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
    )
    op.create_index("ix_api_keys_subject", "api_keys", ["subject"])


def _budgets() -> None:
    op.create_table(
        "budgets",
        sa.Column("key", WORDS, nullable=False),
        sa.Column("row", WORDS, nullable=False),
        sa.Column("budget", WORDS, nullable=False),
        sa.Column("site", WORDS, nullable=True),
        sa.Column("starts_at", sa.BigInteger(), nullable=True),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("spends", sa.Text(), nullable=False),
        sa.CheckConstraint("held >= 0", name="ck_budgets_held"),
        sa.CheckConstraint("settled >= 0", name="ck_budgets_settled"),
        sa.CheckConstraint("starts_at < ends_at", name="ck_budgets_window"),
        sa.CheckConstraint("version >= 0", name="ck_budgets_version"),
        sa.PrimaryKeyConstraint("key", name="pk_budgets"),
        sqlite_with_rowid=False,
    )


def _entries() -> None:
    op.create_table(
        "entries",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("about", WORDS, nullable=False),
        sa.Column("site", WORDS, nullable=True),
        sa.Column("agent", WORDS, nullable=True),
        sa.Column("subject", WORDS, nullable=True),
        sa.Column("resolution", WORDS, nullable=True),
        sa.Column("outcome", WORDS, nullable=True),
        sa.Column("rule", WORDS, nullable=True),
        sa.Column("reason", WORDS, nullable=True),
        sa.Column("value_minor", sa.BigInteger(), nullable=True),
        sa.Column("policy_version", WORDS, nullable=True),
        sa.CheckConstraint("length(body) <= 65535", name="ck_entries_body"),
        sa.CheckConstraint("length(leaf) = 32", name="ck_entries_leaf"),
        sa.PrimaryKeyConstraint("id", name="pk_entries"),
    )
    op.create_index("ix_entries_about", "entries", ["about"])
    op.create_index("ix_entries_agent_id", "entries", ["agent", "id"])
    op.create_index("ix_entries_at_id", "entries", ["at", "id"])
    op.create_index("ix_entries_policy_version_id", "entries", ["policy_version", "id"])
    op.create_index("ix_entries_rule_id", "entries", ["rule", "id"])
    op.create_index("ix_entries_site_id", "entries", ["site", "id"])
    op.create_index("ix_entries_subject_id", "entries", ["subject", "id"])
    for column, usual in SELDOM.items():
        op.create_index(
            f"ix_entries_{column}_id",
            "entries",
            [column, "id"],
            sqlite_where=sa.text(f"{column} <> '{usual}'"),
            postgresql_where=sa.text(f"{column} <> '{usual}'"),
        )


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("key", WORDS, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=True),
        sa.Column("resolution", WORDS, nullable=True),
        sa.Column("subject", WORDS, nullable=True),
        sa.Column("status", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("erased", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_resolution", "idempotency", ["resolution"])


def _openings() -> None:
    op.create_table(
        "openings",
        sa.Column("entry", WORDS, nullable=False),
        sa.Column("subject", WORDS, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("entry", name="pk_openings"),
        sqlite_with_rowid=False,
    )


def _policies() -> None:
    op.create_table(
        "policies",
        sa.Column("version", WORDS, nullable=False),
        sa.Column("rules", WORDS, nullable=False),
        sa.Column("name", WORDS, nullable=False),
        sa.Column("files", sa.LargeBinary(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.Column("published_by", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_policies"),
    )


def _resolutions() -> None:
    op.create_table(
        "resolutions",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("entry", WORDS, nullable=False),
        sa.Column("site", WORDS, nullable=False),
        sa.Column("agent", WORDS, nullable=False),
        sa.Column("agent_kind", WORDS, nullable=False),
        sa.Column("agent_owner", WORDS, nullable=True),
        sa.Column("agent_roles", sa.Text(), nullable=False),
        sa.Column("subject", WORDS, nullable=False),
        sa.Column("resolution", WORDS, nullable=False),
        sa.Column("outcome", WORDS, nullable=False),
        sa.Column("state", WORDS, nullable=True),
        sa.Column("value_minor", sa.BigInteger(), nullable=True),
        sa.Column("policy_version", WORDS, nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("proposal", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("escalation", WORDS, nullable=True),
        sa.Column("charges", sa.Text(), nullable=False),
        sa.Column("hold_ends_at", sa.BigInteger(), nullable=True),
        sa.Column("hold_then", WORDS, nullable=True),
        sa.CheckConstraint("agent_kind IN ('human', 'ai')", name="ck_resolutions_agent_kind"),
        sa.CheckConstraint(
            "state IN ('settled', 'held', 'released', 'reversed', 'pending')",
            name="ck_resolutions_state",
        ),
        sa.CheckConstraint("hold_then IN ('settle', 'release')", name="ck_resolutions_hold_then"),
        sa.CheckConstraint("value_minor >= 0", name="ck_resolutions_value_minor"),
        sa.PrimaryKeyConstraint("id", name="pk_resolutions"),
    )
    op.create_index("ix_resolutions_agent_id", "resolutions", ["agent", "id"])
    op.create_index(
        "ix_resolutions_hold_ends_at",
        "resolutions",
        ["hold_ends_at"],
        sqlite_where=HELD,
        postgresql_where=HELD,
    )
    op.create_index("ix_resolutions_site_id", "resolutions", ["site", "id"])


def _subject_keys() -> None:
    op.create_table(
        "subject_keys",
        sa.Column("subject", WORDS, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_subject_keys"),
        sqlite_with_rowid=False,
    )


def _surrogates() -> None:
    op.create_table(
        "surrogates",
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("surrogate", WORDS, nullable=False),
        sa.Column("subject", WORDS, nullable=False),
        sa.Column("charged_as", WORDS, nullable=True),
        sa.Column("kept_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_surrogates"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_surrogates_subject", "surrogates", ["subject"])
    op.create_index(
        "ix_surrogates_kept_until",
        "surrogates",
        ["kept_until"],
        sqlite_where=OUTLIVES,
        postgresql_where=OUTLIVES,
    )


def _escalations() -> None:
    op.create_table(
        "escalations",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("resolution", WORDS, nullable=False),
        sa.Column("site", WORDS, nullable=False),
        sa.Column("role", WORDS, nullable=False),
        sa.Column("state", WORDS, nullable=False),
        sa.Column("digest", WORDS, nullable=False),
        sa.Column("policy_version", WORDS, nullable=False),
        sa.Column("proposer", WORDS, nullable=False),
        sa.Column("proposer_owner", WORDS, nullable=True),
        sa.Column("subject", WORDS, nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("answer_by", sa.BigInteger(), nullable=True),
        sa.Column("approvals", sa.Text(), nullable=False),
        sa.Column("answered_by", WORDS, nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("on_timeout", WORDS, nullable=True),
        sa.Column("remind_at", sa.BigInteger(), nullable=True),
        sa.Column("reminded_at", sa.BigInteger(), nullable=True),
        sa.Column("asked_by", WORDS, nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=True),
        sa.Column("left_microseconds", sa.BigInteger(), nullable=True),
        sa.Column("remind_left_microseconds", sa.BigInteger(), nullable=True),
        sa.Column("offer_minor", sa.BigInteger(), nullable=True),
        sa.Column("offer_quantity", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'asked', 'approved', 'denied', 'withdrawn', 'expired')",
            name="ck_escalations_state",
        ),
        sa.CheckConstraint("on_timeout IN ('next', 'deny')", name="ck_escalations_on_timeout"),
        sa.ForeignKeyConstraint(
            ["resolution"], ["resolutions.id"], name="fk_escalations_resolution"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_escalations"),
    )
    op.create_index("ix_escalations_resolution", "escalations", ["resolution"])
    op.create_index(
        "ix_escalations_state_site_role_id", "escalations", ["state", "site", "role", "id"]
    )
    op.create_index("ix_escalations_subject", "escalations", ["subject"])
    overdue = sa.text("state = 'open' AND on_timeout IS NOT NULL")
    op.create_index(
        "ix_escalations_answer_by",
        "escalations",
        ["answer_by"],
        sqlite_where=overdue,
        postgresql_where=overdue,
    )
    reminded = sa.text("state = 'open' AND remind_at IS NOT NULL")
    op.create_index(
        "ix_escalations_remind_at",
        "escalations",
        ["remind_at"],
        sqlite_where=reminded,
        postgresql_where=reminded,
    )


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("receiver", WORDS, nullable=False),
        sa.Column("event", WORDS, nullable=False),
        sa.Column("about", WORDS, nullable=False),
        sa.Column("resolution", WORDS, nullable=False),
        sa.Column("site", WORDS, nullable=False),
        sa.Column("role", WORDS, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("queued_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("state", WORDS, nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("failure", WORDS, nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'delivered', 'dead')", name="ck_notices_state"),
        sa.CheckConstraint("attempts >= 0", name="ck_notices_attempts"),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
    )
    op.create_index("ix_notices_about_queued_at", "notices", ["about", "queued_at"])
    op.create_index(
        "ix_notices_receiver_queued_at_id",
        "notices",
        ["receiver", "queued_at", "id"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
    op.create_index("ix_notices_state_ended_at", "notices", ["state", "ended_at"])


def _notice_leases() -> None:
    op.create_table(
        "notice_leases",
        sa.Column("receiver", WORDS, nullable=False),
        sa.Column("holder", WORDS, nullable=True),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("receiver", name="pk_notice_leases"),
        sqlite_with_rowid=False,
    )


def _delegations() -> None:
    op.create_table(
        "delegations",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("delegator", WORDS, nullable=False),
        sa.Column("delegate", WORDS, nullable=False),
        sa.Column("site", WORDS, nullable=True),
        sa.Column("role", WORDS, nullable=True),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", WORDS, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_by", WORDS, nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("delegator <> delegate", name="ck_delegations_two"),
        sa.CheckConstraint("starts_at < ends_at", name="ck_delegations_window"),
        sa.PrimaryKeyConstraint("id", name="pk_delegations"),
    )
    op.create_index("ix_delegations_delegate_id", "delegations", ["delegate", "id"])
    op.create_index("ix_delegations_delegator_id", "delegations", ["delegator", "id"])
    op.create_index("ix_delegations_ends_at", "delegations", ["ends_at"])


def _erasures() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("subject", WORDS, nullable=False),
        sa.Column("state", WORDS, nullable=False),
        sa.Column("waived", sa.Boolean(), nullable=False),
        sa.Column("requested_by", WORDS, nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", WORDS, nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("kept_until", sa.BigInteger(), nullable=True),
        sa.Column("cleaned_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('requested', 'done')", name="ck_erasures_state"),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
    )
    op.create_index("ix_erasures_subject", "erasures", ["subject"])


def _delegation_turns() -> None:
    op.create_table(
        "delegation_turns",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.CheckConstraint("id = 1", name="ck_delegation_turns_one"),
        sa.PrimaryKeyConstraint("id", name="pk_delegation_turns"),
    )

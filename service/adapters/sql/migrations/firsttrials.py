"""The first tables of trials. See `versions/0001_first.py`."""

import sqlalchemy as sa
from alembic import op

from service.adapters.sql.migrations.firstlog import WORDS


def trials() -> None:
    """Candidates beside the set in force, and what was counted of them."""
    _trials()
    op.create_table(
        "trial_counts",
        sa.Column("trial", WORDS, nullable=False),
        sa.Column("decisions", sa.BigInteger(), nullable=False),
        sa.Column("escalated", sa.BigInteger(), nullable=False),
        sa.Column("approved_minor", sa.BigInteger(), nullable=False),
        sa.Column("day_starts_at", sa.BigInteger(), nullable=True),
        sa.Column("day_approved_minor", sa.BigInteger(), nullable=False),
        *_never_negative(
            "trial_counts", "decisions", "escalated", "approved_minor", "day_approved_minor"
        ),
        sa.PrimaryKeyConstraint("trial", name="pk_trial_counts"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "trial_figures",
        sa.Column("trial", WORDS, nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("is_done", sa.Boolean(), nullable=False),
        sa.Column("figures", WORDS, nullable=False),
        *_never_negative("trial_figures", "cursor", "version"),
        sa.PrimaryKeyConstraint("trial", name="pk_trial_figures"),
    )
    op.create_table(
        "trial_budgets",
        sa.Column("key", WORDS, nullable=False),
        sa.Column("trial", WORDS, nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("spends", sa.Text(), nullable=False),
        *_never_negative("trial_budgets", "held", "settled", "version"),
        sa.PrimaryKeyConstraint("key", name="pk_trial_budgets"),
    )
    op.create_index("ix_trial_budgets_trial", "trial_budgets", ["trial"])


def _trials() -> None:
    op.create_table(
        "trials",
        *[sa.Column(name, WORDS, nullable=False) for name in ("id", "mode", "state")],
        *[sa.Column(name, WORDS, nullable=False) for name in ("version", "rules", "name")],
        *[sa.Column(name, WORDS, nullable=False) for name in ("currency", "beside")],
        *[sa.Column(name, WORDS, nullable=False) for name in ("beside_rules", "changes")],
        sa.Column("comment", WORDS, nullable=True),
        sa.Column("requested_by", WORDS, nullable=False),
        sa.Column("requested_kind", WORDS, nullable=False),
        sa.Column("requested_owner", WORDS, nullable=True),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("files", sa.LargeBinary(), nullable=False),
        sa.Column("sites", sa.Text(), nullable=True),
        sa.Column("share_percent", sa.BigInteger(), nullable=True),
        sa.Column("approved_max_minor", sa.BigInteger(), nullable=True),
        sa.Column("approved_a_day_max_minor", sa.BigInteger(), nullable=True),
        sa.Column("escalated_percent_max", sa.BigInteger(), nullable=True),
        sa.Column("decisions_min", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_by", WORDS, nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", WORDS, nullable=True),
        sa.Column("reason", WORDS, nullable=True),
        sa.CheckConstraint("mode IN ('shadow', 'pilot')", name="ck_trials_mode"),
        sa.CheckConstraint("state IN ('requested', 'running', 'ended')", name="ck_trials_state"),
        sa.CheckConstraint("requested_kind IN ('human', 'ai')", name="ck_trials_requested_kind"),
        sa.PrimaryKeyConstraint("id", name="pk_trials"),
    )


def _never_negative(table: str, *columns: str) -> list[sa.CheckConstraint]:
    return [sa.CheckConstraint(f"{name} >= 0", name=f"ck_{table}_{name}") for name in columns]

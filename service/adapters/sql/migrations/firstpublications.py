"""The first tables of publications. See `versions/0001_first.py`."""

import sqlalchemy as sa
from alembic import op

from service.adapters.sql.migrations.firstlog import WORDS


def policy_head() -> None:
    """Which version is in force, and which trial runs beside it."""
    op.create_table(
        "policy_head",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", WORDS, nullable=True),
        sa.Column("trial", WORDS, nullable=True),
        sa.CheckConstraint("id = 1", name="ck_policy_head_one"),
        sa.ForeignKeyConstraint(["version"], ["policies.version"], name="fk_policy_head_version"),
        sa.PrimaryKeyConstraint("id", name="pk_policy_head"),
    )


def publications() -> None:
    """Who asked for a set to be put in force, and who confirmed it."""
    op.create_table(
        "publications",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("state", WORDS, nullable=False),
        sa.Column("effect", WORDS, nullable=False),
        sa.Column("version", WORDS, nullable=False),
        sa.Column("rules", WORDS, nullable=False),
        sa.Column("name", WORDS, nullable=False),
        sa.Column("replaces", WORDS, nullable=False),
        sa.Column("changes", WORDS, nullable=False),
        sa.Column("comment", WORDS, nullable=True),
        sa.Column("requested_by", WORDS, nullable=False),
        sa.Column("requested_kind", WORDS, nullable=False),
        sa.Column("requested_owner", WORDS, nullable=True),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("files", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed_by", WORDS, nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('requested', 'published')", name="ck_publications_state"),
        sa.CheckConstraint("effect IN ('publish', 'rollback')", name="ck_publications_effect"),
        sa.CheckConstraint(
            "requested_kind IN ('human', 'ai')", name="ck_publications_requested_kind"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_publications"),
    )

"""The first tables of tokens. See `versions/0001_first.py`."""

import sqlalchemy as sa
from alembic import op

from service.adapters.sql.migrations.firstlog import WORDS


def tokens() -> None:
    """Who came with a token, and which are refused."""
    op.create_table(
        "token_people",
        sa.Column("person", WORDS, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("owner", WORDS, nullable=True),
        sa.Column("roles", sa.Text(), nullable=True),
        sa.Column("token", WORDS, nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('human', 'ai')", name="ck_token_people_kind"),
        sa.PrimaryKeyConstraint("person", name="pk_token_people"),
    )
    op.create_index("ix_token_people_issued_at_person", "token_people", ["issued_at", "person"])
    op.create_table(
        "token_revocations",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_token_revocations"),
        sqlite_with_rowid=False,
    )

"""What every table shares: where they are declared, their names, and their checks."""

import re
from collections.abc import Collection
from typing import Final

from sqlalchemy import CheckConstraint, MetaData
from sqlalchemy.orm import declared_attr
from sqlmodel import SQLModel

METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

CLUSTERED: Final = {"sqlite_with_rowid": False}
"""Small rows that are found by their key alone live in the key's own tree."""


class Row(SQLModel):
    """What all tables share. A class is named as its table, in other letters."""

    metadata = METADATA

    @declared_attr.directive
    def __tablename__(cls) -> str:  # type: ignore[mutable-override]  # noqa: N805
        """``ApiKeys`` are ``api_keys``."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()


def one_of(column: str, values: Collection[str]) -> CheckConstraint:
    """A check that a column holds one of some words."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def never_negative(*columns: str) -> tuple[CheckConstraint, ...]:
    """A check of each column that it is zero or more."""
    return tuple(CheckConstraint(f"{column} >= 0", name=column) for column in columns)

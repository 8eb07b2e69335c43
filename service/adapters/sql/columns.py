"""How values stand in columns: the same in both databases."""

import zlib
from abc import abstractmethod
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import orjson
from sqlalchemy import BigInteger, Dialect, LargeBinary, Text, TypeDecorator
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from service.app.token import Roles, roles_json, roles_of
from service.core.hold import Charge

Value = TypeVar("Value")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Words: Final = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Text that sorts and compares bytewise: locks and pages depend on one order everywhere."""


def microseconds(at: datetime) -> int:
    """Whole microseconds since 1970-01-01T00:00Z of an aware instant; exact."""
    return (at - _EPOCH) // _MICROSECOND


def instant(microseconds: int) -> datetime:
    """The inverse of `microseconds`: an aware instant, UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


class Form(TypeDecorator[Value]):
    """A column whose values look otherwise in the database. Null stays null."""

    @abstractmethod
    def encode(self, value: Value) -> Any:  # noqa: ANN401 — what the driver takes
        """The value as the driver takes it: one rendering for each value."""

    @abstractmethod
    def decode(self, stored: Any) -> Value:  # noqa: ANN401 — what the driver gives
        """The value as it was."""

    def process_bind_param(self, value: Value | None, dialect: Dialect) -> Any:  # noqa: ANN401
        """Called by SQLAlchemy for a parameter."""
        del dialect
        return None if value is None else self.encode(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Value | None:  # noqa: ANN401
        """Called by SQLAlchemy for a column that was read."""
        del dialect
        return None if value is None else self.decode(value)


class Instant(Form[datetime]):
    """An instant as microseconds since 1970 UTC in a 64-bit integer.

    Databases differ in how they store, compare and round times; integers are exact in
    both, so a window begins at the same instant wherever it is read.
    """

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = BigInteger
    cache_ok: bool | None = True

    def encode(self, value: datetime) -> int:
        """See `microseconds`. A naive instant raises `TypeError`."""
        return microseconds(value)

    def decode(self, stored: int) -> datetime:
        """See `instant`."""
        return instant(stored)


class Texts(Form[tuple[str, ...]]):
    """A list of texts as compact JSON."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    def encode(self, value: tuple[str, ...]) -> str:
        """As JSON."""
        return _compact(value)

    def decode(self, stored: str) -> tuple[str, ...]:
        """From JSON."""
        return tuple(orjson.loads(stored))


Spending = tuple[tuple[datetime, int], ...]
"""What a rolling window keeps apart: instants and amounts, oldest first."""


class Spends(Form[Spending]):
    """The charges of a rolling window as compact JSON: ``[[microseconds, amount], …]``."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    def encode(self, value: Spending) -> str:
        """As JSON. Most budgets are no rolling ones, and their rows hold an empty list."""
        if not value:
            return "[]"
        return _compact([(microseconds(at), amount) for at, amount in value])

    def decode(self, stored: str) -> Spending:
        """From JSON."""
        if stored == "[]":
            return ()
        return tuple((instant(at), amount) for at, amount in orjson.loads(stored))


class Charges(Form[tuple[Charge, ...]]):
    """What an approval has on budget rows as JSON: ``[[row, amount, microseconds | null], …]``."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    def encode(self, value: tuple[Charge, ...]) -> str:
        """As JSON."""
        listed = [
            (row, amount, None if at is None else microseconds(at)) for row, amount, at in value
        ]
        return _compact(listed)

    def decode(self, stored: str) -> tuple[Charge, ...]:
        """From JSON."""
        return tuple(
            Charge(row, amount, None if at is None else instant(at))
            for row, amount, at in orjson.loads(stored)
        )


class ClaimedRoles(Form[Roles]):
    """Roles by site as JSON: ``{"new_york": ["front_desk"]}``."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    def encode(self, value: Roles) -> str:
        """As JSON."""
        return _compact(roles_json(value))

    def decode(self, stored: str) -> Roles:
        """From JSON."""
        return roles_of(orjson.loads(stored))


class Files(Form[dict[str, bytes]]):
    """The files of a policy set: zlib over JSON of path to base64."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = LargeBinary
    cache_ok: bool | None = True

    def encode(self, value: dict[str, bytes]) -> bytes:
        """By path, so that the same files give the same bytes."""
        texts = {path: b64encode(value[path]).decode() for path in sorted(value)}
        return zlib.compress(_compact(texts).encode())

    def decode(self, stored: bytes) -> dict[str, bytes]:
        """By path."""
        texts: dict[str, str] = orjson.loads(zlib.decompress(stored))
        return {path: b64decode(text) for path, text in texts.items()}


def _compact(value: Any) -> str:  # noqa: ANN401 — JSON
    return orjson.dumps(value).decode()

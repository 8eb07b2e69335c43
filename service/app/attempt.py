"""Refused attempts: which failures are one, and of whom."""

from typing import NamedTuple

from service.app.errors import Forbidden, ServiceError, Unauthenticated
from service.app.keys import EndedKey
from service.app.principal import Principal


class Attempt(NamedTuple):
    """Who was refused what, by its operation id, and with which code."""

    person: str
    what: str
    code: str


class Times(NamedTuple):
    """How often since it was last counted, and who it was the last time: with which key."""

    number: int
    by: Principal


def find_attempt(
    principal: Principal | None, what: str, failure: Exception
) -> tuple[Attempt, Principal] | None:
    """What a failure says of somebody known; ``None`` where it is no refused attempt.

    A key that nobody ever had is nobody's attempt, so who is unknown leaves no trace.
    """
    if isinstance(failure, EndedKey):
        principal = failure.principal
    elif not isinstance(failure, Forbidden) and not _is_revoked(failure):
        return None
    if principal is None or not isinstance(failure, ServiceError):
        return None
    return Attempt(principal.id, what, failure.code), principal


def _is_revoked(failure: Exception) -> bool:
    """A batch found the key revoked that its caller was known by a moment ago."""
    return isinstance(failure, Unauthenticated) and failure.code == "key_revoked"

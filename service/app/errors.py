"""Why a use case did nothing: one class for each kind of refusal, each with a stable code.

ServiceError
├── Unauthenticated   nobody known asks
│   └── TokenRefused  with a token that says who, and is no good
├── Forbidden         somebody known asks for what they may not
├── NotFound          there is no such thing, or not for this person
├── Conflict          it was possible, and no longer is
├── Mismatch          a key was used again for something else
├── Gone              it was erased
├── TooLarge          it does not fit the log
├── TooMany           too often in too short a time
├── PolicyRefused     a policy set that must not be put in force
└── Unavailable       it cannot be decided now; nothing was done
"""

# ruff: noqa: N818 — each is named for what happened

from service.core.refusal import Fault


class ServiceError(Exception):
    """``code`` is stable, the message says what is wrong, ``remedy`` what to do instead."""

    def __init__(self, code: str, message: str, remedy: str) -> None:
        """Keep the three apart."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy


class Unauthenticated(ServiceError):
    """Nobody known asks."""


class TokenRefused(Unauthenticated):
    """A token that cannot be accepted. Unlike of a key, its sender is told why."""


class Forbidden(ServiceError):
    """Somebody known asks for what they may not."""


class NotFound(ServiceError):
    """There is no such thing, or not for this person."""


class Conflict(ServiceError):
    """It was possible, and no longer is."""


class Mismatch(ServiceError):
    """A key was used again for something else."""


class Gone(ServiceError):
    """It was erased."""


class TooLarge(ServiceError):
    """It does not fit the log, so it must not happen."""


class TooMany(ServiceError):
    """Too often in too short a time: possible again after so many seconds."""

    def __init__(self, code: str, message: str, remedy: str, *, retry_after_seconds: int) -> None:
        """Keep how long to wait beside the rest."""
        super().__init__(code, message, remedy)
        self.retry_after_seconds = retry_after_seconds


class PolicyRefused(ServiceError):
    """A policy set that must not be put in force; ``faults`` say what is wrong and where."""

    def __init__(self, code: str, message: str, remedy: str, faults: tuple[Fault, ...]) -> None:
        """Keep every place beside the rest."""
        super().__init__(code, message, remedy)
        self.faults = faults


class Unavailable(ServiceError):
    """It cannot be decided now; nothing was done."""


class Busy(Exception):
    """The database asks for another try (serialisation, deadlock). Nothing was done."""


class KeysInUse(Exception):
    """Requests with these idempotency keys are being decided elsewhere. Nothing was done."""

    def __init__(self, keys: frozenset[str]) -> None:
        """Keep which: at least one."""
        super().__init__(f"{len(keys)} idempotency keys are in use")
        self.keys = keys


class OutcomeUnknown(Unavailable):
    """The connection was lost while committing: done or not done, nobody knows.

    Whoever sent an idempotency key finds out by sending the request again.
    """

    def __init__(self) -> None:
        """One sentence for all."""
        super().__init__(
            "outcome_unknown",
            "the database was lost while the decision was being committed",
            "send the same request again with the same Idempotency-Key",
        )

"""Why a use case did nothing: one class for each kind of refusal, each with a stable code.

ServiceError
├── Unauthenticated   nobody known asks
├── Forbidden         somebody known asks for what they may not
├── NotFound          there is no such thing, or not for this person
├── Conflict          it was possible, and no longer is
├── Mismatch          a key was used again for something else
├── Gone              it was erased
├── TooLarge          it does not fit the log
└── Unavailable       it cannot be decided now; nothing was done
"""

# ruff: noqa: N818 — each is named for what happened


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


class Unavailable(ServiceError):
    """It cannot be decided now; nothing was done."""


class Busy(Exception):
    """The database asks for another try (serialisation, deadlock). Nothing was done."""


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

"""The JSON about erasures, as models: for documentation, clients and tests."""

from typing import Literal

from pydantic import Field

from service.api.models import EntryReference, Instant, Page, Wire


class ErasureRequest(Wire):
    """Who is to be forgotten."""

    subject: str = Field(
        max_length=1_000,
        description="The person, as the policy's subject has them.",
        examples=["G-1029"],
    )
    waive: bool = Field(
        default=False,
        description="Forget at once who it was, although caps may then begin anew.",
    )


class ErasureConfirmation(Wire):
    """Nothing is said: it happens now."""


class Erasure(Wire):
    """One erasure: who asked and who confirmed it, and of whom nothing."""

    id: str
    state: Literal["requested", "done"]
    waived: bool
    requested_by: str
    requested_at: Instant
    confirmed_by: str | None
    confirmed_at: Instant | None
    kept_until: Instant | None = Field(
        description="Until when caps go on counting by a keyed hash of who it was."
    )
    cleaned_at: Instant | None = Field(
        description="When what was destroyed had left the database's own files."
    )


class ErasureTaken(Erasure):
    """An erasure that was asked for or done, and its entry in the log."""

    entry: EntryReference


class ErasurePage(Page):
    """Erasures, newest first."""

    erasures: list[Erasure]

"""The JSON about delegations, as models: for documentation, clients and tests."""

from typing import Literal

from pydantic import Field

from service.api.models import EntryReference, Instant, Page, Wire

DelegationState = Literal["upcoming", "active", "ended", "revoked"]


class Appointment(Wire):
    """Who answers for whom. The beginning belongs to it, the end does not."""

    # "for" and "from" are words of the language
    for_: str | None = Field(
        default=None,
        alias="for",
        max_length=128,
        description="The caller if left out; others take the right to manage delegations.",
        examples=["max"],
    )
    to: str = Field(max_length=128, examples=["mia"])
    from_: Instant | None = Field(
        default=None, alias="from", description="Now if left out, or if it has passed."
    )
    until: Instant
    site: str | None = Field(
        default=None, max_length=128, description="Every site if left out.", examples=["new_york"]
    )
    role: str | None = Field(
        default=None,
        max_length=128,
        description="Only what this role may; everything if left out.",
        examples=["duty_manager"],
    )


class Revocation(Wire):
    """Nothing is said: it ends now."""


class DelegationTerms(Wire):
    """Who answers for whom, where, as what and for how long."""

    id: str
    for_: str = Field(alias="for")
    to: str
    site: str | None
    role: str | None
    from_: Instant = Field(alias="from")
    until: Instant


class Delegation(DelegationTerms):
    """`to` may answer for `for`, from its beginning and no more at its end."""

    state: DelegationState
    created_by: str
    created_at: Instant
    revoked_by: str | None
    revoked_at: Instant | None


class DelegationTaken(Delegation):
    """A delegation that was made or revoked, and its entry in the log."""

    entry: EntryReference


class DelegationPage(Page):
    """Delegations, newest first."""

    delegations: list[Delegation]

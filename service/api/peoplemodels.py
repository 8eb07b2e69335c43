"""People and roles as of an instant, as models."""

from pydantic import Field

from service.api.delegationmodels import DelegationTerms
from service.api.models import Instant, Page, Wire


class RoleHeld(Wire):
    """A role and where it is held; `*` is every site."""

    role: str
    site: str


class RoleThen(Wire):
    """A role of the access file: what it may do by itself, and which roles it holds."""

    role: str
    may: list[str] = Field(examples=[["escalation, answer"]])
    holds: list[RoleHeld]


class KeyThen(Wire):
    """A key that let somebody in at that instant; it may have ended since."""

    id: str
    kind: str
    owner: str | None
    created_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None


class DelegationThen(DelegationTerms):
    """A delegation that held at that instant; it may have been revoked since."""

    created_by: str
    revoked_at: Instant | None


class PersonThen(Wire):
    """Somebody who works with the service. `answers_for` are the AI agents that they own."""

    id: str
    roles: list[RoleHeld]
    keys: list[KeyThen]
    answers_for: list[str]
    delegated_to: list[DelegationThen]
    stands_in_for: list[DelegationThen]


class PolicyThen(Wire):
    """The version in force at that instant, since when, and the entry that put it there."""

    name: str
    version: str
    since: Instant
    by: str
    entry: str


class PeopleThen(Page):
    """Who held what at an instant, by id."""

    at: Instant
    policy: PolicyThen | None
    roles: list[RoleThen]
    people: list[PersonThen]

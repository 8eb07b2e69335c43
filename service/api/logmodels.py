"""The transparency log over the wire, as models."""

from pydantic import Field

from service.api.models import Amount, Instant, Page, Wire
from service.app.records import EntryKind


class Checkpoint(Wire):
    """A signed checkpoint as it was kept; `note` is the whole signed note."""

    number: int
    origin: str
    size: int
    at: Instant
    note: str


class CheckpointPage(Page):
    """Checkpoints, newest first."""

    checkpoints: list[Checkpoint]


class VerifierKey(Wire):
    """A verifier key, and the entry that announced it."""

    key: str
    origin: str
    entry: str
    announced_at: Instant


class VerifierKeys(Wire):
    """The verifier key of the log, and all it has used, oldest first."""

    origin: str
    key: str
    keys: list[VerifierKey]


class LogSearch(Wire):
    """Which entries; what is left out narrows nothing. `subject` is a person's own identifier."""

    kind: EntryKind | None = None
    site: str | None = Field(default=None, min_length=1, max_length=200)
    agent: str | None = Field(default=None, min_length=1, max_length=200)
    about: str | None = Field(default=None, min_length=1, max_length=200)
    resolution: str | None = Field(default=None, min_length=1, max_length=200)
    outcome: str | None = Field(default=None, min_length=1, max_length=200)
    rule: str | None = Field(default=None, min_length=1, max_length=200)
    reason: str | None = Field(default=None, min_length=1, max_length=200)
    policy: str | None = Field(default=None, min_length=1, max_length=200)
    escalation: str | None = Field(default=None, min_length=1, max_length=200)
    amount_from: Amount | None = None
    amount_to: Amount | None = None
    since: Instant | None = None
    until: Instant | None = None
    subject: str | int | bool | None = Field(default=None, examples=["G-1029"])
    after: str | None = Field(default=None, min_length=1, max_length=200)
    limit: int = Field(default=50, ge=1, le=200)

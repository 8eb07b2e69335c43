"""What is stored of publications: who put which set in force, and who had to agree."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from service.core.request import AgentKind

PublicationState = Literal["requested", "published"]
PublicationEffect = Literal["publish", "rollback"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationRecord:
    """One publication that somebody asked for. ``files`` are the whole set's.

    ``replaces`` is the version that was in force when it was asked for: it can be put in
    force only in that one's place. ``changes`` is the digest of what is different between
    the two (see `policyfile.digest.digest_changes`).
    """

    id: str
    state: PublicationState
    effect: PublicationEffect
    version: str
    rules: str
    name: str
    replaces: str
    changes: str
    comment: str | None
    requested_by: str
    requested_kind: AgentKind
    requested_owner: str | None
    requested_at: datetime
    files: dict[str, bytes]
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None

"""What is stored of tokens: who came with one, and which are no good any more."""

from dataclasses import dataclass
from datetime import datetime

from service.app.token import Roles
from service.core.request import AgentKind


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPersonRecord:
    """Somebody who sent a command with a token, and what the latest of those tokens said.

    Nobody else can tell which roles they hold, so this is what counts where somebody else's
    request is about them. ``token`` is its id, ``seen_at`` when it first came.
    """

    person: str
    kind: AgentKind
    owner: str | None
    roles: Roles | None
    token: str
    issued_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevocationRecord:
    """A token that is refused, or a person whose tokens are that were issued until then.

    ``id`` is a token's, or what `tokenports.person_id` makes of a person's.
    """

    id: str
    revoked_at: datetime

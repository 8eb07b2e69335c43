"""Who is calling: one id space for people and agents, whatever they prove it with."""

from dataclasses import dataclass

from service.app.errors import Forbidden
from service.app.ports import Access
from service.core.request import AgentKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An authenticated caller. ``key`` is the id of the API key; ``owner`` answers for an agent."""

    id: str
    kind: AgentKind
    owner: str | None
    key: str


def require(access: Access, principal: Principal, thing: str, action: str, site: str) -> None:
    """Let the caller pass, or raise `Forbidden` with what is missing."""
    if access.may(principal.id, thing, action, site):
        return
    raise Forbidden(
        "not_permitted",
        f"{principal.id} may not do this at this site: {thing}, {action}",
        f"ask whoever keeps access.csv for a role with: {thing}, {action}",
    )

"""Who is calling: one id space for people and agents, whatever they prove it with."""

from dataclasses import dataclass

from service.app.accessports import Access
from service.app.errors import Forbidden
from service.app.token import Token
from service.core.request import AgentKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An authenticated caller. ``owner`` answers for an agent.

    ``key`` is the id of the API key or of the token, which is there where it was one.
    """

    id: str
    kind: AgentKind
    owner: str | None
    key: str
    token: Token | None = None


def for_caller(access: Access, principal: Principal) -> Access:
    """Who may do what, with the roles of the caller's token in place of the access file's.

    Raises `Forbidden` where the token names a role that the policy does not know: a role
    with another name there would otherwise give nothing, and nobody would know why.
    """
    token = principal.token
    if token is None or token.roles is None:
        return access
    unknown = access.unknown_roles({name for _, names in token.roles for name in names})
    if unknown:
        raise Forbidden(
            "unknown_claimed_role",
            f"the token names roles that the policy does not know: {', '.join(unknown[:5])}",
            "let the issuer name roles as access.csv and the policy do, and none besides",
        )
    return access.claiming({principal.id: token.roles})


def require(access: Access, principal: Principal, thing: str, action: str, site: str) -> None:
    """Let the caller pass, or raise `Forbidden` with what is missing."""
    if for_caller(access, principal).may(principal.id, thing, action, site):
        return
    raise Forbidden(
        "not_permitted",
        f"{principal.id} may not do this at this site: {thing}, {action}",
        f"ask whoever keeps access.csv for a role with: {thing}, {action}",
    )

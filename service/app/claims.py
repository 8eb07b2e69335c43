"""Claims: what a JWT says of who holds it (RFC 7519), read once its signature holds."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from service.app.claimrules import ClaimRules
from service.app.errors import TokenRefused
from service.app.keys import NAME_CHARS_MAX
from service.app.principal import Principal
from service.app.token import Roles, Token, roles_of
from service.app.tokenpart import parse_part, refuse
from service.core.factvalue import FactError, check_text
from service.core.request import AgentKind

LEEWAY: Final = timedelta(seconds=60)
"""How far the issuer's clock may be from ours, either way."""

LIFETIME_MAX: Final = timedelta(hours=24)
"""For how long a token may be issued. What lives longer is an API key, which can be listed."""

ROLES_MAX: Final = 100
"""How many roles one token may name, over all sites."""

SITE: Final = "site"
KIND: Final = "remit_kind"
OWNER: Final = "remit_owner"

_KINDS: Final[Mapping[str, AgentKind]] = {"human": "human", "ai": "ai"}
_INSTANTS: Final = range(253_402_300_800)
"""Seconds that are dates, up to the end of the year 9999."""


def read_claims(payload: bytes, signing_input: str, rules: ClaimRules, at: datetime) -> Principal:
    """Who holds a token that is good at an instant. Raises `TokenRefused`.

    Looks at issuer, audience, ``exp``, ``iat`` and ``nbf`` (RFC 7519, section 4.1), the last
    three with `LEEWAY`.
    """
    claims = parse_part(payload, "its claims are no JSON object, or name one twice")
    _check_parties(claims, rules)
    token = _token(claims, rules, at)
    subject = _name(_found(claims, rules.subject), rules.subject)
    kind = _kind(claims)
    return Principal(
        id=subject,
        kind=kind,
        owner=_owner(claims, kind),
        key=token_id(claims, signing_input),
        token=token,
    )


def token_id(claims: Mapping[str, Any], signing_input: str) -> str:
    """What a token is called in the log, and revoked by: nothing of it can be altered.

    By its ``jti``, if it has one; else by what was signed, since a signature may be written
    in more ways than one.
    """
    jti = claims.get("jti")
    if isinstance(jti, str) and jti:
        return token_id_of_jti(jti)
    return _id_of(f"signed\0{signing_input}")


def token_id_of_jti(jti: str) -> str:
    """The id of the token with a ``jti``."""
    return _id_of(f"jti\0{jti}")


def _id_of(text: str) -> str:
    return f"tok_{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _check_parties(claims: Mapping[str, Any], rules: ClaimRules) -> None:
    if claims.get("iss") != rules.issuer:
        refuse("it was issued by somebody else", f"get one from {rules.issuer}")
    said = claims.get("aud")
    meant = said if isinstance(said, list) else [said]
    if not any(audience in meant for audience in rules.audiences):
        refuse("it is meant for another service", f"get one for {' or '.join(rules.audiences)}")


def _token(claims: Mapping[str, Any], rules: ClaimRules, at: datetime) -> Token:
    issued_at, expires_at = _instant(claims, "iat"), _instant(claims, "exp")
    ends_at = expires_at + LEEWAY
    if at >= ends_at:
        raise expired()
    if issued_at > at + LEEWAY:
        refuse("it is from the future (iat)", "set the clocks of issuer and service")
    if "nbf" in claims and _instant(claims, "nbf") > at + LEEWAY:
        refuse("it is not good yet (nbf)", "wait, or set the clocks of issuer and service")
    if not timedelta(0) < expires_at - issued_at <= LIFETIME_MAX:
        hours = LIFETIME_MAX // timedelta(hours=1)
        refuse(f"it is not issued for up to {hours} hours", "let the issuer's tokens live shorter")
    return Token(roles=_roles(claims, rules), issued_at=issued_at, ends_at=ends_at)


def expired() -> TokenRefused:
    """The refusal of a token whose time is over."""
    return TokenRefused("token_expired", "the token has expired", "get a new one from its issuer")


def _instant(claims: Mapping[str, Any], name: str) -> datetime:
    """A NumericDate (RFC 7519, section 2), to the second."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or int(value) not in _INSTANTS:
        refuse(f"{name} is no instant", "let the issuer say it in seconds since 1970")
    return datetime.fromtimestamp(int(value), UTC)


def _found(claims: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 — JSON
    """What a claim holds, or ``None``. A name with a slash before it is a pointer into one."""
    if not name.startswith("/"):
        return claims.get(name)
    value: Any = claims
    for part in name[1:].split("/"):
        value = value.get(_unescaped(part)) if isinstance(value, dict) else None
    return value


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def _name(value: Any, claim: str) -> str:  # noqa: ANN401 — JSON
    try:
        return check_text(value, NAME_CHARS_MAX)
    except FactError as error:
        refuse(f"{claim} cannot be used: {error.message}", "let the issuer put a name there")


def _kind(claims: Mapping[str, Any]) -> AgentKind:
    kind: AgentKind | None = _KINDS.get(str(claims.get(KIND, "human")))
    if kind is None:
        refuse(f"{KIND} is neither human nor ai", "let the issuer write one of the two")
    return kind


def _owner(claims: Mapping[str, Any], kind: AgentKind) -> str | None:
    owner = claims.get(OWNER)
    if kind == "ai":
        if owner is None:
            refuse(
                "an AI agent acts for a person, and it names none",
                f"let the issuer put who answers for it into {OWNER}",
            )
        return _name(owner, OWNER)
    if owner is not None:
        refuse("a person answers for themselves", f"leave {OWNER} out, or say {KIND}: ai")
    return None


def _roles(claims: Mapping[str, Any], rules: ClaimRules) -> Roles | None:
    """Roles by site, or a list of them and the sites in a claim of their own."""
    said = _found(claims, rules.roles)
    if said is None:
        return None
    by_site = said if isinstance(said, dict) else dict.fromkeys(_sites(claims, rules), said)
    for site, names in by_site.items():
        _name(site, rules.roles)
        _check_names(names, rules.roles)
    if sum(len(names) for names in by_site.values()) > ROLES_MAX:
        refuse(f"{rules.roles} names more than {ROLES_MAX} roles", "name those of this service")
    return roles_of(by_site)


def _check_names(names: Any, claim: str) -> None:  # noqa: ANN401 — JSON
    if not isinstance(names, list):
        refuse(f"{claim} is no list of roles, nor one for each site", 'write {"*": ["…"]}')
    for name in names:
        _name(name, claim)


def _sites(claims: Mapping[str, Any], rules: ClaimRules) -> Sequence[str]:
    said = claims.get(SITE)
    sites = [said] if isinstance(said, str) else said
    if not isinstance(sites, list) or not sites:
        refuse(
            f"{rules.roles} is a list of roles, and nothing says at which site",
            f'name it in the claim {SITE}, or write the roles by site: {{"*": ["…"]}}',
        )
    return [_name(site, SITE) for site in sites]

"""Callers: who of those that were recognised at the door is still good at an instant."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime

from service.app.claims import LEEWAY, expired
from service.app.errors import ServiceError, TokenRefused, Unauthenticated
from service.app.keys import EndedKey
from service.app.principal import Principal
from service.app.tokenports import TokenReader, person_id

LiveKeys = Callable[[Collection[str]], Collection[str]]
"""Those of some API keys that are neither revoked nor expired."""


class RevokedToken(EndedKey, TokenRefused):
    """A token that was revoked, by itself or with all that its holder had."""

    def __init__(self, principal: Principal) -> None:
        """Keep who holds it, for the log."""
        ServiceError.__init__(
            self, "token_revoked", "the token was revoked", "get a new one from its issuer"
        )
        self.principal = principal


def refusals(
    tokens: TokenReader, live_keys: LiveKeys, callers: Iterable[Principal], at: datetime
) -> Mapping[Principal, Unauthenticated]:
    """Why some of the callers are not answered."""
    everybody = set(callers)
    stored = {caller.key for caller in everybody if caller.token is None}
    live = live_keys(stored)
    held = [caller for caller in everybody if caller.token is not None]
    revoked = tokens.revocations(_ids_of(held)) if held else {}
    refused: dict[Principal, Unauthenticated] = {}
    for caller in everybody:
        if caller.token is not None:
            refusal: Unauthenticated | None = _refusal(caller, revoked, at)
        else:
            refusal = None if caller.key in live else _revoked_key()
        if refusal is not None:
            refused[caller] = refusal
    return refused


def find_refusal(tokens: TokenReader, caller: Principal, at: datetime) -> Unauthenticated | None:
    """Why one caller with a token is not answered; ``None`` for one that is."""
    return refusals(tokens, lambda keys: keys, [caller], at).get(caller)


def is_revoked(person: str, token: str, issued_at: datetime, at: Mapping[str, datetime]) -> bool:
    """Whether a token was revoked, by the instants at which ids were.

    By the issuer's clock it may have been issued a little later than it was.
    """
    all_until = at.get(person_id(person))
    return token in at or (all_until is not None and issued_at <= all_until + LEEWAY)


def _refusal(
    caller: Principal, revoked: Mapping[str, datetime], at: datetime
) -> TokenRefused | None:
    token = caller.token
    if token is None or at >= token.ends_at:
        return expired()
    if is_revoked(caller.id, caller.key, token.issued_at, revoked):
        return RevokedToken(caller)
    return None


def _ids_of(callers: Iterable[Principal]) -> set[str]:
    return {id_ for caller in callers for id_ in (caller.key, person_id(caller.id))}


def _revoked_key() -> Unauthenticated:
    return Unauthenticated(
        "key_revoked",
        "this API key was revoked or has expired",
        "ask for a new one: remit key create",
    )

"""Who is calling: ``Authorization: Bearer``, with an API key or a token, to a principal."""

from collections import OrderedDict
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import Scope

from service.api.body import header
from service.app.errors import Unauthenticated
from service.app.keys import PREFIX, Keys, digest_of
from service.app.ports import Clock
from service.app.principal import Principal
from service.app.tokens import Tokens

REMEMBERED_MAX: Final = 10_000
CALLER: Final = "remit.caller"
"""The key of a request's principal in its scope, once it is known."""

_SECRET_CHARS_MAX: Final = 200
_TOKEN_CHARS_MAX: Final = 65_536
"""More than a server takes of a header; whoever reads tokens has a bound of their own."""

_SCHEME: Final = "bearer "


class Callers:
    """Recognises callers by their keys, and by tokens where an issuer is configured.

    `remembered` asks the database once for each key, and looks at a token's signature once;
    what it gives is good only for what a batch checks again (a batch refuses what was
    revoked or has expired). Whatever reads must ask `current`.
    """

    def __init__(self, keys: Keys, clock: Clock, tokens: Tokens | None = None) -> None:
        """Nobody is remembered yet."""
        self._keys = keys
        self._clock = clock
        self._tokens = tokens
        self._known: OrderedDict[bytes, Principal] = OrderedDict()

    async def remembered(self, scope: Scope) -> Principal:
        """Who is calling, or was when last asked. Raises `Unauthenticated`."""
        secret = self._secret_of(scope)
        if not secret.startswith(PREFIX):
            return await self._holder(secret)
        digest = digest_of(secret)
        known = self._known.get(digest)
        if known is not None:
            self._known.move_to_end(digest)
            return known
        found = await run_in_threadpool(self._ask, secret)
        self._known[digest] = found
        if len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)
        return found

    async def current(self, scope: Scope) -> Principal:
        """Who is calling at this moment. Raises `Unauthenticated`."""
        return await run_in_threadpool(self._ask, self._secret_of(scope))

    def forget(self, scope: Scope) -> None:
        """A batch found the caller's key revoked or expired."""
        self._known.pop(digest_of(self._secret_of(scope)), None)

    async def _holder(self, token: str) -> Principal:
        """Who holds a token: at once where it was verified before."""
        tokens, at = self._accepted(), self._clock.now()
        known = tokens.recall(token, at)
        return await run_in_threadpool(tokens.identify, token, at) if known is None else known

    def _ask(self, secret: str) -> Principal:
        at = self._clock.now()
        if secret.startswith(PREFIX):
            return self._keys.authenticate(secret, at)
        return self._accepted().current(secret, at)

    def _accepted(self) -> Tokens:
        if self._tokens is None:
            raise _nothing_sent()
        return self._tokens

    def _secret_of(self, scope: Scope) -> str:
        """The key or token of a request. Raises `Unauthenticated` where there is none."""
        given = header(scope, b"authorization") or b""
        text = given.decode("latin-1")
        secret = text[len(_SCHEME) :].strip()
        chars_max = _SECRET_CHARS_MAX if secret.startswith(PREFIX) else _TOKEN_CHARS_MAX
        if text[: len(_SCHEME)].lower() != _SCHEME or not 0 < len(secret) <= chars_max:
            raise _nothing_sent()
        return secret


def _nothing_sent() -> Unauthenticated:
    return Unauthenticated("unauthenticated", "no key came with the request", "send one")


async def caller(request: Request) -> Principal:
    """The dependency of every endpoint that reads."""
    callers: Callers = request.app.state.callers
    request.scope[CALLER] = found = await callers.current(request.scope)
    return found

"""Who is calling: ``Authorization: Bearer rk_…`` to a principal."""

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

REMEMBERED_MAX: Final = 10_000
_SECRET_CHARS_MAX: Final = 200
_SCHEME: Final = "bearer "


class Callers:
    """Recognises callers by their keys.

    `remembered` asks the database once for each secret; what it gives is good only for
    what a batch checks again (a batch refuses revoked and expired keys). Whatever reads
    must ask `current`.
    """

    def __init__(self, keys: Keys, clock: Clock) -> None:
        """Nobody is remembered yet."""
        self._keys = keys
        self._clock = clock
        self._known: OrderedDict[bytes, Principal] = OrderedDict()

    async def remembered(self, scope: Scope) -> Principal:
        """Who is calling, or was when last asked. Raises `Unauthenticated`."""
        secret = secret_of(scope)
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
        return await run_in_threadpool(self._ask, secret_of(scope))

    def forget(self, scope: Scope) -> None:
        """A batch found the caller's key revoked or expired."""
        self._known.pop(digest_of(secret_of(scope)), None)

    def _ask(self, secret: str) -> Principal:
        return self._keys.authenticate(secret, self._clock.now())


def secret_of(scope: Scope) -> str:
    """The secret of a request. Raises `Unauthenticated` where there is none."""
    given = header(scope, b"authorization") or b""
    text = given.decode("latin-1")
    secret = text[len(_SCHEME) :].strip()
    is_bearer = text[: len(_SCHEME)].lower() == _SCHEME
    if not is_bearer or not secret.startswith(PREFIX) or len(secret) > _SECRET_CHARS_MAX:
        raise Unauthenticated("unauthenticated", "no key came with the request", "send one")
    return secret


async def caller(request: Request) -> Principal:
    """The dependency of every endpoint that reads."""
    callers: Callers = request.app.state.callers
    return await callers.current(request.scope)

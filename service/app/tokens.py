"""Tokens: JWTs of one issuer, verified once and remembered until they end."""

import hashlib
from collections import OrderedDict
from datetime import datetime
from threading import Lock
from typing import Final, NamedTuple, Self

from service.app.callers import find_refusal
from service.app.claimrules import ClaimRules
from service.app.claims import expired, read_claims
from service.app.ports import Store
from service.app.principal import Principal
from service.app.tokenports import Signatures

REMEMBERED_MAX: Final = 10_000
"""How many verified tokens a process keeps, by the digest of their characters."""


class _Verified(NamedTuple):
    principal: Principal
    signer: bytes


class Tokens:
    """Recognises callers by tokens of the configured issuer.

    A signature is verified once for each token. Whatever has to be looked at again is:
    that the time is not over and that the key which signed it is still the issuer's,
    each time; that it was not revoked, in `current` and in every batch.
    """

    def __init__(self, signatures: Signatures, rules: ClaimRules, store: Store) -> None:
        """Nobody is remembered yet."""
        self._signatures = signatures
        self._rules = rules
        self._store = store
        self._known: OrderedDict[bytes, _Verified] = OrderedDict()
        self._lock = Lock()

    @classmethod
    def find(
        cls, signatures: Signatures | None, rules: ClaimRules | None, store: Store
    ) -> Self | None:
        """Tokens, where the settings name an issuer."""
        if signatures is None or rules is None:
            return None
        return cls(signatures, rules, store)

    def recall(self, text: str, at: datetime) -> Principal | None:
        """Who holds a token that was verified before. Waits for nothing; ``None``: `identify`."""
        found = self._find(_digest_of(text))
        if found is None or not self._signatures.stands(found.signer, at):
            return None
        return _lasting(found.principal, at)

    def identify(self, text: str, at: datetime) -> Principal:
        """Who holds a token. Raises `TokenRefused`, and `Unavailable` without keys to look."""
        known = self.recall(text, at)
        if known is not None:
            return known
        signed = self._signatures.verify(text, at)
        principal = read_claims(signed.payload, signed.signing_input, self._rules, at)
        self._remember(_digest_of(text), _Verified(principal, signed.signer))
        return principal

    def current(self, text: str, at: datetime) -> Principal:
        """The same, by what the database knows of at this moment: it may be revoked."""
        principal = self.identify(text, at)
        with self._store.read() as reader:
            refusal = find_refusal(reader.tokens, principal, at)
        if refusal is not None:
            raise refusal
        return principal

    def _find(self, digest: bytes) -> _Verified | None:
        with self._lock:
            found = self._known.get(digest)
            if found is not None:
                self._known.move_to_end(digest)
            return found

    def _remember(self, digest: bytes, verified: _Verified) -> None:
        with self._lock:
            self._known[digest] = verified
            if len(self._known) > REMEMBERED_MAX:
                self._known.popitem(last=False)


def _digest_of(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _lasting(principal: Principal, at: datetime) -> Principal:
    if principal.token is None or at >= principal.token.ends_at:
        raise expired()
    return principal

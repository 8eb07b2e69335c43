"""Signatures of tokens (RFC 7515): the one module that verifies them."""

import re
from base64 import urlsafe_b64decode
from datetime import datetime
from typing import Any, Final, NamedTuple

from jwt.algorithms import OKPAlgorithm
from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

from service.adapters.jwks import ALGORITHMS, Key
from service.adapters.jwksplaces import read_from
from service.adapters.keysource import KeySource, Tell
from service.app.tokenpart import AS_ISSUED, parse_part, refuse
from service.app.tokenports import Signed

TOKEN_CHARS_MAX: Final = 8_192
KID_CHARS_MAX: Final = 256

_COMPACT: Final = re.compile(r"([\w-]+)\.([\w-]+)\.([\w-]+)", re.ASCII)
_TYPES: Final = frozenset({"jwt", "at+jwt"})
"""What a token may say it is (RFC 8725, section 3.11; RFC 9068): others are for other uses."""


class _Header(NamedTuple):
    algorithm: str
    kid: str | None


class Jws:
    """See `service.app.tokenports.Signatures`.

    The algorithm is one of `ALGORITHMS` and one that the key is for, whatever the token
    says. Of its header nothing else is used but ``kid``, and that only to look up a key:
    keys and addresses of keys that a token brings along are not looked at.
    """

    def __init__(self, source: KeySource) -> None:
        """``source`` has the issuer's keys."""
        self._source = source
        self._jws = PyJWS(algorithms=ALGORITHMS, options={"enforce_minimum_key_length": True})
        self._jws.register_algorithm("Ed25519", OKPAlgorithm())

    def stands(self, signer: bytes, at: datetime) -> bool:
        """Whether a key is still one of the issuer's, by keys that are fresh."""
        keys = self._source.find_fresh(at)
        return keys is not None and keys.holds(signer)

    def verify(self, token: str, at: datetime) -> Signed:
        """A token that one of the keys signed. Raises `TokenRefused` and `Unavailable`."""
        if len(token) > TOKEN_CHARS_MAX:
            refuse(f"it has more than {TOKEN_CHARS_MAX} characters", "let it say less")
        parts = _COMPACT.fullmatch(token)
        if parts is None:
            refuse("it is no signed JWT in compact form", AS_ISSUED)
        key = self._key(_header(parts[1]), at)
        try:
            verified = self._jws.decode_complete(token, key.public, algorithms=ALGORITHMS)
        except (PyJWTError, ValueError, TypeError):
            refuse("its signature does not hold", AS_ISSUED)
        payload: bytes = verified["payload"]
        return Signed(payload=payload, signing_input=f"{parts[1]}.{parts[2]}", signer=key.digest)

    def _key(self, header: _Header, at: datetime) -> Key:
        """The key that a header means; one that is not known yet may be a new one."""
        found = self._source.get(at).find(header.kid, header.algorithm)
        if found is None:
            found = self._source.get_newer(at).find(header.kid, header.algorithm)
        if found is None:
            refuse(
                "the issuer has no such key for this algorithm (kid, alg)",
                "get a new one; if that is refused too, look at the key set (REMIT_JWKS)",
            )
        return found


def find_jws(place: str | None, tell: Tell, *, allow_private: bool) -> Jws | None:
    """What verifies with the keys of a place; ``None`` without one. Raises `UnusableJwks`."""
    if place is None:
        return None
    return Jws(KeySource(read_from(place, allow_private=allow_private), tell))


def _header(segment: str) -> _Header:
    header = _parsed(segment)
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        refuse("it is not signed with a key pair (alg)", f"use one of {', '.join(ALGORITHMS)}")
    if kid is not None and (not isinstance(kid, str) or len(kid) > KID_CHARS_MAX):
        refuse("the name of its key cannot be used (kid)", AS_ISSUED)
    if "crit" in header:
        refuse("it asks for an extension that nobody knows here (crit)", "leave it out")
    said = str(header.get("typ", "JWT")).lower().removeprefix("application/")
    if said not in _TYPES:
        refuse("it is of another type (typ)", "send an access token")
    return _Header(algorithm, kid)


def _parsed(segment: str) -> dict[str, Any]:
    try:
        data = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        refuse("its header is no base64url", AS_ISSUED)
    return parse_part(data, "its header is no JSON object, or names something twice")

"""Key sets (RFC 7517): the public keys of an issuer, as far as they may sign tokens."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import PyJWK
from jwt.exceptions import PyJWTError

KEYS_MAX: Final = 100
RSA_BITS: Final = range(2048, 8193)
"""Shorter ones can be broken; longer ones cost whoever has to verify with them."""

_OF_RSA: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_OF_CURVE: Final[Mapping[object, tuple[str, ...]]] = MappingProxyType(
    {
        ("EC", "P-256"): ("ES256",),
        ("EC", "P-384"): ("ES384",),
        ("EC", "P-521"): ("ES512",),
        ("OKP", "Ed25519"): ("EdDSA", "Ed25519"),
    }
)
ALGORITHMS: Final = (*_OF_RSA, *(name for names in _OF_CURVE.values() for name in names))
"""What a token may be signed with (RFC 7518, 8037, 9864): by a key pair, never by a secret."""

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class JwksError(ValueError):
    """What was read is no key set that anything could be verified with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A public key, and a digest that no other key has."""

    public: PublicKey
    digest: bytes


class KeySet:
    """The keys of an issuer, by ``kid`` and algorithm. Immutable."""

    def __init__(self, keys: Mapping[tuple[str | None, str], Key]) -> None:
        """See `parse_jwks`."""
        self._keys = keys
        self._digests = frozenset(key.digest for key in keys.values())

    def find(self, kid: str | None, algorithm: str) -> Key | None:
        """The key that a token names. One that names none means the only one there is."""
        if kid is not None:
            return self._keys.get((kid, algorithm))
        fitting = [key for (_, name), key in self._keys.items() if name == algorithm]
        return fitting[0] if len(fitting) == 1 else None

    def holds(self, digest: bytes) -> bool:
        """Whether a key is one of them."""
        return digest in self._digests


def parse_jwks(data: bytes) -> KeySet:
    """The usable keys of a set; others are passed over (RFC 7517, section 5).

    Unusable is what is not for signatures, is no key pair's public half, or too short. A
    secret key in the set is everybody's by now, so nothing it signs is believed. Of two
    keys with one name the first counts. Raises `JwksError` where no key is left.
    """
    found: dict[tuple[str | None, str], Key] = {}
    for jwk in _listed(data):
        key = _find_key(jwk)
        if key is not None:
            kid = jwk.get("kid")
            for algorithm in _algorithms(jwk):
                found.setdefault((kid, algorithm), key)
    if not found:
        raise JwksError("it holds no public key that signs tokens (RSA, EC or Ed25519)")
    return KeySet(found)


def _listed(data: bytes) -> list[dict[str, Any]]:
    try:
        document = orjson.loads(data)
    except ValueError:
        raise JwksError("it is no JSON") from None
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or len(keys) > KEYS_MAX:
        raise JwksError(f'it is no JSON object with up to {KEYS_MAX} "keys"')
    return [jwk for jwk in keys if isinstance(jwk, dict)]


def _find_key(jwk: dict[str, Any]) -> Key | None:
    if not _algorithms(jwk) or "d" in jwk or not _is_for_signatures(jwk):
        return None
    try:
        public = PyJWK(jwk, _algorithms(jwk)[0]).key
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    if not isinstance(public, PublicKey):
        return None
    if isinstance(public, RSAPublicKey) and public.key_size not in RSA_BITS:
        return None
    encoded = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Key(public=public, digest=hashlib.sha256(encoded).digest())


def _algorithms(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    """What a key may be used with: by its type, narrowed by what it says itself."""
    kind, curve, own = jwk.get("kty"), jwk.get("crv"), jwk.get("alg")
    names = (kind, curve, jwk.get("kid"))
    if not all(isinstance(name, str | None) for name in names):
        return ()
    fitting = _OF_RSA if kind == "RSA" else _OF_CURVE.get((kind, curve), ())
    if own is None:
        return fitting
    both = ("EdDSA", "Ed25519")
    named = both if own in both else (own,)  # one algorithm with two names
    return tuple(name for name in fitting if name in named)


def _is_for_signatures(jwk: Mapping[str, Any]) -> bool:
    operations = jwk.get("key_ops")
    may_verify = operations is None or (isinstance(operations, list) and "verify" in operations)
    return may_verify and jwk.get("use", "sig") == "sig"

"""Key sets: what may sign is kept, everything else is passed over."""

import json
from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from service.adapters.jwks import ALGORITHMS, KEYS_MAX, JwksError, KeySet, parse_jwks
from tests.issuer import jwk_of, jwks_of, private_key

GOOD = jwk_of("ES256", "good")


def of(jwk: dict[str, Any]) -> KeySet:
    return parse_jwks(jwks_of(jwk, GOOD))


@pytest.mark.parametrize(
    ("algorithm", "fitting"),
    [
        ("RS256", {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
        ("ES256", {"ES256"}),
        ("ES384", {"ES384"}),
        ("ES512", {"ES512"}),
        ("EdDSA", {"EdDSA", "Ed25519"}),
    ],
)
def test_a_key_is_for_the_algorithms_of_its_type(algorithm: str, fitting: set[str]) -> None:
    """A token cannot have a key used for an algorithm that the key was never made for."""
    keys = parse_jwks(jwks_of(jwk_of(algorithm, "k")))
    assert {name for name in ALGORITHMS if keys.find("k", name) is not None} == fitting


def test_a_key_that_names_its_algorithm_is_for_no_other() -> None:
    """An RSA key for PS256 verifies no RS256; an Ed25519 key has two names for one algorithm."""
    rsa_only = of(jwk_of("RS256", "k", alg="PS256"))
    assert rsa_only.find("k", "PS256") is not None
    assert rsa_only.find("k", "RS256") is None
    edwards = of(jwk_of("EdDSA", "k", alg="Ed25519"))
    assert edwards.find("k", "EdDSA") is not None


SMALL = json.loads(
    RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key())  # noqa: S505 — to be refused
)
SECRET = json.loads(RSAAlgorithm.to_jwk(private_key("RS256")))


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "oct", "kid": "k", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"},
        {**SMALL, "kid": "k", "key_ops": ["verify"]},
        {**SECRET, "kid": "k", "key_ops": ["verify"]},
        jwk_of("RS256", "k", use="enc"),
        jwk_of("RS256", "k", key_ops=["encrypt"]),
        jwk_of("RS256", "k", alg="RSA-OAEP"),
        jwk_of("RS256", "k", alg="HS256"),
        jwk_of("RS256", "k", alg=["RS256"]),
        jwk_of("ES256", "k", x="AAAA"),
        {"kty": "EC", "crv": "secp256k1", "kid": "k", "x": "AA", "y": "AA"},
        {"kty": ["RSA"], "kid": "k"},
        {"kty": "RSA", "kid": {"k": 1}, "n": "AA", "e": "AQAB"},
        {"kty": "RSA", "kid": "k", "n": 5, "e": None},
        {"kty": "EC", "crv": ["P-256"], "kid": "k"},
    ],
)
def test_what_must_not_sign_is_passed_over(jwk: dict[str, Any]) -> None:
    """A secret, a private half, a short, foreign or broken key signs nothing; others still do."""
    keys = of(jwk)
    assert all(keys.find("k", name) is None for name in ALGORITHMS)
    assert keys.find("good", "ES256") is not None


def test_of_two_keys_with_one_name_the_first_counts() -> None:
    """A second one cannot take the place of the first."""
    first, second = jwk_of("ES256", "k", 1), jwk_of("ES256", "k", 2)
    found = parse_jwks(jwks_of(first, second)).find("k", "ES256")
    assert found is not None
    assert found == parse_jwks(jwks_of(first)).find("k", "ES256")


def test_a_token_without_a_name_means_the_only_key() -> None:
    """Where two could be meant, none is."""
    alone = jwks_of(jwk_of("ES256", None), jwk_of("RS256", "other"))
    assert parse_jwks(alone).find(None, "ES256") is not None
    two = jwks_of(jwk_of("ES256", "a", 1), jwk_of("ES256", "b", 2))
    assert parse_jwks(two).find(None, "ES256") is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": []}',
        b'{"keys": [1, null, "x"]}',
        b"<html>",
        b"\xff",
        jwks_of(*[{"kty": "oct"}] * (KEYS_MAX + 1)),
    ],
)
def test_what_is_no_key_set_is_refused(data: bytes) -> None:
    """A page that a proxy put in its place must not empty the keys that are known."""
    with pytest.raises(JwksError):
        parse_jwks(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
JWK = st.dictionaries(
    st.sampled_from(["kty", "crv", "kid", "alg", "use", "n", "e", "x", "y", "key_ops"]),
    st.sampled_from(["RSA", "EC", "OKP", "P-256", "Ed25519", "sig", "AQAB", "RS256"]) | JSON,
)


@given(st.lists(JWK, max_size=4))
def test_no_key_set_is_more_than_refused(keys: list[dict[str, Any]]) -> None:
    """Whatever an address answers, it is keys or a `JwksError`."""
    with suppress(JwksError):
        assert isinstance(parse_jwks(jwks_of(*keys)), KeySet)

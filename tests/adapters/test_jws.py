"""Signatures of tokens: what the issuer signed is taken, and nothing that only looks like it."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from jwt.utils import der_to_raw_signature, raw_to_der_signature

from service.adapters.jwks import ALGORITHMS
from service.adapters.jws import TOKEN_CHARS_MAX, Jws
from service.adapters.keysource import KeySource
from service.app.errors import TokenRefused
from tests.issuer import Issuer, b64, jwk_of, jwks_of, private_key

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def jws_of(jwks: bytes) -> Jws:
    return Jws(KeySource(lambda: jwks, lambda _: None))


def refused(jws: Jws, token: str) -> TokenRefused:
    with pytest.raises(TokenRefused) as caught:
        jws.verify(token, AT)
    assert caught.value.code == "invalid_token"
    assert caught.value.remedy
    return caught.value


# ── What is taken ──


@pytest.mark.parametrize("algorithm", [name for name in ALGORITHMS if name != "Ed25519"])
def test_every_algorithm_of_a_key_pair_verifies(algorithm: str) -> None:
    """With the bytes that were signed, and the digest of the key that signed them."""
    issuer = Issuer(algorithm=algorithm)
    signed = jws_of(issuer.jwks()).verify(issuer.signed(b'{"sub": "ana"}'), AT)
    assert signed.payload == b'{"sub": "ana"}'
    assert jws_of(issuer.jwks()).verify(issuer.token(), AT).signer == signed.signer


def test_the_newer_name_of_ed25519_is_the_same_algorithm() -> None:
    """RFC 9864 gave EdDSA over Ed25519 a name of its own."""
    header, payload = b64({"alg": "Ed25519", "kid": "k1"}), b64(b"{}")
    signature = private_key("EdDSA").sign(f"{header}.{payload}".encode())
    jws = jws_of(jwks_of(jwk_of("EdDSA", "k1")))
    assert jws.verify(f"{header}.{payload}.{b64(signature)}", AT).payload == b"{}"


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "application/AT+JWT"])
def test_access_tokens_may_say_what_they_are(typ: str) -> None:
    """By either name, in any letters."""
    issuer = Issuer()
    assert jws_of(issuer.jwks()).verify(issuer.signed(b"{}", {"typ": typ}), AT).payload == b"{}"


# ── Attacks ──


@pytest.mark.parametrize("name", ["none", "None", "nOnE", ""])
@pytest.mark.parametrize("signature", ["", "AA"])
def test_an_unsigned_token_is_refused(name: str, signature: str) -> None:
    """However it spells that nobody signed it."""
    issuer = Issuer()
    token = f"{b64({'alg': name, 'kid': 'k1'})}.{b64(issuer.claims())}.{signature}"
    refused(jws_of(issuer.jwks()), token)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("form", ["pem", "der", "jwk"])
def test_the_public_key_is_no_secret_to_sign_with(algorithm: str, form: str) -> None:
    """Everybody knows the public key, so whoever signs with it as a secret is nobody."""
    issuer = Issuer(algorithm="RS256")
    public = private_key("RS256").public_key()
    secrets = {
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "jwk": json.dumps(jwk_of("RS256", "k1")).encode(),
    }
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
    signing_input = f"{b64({'alg': algorithm, 'kid': 'k1'})}.{b64(issuer.claims())}"
    signature = hmac.new(secrets[form], signing_input.encode(), digest[algorithm]).digest()
    refused(jws_of(issuer.jwks()), f"{signing_input}.{b64(signature)}")


def test_a_key_of_somebody_else_signs_nothing() -> None:
    """Under the right name, and even where the token brings the key or its address along."""
    issuer, stranger = Issuer(), Issuer(number=1)
    jws = jws_of(issuer.jwks())
    for headers in (
        {},
        {"jwk": jwk_of("ES256", "k1", 1)},
        {"jku": "http://127.0.0.1:1/keys"},
        {"x5u": "http://127.0.0.1:1/certificate", "x5c": ["AA=="]},
    ):
        refused(jws, stranger.token(headers))


def test_a_token_takes_a_key_only_for_its_algorithm() -> None:
    """The algorithm in the header is one that the named key is for, or there is no such key."""
    rsa, jws = Issuer(algorithm="RS256"), jws_of(jwks_of(jwk_of("ES256", "k1")))
    assert "no such key" in refused(jws, rsa.token()).message
    narrow = jws_of(jwks_of(jwk_of("RS256", "k1", alg="RS256")))
    assert "no such key" in refused(narrow, Issuer(algorithm="PS256").token()).message


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../etc/passwd",
        "/dev/null",
        "k1' OR '1'='1",
        "k1\0",
        "http://127.0.0.1/",
        "k" * 10_000,
        "",
    ],
)
def test_the_name_of_a_key_only_looks_one_up(kid: str) -> None:
    """It is no path, no address and no part of a statement."""
    issuer = Issuer()
    header = b64({"alg": "ES256", "kid": kid})
    refused(jws_of(issuer.jwks()), f"{header}.{b64(issuer.claims())}.{b64(b'x' * 64)}")


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg": "ES256", "kid": 1}',
        b'{"alg": "ES256", "kid": null, "crit": []}',
        b'{"alg": "ES256", "kid": "k1", "crit": ["b64"], "b64": false}',
        b'{"alg": "ES256", "kid": "k1", "crit": ["exp"], "exp": 1}',
        b'{"alg": ["ES256"], "kid": "k1"}',
        b'{"alg": "ES256", "alg": "none", "kid": "k1"}',
        b'{"alg": "none", "alg": "ES256", "kid": "k1"}',
        b'{"alg": "ES256", "kid": "k1", "typ": "logout+jwt"}',
        b'{"alg": "ES256", "kid": "k1", "typ": "dpop+jwt"}',
        b'{"alg": "ES256", "kid": "k1", "typ": 5}',
        b"[]",
        b"{",
        b"\xff\xfe",
        b"[" * 5_000,
    ],
)
def test_a_header_that_is_not_plain_is_refused(header: bytes) -> None:
    """Though the signature under it may be good."""
    issuer = Issuer()
    signing_input = f"{b64(header)}.{b64(issuer.claims())}"
    der = private_key("ES256").sign(signing_input.encode(), ec.ECDSA(hashes.SHA256()))
    signature = der_to_raw_signature(der, private_key("ES256").curve)
    refused(jws_of(issuer.jwks()), f"{signing_input}.{b64(signature)}")


def test_a_huge_token_is_not_even_looked_at() -> None:
    """It is refused by its length, whatever is in it."""
    issuer = Issuer()
    token = issuer.token(more="x" * TOKEN_CHARS_MAX)
    assert "characters" in refused(jws_of(issuer.jwks()), token).message


def test_every_changed_character_is_found_out() -> None:
    """Of header, claims and signature alike; only the last bits of the encoding mean nothing."""
    issuer = Issuer(algorithm="EdDSA")
    jws, token = jws_of(issuer.jwks()), issuer.token()
    for place in range(0, len(token) - 1, 7):
        if token[place] != ".":
            other = "A" if token[place] != "A" else "B"
            refused(jws, token[:place] + other + token[place + 1 :])


def test_one_signature_written_otherwise_is_the_same_token() -> None:
    """Anybody can turn an ECDSA signature into another good one; what was signed stays."""
    issuer = Issuer()
    token = issuer.token()
    head, _, tail = token.rpartition(".")
    raw = urlsafe_b64decode(tail + "==")
    r, s = decode_dss_signature(raw_to_der_signature(raw, private_key("ES256").curve))
    turned = encode_dss_signature(r, P256_ORDER - s)
    other = f"{head}.{b64(der_to_raw_signature(turned, private_key('ES256').curve))}"
    jws = jws_of(issuer.jwks())
    assert other != token
    assert jws.verify(other, AT).signing_input == jws.verify(token, AT).signing_input


# ── Anything at all ──

SEGMENTS = st.sampled_from(
    [b64({"alg": "ES256", "kid": "k1"}), b64({"alg": "RS256"}), b64({}), "", "e30", "-_-_", "é"]
) | st.text(max_size=40)
HEADERS: st.SearchStrategy[Mapping[str, Any]] = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk"]),
    st.sampled_from(["ES256", "none", "k1", "JWT", None, 1, [], {}, True]),
)


@given(st.lists(SEGMENTS | HEADERS.map(b64), max_size=5).map(".".join))
def test_anything_else_is_refused_and_nothing_worse(token: str) -> None:
    """No bytes in place of a token are more than a refusal."""
    refused(jws_of(Issuer().jwks()), token)

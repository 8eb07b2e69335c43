"""Tokens: a signature is looked at once, and everything else that may change each time."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from service.app.claimrules import ClaimRules
from service.app.claims import LEEWAY
from service.app.errors import TokenRefused, Unauthenticated
from service.app.tokenports import Signed
from service.app.tokens import REMEMBERED_MAX, Tokens
from tests.app.house import House
from tests.issuer import AUDIENCE, ISSUER, Issuer

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = ClaimRules(issuer=ISSUER, audiences=(AUDIENCE,))
ENDS = timedelta(hours=1) + LEEWAY


class FakeSignatures:
    """Everything is signed by one key: the token is its payload. Counts what it verifies."""

    def __init__(self) -> None:
        self.verified: Counter[str] = Counter()
        self.signers = {b"key"}

    def verify(self, token: str, at: datetime) -> Signed:
        del at
        self.verified[token] += 1
        if not self.signers:
            raise TokenRefused("invalid_token", "no such key", "get another one")
        return Signed(payload=token.encode(), signing_input=token, signer=b"key")

    def stands(self, signer: bytes, at: datetime) -> bool:
        del at
        return signer in self.signers


def token(**claims: object) -> str:
    return json.dumps(Issuer(now=AT).claims(**claims))


@pytest.fixture
def signatures() -> FakeSignatures:
    return FakeSignatures()


@pytest.fixture
def tokens(embedded: House, signatures: FakeSignatures) -> Tokens:
    return Tokens(signatures, RULES, embedded.services.store)


def test_a_signature_is_verified_once(tokens: Tokens, signatures: FakeSignatures) -> None:
    """A thousand requests with one token cost one verification."""
    ana = token()
    assert tokens.recall(ana, AT) is None
    for second in range(1_000):
        at = AT + timedelta(seconds=second)
        assert tokens.identify(ana, at).id == "ana"
        assert tokens.current(ana, at).id == "ana"
        assert tokens.recall(ana, at) is not None
    assert signatures.verified == {ana: 1}


def test_a_remembered_token_ends_when_it_says(tokens: Tokens) -> None:
    """Nothing that was verified before keeps it alive."""
    ana = token()
    tokens.identify(ana, AT)
    assert tokens.identify(ana, AT + ENDS - timedelta(microseconds=1)).id == "ana"
    for ask in (tokens.recall, tokens.identify, tokens.current):
        with pytest.raises(TokenRefused) as caught:
            ask(ana, AT + ENDS)
        assert caught.value.code == "token_expired"


def test_a_token_of_a_withdrawn_key_is_looked_at_again(
    tokens: Tokens, signatures: FakeSignatures
) -> None:
    """And refused with the key, though it was good a moment ago."""
    ana = token()
    tokens.identify(ana, AT)
    signatures.signers.clear()
    assert tokens.recall(ana, AT) is None
    with pytest.raises(TokenRefused):
        tokens.identify(ana, AT)


def test_what_was_refused_is_not_remembered(tokens: Tokens, signatures: FakeSignatures) -> None:
    """Nor is it ever taken for something else."""
    for _ in range(2):
        with pytest.raises(TokenRefused):
            tokens.identify(token(aud="other"), AT)
    assert tokens.recall(token(aud="other"), AT) is None
    assert signatures.verified.total() == 2


def test_so_many_tokens_are_remembered_and_no_more(
    tokens: Tokens, signatures: FakeSignatures
) -> None:
    """The longest unused one goes first, and costs one verification more."""
    first, second = token(jti="first"), token(jti="second")
    tokens.identify(first, AT)
    tokens.identify(second, AT)
    tokens.identify(first, AT)
    for number in range(REMEMBERED_MAX - 1):
        tokens.identify(token(jti=str(number)), AT)
    tokens.identify(first, AT)
    assert signatures.verified[first] == 1
    tokens.identify(second, AT)
    assert signatures.verified[second] == 2


def test_what_was_revoked_is_refused_at_once(tokens: Tokens, embedded: House) -> None:
    """By its id alone, and by whose it is."""
    keys = embedded.services.keys
    ana, ben = token(sub="ana", jti="a"), token(sub="ben", jti="b")
    keys.revoke_token(tokens.identify(ana, AT).key, by="test")
    with pytest.raises(Unauthenticated) as caught:
        tokens.current(ana, AT)
    assert caught.value.code == "token_revoked"
    assert tokens.current(ben, AT).id == "ben"
    keys.revoke_person("ben", by="test")
    with pytest.raises(Unauthenticated):
        tokens.current(ben, AT)

"""Callers: each is looked at by themselves, whatever their keys and tokens are called."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from service.app.callers import find_refusal, refusals
from service.app.claims import LEEWAY
from service.app.principal import Principal
from service.app.token import Token
from service.app.tokenports import person_id
from service.app.tokenrecords import TokenPersonRecord

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Revoked:
    """A database that knows what was revoked, and counts how often it is asked."""

    def __init__(self, **revoked: datetime) -> None:
        self.revoked = revoked
        self.asked = 0

    def revocations(self, ids: Collection[str]) -> Mapping[str, datetime]:
        self.asked += 1
        return {id_: at for id_, at in self.revoked.items() if id_ in ids}

    def people(self, ids: Collection[str]) -> Mapping[str, TokenPersonRecord]:
        raise AssertionError(ids)

    def latest_people(self, since: datetime, limit: int) -> Sequence[TokenPersonRecord]:
        raise AssertionError((since, limit))


def keyed(person: str, key: str) -> Principal:
    return Principal(id=person, kind="human", owner=None, key=key)


def held(person: str, key: str, ends_at: datetime = AT + SECOND) -> Principal:
    token = Token(roles=None, issued_at=AT - SECOND, ends_at=ends_at)
    return Principal(id=person, kind="human", owner=None, key=key, token=token)


def test_keys_and_tokens_are_looked_at_apart() -> None:
    """Keys by what the database has of them, tokens by their end and by what was revoked."""
    good, gone = keyed("ana", "key_1"), keyed("ana", "key_2")
    lasting, over = held("ben", "tok_1"), held("ben", "tok_2", AT)
    revoked = held("zoe", "tok_3")
    found = refusals(
        Revoked(tok_3=AT), lambda _: {"key_1"}, [good, gone, lasting, over, revoked], AT
    )
    codes = {caller: refusal.code for caller, refusal in found.items()}
    assert codes == {gone: "key_revoked", over: "token_expired", revoked: "token_revoked"}


def test_two_tokens_of_one_name_are_two() -> None:
    """An issuer may give a new token the jti of the one before: its end is its own."""
    over, lasting = held("ana", "tok_1", AT), held("ana", "tok_1")
    found = refusals(Revoked(), lambda _: (), [over, lasting, over], AT)
    assert list(found) == [over]


def test_without_tokens_nothing_is_asked() -> None:
    """Who runs without an issuer pays nothing for one."""
    tokens = Revoked()
    assert not refusals(tokens, lambda keys: keys, [keyed("ana", "key_1")] * 3, AT)
    assert tokens.asked == 0


@pytest.mark.parametrize(
    ("issued_after", "is_refused"),
    [(-SECOND, True), (timedelta(0), True), (LEEWAY, True), (LEEWAY + SECOND, False)],
)
def test_a_person_is_revoked_until_then(issued_after: timedelta, *, is_refused: bool) -> None:
    """And a leeway longer, since the issuer's clock may be ahead; nobody else is."""
    token = Token(roles=None, issued_at=AT + issued_after, ends_at=AT + timedelta(days=1))
    ana = Principal(id="ana", kind="human", owner=None, key="tok_1", token=token)
    tokens = Revoked(**{person_id("ana"): AT})
    assert (find_refusal(tokens, ana, AT) is not None) is is_refused
    assert find_refusal(tokens, held("anna", "tok_1"), AT) is None

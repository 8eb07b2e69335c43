"""API keys: shown once, stored as digests, revoked for good, each change in the log."""

from datetime import timedelta

import orjson
import pytest

from service.app.demo import renew_keys
from service.app.errors import NotFound, Unauthenticated
from service.app.keys import PREFIX, digest_of
from service.core.refusal import Refused
from tests.app.house import House


def test_a_key_tells_who_holds_it(house: House) -> None:
    """The secret is all that a caller needs."""
    made = house.key("robo", "ai", "max")
    found = house.services.keys.authenticate(made.secret, house.services.clock.now())
    assert (found.id, found.kind, found.owner, found.key) == ("robo", "ai", "max", made.record.id)


def test_a_secret_is_stored_nowhere(house: House) -> None:
    """What is kept is its digest, and the entry has neither."""
    made = house.key("ana")
    assert made.secret.startswith(PREFIX)
    assert made.record.digest == digest_of(made.secret)
    for entry in house.entries(kind="key"):
        assert made.secret.encode() not in entry.body
        assert made.record.digest.hex().encode() not in entry.body


def test_each_change_is_an_entry(house: House) -> None:
    """Creation and revocation are on record with who did it."""
    made = house.key("ana")
    house.services.keys.revoke(made.record.id, by="olga")
    bodies = [orjson.loads(entry.body) for entry in house.entries(about=made.record.id)]
    assert [(body["effect"], body["by"]["id"]) for body in bodies] == [
        ("revoked", "olga"),
        ("created", "test"),
    ]


def test_a_revoked_key_is_nobodys(house: House) -> None:
    """Revocation is final, and doing it twice changes nothing."""
    made = house.key("ana")
    house.services.keys.revoke(made.record.id, by="test")
    before = len(house.entries())
    house.services.keys.revoke(made.record.id, by="test")
    assert len(house.entries()) == before
    with pytest.raises(Unauthenticated):
        house.services.keys.authenticate(made.secret, house.services.clock.now())


def test_a_key_expires(house: House) -> None:
    """From the instant on that it was made until, it is nobody's."""
    now = house.services.clock.now()
    made = house.services.keys.create(subject="ana", expires_at=now + timedelta(hours=1), by="test")
    keys = house.services.keys
    assert keys.authenticate(made.secret, now).id == "ana"
    with pytest.raises(Unauthenticated):
        keys.authenticate(made.secret, now + timedelta(hours=1))


@pytest.mark.parametrize(
    ("subject", "kind", "owner", "code"),
    [
        ("robo", "ai", None, "owner_required"),
        ("ana", "human", "max", "owner_not_allowed"),
        ("", "human", None, "empty_text"),
        ("a" * 200, "human", None, "text_too_long"),
    ],
)
def test_a_key_that_means_nothing_is_not_made(
    house: House, subject: str, kind: str, owner: str | None, code: str
) -> None:
    """Somebody answers for every agent, and names are names."""
    with pytest.raises(Refused) as refused:
        house.services.keys.create(subject=subject, kind=kind, owner=owner, by="test")  # type: ignore[arg-type]
    assert refused.value.faults[0].code == code
    assert house.entries(kind="key") == []


def test_an_unknown_key_cannot_be_revoked(house: House) -> None:
    """It is said, so that nobody believes it is done."""
    with pytest.raises(NotFound):
        house.services.keys.revoke("key_none", by="test")


def test_a_demonstration_makes_its_keys_anew(house: House) -> None:
    """Those of the start before are revoked; those that somebody made are left alone."""
    services = house.services
    kept = house.key("ana")
    access = services.library.in_force().access
    first = renew_keys(services.store, services.keys, access, ["main", "annex"])
    second = renew_keys(services.store, services.keys, access, ["main", "annex"])
    now = services.clock.now()
    with pytest.raises(Unauthenticated):
        services.keys.authenticate(first[0].secret, now)
    assert services.keys.authenticate(second[0].secret, now).id == "ana"
    assert services.keys.authenticate(kept.secret, now).id == "ana"
    trades = {shown.person: (shown.trade, shown.site) for shown in second}
    assert trades["ana"] == ("agent", "main")
    assert trades["vera"] == ("agent", "annex")
    assert trades["max"] == ("manager", "main")
    assert trades["audra"] == ("auditor", "main")
    assert next(shown for shown in second if shown.person == "gus").is_everywhere

"""Claims: who holds a token, as far as it says so in the one way that is taken."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.app.claimrules import ClaimRules
from service.app.claims import (
    LEEWAY,
    LIFETIME_MAX,
    ROLES_MAX,
    read_claims,
    token_id_of_jti,
)
from service.app.errors import TokenRefused
from service.app.principal import Principal
from tests.issuer import AUDIENCE, ISSUER, Issuer

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = ClaimRules(issuer=ISSUER, audiences=(AUDIENCE, "remit-test"))
SECOND = timedelta(seconds=1)


def read(rules: ClaimRules = RULES, at: datetime = AT, **claims: Any) -> Principal:
    said = Issuer(now=AT).claims(**claims)
    return read_claims(json.dumps(said).encode(), "head.claims", rules, at)


def refused(rules: ClaimRules = RULES, at: datetime = AT, **claims: Any) -> TokenRefused:
    with pytest.raises(TokenRefused) as caught:
        read(rules, at, **claims)
    assert caught.value.remedy
    return caught.value


def stamp(at: datetime) -> int:
    return int(at.timestamp())


# ── Who ──


def test_a_person_is_whom_the_token_names() -> None:
    """A human, without an owner, with the access file's roles where it names none."""
    found = read()
    assert (found.id, found.kind, found.owner) == ("ana", "human", None)
    assert found.token is not None
    assert found.token.roles is None
    assert found.token.issued_at == AT


def test_a_person_may_be_named_by_another_claim() -> None:
    """By one that access.csv would name, at the top or within another."""
    by_mail = ClaimRules(issuer=ISSUER, audiences=(AUDIENCE,), subject="email")
    assert read(by_mail, email="ana@example.com").id == "ana@example.com"
    within = ClaimRules(issuer=ISSUER, audiences=(AUDIENCE,), subject="/who/is~1it/~0")
    assert read(within, who={"is/it": {"~": "ana"}}).id == "ana"
    assert "cannot be used" in refused(within, who=["ana"]).message


@pytest.mark.parametrize("subject", [None, "", " ", 7, ["ana"], "a" * 129, "a\nb", "\x00"])
def test_a_name_that_is_none_is_refused(subject: object) -> None:
    """As a key for it would be."""
    claims: dict[str, Any] = {"sub": subject}
    assert refused(**claims).code == "invalid_token"


def test_an_agent_that_is_no_person_names_who_answers_for_it() -> None:
    """Four eyes count its owner as the proposer, so there must be one."""
    found = read(remit_kind="ai", remit_owner="max")
    assert (found.kind, found.owner) == ("ai", "max")
    assert "acts for a person" in refused(remit_kind="ai").message
    assert "for themselves" in refused(remit_owner="max").message
    assert "neither" in refused(remit_kind="robot").message
    assert "neither" in refused(remit_kind=["ai"], remit_owner="max").message


# ── For whom, from when, until when ──


@pytest.mark.parametrize("issuer", [None, "", "https://id.example.com", ISSUER + "x", [ISSUER], 1])
def test_only_the_configured_issuer_is_believed(issuer: object) -> None:
    """To the last character."""
    claims: dict[str, Any] = {"iss": issuer}
    assert refused(**claims).code == "invalid_token"


@pytest.mark.parametrize("audience", [None, "", "other", "remit2", [], ["other"], [["remit"]], 1])
def test_a_token_for_another_service_is_refused(audience: object) -> None:
    """Whoever got it there must not use it here."""
    claims: dict[str, Any] = {"aud": audience}
    assert refused(**claims).code == "invalid_token"


@pytest.mark.parametrize("audience", ["remit", "remit-test", ["other", "remit"]])
def test_one_of_several_audiences_will_do(audience: object) -> None:
    """Of those of the settings, among those of the token."""
    claims: dict[str, Any] = {"aud": audience}
    assert read(**claims).id == "ana"


def test_a_token_ends_a_leeway_after_it_says() -> None:
    """Not a microsecond later, and the end is kept for whoever looks again."""
    ends = AT + timedelta(hours=1) + LEEWAY
    token = read(at=ends - timedelta(microseconds=1)).token
    assert token is not None
    assert token.ends_at == ends
    assert refused(at=ends).code == "token_expired"


def test_a_token_begins_a_leeway_before_it_says() -> None:
    """By its time of issue, and by the time before which it says that it must not be taken."""
    assert read(at=AT - LEEWAY).id == "ana"
    assert "future" in refused(at=AT - LEEWAY - SECOND).message
    assert read(nbf=stamp(AT + LEEWAY)).id == "ana"
    assert "not good yet" in refused(nbf=stamp(AT + LEEWAY + SECOND)).message


def test_a_token_must_not_live_too_long() -> None:
    """Nor end before it was issued."""
    assert read(exp=stamp(AT + LIFETIME_MAX)).id == "ana"
    assert "up to 24 hours" in refused(exp=stamp(AT + LIFETIME_MAX + SECOND)).message
    assert "up to 24 hours" in refused(exp=stamp(AT), iat=stamp(AT)).message


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", ["1", True, -1, 1e300, 10**30, [], {}, "2026-03-01T12:00:00Z"])
def test_an_instant_that_is_none_is_refused(name: str, value: object) -> None:
    """Whatever stands there."""
    claims: dict[str, Any] = {name: value}
    assert refused(**claims).code == "invalid_token"


@pytest.mark.parametrize("name", ["exp", "iat"])
def test_a_token_without_its_times_is_refused(name: str) -> None:
    """One that never ends could not be ended."""
    assert f"{name} is no instant" in refused(**dict[str, Any]({name: None})).message


def test_fractions_of_a_second_are_instants() -> None:
    """Some issuers write them."""
    found = read(iat=stamp(AT) + 0.75).token
    assert found is not None
    assert found.issued_at == AT


# ── Roles ──


def test_roles_come_by_site() -> None:
    """Sorted, each once, with every site as a star."""
    roles = {"new_york": ["front_desk", "agent", "agent"], "*": ["auditor"]}
    found = read(remit_roles=roles).token
    assert found is not None
    assert found.roles == (("*", ("auditor",)), ("new_york", ("agent", "front_desk")))


@pytest.mark.parametrize("site", ["vienna", ["vienna"], ["vienna", "vienna"]])
def test_roles_in_a_list_hold_at_the_site_of_the_token(site: object) -> None:
    """Which stands in a claim of its own."""
    found = read(remit_roles=["front_desk"], site=site).token
    assert found is not None
    assert found.roles == (("vienna", ("front_desk",)),)


def test_no_roles_are_not_the_same_as_nothing_said() -> None:
    """An issuer that names roles, and none for somebody, has taken them all away."""
    nothing: tuple[dict[str, list[str]], ...] = ({}, {"*": []})
    for empty in nothing:
        found = read(remit_roles=empty).token
        assert found is not None
        assert found.roles is not None
        assert not any(names for _, names in found.roles)


@pytest.mark.parametrize("site", [None, "", [], 7, {"a": 1}, [7], [""]])
def test_a_list_of_roles_without_a_site_is_refused(site: object) -> None:
    """Everywhere would be too much, and nowhere a riddle."""
    claims: dict[str, Any] = {"site": site}
    assert refused(remit_roles=["front_desk"], **claims).code == "invalid_token"


@pytest.mark.parametrize(
    "roles",
    [
        "front_desk",
        7,
        True,
        [["front_desk"]],
        [7],
        [""],
        {"new_york": "front_desk"},
        {"new_york": [7]},
        {"": ["front_desk"]},
        {"new_york": {"front_desk": True}},
        {"*": [f"role{number}" for number in range(ROLES_MAX + 1)]},
    ],
)
def test_roles_in_another_shape_are_refused(roles: object) -> None:
    """Half of what was meant would be the wrong half."""
    claims: dict[str, Any] = {"remit_roles": roles}
    assert refused(site="new_york", **claims).code == "invalid_token"


def test_roles_may_stand_in_another_claim() -> None:
    """Where the issuer puts them."""
    rules = ClaimRules(issuer=ISSUER, audiences=(AUDIENCE,), roles="/resource_access/remit/roles")
    access = {"remit": {"roles": ["front_desk"]}}
    found = read(rules, resource_access=access, site="*").token
    assert found is not None
    assert found.roles == (("*", ("front_desk",)),)


# ── The bytes ──


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"null",
        b'"ana"',
        b"{",
        b"\xff",
        b"[" * 9_000,
        b'{"sub": "\\ud800"}',
        b'{"exp": NaN}',
        '{"sub": "ana"}'.encode("utf-16"),
    ],
)
def test_claims_that_are_no_object_are_refused(payload: bytes) -> None:
    """In UTF-8."""
    with pytest.raises(TokenRefused, match="JSON object"):
        read_claims(payload, "", RULES, AT)


@pytest.mark.parametrize(
    ("before", "after"),
    [('"sub": "ana"', '"sub": "gus", "sub": "ana"'), ('"x": {}', '"x": {"a": 1, "a": 1}')],
)
def test_a_claim_that_stands_twice_is_refused(before: str, after: str) -> None:
    """The issuer's other readers might take the other one, at whatever depth it stands."""
    said = json.dumps(Issuer(now=AT).claims(x={}))
    assert before in said
    twice = said.replace(before, after).encode()
    with pytest.raises(TokenRefused, match="twice"):
        read_claims(twice, "", RULES, AT)


def test_a_token_is_called_by_its_jti() -> None:
    """Or else by what was signed, and never by its signature."""
    assert read(jti="j-1").key == token_id_of_jti("j-1")
    said = json.dumps(Issuer(now=AT).claims()).encode()
    ids = {read_claims(said, signed, RULES, AT).key for signed in ("a.b", "a.c", "a.b")}
    assert len(ids) == 2
    assert all(id_.startswith("tok_") and len(id_) == 36 for id_ in ids)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
NAMES = st.sampled_from(
    ["iss", "aud", "sub", "exp", "iat", "nbf", "jti", "site", "remit_roles", "remit_kind"]
)


@given(st.dictionaries(NAMES, JSON, max_size=4))
def test_no_claims_are_more_than_refused(claims: dict[str, Any]) -> None:
    """Whatever an issuer signs, it is a principal or a `TokenRefused`."""
    said = {**Issuer(now=AT).claims(), **claims}
    with suppress(TokenRefused):
        assert read_claims(json.dumps(said).encode(), "", RULES, AT).id

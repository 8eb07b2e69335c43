"""Tokens at the door: whoever the issuer vouches for is known, and nobody else."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from service.adapters.keysource import FRESH, KEPT
from service.api.app import create_app
from service.bootstrap import open_services
from service.policyfile.access import PERMISSIONS
from tests.api.door import Door, assert_problem
from tests.app.house import ACCESS, House, proposal, shop_files, shop_settings, write_shop
from tests.fakes.clock import FakeClock
from tests.issuer import AUDIENCE, ISSUER, Issuer, KeyServer, b64, jwk_of, jwks_of, key_server

EVERYTHING = {"*": ["boss"]}
RIGHTS = "".join(f"p, boss, {thing}, {action}\n" for thing, action in sorted(PERMISSIONS))
BOSSY = "g, bossy, boss, *\n"


@dataclass(frozen=True, slots=True)
class Gate(Door):
    """A door whose issuer shows its keys at an address; time stands still."""

    issuer: Issuer
    keys: KeyServer
    clock: FakeClock

    def token(self, **claims: Any) -> str:
        said = {"remit_roles": {"main": ["clerk"]}, **claims}
        return replace(self.issuer, now=self.clock.now()).token(**said)

    def ask(self, token: str, path: str = "/v1/policy") -> Response:
        headers = {"Authorization": f"Bearer {token}"}
        response: Response = self.client.get(path, headers=headers)
        return response

    def give(self, token: str, key: str | None = None, **fields: Any) -> Response:
        headers = {"Authorization": f"Bearer {token}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        response: Response = self.client.post(
            "/v1/resolutions", json=proposal(**fields), headers=headers
        )
        return response

    def refused(self, token: str, code: str = "invalid_token") -> None:
        """By what decides and by what reads alike."""
        for response in (self.give(token), self.ask(token)):
            assert_problem(response, 401, code)
            assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@contextmanager
def opened(folder: Path, database: str) -> Iterator[Gate]:
    issuer, clock = Issuer(), FakeClock()
    shop = write_shop(folder / "shop", shop_files(access=ACCESS + RIGHTS + BOSSY))
    with ExitStack() as stack:
        keys = stack.enter_context(key_server(issuer.jwks()))
        set_up = replace(
            shop_settings(shop, database),
            jwt_issuer=ISSUER,
            jwt_audience=AUDIENCE,
            jwks=keys.url,
        )
        services = stack.enter_context(open_services(set_up, clock))
        app = create_app(services)
        client = stack.enter_context(TestClient(app, raise_server_exceptions=False))
        yield Gate(client, House(services, folder), issuer, keys, clock)


@pytest.fixture
def gate(tmp_path: Path, sqlite_url: str) -> Iterator[Gate]:
    """Its own for each test."""
    with opened(tmp_path, sqlite_url) as found:
        yield found


@pytest.fixture(scope="module")
def open_gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """One for all the tests that change nothing which another would see."""
    folder = tmp_path_factory.mktemp("gate")
    with opened(folder, f"sqlite:///{folder}/remit.db") as found:
        yield found


# ── Who comes in ──


def test_a_token_decides_and_reads(gate: Gate) -> None:
    """As a key would, with one look at the issuer's keys."""
    token = gate.token(sub="tia")
    assert gate.give(token).json()["outcome"] == "approved"
    assert gate.ask(token).status_code == 200
    assert gate.ask(gate.token(sub="tom")).status_code == 200
    assert gate.keys.asked == 1


def test_a_key_works_beside_tokens(gate: Gate) -> None:
    """One person, however they come: a repeated request has one effect."""
    first = gate.propose(key="k-1")
    again = gate.give(gate.token(sub="ana"), key="k-1")
    assert again.headers["idempotent-replayed"] == "true"
    assert again.content == first.content
    other = gate.give(gate.token(sub="ben"), key="k-1")
    assert "idempotent-replayed" not in other.headers


def test_the_log_is_searched_by_whoever_came_with_a_token(gate: Gate) -> None:
    """By the one name that a person has."""
    gate.give(gate.token(sub="tia"))
    gate.propose()
    reader = gate.token(sub="tina", remit_roles={"*": ["auditor"]})
    found = gate.ask(reader, "/v1/log?agent=tia").json()["entries"]
    assert [one["body"]["by"]["id"] for one in found] == ["tia"]


def test_without_an_issuer_no_token_is_known(door: Door) -> None:
    """It is nobody's, like any other text that is no key."""
    headers = {"Authorization": f"Bearer {Issuer().token()}"}
    for response in (
        door.client.get("/v1/policy", headers=headers),
        door.client.post("/v1/resolutions", json=proposal(), headers=headers),
    ):
        assert_problem(response, 401, "unauthenticated")


# ── Who does not ──


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"iss": "https://evil.example.com/"}, "invalid_token"),
        ({"aud": "other"}, "invalid_token"),
        ({"sub": None}, "invalid_token"),
        ({"exp": 1}, "token_expired"),
        ({"nbf": 4_000_000_000}, "invalid_token"),
        ({"iat": 4_000_000_000, "exp": 4_000_000_001}, "invalid_token"),
        ({"remit_kind": "ai"}, "invalid_token"),
        ({"remit_roles": ["clerk"]}, "invalid_token"),
    ],
)
def test_claims_that_do_not_hold_are_told(gate: Gate, claims: dict[str, Any], code: str) -> None:
    """A 401 that says which, and how to get a better one."""
    gate.refused(gate.token(**claims), code)


def test_an_attack_is_a_refusal(gate: Gate) -> None:
    """Unsigned, signed by a stranger, changed, too long, with every claim twice."""
    claims = replace(gate.issuer, now=gate.clock.now()).claims(sub="gus")
    said = json.dumps(claims)
    good = gate.token()
    for token in (
        f"{b64({'alg': 'none'})}.{b64(claims)}.",
        f"{b64({'alg': 'none', 'kid': 'k1'})}.{b64(claims)}.AA",
        replace(gate.issuer, number=7, now=gate.clock.now()).token(sub="gus"),
        good[:-10] + "A" * 10,
        gate.token(more="x" * 9_000),
        gate.issuer.signed(f"{said[:-1]}, {said[1:]}".encode()),
        gate.issuer.token({"kid": "../../../etc/passwd"}),
        good + "." + good,
        "e30.e30.e30",
    ):
        gate.refused(token)


def test_a_role_that_nobody_knows_is_a_403(gate: Gate) -> None:
    """With its name, for what decides and for what reads."""
    token = gate.token(remit_roles={"main": ["clerk", "klerk"]})
    for response in (gate.give(token), gate.ask(token)):
        assert "klerk" in assert_problem(response, 403, "unknown_claimed_role")["detail"]


def test_a_token_ends_while_it_is_remembered(gate: Gate) -> None:
    """A moment after its leeway, by the same words as one that was never seen."""
    token = gate.token()
    assert gate.give(token).status_code == 201
    gate.clock.advance(timedelta(hours=1, seconds=59))
    assert gate.give(token).status_code == 201
    gate.clock.advance(timedelta(seconds=1))
    gate.refused(token, "token_expired")


def test_a_revoked_token_is_refused_everywhere(gate: Gate) -> None:
    """From the next request on, though its signature is remembered."""
    token, other = gate.token(sub="tia", jti="j-1"), gate.token(sub="tia", jti="j-2")
    assert gate.give(token).status_code == 201
    key = gate.ask(
        gate.token(sub="tina", remit_roles={"*": ["auditor"]}), "/v1/log?agent=tia"
    ).json()["entries"][0]["body"]["by"]["key"]
    gate.house.services.keys.revoke_token(key, by="test")
    gate.refused(token, "token_revoked")
    assert gate.give(other, guest="G-2").status_code == 201
    gate.house.services.keys.revoke_person("tia", by="test")
    gate.refused(other, "token_revoked")


# ── The issuer's keys ──


def test_a_new_key_is_found_by_its_name(gate: Gate) -> None:
    """The first token that it signed has the key set looked at again."""
    assert gate.give(gate.token()).status_code == 201
    rotated = Issuer(kid="k2", algorithm="EdDSA", now=gate.clock.now())
    gate.keys.body = jwks_of(jwk_of("ES256", "k1"), jwk_of("EdDSA", "k2"))
    token = rotated.token(remit_roles={"main": ["clerk"]})
    gate.refused(token)
    gate.clock.advance(timedelta(seconds=30))
    assert gate.give(token, guest="G-2").status_code == 201
    assert gate.give(gate.token(), guest="G-3").status_code == 201
    assert gate.keys.asked == 2


def test_a_withdrawn_key_takes_its_tokens_with_it(gate: Gate) -> None:
    """Within minutes, also those that were verified and are remembered."""
    token = gate.token()
    assert gate.give(token).status_code == 201
    gate.keys.body = jwks_of(jwk_of("EdDSA", "k2"))
    gate.clock.advance(FRESH - timedelta(seconds=1))
    assert gate.give(token, guest="G-2").status_code == 201
    gate.clock.advance(timedelta(seconds=1))
    gate.refused(token)


def test_an_issuer_that_is_away_stops_tokens_in_the_end(gate: Gate) -> None:
    """An hour later it is a 503 that says why; keys work on."""
    assert gate.give(gate.token()).status_code == 201
    gate.keys.status = 500
    gate.clock.advance(KEPT - timedelta(seconds=1))
    token = gate.token()
    assert gate.give(token, guest="G-2").status_code == 201
    gate.clock.advance(timedelta(seconds=31))
    for response in (gate.give(token), gate.ask(token)):
        assert_problem(response, 503, "signing_keys_unavailable")
        assert response.headers["retry-after"]
    assert gate.propose(guest="G-3").status_code == 201
    gate.keys.status = 200
    gate.clock.advance(timedelta(seconds=30))
    assert gate.give(token, guest="G-4").status_code == 201


# ── Everywhere ──

DOCUMENT = Path(__file__).parents[2] / "openapi" / "openapi.json"
ENDLESS = "/v1/escalations/stream"
READS = sorted(
    path
    for path, calls in json.loads(DOCUMENT.read_bytes())["paths"].items()
    if path.startswith("/v1/") and "security" in calls.get("get", {})
    if "{" not in path and path != ENDLESS
)
QUIET = frozenset({"/v1/delegations"})
"""What everybody may read, since it is only their own."""

NEEDED = {"/v1/log/people": "?at=2026-03-01T00:00:00Z"}
"""What some cannot be asked without."""


def test_there_is_something_to_read() -> None:
    """The two tests that follow ask for every list that the service has."""
    assert {"/v1/resolutions", "/v1/escalations", "/v1/log", "/v1/policy"} <= set(READS)


@pytest.mark.parametrize("path", READS)
def test_claimed_roles_open_every_list(open_gate: Gate, path: str) -> None:
    """For somebody whom access.csv never named."""
    asked = path + NEEDED.get(path, "")
    assert (
        open_gate.ask(open_gate.token(sub="tia", remit_roles=EVERYTHING), asked).status_code == 200
    )


@pytest.mark.parametrize("path", READS)
def test_a_token_without_roles_closes_what_the_file_opens(open_gate: Gate, path: str) -> None:
    """The lines of access.csv are not added to what a token says."""
    asked = path + NEEDED.get(path, "")
    assert open_gate.ask(open_gate.token(sub="bossy", remit_roles=None), asked).status_code == 200
    closed = open_gate.ask(open_gate.token(sub="bossy", remit_roles={}), asked)
    if path in QUIET:
        assert closed.status_code == 200
    else:
        assert_problem(closed, 403, "not_permitted")


# ── Anything at all ──


PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
SIGNED = st.binary(max_size=40) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["sub", "exp", "iat", "aud", "iss"]), inner)
    ),
    max_leaves=4,
).map(lambda value: json.dumps(value).encode())


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    garbage=PRINTABLE | st.lists(PRINTABLE, min_size=3, max_size=3).map(".".join), payload=SIGNED
)
def test_garbage_is_always_a_401(open_gate: Gate, garbage: str, payload: bytes) -> None:
    """Signed or not, whatever stands in the header, nothing is more than a refusal."""
    for token in (garbage, open_gate.issuer.signed(payload)):
        for response in (open_gate.give(token), open_gate.ask(token)):
            assert response.status_code == 401
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["code"] in {"invalid_token", "unauthenticated"}

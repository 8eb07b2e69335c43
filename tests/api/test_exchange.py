"""What holds for every exchange: ids, keys, methods, replays, health, and no leaks."""

import asyncio
import json
import threading

import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.exchange import Exchange
from tests.api.door import Door, assert_problem
from tests.app.house import proposal
from tests.fakes.clock import FakeClock
from tests.fakes.ids import FakeIds


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer rk_unknown"},
        {"Authorization": "Bearer something"},
        {"Authorization": "Basic cms6eA=="},
        {"Authorization": "Bearer rk_" + "x" * 500},
        {"Authorization": b"Bearer rk_\xc3\xbc"},
    ],
)
@pytest.mark.parametrize("path", ["/v1/resolutions", "/v1/resolutions/check"])
def test_nobody_is_told_what_was_wrong_with_their_key(
    door: Door, given: dict[str, str | bytes], path: str
) -> None:
    """No key, another scheme, an unknown key: one answer."""
    response = door.client.post(path, json=proposal(), headers=given)
    problem = assert_problem(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"] == "Bearer"
    assert problem["detail"] == "no valid key came with the request"


def test_a_revoked_key_stops_at_once(door: Door) -> None:
    """For proposals, which remember callers, as for what reads."""
    assert door.propose().status_code == 201
    door.house.services.keys.revoke(door.house.key("ana").record.id, by="test")
    assert_problem(door.propose(guest="G-2"), 401, "unauthenticated")
    assert_problem(door.get("/v1/resolutions"), 401, "unauthenticated")


def test_the_scheme_is_read_in_any_case(door: Door) -> None:
    """RFC 9110: schemes have no case."""
    headers = {"Authorization": "bearer " + door.house.key("ana").secret}
    assert door.client.get("/v1/policy", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "key", ['"8e03978e-40d5"', "bare-key", "a" * 255, '"a\\"b"', "1", "~!@#$%^&*()"]
)
def test_a_replay_is_the_same_to_the_byte(door: Door, key: str) -> None:
    """Status, body, and a header that tells."""
    first, second = door.propose(key=key), door.propose(key=key)
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert len(door.house.entries(kind="decision")) == 1


def test_quoted_and_bare_are_one_key(door: Door) -> None:
    """RFC 8941 or bare: the key is what stands between the quotes."""
    assert door.propose(key='"k-1"').content == door.propose(key="k-1").content


def test_a_key_for_another_body_is_a_mismatch(door: Door) -> None:
    """It stands for one request."""
    door.propose(key="k-1", amount="1.00")
    assert_problem(door.propose(key="k-1", amount="2.00"), 422, "idempotency_mismatch")


@pytest.mark.parametrize(
    "key", ["", '""', '"open', "a b", "a" * 256, '"a\\b"', '"a"b"', "\u00e4", "\x7f"]
)
def test_a_key_that_is_none_is_refused(door: Door, key: str) -> None:
    """1 to 255 visible ASCII characters."""
    headers = door.headers() | {"Idempotency-Key": key.encode("latin-1")}
    response = door.client.post("/v1/resolutions", json=proposal(), headers=headers)
    assert_problem(response, 400, "invalid_idempotency_key")


@pytest.mark.parametrize("given", ["abc-123", "0af7651916cd43dd8448eb211c80319c"])
def test_a_sane_request_id_is_kept(door: Door, given: str) -> None:
    """A caller can follow its request through both logs."""
    response = door.client.get("/healthz", headers={"X-Request-Id": given})
    assert response.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, '"<script>"'])
def test_another_request_id_is_made_anew(door: Door, given: str) -> None:
    """Nothing odd is carried into logs."""
    response = door.client.get("/healthz", headers={"X-Request-Id": given})
    assert response.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/nothing", "/docs", "/v1/resolutions/", "//"])
def test_elsewhere_is_nothing(door: Door, path: str) -> None:
    """No route, no redirect that would repeat the Host header."""
    assert_problem(door.client.get(path, headers={"Host": "evil.example"}), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/resolutions", "GET, POST, HEAD, OPTIONS"),
        ("PUT", "/v1/resolutions/res_1", "GET, HEAD, OPTIONS"),
        ("GET", "/v1/allowance", "POST, OPTIONS"),
        ("POST", "/healthz", "GET, HEAD, OPTIONS"),
        ("BREW", "/openapi.json", "GET, HEAD, OPTIONS"),
    ],
)
def test_another_method_is_told_which_there_are(
    door: Door, method: str, path: str, allowed: str
) -> None:
    """405 with all of them, whichever route has them."""
    response = door.client.request(method, path)
    assert_problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == allowed
    options = door.client.options(path)
    assert (options.status_code, options.headers["allow"]) == (204, allowed)


def test_head_is_get_without_the_body(door: Door) -> None:
    """The same headers, and nothing after them."""
    head = door.client.head("/v1/policy", headers=door.headers())
    get = door.get("/v1/policy")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


def test_nothing_is_made_from_the_host_header(door: Door) -> None:
    """No answer repeats it, so nobody can be led elsewhere."""
    headers = door.headers() | {"Host": "evil.example"}
    response = door.client.post("/v1/resolutions", json=proposal(), headers=headers)
    assert "evil.example" not in response.text + str(response.headers)


def test_health_and_readiness(door: Door) -> None:
    """Alive is not ready; a folder that differs is told."""
    assert door.client.get("/healthz").json() == {"status": "ok"}
    ready = door.client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert ready.json()["folder"]["differs"] is False
    door.house.publish(("limit: 2000", "limit: 2500"))
    assert door.client.get("/readyz").json()["folder"]["differs"] is True
    door.house.services.committer.stop()
    stopped = door.client.get("/readyz")
    assert (stopped.status_code, stopped.json()["status"]) == (503, "not_ready")
    problem = door.propose()
    assert_problem(problem, 503, "stopping")
    assert problem.headers["retry-after"] == "1"


async def fails(*_: object) -> None:
    """The inside of a door that fails with a secret in its message."""
    raise ValueError("G-secret")


def test_a_failure_inside_tells_nothing() -> None:
    """500, an id to ask the operator with, and not a word of what failed."""
    response = TestClient(Exchange(fails, FakeIds(), FakeClock())).get("/v1/policy")
    problem = assert_problem(response, 500, "internal")
    assert "secret" not in json.dumps(problem)


def test_many_at_once_are_each_answered_their_own(door: Door) -> None:
    """Requests of one batch do not mix: each gets the guest it asked for."""
    app = create_app(door.house.services)
    headers = door.headers()

    async def all_of_them() -> list[str]:
        import httpx  # noqa: PLC0415 — only here

        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answers = await asyncio.gather(
                *(
                    client.post(
                        "/v1/resolutions",
                        json=proposal("1.00", guest=f"G-{number}"),
                        headers=headers,
                    )
                    for number in range(100)
                )
            )
        return [answer.json()["budgets"][0]["per"]["guest.id"] for answer in answers]

    assert asyncio.run(all_of_them()) == [f"G-{number}" for number in range(100)]
    assert threading.active_count() < 100

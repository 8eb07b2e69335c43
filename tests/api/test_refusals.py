"""Every bad request gets its own problem, with a place and a remedy, and changes nothing."""

import json
from typing import Any

import pytest

from tests.api.door import Door, assert_problem
from tests.app.house import proposal

FAULTS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("an unknown field", "unknown_field", "/amuont", proposal(amuont="1.00")),
    (
        "an undeclared fact",
        "undeclared_fact",
        "/facts/guest/name",
        proposal(facts={"guest": {"name": "x"}}),
    ),
    (
        "an ill-typed fact",
        "wrong_type",
        "/facts/guest/id",
        proposal(facts={"guest": {"id": 7}}),
    ),
    ("a number for money", "money_not_text", "/amount", proposal(amount=None) | {"amount": 15.5}),
    ("three decimals of dollars", "too_many_decimals", "/amount", proposal("1.234")),
    ("another currency", "unknown_currency", "/currency", proposal(currency="EUR")),
    ("a negative amount", "amount_not_positive", "/amount", proposal("-1.00")),
    ("an amount of nothing", "amount_not_positive", "/amount", proposal("0.00")),
    ("no amount", "amount_required", "/amount", proposal(None)),
    ("a quantity of money", "quantity_not_allowed", "/quantity", proposal(quantity=2)),
    (
        "dollars of nights",
        "amount_not_allowed",
        "/amount",
        proposal(resolution="night", quantity=1),
    ),
    (
        "half a night",
        "quantity_not_whole",
        "/quantity",
        proposal(None, resolution="night", quantity=0.5),
    ),
    ("an unknown site", "unknown_site", "/site", proposal(site="mian")),
    ("an unknown resolution", "unknown_resolution", "/resolution", proposal(resolution="credti")),
    ("an endless note", "text_too_long", "/note", proposal(note="x" * 4_001)),
    ("no object", "wrong_type", "", []),  # type: ignore[list-item]
]


@pytest.mark.parametrize(
    ("code", "pointer", "body"),
    [pytest.param(code, at, body, id=name) for name, code, at, body in FAULTS],
)
def test_what_a_body_says_wrong_is_pointed_at(
    door: Door, code: str, pointer: str, body: object
) -> None:
    """One fault, one place, one remedy; nothing is logged and nothing is charged."""
    door.headers()
    before = len(door.house.entries())
    problem = assert_problem(door.post("/v1/resolutions", body), 422, code)
    (error,) = problem["errors"]
    assert (error["code"], error["pointer"]) == (code, pointer)
    assert error["message"]
    assert error["remedy"]
    assert len(door.house.entries()) == before


def test_all_faults_are_told_at_once(door: Door) -> None:
    """Whoever mends a request mends it once."""
    body = proposal("1.234", site="mian", colour="red")
    problem = assert_problem(door.post("/v1/resolutions", body), 422, "unknown_field")
    assert [error["pointer"] for error in problem["errors"]] == ["/colour", "/site", "/amount"]


def deep(levels: int) -> bytes:
    return b'{"facts":' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"


BYTES: list[tuple[str, bytes, int, str]] = [
    ("nothing", b"", 400, "empty_body"),
    ("no JSON", b"{", 400, "malformed_json"),
    ("a trailing comma", b'{"a": 1,}', 400, "malformed_json"),
    ("not a number", b'{"amount": NaN}', 400, "malformed_json"),
    ("an endless number", b'{"amount": 1e999}', 400, "malformed_json"),
    ("half of a character", b'{"note": "\xc3"}', 400, "not_utf8"),
    ("a lone surrogate", b'{"note": "\\ud800"}', 400, "malformed_json"),
    ("33 levels", deep(33), 400, "nested_too_deep"),
    ("two thousand levels", deep(2_000), 400, "nested_too_deep"),
    ("a key twice", b'{"site": "a", "site": "b"}', 400, "duplicate_key"),
    ("a key twice, deep", b'{"facts": {"a": {"b": 1, "b": 1}}}', 400, "duplicate_key"),
    ("a key twice, escaped", b'{"a": ":", "\\u0061": "b"}', 400, "duplicate_key"),
    ("a key twice, hidden", b'{"a": "\\u003a", "a": 1}', 400, "duplicate_key"),
    ("17 KiB", json.dumps({"note": "x" * 17_000}).encode(), 413, "proposal_too_large"),
    ("2 MB", json.dumps({"note": "x" * 2_000_000}).encode(), 413, "proposal_too_large"),
]


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [pytest.param(raw, status, code, id=name) for name, raw, status, code in BYTES],
)
@pytest.mark.parametrize("path", ["/v1/resolutions", "/v1/resolutions/check", "/v1/allowance"])
def test_bytes_that_cannot_be_read_are_refused(
    door: Door, path: str, raw: bytes, status: int, code: str
) -> None:
    """Every endpoint reads bodies with the same eyes."""
    door.headers()
    before = len(door.house.entries())
    assert_problem(door.send(raw, path=path), status, code)
    assert len(door.house.entries()) == before


def test_a_body_without_end_is_cut_off(door: Door) -> None:
    """A body that names no length is bounded while it streams."""
    sent = 0

    def stream() -> Any:
        nonlocal sent
        while sent < 1_000:
            sent += 1
            yield b" " * 10_000

    headers = door.headers() | {"Content-Type": "application/json"}
    response = door.client.post("/v1/resolutions", content=stream(), headers=headers)
    assert_problem(response, 413, "proposal_too_large")
    assert response.headers["connection"] == "close"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_what_is_not_declared_as_json_is_not_read(door: Door, kind: str) -> None:
    """A browser's form cannot pass for a proposal."""
    response = door.send(json.dumps(proposal()).encode(), **{"Content-Type": kind})
    assert_problem(response, 415, "not_json")


def test_json_may_name_its_encoding(door: Door) -> None:
    """Parameters of the media type are no matter."""
    given = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert door.send(json.dumps(proposal()).encode(), **given).status_code == 201


def test_colons_in_texts_repeat_no_key(door: Door) -> None:
    """What looks like two keys in a text is one text."""
    assert door.propose(note='{"a": 1, "a": 2} :::').status_code == 201
    raw = json.dumps(proposal(note="ü: ä")).encode()  # with escapes
    assert b"\\u" in raw
    assert door.send(raw).status_code == 201


@pytest.mark.parametrize("person", ["audra", "nobody"])
def test_a_key_without_the_right_is_refused(door: Door, person: str) -> None:
    """Known, and not allowed: nothing is decided."""
    problem = assert_problem(door.propose(person=person), 403, "not_permitted")
    assert "access.csv" in problem["remedy"]
    assert door.house.entries(kind="decision") == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"limit": "0"}, "invalid_parameter"),
        ({"limit": "201"}, "invalid_parameter"),
        ({"limit": "x"}, "invalid_parameter"),
        ({"limit": "9" * 5_000}, "invalid_parameter"),
        ({"since": "yesterday"}, "invalid_parameter"),
        ({"outcome": "maybe"}, "invalid_parameter"),
        ({"site": ""}, "invalid_parameter"),
        ({"colour": "red"}, "unknown_parameter"),
    ],
)
def test_a_parameter_that_means_nothing_is_refused(
    door: Door, query: dict[str, str], code: str
) -> None:
    """A filter that is misspelt must not pass for no filter."""
    problem = assert_problem(door.get("/v1/resolutions", **query), 400, code)
    assert problem["errors"][0]["pointer"] == next(iter(query))


def test_a_parameter_stands_once(door: Door) -> None:
    """Nobody could say which of two counts."""
    response = door.client.get("/v1/log?kind=key&kind=policy", headers=door.headers("audra"))
    assert_problem(response, 400, "invalid_parameter")

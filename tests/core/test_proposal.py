"""Proposals are read strictly: each fault has its place and its remedy, all at once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.proposal import read_circumstances, read_proposal
from service.core.refusal import Refused
from service.core.request import Agent, Request
from tests.core.books import SMALL, book

FACTS = """
facts:
  any.number: {type: number}
  any.yes: {type: boolean}
  any.day: {type: date}
  any.moment: {type: timestamp}
  any.span: {type: duration}
  any.texts: {type: texts}
rates: {EUR: "1.08", JPY: "0.0065"}
"""
BOOK = book(f"{FACTS}\ngrants: [{{id: g, role: front_desk, may: any}}]", base=SMALL)
ANA = Agent(id="ana", roles=("front_desk",))
GOOD: dict[str, Any] = {"site": "new_york", "resolution": "credit", "amount": "150.00"}


NIGHT: dict[str, Any] = {"resolution": "night", "amount": ...}


def read(**changes: Any) -> Request:
    body = {**GOOD, **changes}
    return read_proposal(BOOK, {k: v for k, v in body.items() if v is not ...}, ANA)


def faults(**changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as caught:
        read(**changes)
    assert all(fault.message and fault.remedy for fault in caught.value.faults)
    return [(fault.code, fault.pointer) for fault in caught.value.faults]


def test_a_good_proposal_becomes_a_request() -> None:
    """Money is minor units, facts are flat, and everything else is kept as it was said."""
    request = read(
        facts={"guest": {"id": "G-1", "tier": "gold"}, "stay": {"total": "960.00"}},
        note="line\nline",
        evidence=[{"kind": "photo", "reference": "case/1"}],
        unavailable=["receipt"],
    )
    assert request.amount_minor == 15_000
    assert request.facts == {"guest.id": "G-1", "guest.tier": "gold", "stay.total": 96_000}
    assert request.evidence[0].kind == "photo"
    assert request.unavailable == {"receipt"}
    assert request.agent is ANA


def test_every_type_of_fact_is_read() -> None:
    """Each JSON form becomes the value that conditions see."""
    facts = read(
        facts={
            "any": {
                "number": 12.5,
                "yes": True,
                "day": "2026-03-01",
                "moment": "2026-03-01T21:00:00-05:00",
                "span": "90m",
                "texts": ["a", "b"],
            },
            "severity": 3,
        }
    ).facts
    assert facts == {
        "any.number": 12.5,
        "any.yes": True,
        "any.day": datetime(2026, 3, 1, tzinfo=UTC),
        "any.moment": datetime(2026, 3, 2, 2, tzinfo=UTC),
        "any.span": timedelta(minutes=90),
        "any.texts": ["a", "b"],
        "severity": 3,
    }


def test_another_currency_is_converted_at_the_policys_rate() -> None:
    """100 euros at 1.08 are 108 dollars; the rate is on the request."""
    request = read(amount="100.00", currency="EUR")
    assert (request.amount_minor, request.rate) == (10_800, "1.08")
    assert read(amount="100", currency="JPY").amount_minor == 65


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"amuont": "1"}, ("unknown_field", "/amuont")),
        ({"a/b~": "1"}, ("unknown_field", "/a~1b~0")),
        ({"amount": 150.0}, ("money_not_text", "/amount")),
        ({"amount": 150}, ("money_not_text", "/amount")),
        ({"amount": True}, ("money_not_text", "/amount")),
        ({"amount": "150.001"}, ("too_many_decimals", "/amount")),
        ({"amount": "-5.00"}, ("amount_not_positive", "/amount")),
        ({"amount": "0.00"}, ("amount_not_positive", "/amount")),
        ({"amount": ...}, ("amount_required", "/amount")),
        ({"amount": None}, ("amount_required", "/amount")),
        ({"amount": "90071992547409.92"}, ("amount_too_large", "/amount")),
        ({"quantity": 2}, ("quantity_not_allowed", "/quantity")),
        ({"resolution": "night", "quantity": 1}, ("amount_not_allowed", "/amount")),
        (NIGHT, ("quantity_required", "/quantity")),
        (NIGHT | {"quantity": 0}, ("quantity_not_whole", "/quantity")),
        (NIGHT | {"quantity": 1.5}, ("quantity_not_whole", "/quantity")),
        (NIGHT | {"quantity": True}, ("quantity_not_whole", "/quantity")),
        ({"currency": "GBP"}, ("unknown_currency", "/currency")),
        ({"currency": 5}, ("unknown_currency", "/currency")),
        ({"currency": "JPY", "amount": "1.5"}, ("too_many_decimals", "/amount")),
        ({"site": "paris"}, ("unknown_site", "/site")),
        ({"site": ...}, ("missing_field", "/site")),
        ({"resolution": "credits"}, ("unknown_resolution", "/resolution")),
        ({"resolution": ["credit"]}, ("wrong_type", "/resolution")),
        ({"note": ""}, ("empty_text", "/note")),
        ({"note": "x" * 4001}, ("text_too_long", "/note")),
        ({"note": "a\x00b"}, ("control_character", "/note")),
        ({"reason": "a\nb"}, ("control_character", "/reason")),
        ({"evidence": {}}, ("wrong_type", "/evidence")),
        ({"evidence": ["photo"]}, ("wrong_type", "/evidence/0")),
        ({"evidence": [{"kind": "photo"}]}, ("wrong_type", "/evidence/0/reference")),
        (
            {"evidence": [{"kind": "p", "reference": "r", "x": 1}]},
            ("unknown_field", "/evidence/0/x"),
        ),
        ({"unavailable": "photo"}, ("wrong_type", "/unavailable")),
        ({"facts": []}, ("wrong_type", "/facts")),
        ({"facts": {"guest": {"name": "x"}}}, ("undeclared_fact", "/facts/guest/name")),
        ({"facts": {"guest": "G-1"}}, ("wrong_type", "/facts/guest")),
        ({"facts": {"guest": {"tier": "platinum"}}}, ("not_a_choice", "/facts/guest/tier")),
        ({"facts": {"severity": 6}}, ("out_of_range", "/facts/severity")),
        ({"facts": {"severity": True}}, ("wrong_type", "/facts/severity")),
        ({"facts": {"severity": "3"}}, ("wrong_type", "/facts/severity")),
        ({"facts": {"stay": {"total": 960.0}}}, ("money_not_text", "/facts/stay/total")),
        ({"facts": {"any": {"day": "2026-02-30"}}}, ("not_a_date", "/facts/any/day")),
        (
            {"facts": {"any": {"moment": "2026-02-01T00:00:00"}}},
            ("not_a_timestamp", "/facts/any/moment"),
        ),
        ({"facts": {"any": {"span": "soon"}}}, ("not_a_duration", "/facts/any/span")),
        ({"facts": {"any": {"texts": "a"}}}, ("wrong_type", "/facts/any/texts")),
        ({"facts": {"any": {"yes": 1}}}, ("wrong_type", "/facts/any/yes")),
        ({"facts": {"any": {"number": "1"}}}, ("wrong_type", "/facts/any/number")),
    ],
)
def test_each_fault_has_its_code_and_its_place(
    changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    """Every wrong input gets its own code and a JSON pointer to it."""
    assert faults(**changes) == [expected]


def test_all_faults_come_at_once() -> None:
    """Three mistakes are told in one answer."""
    found = faults(site="paris", amount=1.5, facts={"guest": {"name": "x"}})
    assert {code for code, _ in found} == {"unknown_site", "money_not_text", "undeclared_fact"}


@pytest.mark.parametrize("body", [None, [], "x", 5, True])
def test_a_proposal_is_an_object(body: Any) -> None:
    """Anything but a JSON object is refused as a whole."""
    with pytest.raises(Refused) as caught:
        read_proposal(BOOK, body, ANA)
    assert caught.value.faults[0].pointer == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIRST = ["site", "resolution", "amount", "quantity", "currency"]
FIELDS = st.sampled_from([*FIRST, "facts", "note", "evidence", "unavailable"])


@given(st.dictionaries(FIELDS, JSON, max_size=9))
def test_no_json_does_anything_but_read_or_be_refused(changes: dict[str, Any]) -> None:
    """Whatever JSON is sent, the answer is a request or a refusal that names a place."""
    try:
        request = read(**changes)
    except Refused as refused:
        pointers = [fault.pointer for fault in refused.faults]
    else:
        pointers = []
        assert request.resolution in BOOK.resolutions
    assert all(pointer == "" or pointer.startswith("/") for pointer in pointers)


def test_circumstances_have_no_resolution() -> None:
    """Asking what may be done takes a site and facts, and refuses what only a proposal has."""
    asked = {"site": "vienna", "facts": {"severity": 3}}
    assert read_circumstances(BOOK, asked, ANA).facts == {"severity": 3}
    with pytest.raises(Refused) as caught:
        read_circumstances(BOOK, {**asked, "amount": "1.00"}, ANA)
    assert caught.value.faults[0].code == "unknown_field"

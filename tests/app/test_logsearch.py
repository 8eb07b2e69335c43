"""The log, searched: by what entries are about, and by whom, for whoever may audit."""

from typing import Any

import orjson
import pytest

from service.app.errors import Forbidden
from service.core.refusal import Refused
from tests.app.house import House


def found(house: House, person: str | None = "audra", **question: Any) -> list[dict[str, Any]]:
    principal = None if person is None else house.principal(person)
    page = orjson.loads(house.services.books.search.search(principal, question))
    entries: list[dict[str, Any]] = page["entries"]
    return entries


def outcomes(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["body"]["outcome"] for entry in entries]


def test_a_person_is_found_by_value_and_not_named(house: House) -> None:
    """By the keyed hash of the id: no entry has it, and no answer either."""
    house.propose(guest="G-secret")
    house.propose(guest="G-other")
    (entry,) = found(house, subject="G-secret")
    assert b"G-secret" not in orjson.dumps(entry)
    assert found(house, subject="G-unknown") == []
    assert len(found(house, None, subject="G-secret")) == 1


def test_an_escalation_stands_for_its_case(house: House) -> None:
    """Everything about the resolution that went upwards."""
    opened = house.propose(amount="300.00")
    house.propose()
    house.answer("max", opened["escalation"]["id"])
    history = found(house, escalation=opened["escalation"]["id"])
    assert [entry["kind"] for entry in history] == ["answer", "decision"]
    assert found(house, escalation=opened["escalation"]["id"], about="res_other") == []
    assert found(house, escalation="esc_nothing") == []


def test_amounts_are_in_the_policys_currency(house: House) -> None:
    """Both ends inclusive."""
    for amount in ("10.00", "20.00", "30.00"):
        house.propose(amount=amount)
    values = [e["body"]["value_minor"] for e in found(house, amount_from="20.00", kind="decision")]
    assert values == [3_000, 2_000]
    assert len(found(house, amount_to="19.99", kind="decision")) == 1


def test_rules_and_reasons_are_found(house: House) -> None:
    """What determined the answer."""
    house.propose(amount="50.00")
    house.propose(resolution="cash", amount="5.00")
    assert outcomes(found(house, rule="small")) == ["approved"]
    assert outcomes(found(house, reason="prohibited")) == ["denied"]
    assert outcomes(found(house, resolution="cash")) == ["denied"]


def test_an_auditor_of_one_site_sees_that_one(house: House) -> None:
    """And who may read no log is told so."""
    house.propose()
    house.propose("vera", site="annex")
    assert len(found(house, kind="decision")) == 2
    assert len(found(house, kind="decision", site="annex")) == 1
    with pytest.raises(Forbidden):
        found(house, "ana")


def test_pages_follow_each_other(house: House) -> None:
    """The cursor leads on to the end, and no further."""
    for _ in range(5):
        house.propose(amount="1.00")
    search, audra = house.services.books.search, house.principal("audra")
    seen: list[str] = []
    after: str | None = None
    while True:
        question = {"kind": "decision", "limit": 2, **({"after": after} if after else {})}
        page = orjson.loads(search.search(audra, question))
        seen += [entry["id"] for entry in page["entries"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [entry.id for entry in house.entries(kind="decision")]


@pytest.mark.parametrize(
    ("question", "pointers"),
    [
        ({"color": "red"}, ["/color"]),
        ({"kind": "comet"}, ["/kind"]),
        ({"since": "yesterday", "until": 7}, ["/since", "/until"]),
        ({"limit": 0}, ["/limit"]),
        ({"limit": True}, ["/limit"]),
        ({"amount_from": 12}, ["/amount_from"]),
        ({"agent": ""}, ["/agent"]),
        ({"subject": 7}, ["/subject"]),
        ([], [""]),
    ],
)
def test_what_cannot_be_asked_is_refused_with_every_fault(
    house: House, question: Any, pointers: list[str]
) -> None:
    """Each with its place and what to write instead."""
    with pytest.raises(Refused) as refused:
        house.services.books.search.search(house.principal("audra"), question)
    assert [fault.pointer for fault in refused.value.faults] == pointers
    assert all(fault.remedy for fault in refused.value.faults)

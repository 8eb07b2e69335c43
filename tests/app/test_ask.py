"""What-if questions are answered as they would be, and leave nothing behind."""

from typing import Any

import orjson
import pytest

from service.app.errors import Forbidden
from service.core.refusal import Refused
from tests.app.house import House, proposal


def check(house: House, **fields: Any) -> dict[str, Any]:
    answer = house.services.asking.check(house.principal("ana"), proposal(**fields))
    found: dict[str, Any] = orjson.loads(answer)
    return found


def allowed(house: House, guest: str = "G-1", **more: object) -> dict[str, dict[str, Any]]:
    body = {"site": "main", "facts": {"guest": {"id": guest}, "stay": {"id": "S-1"}}, **more}
    answer = orjson.loads(house.services.asking.allowance(house.principal("ana"), body))
    return {one["resolution"]: one for one in answer["allowance"]}


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": "50.00"},
        {"amount": "150.00"},
        {"amount": "300.00", "note": "x"},
        {"resolution": "cash"},
    ],
)
def test_a_check_says_what_proposing_would(house: House, fields: dict[str, Any]) -> None:
    """The same decision, but for what only a decision that was made has."""
    asked, done = check(house, **fields), house.propose(**fields)
    recorded = {"id", "entry", "state", "decided_at", "escalation"}
    assert {k: v for k, v in asked.items() if k not in recorded} == {
        k: v for k, v in done.items() if k not in recorded
    }
    assert asked["id"] is asked["entry"] is None


def test_asking_has_no_effect(house: House) -> None:
    """Nothing is logged or charged, however often it is asked."""
    house.principal("ana")
    before = len(house.entries())
    for _ in range(5):
        check(house)
        allowed(house)
    assert len(house.entries()) == before
    assert house.propose()["budgets"][0]["version"] == 1


def test_the_allowance_shrinks_with_what_was_given(house: House) -> None:
    """The most that passes unasked is cut to what the budgets leave this guest."""
    assert allowed(house)["credit"]["up_to"] == {"amount": "200.00", "currency": "USD"}
    house.propose(amount="90.00")
    house.propose(amount="90.00")
    after = allowed(house)["credit"]
    assert after["up_to"] == {"amount": "120.00", "currency": "USD"}
    assert after["next"] == "manager"
    assert allowed(house, "G-2")["credit"]["up_to"] == {"amount": "200.00", "currency": "USD"}


def test_the_allowance_names_what_is_needed_and_missing(house: House) -> None:
    """Evidence to bring and facts to tell are told apart."""
    found = allowed(house)
    assert found["credit"]["needs"] == ["note"]
    assert found["night"]["missing"] == ["fact:stay.rate"]
    assert found["cash"]["up_to"] == {"amount": "0.00", "currency": "USD"}


def test_the_allowance_is_not_for_everybody(house: House) -> None:
    """An auditor proposes nothing and may ask for no allowance."""
    with pytest.raises(Forbidden):
        house.services.asking.allowance(house.principal("audra"), {"site": "main"})


def test_an_allowance_takes_no_amount(house: House) -> None:
    """A field that means nothing here is refused and not overlooked."""
    with pytest.raises(Refused):
        house.services.asking.allowance(house.principal("ana"), {"site": "main", "amount": "1.00"})

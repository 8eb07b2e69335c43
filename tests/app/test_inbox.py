"""The inbox: what somebody may answer, the most urgent first."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from service.app.deskports import Place
from service.app.inbox import Wanted, place_text, read_place
from tests.app.house import House
from tests.app.standing_in import delegate, revoke
from tests.stored import AT, ESCALATION


def opened(house: House, person: str = "ana", amount: str = "300.00", **fields: Any) -> str:
    made = house.propose(person, amount=amount, note="a leak", **fields)
    return str(made["escalation"]["id"])


def inbox(house: House, person: str, **wanted: Any) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(
        house.services.approvals.inbox.list(house.principal(person), Wanted(**wanted))
    )
    return found


def ids(page: dict[str, Any]) -> list[str]:
    return [one["id"] for one in page["escalations"]]


def test_it_holds_what_somebody_may_answer(house: House) -> None:
    """By role and site, and nothing else; an agent's is empty."""
    for_managers, for_owners = opened(house), opened(house, amount="900.00")
    assert ids(inbox(house, "max")) == [for_managers]
    assert ids(inbox(house, "gus")) == [for_managers, for_owners]
    assert ids(inbox(house, "ana")) == []
    assert ids(inbox(house, "audra")) == []
    elsewhere = opened(house, "vera", site="annex")
    assert ids(inbox(house, "max")) == [for_managers]
    assert ids(inbox(house, "gus", site="annex")) == [elsewhere]
    assert ids(inbox(house, "gus", role="owner")) == [for_owners]


def test_four_eyes_are_looked_at_already(house: House) -> None:
    """Not one's own, not one's agent's, not what one approved; and what is over is gone."""
    house.key("robo", "ai", "max")
    own, agents = opened(house, "max", "900.00"), opened(house, "robo")
    assert ids(inbox(house, "max")) == []
    assert ids(inbox(house, "gus")) == [agents, own]
    house.answer("gus", own)
    assert ids(inbox(house, "gus")) == [agents]
    house.answer("mia", agents)
    assert ids(inbox(house, "gus")) == []


def test_the_most_urgent_come_first(house: House) -> None:
    """By the instant at which an answer is due; what is due at none comes last."""
    late, soon = opened(house, amount="900.00"), opened(house)
    house.publish(("  manager: {answer_within: 15m, on_timeout: next}\n", ""))
    never = opened(house)
    page = inbox(house, "gus")
    assert ids(page) == [soon, late, never]
    assert page["escalations"][2]["answer_by"] is None


def test_pages_follow_each_other_without_gap_or_repeat(house: House) -> None:
    """The cursor is a place in the order of urgency, with and without a deadline."""
    first = [opened(house) for _ in range(3)]
    house.publish(("  manager: {answer_within: 15m, on_timeout: next}\n", ""))
    everything = [*first, *[opened(house) for _ in range(4)]]
    seen: list[str] = []
    after: str | None = None
    while True:
        page = inbox(house, "max", limit=2, after=None if after is None else read_place(after))
        seen += ids(page)
        assert page["counts"]["open"] == 7
        after = page["next"]
        if after is None:
            break
    assert seen == everything


def test_pages_are_full_although_some_are_left_out(house: House) -> None:
    """What four eyes take away leaves no hole in a page."""
    house.key("robo", "ai", "gus")
    kept = []
    for number in range(6):
        opened(house, "robo", "300.00") if number % 2 else kept.append(opened(house))
    approved = [opened(house, amount="900.00") for _ in range(3)]
    for id_ in approved:
        house.answer("gus", id_)
    last = opened(house, amount="900.00")
    page = inbox(house, "gus", limit=4)
    assert ids(page) == [*kept, last]
    assert page["next"] is None


def test_each_says_what_it_is_about(house: House) -> None:
    """Enough to choose from a list, and nobody who is served."""
    opened(house, guest="G-secret")
    page = inbox(house, "max")
    (one,) = page["escalations"]
    assert one["about"] == {
        "resolution": "credit",
        "value": {"amount": "300.00", "currency": "USD"},
    }
    assert (one["as"], one["overdue"], one["proposer"]) == ("max", False, "ana")
    assert "G-secret" not in str(page)


def test_it_holds_what_somebody_answers_for_others(house: House) -> None:
    """While the delegation holds, with whom for and until when."""
    id_ = opened(house)
    made = delegate(house, "max", "ben", site="main")
    page = inbox(house, "ben")
    assert [(one["id"], one["as"]) for one in page["escalations"]] == [(id_, "ben for max")]
    (mandate,) = page["acting_for"]
    assert (mandate["for"], mandate["site"], mandate["until"]) == ("max", "main", made["until"])
    revoke(house, "max", made["id"])
    assert inbox(house, "ben") == {
        "escalations": [],
        "next": None,
        "counts": {"open": 0, "overdue": 0, "asked": 0, "complete": True},
        "acting_for": [],
    }


def test_what_was_asked_is_counted_apart(house: House) -> None:
    """It waits for the agent's reply, and its clock stands still."""
    asked, other = opened(house), opened(house)
    house.answer("max", asked, "ask", "which room?")
    page = inbox(house, "max")
    assert ids(page) == [other, asked]
    assert page["counts"] == {"open": 1, "overdue": 0, "asked": 1, "complete": True}


@pytest.mark.parametrize("due", [AT, None])
def test_a_cursor_is_read_as_it_was_written(due: Any) -> None:
    """To the microsecond, and where there is no deadline."""
    record = replace(ESCALATION, answer_by=due)
    assert read_place(place_text(record)) == Place(due, "esc_1")


@pytest.mark.parametrize("text", ["", "esc_1", ".esc_1", "1.", "x.esc_1", "1.esc 1", "-1.esc_1"])
def test_what_is_no_cursor_is_none(text: str) -> None:
    """Nothing is guessed from a broken one."""
    assert read_place(text) is None

"""Managers see what is used, held and left, under the limits in force, and no guest by name."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from service.app.budgets import Question
from service.app.errors import Forbidden
from service.app.ports import Page
from service.core.hold import Move
from service.core.refusal import Refused
from tests.app.holding import HoldingHouse


def listed(
    house: HoldingHouse, person: str = "audra", page: Page | None = None, **asked: Any
) -> dict[str, Any]:
    question = Question(**asked)
    answer = house.services.budgets.list(house.principal(person), question, page or Page())
    found: dict[str, Any] = orjson.loads(answer)
    return found


def test_a_row_tells_what_is_used_held_and_left(holding: HoldingHouse) -> None:
    """Of the window that holds this moment, by the limit in force."""
    holding.propose(amount="30.00")
    holding.propose(resolution="bond", amount="50.00")
    (row,) = listed(holding)["budgets"]
    assert row.pop("row").startswith("bud_")
    assert row == {
        "budget": "day",
        "site": "main",
        "per": {"site.id": "main"},
        "currency": "USD",
        "limit": "2000.00",
        "used": "80.00",
        "held": "50.00",
        "settled": "30.00",
        "remaining": "1920.00",
        "version": 2,
        "from": "2026-03-01T05:00:00Z",
        "until": "2026-03-02T05:00:00Z",
        "burn": None,
    }


def test_what_is_kept_per_person_is_searched_for(holding: HoldingHouse) -> None:
    """By the facts of the case; the person is named, and stands in no URL."""
    holding.propose(amount="30.00", guest="G-7")
    rows = holding.rows("G-7")
    assert rows["stay"]["per"] == {"guest.id": "G-7", "stay.id": "S-1"}
    assert (rows["stay"]["used"], rows["often"]["used"]) == ("30.00", 1)
    assert (rows["often"]["currency"], rows["often"]["remaining"]) == (None, 2)
    assert (holding.rows("G-8")["stay"]["row"], holding.rows("G-8")["stay"]["version"]) == (None, 0)
    assert {row["budget"] for row in listed(holding)["budgets"]} == {"day"}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"budget": "stay"}, "kept_per_person"),
        ({"parts": {"guest.id": "G-1"}}, "kept_per_person"),
        ({"parts": {"agent.name": "ana"}}, "unknown_parameter"),
    ],
)
def test_no_person_is_listed(
    holding_embedded: HoldingHouse, asked: dict[str, Any], code: str
) -> None:
    """Asking for one is refused with where to go, and so is a name that no key has."""
    with pytest.raises(Refused) as refused:
        listed(holding_embedded, **asked)
    assert refused.value.faults[0].code == code


def test_rows_are_seen_by_who_may_read_budgets_there(holding_embedded: HoldingHouse) -> None:
    """A manager sees their site, an auditor all, a clerk none."""
    house = holding_embedded
    house.propose()
    house.propose("vera", site="annex")
    assert [row["site"] for row in listed(house)["budgets"]] == ["annex", "main"]
    assert [row["site"] for row in listed(house, "max")["budgets"]] == ["main"]
    assert listed(house, "max", site="annex")["budgets"] == []
    assert [row["site"] for row in listed(house, site="annex")["budgets"]] == ["annex"]
    with pytest.raises(Forbidden):
        listed(house, "ana")
    body = {"site": "annex", "facts": {"guest": {"id": "G-1"}}}
    with pytest.raises(Forbidden):
        house.services.budget_search.search(house.principal("max"), body)


def test_rows_are_paged_and_filtered(holding: HoldingHouse) -> None:
    """By budget, by pieces of the key, page after page, each row once."""
    holding.publish(
        ("every: day}\n", "every: day}\n  - {id: person, limit: 900, per: [agent.id, site.id]}\n")
    )
    for person in ("ana", "ben", "max"):
        holding.propose(person, amount="1.00", guest=person)
    holding.propose("vera", site="annex", amount="1.00")
    everything = [(row["budget"], row["per"].get("agent.id")) for row in listed(holding)["budgets"]]
    assert everything == [
        ("day", None), ("day", None),
        ("person", "ana"), ("person", "ben"), ("person", "max"), ("person", "vera"),
    ]  # fmt: skip
    paged, after = [], None
    while True:
        page = listed(holding, page=Page(after=after, limit=2))
        paged += [(row["budget"], row["per"].get("agent.id")) for row in page["budgets"]]
        after = page["next"]
        if after is None:
            break
    assert paged == everything
    (only,) = listed(holding, parts={"agent.id": "ben"})["budgets"]
    assert only["per"] == {"agent.id": "ben", "site.id": "main"}
    assert listed(holding, parts={"agent.id": "BEN"})["budgets"] == []
    assert listed(holding, parts={"agent.id": "b%"})["budgets"] == []
    assert {row["budget"] for row in listed(holding, budget="person")["budgets"]} == {"person"}
    assert listed(holding, budget="none")["budgets"] == []


def test_rows_of_an_earlier_policy_are_left_out(holding: HoldingHouse) -> None:
    """A budget that is kept per something else now has begun new rows."""
    holding.propose()
    holding.publish(
        ("{id: day, limit: 2000, per: [site.id]", "{id: day, limit: 9, per: [agent.id]")
    )
    assert listed(holding)["budgets"] == []


def test_an_earlier_window_is_there_to_be_seen(holding: HoldingHouse) -> None:
    """The row of the day that held an instant, as it stands now."""
    holding.propose(amount="30.00")
    yesterday = holding.clock.now()
    holding.wait(days=1)
    holding.propose(amount="1.00")
    assert [row["used"] for row in listed(holding)["budgets"]] == ["1.00"]
    assert [row["used"] for row in listed(holding, at=yesterday)["budgets"]] == ["30.00"]
    assert listed(holding, at=datetime(2020, 1, 1, tzinfo=UTC))["budgets"] == []


def test_a_raised_limit_holds_at_once(holding: HoldingHouse) -> None:
    """What did not fit a moment ago is approved."""
    holding.propose(amount="100.00")
    holding.propose(amount="100.00")
    holding.propose(amount="90.00")
    assert holding.propose(amount="20.00")["outcome"] == "escalated"
    holding.publish(("limit: 300", "limit: 310"), ("count: 3", "count: 4"))
    assert holding.propose(amount="20.00")["outcome"] == "approved"
    assert holding.rows()["stay"]["remaining"] == "0.00"


def test_a_limit_below_what_is_used_denies_what_comes_and_leaves_what_is(
    holding: HoldingHouse,
) -> None:
    """Open holds stay, and can be settled; nothing new fits, and nothing is left below zero."""
    id_ = holding.propose(resolution="loan", amount="100.00")["id"]
    holding.publish(("limit: 300", "limit: 50"))
    row = holding.rows()["stay"]
    assert (row["limit"], row["used"], row["remaining"]) == ("50.00", "100.00", "0.00")
    assert holding.propose(amount="1.00")["outcome"] == "escalated"
    done = holding.settle(id_)
    assert (done["state"], done["budgets"][0]["limit"]) == ("settled", "50.00")
    assert holding.rows()["stay"]["settled"] == "100.00"


def test_burn_is_told_day_by_day(holding: HoldingHouse) -> None:
    """What was charged and what came back on each local day, re-added from the log."""
    holding.publish(("every: day}", "every: month}"))
    first = holding.propose(amount="30.00")["id"]
    second = holding.propose(resolution="loan", amount="50.00", guest="G-2")["id"]
    holding.wait(days=1)
    holding.settle(second, amount="20.00")
    holding.reverse(first)
    holding.propose(amount="5.00", guest="G-3")
    (row,) = listed(holding, burn=True)["budgets"]
    assert row["burn"] == [
        {"day": "2026-03-01", "charged": "80.00", "returned": "0.00"},
        {"day": "2026-03-02", "charged": "5.00", "returned": "60.00"},
    ]
    assert row["used"] == "25.00"
    body = {"site": "main", "facts": {"guest": {"id": "G-2"}, "stay": {"id": "S-1"}}, "burn": True}
    found = holding.services.budget_search.search(holding.principal("max"), body)
    burns = {row["budget"]: row["burn"] for row in orjson.loads(found)["budgets"]}
    assert burns["stay"][0] == {"day": "2026-03-01", "charged": "50.00", "returned": "0.00"}
    assert burns["often"] == [{"day": "2026-03-01", "charged": 1, "returned": 0}]


def test_burn_stops_where_the_window_began(holding: HoldingHouse) -> None:
    """A row of today has nothing of yesterday's, and a quorum's first voice burns nothing."""
    holding.propose(amount="30.00")
    holding.wait(days=1)
    waiting = holding.propose(amount="900.00", note="x")["escalation"]["id"]
    holding.answer("gus", waiting)
    holding.propose(amount="2.00", guest="G-2")
    (row,) = listed(holding, burn=True)["budgets"]
    assert row["burn"] == [{"day": "2026-03-02", "charged": "2.00", "returned": "0.00"}]


def test_a_search_narrows_and_refuses_what_means_nothing(holding_embedded: HoldingHouse) -> None:
    """One budget, one agent; fields are checked as everywhere."""
    house = holding_embedded
    search = house.services.budget_search.search
    body = {"site": "main", "facts": {"guest": {"id": "G-1"}}, "budget": "often"}
    assert [
        row["budget"] for row in orjson.loads(search(house.principal("max"), body))["budgets"]
    ] == ["often"]
    for wrong, code in (
        ({"site": "main", "agent": 7}, "wrong_type"),
        ({"site": "main", "burn": "yes"}, "wrong_type"),
        ({"site": "main", "sum": 1}, "unknown_field"),
        ({}, "missing_field"),
        ([], "wrong_type"),
    ):
        with pytest.raises(Refused) as refused:
            search(house.principal("max"), wrong)
        assert refused.value.faults[0].code == code


def test_what_is_settled_later_moves_from_held_to_settled(holding: HoldingHouse) -> None:
    """The two together are what is used."""
    id_ = holding.propose(resolution="bond", amount="50.00")["id"]
    holding.finish("max", id_, Move.SETTLE, {"amount": "10.00"})
    (row,) = listed(holding)["budgets"]
    assert (row["held"], row["settled"], row["used"]) == ("0.00", "10.00", "10.00")

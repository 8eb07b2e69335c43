"""The close of a month adds up to the log, line by line."""

from collections import Counter
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from service.app.close import Close, Closer, Line
from service.app.records import EntryRecord
from service.core.refusal import Refused
from tests.app.holding import HoldingHouse


def close(house: HoldingHouse, month: str = "2026-03", site: str | None = None) -> Close:
    return Closer(house.services.store, house.services.library).close(month, site)


def a_busy_month(house: HoldingHouse) -> None:
    """Everything that can happen to money, at two sites."""
    reversed_ = house.propose(amount="30.00", guest="G-1")["id"]
    house.propose(amount="20.00", guest="G-2")
    partly = house.propose(resolution="loan", amount="50.00", guest="G-3")["id"]
    house.propose(resolution="loan", amount="10.00", guest="G-4")
    released = house.propose(resolution="bond", amount="40.00", guest="G-5")["id"]
    house.propose(resolution="bond", amount="15.00", guest="G-6")
    house.propose("vera", site="annex", amount="7.00", guest="G-7")
    quorum = house.propose(amount="900.00", note="x", guest="G-8")["escalation"]["id"]
    house.answer("gus", quorum)
    house.answer("grace", quorum)
    house.propose(amount="700.00", note="x", guest="G-9")
    house.propose(resolution="cash", guest="G-9")
    house.wait(hours=1)
    house.settle(partly, amount="35.00")
    house.release(released)
    house.reverse(reversed_)
    house.wait(hours=23)
    house.sweep()
    house.propose(resolution="bond", amount="5.00", guest="G-10")


def test_the_close_tells_what_happened(holding: HoldingHouse) -> None:
    """Approved, settled, released, reversed, and what is still held, by role and resolution."""
    a_busy_month(holding)
    found = {
        (line["site"], line["role"], line["resolution"]): line
        for line in close(holding).listed()
        if line["budget"] is None
    }
    told = ("approved", "settled", "released", "reversed", "held")
    assert {key: tuple(line[name] for name in told) for key, line in found.items()} == {
        ("annex", "clerk", "credit"): ("7.00", "7.00", "0.00", "0.00", "0.00"),
        ("main", "clerk", "bond"): ("60.00", "0.00", "55.00", "0.00", "5.00"),
        ("main", "clerk", "credit"): ("50.00", "50.00", "0.00", "30.00", "0.00"),
        ("main", "clerk", "loan"): ("60.00", "35.00", "15.00", "0.00", "10.00"),
        ("main", "owner", "credit"): ("900.00", "900.00", "0.00", "0.00", "0.00"),
    }


def test_the_close_adds_up_to_the_log(holding: HoldingHouse) -> None:
    """Every entry's own lines, added by another hand, are the sums of each budget."""
    a_busy_month(holding)
    charged: Counter[str] = Counter()
    for entry in holding.entries():
        for line in lines_of(entry):
            charged[line["budget"]] += line["charged"]
    lines = close(holding).lines
    for budget in ("stay", "day", "often"):
        mine = [line for line in lines if line.budget == budget]
        assert sum(map(net, mine)) == charged[budget]
    assert sum(net(line) for line in lines if line.budget == "day") == sum(
        net(line) for line in lines if line.budget is None
    )
    assert {line.counts for line in lines if line.budget == "often"} == {True}


def net(line: Line) -> int:
    """By how much more is used."""
    return line.sums.approved - line.sums.released - line.sums.reversed


def lines_of(entry: EntryRecord) -> list[dict[str, Any]]:
    body = orjson.loads(entry.body)
    decided = body.get("decision") if entry.kind == "answer" else body
    found: list[dict[str, Any]] = (decided or {}).get("budgets", [])
    return found


def test_the_close_adds_up_to_the_balances(holding: HoldingHouse) -> None:
    """What the month approved and did not get back is what the rows say is used."""
    holding.publish(("every: day}", "every: month}"))
    a_busy_month(holding)
    row = holding.rows()["day"]
    mine = [line for line in close(holding).listed() if line["budget"] == "day"]
    main = [line for line in mine if line["site"] == "main"]
    held = sum(int(line["held"].replace(".", "")) for line in main)
    settled = sum(int(line["settled"].replace(".", "")) for line in main)
    returned = sum(int(line["reversed"].replace(".", "")) for line in main)
    assert row["held"] == f"{held // 100}.{held % 100:02}"
    assert row["settled"] == f"{(settled - returned) // 100}.{(settled - returned) % 100:02}"


def test_each_site_closes_by_its_own_clock(holding: HoldingHouse) -> None:
    """At half past midnight in Vienna it is still the day before in New York."""
    midnight = datetime(2026, 4, 1, 0, 30, tzinfo=ZoneInfo("Europe/Vienna"))
    holding.clock.advance(midnight - holding.clock.now())
    holding.propose(amount="1.00")
    holding.propose("vera", site="annex", amount="2.00")
    months = {month: close(holding, month).lines for month in ("2026-03", "2026-04")}
    sites = {month: {line.site for line in lines} for month, lines in months.items()}
    assert sites == {"2026-03": {"main"}, "2026-04": {"annex"}}


def test_a_month_is_as_its_end_found_it(holding: HoldingHouse) -> None:
    """What is reversed in April belongs to April, under what it was approved as in March."""
    id_ = holding.propose(amount="30.00")["id"]
    holding.wait(days=31)
    holding.reverse(id_)
    march = next(line for line in close(holding).lines if line.budget is None)
    april = next(line for line in close(holding, "2026-04").lines if line.budget is None)
    assert march.sums == (3_000, 3_000, 0, 0)
    assert april.sums == (0, 0, 0, 3_000)
    assert (march.role, march.resolution) == (april.role, april.resolution)


def test_one_site_may_be_closed_alone(holding_embedded: HoldingHouse) -> None:
    """The lines of the others are left out."""
    a_busy_month(holding_embedded)
    assert {line.site for line in close(holding_embedded, site="annex").lines} == {"annex"}
    assert close(holding_embedded, site="none").lines == ()


@pytest.mark.parametrize("month", ["2026-13", "2026-3", "march", "0001-01", "2026-03-01"])
def test_what_is_no_month_is_refused(holding_embedded: HoldingHouse, month: str) -> None:
    """A year and a month, as they stand in a calendar."""
    with pytest.raises(Refused) as refused:
        close(holding_embedded, month)
    assert refused.value.faults[0].code == "not_a_month"


def test_a_long_month_is_read_page_by_page(holding_embedded: HoldingHouse) -> None:
    """More entries than fit on a page are all added up."""
    house = holding_embedded
    house.publish(("limit: 2000", "limit: 100000"))
    commands = [house.command(amount="1.00", guest=f"G-{number}") for number in range(520)]
    for future in [house.services.committer.submit(command) for command in commands]:
        future.result(60)
    line = next(line for line in close(house).lines if line.budget is None)
    assert line.sums.approved == 52_000

"""Whoever may see a case finds it; whoever may not finds nothing."""

from typing import Any

import orjson
import pytest

from service.app.errors import Forbidden, NotFound
from service.app.ports import Filter, Page
from tests.app.house import House, leaf_of


def listed(body: bytes, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = orjson.loads(body)[name]
    return found


def test_a_case_has_its_proposal_and_its_history(house: House) -> None:
    """What was sent stands there again, personal values too, for who may see it."""
    answer = house.propose(
        amount="300.00",
        guest="G-secret",
        note="she wept",
        evidence=[{"kind": "photo", "reference": "case/991"}],
        reason="noise",
    )
    house.answer("max", answer["escalation"]["id"])
    case = orjson.loads(house.services.finder.get_resolution(house.principal("ana"), answer["id"]))
    assert case["proposal"] == {
        "site": "main",
        "resolution": "credit",
        "amount": "300.00",
        "reason": "noise",
        "note": "she wept",
        "evidence": [{"kind": "photo", "reference": "case/991"}],
        "facts": {"guest": {"id": "G-secret"}, "stay": {"id": "S-1"}},
    }
    assert case["outcome"] == "approved"
    assert [(step["kind"], step["by"]) for step in case["history"]] == [
        ("decision", "ana"),
        ("answer", "max"),
    ]


def test_another_sites_cases_are_not_there(house: House) -> None:
    """Not to be seen and not to exist look the same."""
    answer = house.propose()
    finder, vera = house.services.finder, house.principal("vera")
    with pytest.raises(NotFound):
        finder.get_resolution(vera, answer["id"])
    assert listed(finder.list_resolutions(vera, Filter(), Page()), "resolutions") == []


def test_a_list_is_paged_newest_first(house: House) -> None:
    """Every item comes once, and the last page says that it is the last."""
    ids = [house.propose(guest=f"G-{number}", amount="1.00")["id"] for number in range(5)]
    finder, ana = house.services.finder, house.principal("ana")
    seen: list[str] = []
    after: str | None = None
    for _ in range(10):
        page = orjson.loads(finder.list_resolutions(ana, Filter(), Page(after=after, limit=2)))
        seen += [item["id"] for item in page["resolutions"]]
        after = page["next"]
        if after is None:
            break
    assert seen == ids[::-1]


def test_a_filter_takes_what_it_says(house: House) -> None:
    """Outcome, state and agent narrow the list."""
    house.propose("ana")
    house.propose("ben", resolution="cash")
    finder, ana = house.services.finder, house.principal("ana")
    for wanted, outcomes in (
        (Filter(outcome="denied"), ["denied"]),
        (Filter(agent="ana"), ["approved"]),
        (Filter(state="settled"), ["approved"]),
        (Filter(sites=frozenset({"annex"})), []),
    ):
        items = listed(finder.list_resolutions(ana, wanted, Page()), "resolutions")
        assert [item["outcome"] for item in items] == outcomes


def test_the_inbox_shows_the_whole_case(house: House) -> None:
    """An approver sees what was asked, why it fell outside, and what passes unasked."""
    opened = house.propose(amount="300.00", guest="G-secret", note="a leak")["escalation"]
    finder, max_ = house.services.finder, house.principal("max")
    items = listed(
        finder.list_escalations(max_, Filter(role="manager", state="open"), Page()), "escalations"
    )
    assert [item["id"] for item in items] == [opened["id"]]
    case = orjson.loads(finder.get_escalation(max_, opened["id"]))["case"]
    assert case["proposal"]["note"] == "a leak"
    assert case["without_escalation_up_to"]["amount"] == "200.00"
    with pytest.raises(Forbidden):
        finder.list_escalations(house.principal("ana"), Filter(), Page())


def test_an_auditor_reads_entries_and_opens_nothing(house: House) -> None:
    """The exact bytes are there to be hashed, and no personal value is."""
    house.propose(guest="G-secret")
    finder, audra = house.services.finder, house.principal("audra")
    items = listed(house.services.books.search.search(audra, {"kind": "decision"}), "entries")
    one = orjson.loads(finder.get_entry(audra, items[0]["id"]))
    (entry,) = house.entries(kind="decision")
    assert one["bytes"].encode() == entry.body
    assert one["leaf"] == leaf_of(entry).hex()
    assert "G-secret" not in one["bytes"]
    with pytest.raises(NotFound):
        finder.get_entry(house.principal("ana"), items[0]["id"])


@pytest.mark.parametrize("kind", ["resolution", "escalation", "entry"])
def test_what_is_not_there_is_not_found(house: House, kind: str) -> None:
    """An id that was never given finds nothing."""
    with pytest.raises(NotFound):
        getattr(house.services.finder, f"get_{kind}")(house.principal("audra"), "none")


def test_who_proposed_may_see_what_became_of_it(house: House) -> None:
    """An agent looks at their own escalation without any right to look at others'."""
    finder = house.services.finder
    opened = house.propose(amount="300.00")["escalation"]
    seen = orjson.loads(finder.get_escalation(house.principal("ana"), opened["id"]))
    assert seen["state"] == "open"
    with pytest.raises(NotFound):
        finder.get_escalation(house.principal("ben"), opened["id"])

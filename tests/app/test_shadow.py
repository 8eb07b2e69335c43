"""Shadows: what a candidate would decide on real requests, with no effect on any of them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import create_engine, text

from service.app.entryports import Placed
from service.app.ports import Page
from service.app.records import EntryRecord
from service.app.trialcompare import Comparing
from service.app.trialtally import TrialTally
from tests.app.holding import HoldingHouse, clock_for
from tests.app.test_logkeeper import until
from tests.app.trying import (
    LOWERED,
    RAISED,
    compared,
    end,
    house,
    keeper,
    open_replicas,
    open_trying,
    shown,
    try_out,
)
from tests.databases import postgresql_url, sqlite_url

__all__ = ["house", "postgresql_url", "sqlite_url"]

CAP = (
    (
        "prohibitions:\n",
        "  - {id: tight, limit: 100, per: [agent.id], every: day}\nprohibitions:\n",
    ),
)
"""A budget that the set in force does not keep."""


def decide(house: HoldingHouse) -> list[dict[str, Any]]:
    """One of each kind."""
    made = [
        house.propose(amount="30.00", guest="G-1"),
        house.propose(amount="60.00", guest="G-2"),
        house.propose(amount="150.00", guest="G-3", note="wet"),
        house.propose(amount="400.00", guest="G-4"),
        house.propose(resolution="cash", amount="5.00", guest="G-5"),
    ]
    house.answer("max", made[3]["escalation"]["id"])
    return made


def plain(entry: EntryRecord) -> dict[str, Any]:
    """What an entry says, without what is random in it."""
    told: dict[str, Any] = orjson.loads(entry.body)
    kept = {name: value for name, value in told.items() if name not in {"id", "about", "_sd"}}
    text = orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode()
    for random in sorted({told["id"], told["about"], *_names(told)}):
        text = text.replace(random, "·")
    found: dict[str, Any] = orjson.loads(text)
    return found


def _names(value: object) -> Iterator[str]:
    """Every id within."""
    if isinstance(value, dict):
        for one in value.values():
            yield from _names(one)
    elif isinstance(value, list):
        for one in value:
            yield from _names(one)
    elif isinstance(value, str) and (len(value) == 64 or (value[3:4] == "_" and len(value) > 20)):
        yield value


def test_a_shadow_changes_nothing(tmp_path: Path, sqlite_url: str) -> None:
    """The same requests get the same answers and leave the same entries, with it and without."""
    found = []
    for mode in ("without", "with"):
        folder = tmp_path / mode
        folder.mkdir()
        database = f"sqlite:///{folder}/remit.db"
        with clock_for(database) as clock, open_trying(folder, database, clock) as house:
            house.propose(amount="1.00", guest="G-0")
            shadow = try_out(house, *LOWERED, mode="shadow") if mode == "with" else None
            answers = decide(house)
            if shadow is not None:
                assert compared(house, shadow["id"])["flipped"] > 0
            entries = [entry for entry in house.entries() if entry.kind in {"decision", "answer"}]
            rows = [house.used(f"G-{number}") for number in range(5)]
            plainly = [_without_ids(answer) for answer in answers]
            found.append((plainly, [plain(entry) for entry in entries], rows))
    assert found[0] == found[1]


def _without_ids(answer: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in answer.items() if name not in {"id", "entry"}}
    opened = kept["escalation"]
    return kept | {"escalation": None if opened is None else {**opened, "id": "·"}}


def test_the_figures_say_what_would_have_been_otherwise(house: HoldingHouse) -> None:
    """Flips by kind, money and escalations more and less, by rule, and the entries."""
    house.propose(amount="60.00", guest="G-0")  # before the trial: no part of it
    house.wait(seconds=1)
    trial = try_out(house, *LOWERED, mode="shadow")
    made = decide(house)
    found = compared(house, trial["id"])
    assert (found["decisions"], found["flipped"], found["failed"]) == (5, 2, 0)
    assert found["live"] == {
        "approved": 3,
        "escalated": 1,
        "denied": 1,
        "incomplete": 0,
        "refused": 0,
        "money": "240.00",
    }
    assert found["candidate"]["escalated"] == 3
    assert (found["approved_more"], found["approved_less"]) == ("0.00", "210.00")
    assert (found["escalations_more"], found["escalations_less"]) == (2, 0)
    assert found["moves"] == [
        {"live": "approved", "candidate": "escalated", "decisions": 2, "value": "210.00"}
    ]
    assert [flip["about"] for flip in found["last_flips"]] == [made[2]["id"], made[1]["id"]]
    assert found["last_flips"][0]["entry"] == made[2]["entry"]["id"]
    rules = {row["rule"]: row for row in found["rules"]}
    assert rules["small"]["live"] == {"decisions": 3, "money": "90.00"}  # one of them goes up
    assert rules["small"]["candidate"]["money"] == "30.00"
    assert rules["noted"]["live"] == {"decisions": 1, "money": "150.00"}
    assert shown(house, trial["id"])["decided"] is None


def test_each_decision_is_compared_on_the_balances_that_it_had(house: HoldingHouse) -> None:
    """A budget that both keep stands for the candidate where it stood for the real decision."""
    trial = try_out(house, ("limit: 300", "limit: 150"), mode="shadow")
    for _ in range(3):
        house.propose(amount="90.00")
    found = compared(house, trial["id"])
    assert found["live"]["approved"] == 3
    assert found["candidate"]["approved"] == 1


def test_a_budget_of_the_candidate_alone_counts_what_it_would_approve(
    house: HoldingHouse,
) -> None:
    """It begins empty, is kept in the database, and is gone once the trial is over."""
    trial = try_out(house, *CAP, mode="shadow")
    for number in range(3):
        house.propose(amount="60.00", guest=f"G-{number}")
    found = compared(house, trial["id"])
    assert (found["live"]["approved"], found["candidate"]["approved"]) == (3, 1)
    assert _kept(house, trial["id"]) == [6_000]
    end(house, trial["id"])
    compared(house, trial["id"], lambda figures: bool(figures["is_complete"]))
    assert _kept(house, trial["id"]) == []


def _kept(house: HoldingHouse, trial: str) -> list[int]:
    engine = create_engine(house.services.settings.database)
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT settled FROM trial_budgets WHERE trial = :trial"), {"trial": trial}
        )
        found = [row.settled for row in rows]
    engine.dispose()
    return found


def test_what_the_candidate_cannot_read_is_counted(house: HoldingHouse) -> None:
    """An unknown resolution is refused by it; the agent sees nothing of that."""
    gone = (
        ('  upgrade: {unit: night, worth: money("10.00"), hold: {for: 72h, then: release}}\n', ""),
        ("may: [credit, night, upgrade", "may: [credit, night"),
    )
    trial = try_out(house, *gone, mode="shadow")
    made = house.propose(resolution="upgrade", amount=None, quantity=1)
    assert made["outcome"] == "approved"
    found = compared(house, trial["id"])
    assert (found["candidate"]["refused"], found["failed"]) == (1, 0)
    assert found["moves"][0]["candidate"] == "refused"


def test_only_named_sites_are_looked_at(house: HoldingHouse) -> None:
    """A shadow may be for one of them."""
    trial = try_out(house, *LOWERED, mode="shadow", sites=("annex",))
    house.propose(amount="60.00")
    house.propose("vera", amount="60.00", site="annex")
    assert compared(house, trial["id"])["decisions"] == 1


def test_a_pilot_is_compared_with_the_set_in_force(house: HoldingHouse) -> None:
    """On the cases that the candidate decided, and no others."""
    trial = try_out(house, *RAISED, approved_max_minor=100_000)
    house.propose(amount="150.00")
    house.propose(amount="20.00")
    house.propose("vera", amount="150.00", site="annex")
    found = compared(house, trial["id"])
    assert (found["decisions"], found["flipped"]) == (2, 1)
    assert (found["live"]["approved"], found["candidate"]["approved"]) == (1, 2)
    assert found["approved_more"] == "150.00"
    assert found["moves"][0]["live"] == "incomplete"


def test_figures_survive_a_restart(tmp_path: Path, sqlite_url: str) -> None:
    """The next process goes on where the one before stopped; nothing counts twice."""
    with open_trying(tmp_path, sqlite_url) as house:
        trial = try_out(house, *LOWERED, mode="shadow")
        house.propose(amount="60.00", guest="G-1")
    with open_trying(tmp_path, sqlite_url) as house:
        house.propose(amount="60.00", guest="G-2")
        assert compared(house, trial["id"])["decisions"] == 2
        assert shown(house, trial["id"])["state"] == "running"


def test_figures_of_replicas_add_up(tmp_path: Path, postgresql_url: str) -> None:
    """Each decision counts once, whoever decided it and however many compare."""
    with open_replicas(tmp_path, postgresql_url, 3) as houses:
        trial = try_out(houses[0], *LOWERED, mode="shadow")
        for number in range(30):
            houses[number % 3].propose(amount="60.00", guest=f"G-{number}")
        found = compared(houses[1], trial["id"])
        assert (found["decisions"], found["flipped"]) == (30, 30)
        assert found["approved_less"] == "1800.00"


def test_of_two_who_compare_the_same_one_counts(tmp_path: Path, sqlite_url: str) -> None:
    """Whoever comes second to the same place in the log has done it in vain."""
    with open_trying(tmp_path, sqlite_url) as house:
        house.services.trials.keeper.stop()
        trial = try_out(house, *LOWERED, mode="shadow")
        for number in range(5):
            house.propose(amount="60.00", guest=f"G-{number}")
        one, other = keeper(house, 2), keeper(house, 2)

        def left() -> int:
            one.keep()
            other.keep()
            with house.services.store.read() as reader:
                waits = reader.log.is_waiting()
            return 1 if waits else int(shown(house, trial["id"])["compared"]["entries_left"])

        until(lambda: left() == 0)
        assert shown(house, trial["id"])["compared"]["decisions"] == 5
        stale = house.services.store
        with stale.read() as reader:
            figures = reader.trials.find_figures(trial["id"])
        assert figures is not None
        with stale.begin() as tx:
            assert not tx.trials.compared(figures, [])


def test_what_cannot_be_decided_again_is_counted(house: HoldingHouse) -> None:
    """One entry that nobody can read is one that failed; the others are compared."""
    trial = try_out(house, *LOWERED, mode="shadow")
    for number in range(2):
        house.propose(amount="60.00", guest=f"G-{number}")
    services = house.services
    entries = [Placed(n, one) for n, one in enumerate(house.entries(kind="decision"))]
    broken = replace(entries[0].entry, body=b'{"kind":"decision"}')
    tally = TrialTally()
    with services.store.read() as reader:
        record = reader.trials.find(trial["id"])
        assert record is not None
        live = services.library.get(record.beside).rulebook
        candidate = services.library.compiled(record.version, record.files).rulebook
        comparing = Comparing(services.store, record, live, candidate)
        comparing.compare(reader, [Placed(0, broken), entries[1]], tally)
    assert (tally.failed, tally.decisions, tally.flipped) == (1, 1, 1)
    assert len(tally.notes) == 1


def test_the_end_of_a_trial_completes_its_figures(house: HoldingHouse) -> None:
    """What was decided after it is no part of them."""
    trial = try_out(house, *LOWERED, mode="shadow")
    house.propose(amount="60.00", guest="G-1")
    house.wait(seconds=1)
    end(house, trial["id"])
    house.wait(seconds=1)
    house.propose(amount="60.00", guest="G-2")
    found = compared(house, trial["id"], lambda figures: bool(figures["is_complete"]))
    assert found["decisions"] == 1


def test_trials_are_listed_newest_first(house: HoldingHouse) -> None:
    """Page by page."""
    first = try_out(house, *LOWERED, mode="shadow")
    end(house, first["id"])
    house.wait(seconds=1)
    second = try_out(house, *RAISED, mode="shadow")
    trials, paula = house.services.trials, house.principal("paula")
    page = orjson.loads(trials.list(paula, Page(limit=1)))
    assert [one["id"] for one in page["trials"]] == [second["id"]]
    rest = orjson.loads(trials.list(paula, Page(after=page["next"], limit=5)))
    assert [one["id"] for one in rest["trials"]] == [first["id"]]
    assert rest["next"] is None


def test_a_tally_is_kept_as_it_was() -> None:
    """What is stored and read again adds up as if it had never been."""
    tally = TrialTally()
    tally.fail("so")
    tally.remark("so", 2)
    again = TrialTally.load(tally.dumps())
    assert again == tally
    assert again.notes == {"so": 3}

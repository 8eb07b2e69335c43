"""Deadlines are rows: each fires once, in working time, whoever looks and whoever was away."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier

import orjson
import pytest

from service.app.elapse import Elapse, Remind
from service.app.errors import Conflict
from service.bootstrap import compile_files
from service.core.factvalue import rfc3339
from tests.app.holding import HELD, HoldingHouse, clock_for, open_holding
from tests.app.house import ACCESS, POLICY, proposal, shop_files
from tests.app.upwards import escalated, record_of, reply, say, told, withdraw

WAIT_SECONDS = 30
TODAY = datetime.fromisoformat("2026-03-01T21:00:00Z")  # 16:00 in New York, 22:00 in Vienna
ANNEX = {"site": "annex"}


def kinds(house: HoldingHouse, id_: str) -> list[str]:
    about = record_of(house, id_).resolution
    return [entry.kind for entry in reversed(house.entries(about=about))]


def due(house: HoldingHouse, id_: str) -> tuple[str | None, str | None]:
    record = record_of(house, id_)
    instants = record.answer_by, record.remind_at
    return tuple(None if at is None else rfc3339(at) for at in instants)  # type: ignore[return-value]


def publish(house: HoldingHouse, *changes: tuple[str, str]) -> None:
    """Put the policy in force with other texts, in the access file too."""
    texts = []
    for text in (POLICY, ACCESS):
        for old, new in (*HELD, *changes):
            text = text.replace(old, new)  # noqa: PLW2901 — step by step
        texts.append(text)
    assert house.services.publisher.publish(compile_files(shop_files(*texts)), by="test")


def test_a_reminder_comes_once_at_half_time(holding: HoldingHouse) -> None:
    """Not before, and never again; it is an entry, and changes nothing else."""
    id_ = escalated(holding)
    holding.wait(minutes=7, seconds=29)
    holding.sweep()
    assert kinds(holding, id_) == ["decision"]
    holding.wait(seconds=1)
    for _ in range(2):
        holding.sweep()
    assert kinds(holding, id_) == ["decision", "remind"]
    record = record_of(holding, id_)
    assert (record.state, record.remind_at) == ("open", None)
    assert record.reminded_at == TODAY + timedelta(minutes=7, seconds=30)
    assert told(holding, id_)["escalation"].get("effect") is None


def test_who_answered_is_not_reminded(holding_embedded: HoldingHouse) -> None:
    """Nor is anybody of what was withdrawn, or of a question that waits for the agent."""
    answered, withdrawn, asked = (escalated(holding_embedded) for _ in range(3))
    say(holding_embedded, "max", answered, "deny", "no")
    withdraw(holding_embedded, withdrawn)
    say(holding_embedded, "max", asked, "ask", "which room?")
    holding_embedded.wait(hours=9)
    holding_embedded.sweep()
    assert holding_embedded.entries(kind="remind") == []
    assert holding_embedded.entries(kind="timeout") == []


def test_what_nobody_answers_goes_to_the_next_role(holding: HoldingHouse) -> None:
    """At the deadline, in the name of nobody, with a clock of its own; the agent can read it."""
    id_ = escalated(holding)
    holding.wait(minutes=15)
    holding.sweep()
    record = record_of(holding, id_)
    assert (record.state, record.role, record.on_timeout) == ("open", "owner", "deny")
    assert due(holding, id_) == ("2026-03-02T01:15:00Z", "2026-03-01T23:15:00Z")
    entry = holding.entries(kind="timeout")[0]
    body = orjson.loads(entry.body)
    assert (body["effect"], body["to"], body["by"]["kind"]) == ("hand_on", "owner", "service")
    assert (body["roles"], body["decision"]["outcome"], entry.agent) == (
        ["owner"],
        "approved",
        None,
    )
    assert all(not line["charged"] for line in body["decision"]["budgets"])
    assert "manager did not answer in time" in told(holding, id_)["escalation"]["message"]
    assert say(holding, "gus", id_)["effect"] == "concur"
    assert say(holding, "grace", id_)["state"] == "approved"


def test_what_the_last_does_not_answer_is_denied(holding: HoldingHouse) -> None:
    """The owner's policy says so; the answer says why, and nothing was charged."""
    id_ = escalated(holding)
    holding.wait(minutes=15)
    holding.sweep()
    holding.wait(hours=4)
    holding.sweep()
    record = record_of(holding, id_)
    assert (record.state, record.answered_by) == ("expired", None)
    case = told(holding, id_)
    assert (case["outcome"], case["state"]) == ("denied", None)
    assert case["escalation"]["message"] == "owner did not answer in time, so it is denied."
    assert kinds(holding, id_) == ["decision", "timeout", "timeout"]
    assert holding.rows()["day"]["used"] == "0.00"


def test_next_with_nobody_who_could_is_a_denial(holding_embedded: HoldingHouse) -> None:
    """By now no role above could give it: it ends, with what stood against it on record."""
    id_ = escalated(holding_embedded)
    holding_embedded.publish(("limit: 2000, per: [site.id]", "limit: 299, per: [site.id]"))
    holding_embedded.wait(minutes=15)
    holding_embedded.sweep()
    assert record_of(holding_embedded, id_).state == "expired"
    body = orjson.loads(holding_embedded.entries(kind="timeout")[0].body)
    assert body["effect"] == "time_out"
    assert "budget_exhausted" in {reason["code"] for reason in body["decision"]["reasons"]}


def test_the_end_is_the_one_that_it_began_with(holding_embedded: HoldingHouse) -> None:
    """A policy that changes meanwhile moves neither the deadline nor what happens then."""
    id_ = escalated(holding_embedded)
    holding_embedded.publish(("{answer_within: 15m, on_timeout: next}", "{answer_within: 1m}"))
    holding_embedded.wait(minutes=14)
    holding_embedded.sweep()
    assert record_of(holding_embedded, id_).role == "manager"
    holding_embedded.wait(minutes=1)
    holding_embedded.sweep()
    assert record_of(holding_embedded, id_).role == "owner"


def test_without_an_outcome_it_stays_open(holding_embedded: HoldingHouse) -> None:
    """A deadline alone reminds, and then it can be answered still."""
    holding_embedded.publish(("answer_within: 15m, on_timeout: next", "answer_within: 15m"))
    id_ = escalated(holding_embedded)
    holding_embedded.wait(days=2)
    holding_embedded.sweep()
    assert kinds(holding_embedded, id_) == ["decision", "remind"]
    assert say(holding_embedded, "max", id_)["state"] == "approved"


@pytest.mark.parametrize("swept", [False, True])
def test_an_answer_that_comes_too_late_is_told_so(holding: HoldingHouse, swept: bool) -> None:
    """Whether anybody looked before or not: what is due happens first, and the answer is none."""
    id_ = escalated(holding)
    holding.wait(minutes=15)
    if swept:
        holding.sweep()
        with pytest.raises(Exception, match="not in your reach"):
            say(holding, "max", id_)
    else:
        with pytest.raises(Conflict) as refused:
            say(holding, "max", id_)
        assert refused.value.code == "answer_overdue"
        assert "owner" in refused.value.message
    assert kinds(holding, id_)[-1] == "timeout"
    assert record_of(holding, id_).role == "owner"
    holding.wait(hours=4)
    with pytest.raises(Conflict):
        say(holding, "gus", id_, "deny", "no")
    assert record_of(holding, id_).state == "expired"


def test_what_is_overdue_can_still_be_withdrawn(holding_embedded: HoldingHouse) -> None:
    """The agent's word comes before the clock's."""
    id_ = escalated(holding_embedded)
    holding_embedded.wait(minutes=15)
    assert withdraw(holding_embedded, id_)["state"] == "withdrawn"


def test_the_clock_runs_in_the_sites_hours(holding_embedded: HoldingHouse) -> None:
    """22:00 in Vienna, open until 22:05: a quarter of an hour ends ten minutes after seven."""
    hours = ("{timezone: Europe/Vienna}", '{timezone: Europe/Vienna, hours: "07:00-22:05"}')
    holding_embedded.publish(hours)
    id_ = escalated(holding_embedded, person="vera", **ANNEX)
    # Half of the time is over at two and a half minutes past seven.
    assert due(holding_embedded, id_) == ("2026-03-02T06:10:00Z", "2026-03-02T06:02:30Z")
    assert (
        holding_embedded.propose("vera", amount="300.00", note="x", **ANNEX)["escalation"][
            "answer_by"
        ]
        == "2026-03-02T06:10:00Z"
    )
    holding_embedded.wait(hours=9, minutes=9)
    holding_embedded.sweep()
    assert record_of(holding_embedded, id_).role == "manager"
    holding_embedded.wait(minutes=1)
    holding_embedded.sweep()
    assert record_of(holding_embedded, id_).role == "owner"


def test_a_check_tells_the_deadline_too(holding_embedded: HoldingHouse) -> None:
    """Nothing is opened, and until when it would be answered is the same."""
    house = holding_embedded
    body = proposal(amount="300.00", note="a leak")
    checked = orjson.loads(house.services.asking.check(house.principal("ana"), body))
    opened = house.propose(amount="300.00", note="a leak")["escalation"]
    assert checked["escalation"] == {**opened, "id": None}
    assert opened["answer_by"] is not None


def test_who_answers_around_the_clock_has_no_night(holding_embedded: HoldingHouse) -> None:
    """Fifteen minutes are fifteen minutes for the night manager."""
    holding_embedded.publish(
        ("{timezone: Europe/Vienna}", '{timezone: Europe/Vienna, hours: "07:00-22:05"}'),
        ("answer_within: 15m,", "answer_within: 15m, around_the_clock: true,"),
    )
    id_ = escalated(holding_embedded, person="vera", **ANNEX)
    assert due(holding_embedded, id_)[0] == "2026-03-01T21:15:00Z"


def test_a_question_over_night_costs_no_working_time(holding_embedded: HoldingHouse) -> None:
    """Asked five minutes before closing, replied to at noon: ten of fifteen minutes are left."""
    holding_embedded.publish(
        ("{timezone: Europe/Vienna}", '{timezone: Europe/Vienna, hours: "07:00-22:10"}')
    )
    id_ = escalated(holding_embedded, person="vera", **ANNEX)
    holding_embedded.wait(minutes=5)
    say(holding_embedded, "gus", id_, "ask", "which room?")
    assert due(holding_embedded, id_) == (None, None)
    holding_embedded.wait(hours=13, minutes=55)
    reply(holding_embedded, id_, "vera")
    assert due(holding_embedded, id_) == ("2026-03-02T11:10:00Z", "2026-03-02T11:02:30Z")


def test_a_role_that_is_gone_strands_nobody(holding: HoldingHouse) -> None:
    """The policy renames the manager: what waited goes to who could approve it today."""
    id_, asked = escalated(holding), escalated(holding)
    say(holding, "max", asked, "ask", "which room?")
    publish(
        holding,
        ("manager", "chief"),
        ("role: chief, may: any, up_to: 500", "role: chief, may: any, up_to: 250"),
    )
    holding.sweep()
    for one in (id_, asked):
        record = record_of(holding, one)
        assert (record.state, record.role) == ("open", "owner")
    entry = orjson.loads(holding.entries(kind="reroute")[0].body)
    assert (entry["effect"], entry["to"]) == ("reroute", "owner")
    assert "no longer has manager" in told(holding, id_)["escalation"]["message"]
    assert say(holding, "gus", id_)["effect"] == "concur"


def test_whoever_answers_finds_it_gone_on(holding_embedded: HoldingHouse) -> None:
    """Where nobody has looked since the policy changed, the answer itself looks."""
    id_ = escalated(holding_embedded)
    services = holding_embedded.services
    services.sweeper.stop()
    publish(holding_embedded, ("manager", "chief"))
    with pytest.raises(Conflict) as refused:
        say(holding_embedded, "gus", id_)
    assert refused.value.code == "answer_overdue"
    assert record_of(holding_embedded, id_).role == "chief"


def test_what_nobody_could_give_goes_to_who_could_deny_it(holding_embedded: HoldingHouse) -> None:
    """The role is gone and the budget is empty at the same time: the top is asked."""
    id_ = escalated(holding_embedded)
    publish(
        holding_embedded,
        ("manager", "chief"),
        ("limit: 2000, per: [site.id]", "limit: 299, per: [site.id]"),
    )
    holding_embedded.sweep()
    assert record_of(holding_embedded, id_).role == "owner"
    assert say(holding_embedded, "gus", id_, "deny", "no money left")["state"] == "denied"


def test_a_ladder_that_is_gone_ends_it(holding_embedded: HoldingHouse) -> None:
    """No role of then is left, nor anybody above the agent: it ends instead of waiting for ever."""
    id_ = escalated(holding_embedded)
    publish(
        holding_embedded,
        ("clerk: {reports_to: manager}", "clerk: {}"),
        ("manager", "chief"),
    )
    holding_embedded.sweep()
    assert record_of(holding_embedded, id_).state == "expired"
    assert "nobody else could answer" in told(holding_embedded, id_)["escalation"]["message"]


def test_what_was_due_happens_after_a_restart(tmp_path: Path, database_url: str) -> None:
    """A process that was away does what should have been done meanwhile, once."""
    with clock_for(database_url) as clock:
        with open_holding(tmp_path, database_url, clock) as house:
            ids = [escalated(house) for _ in range(3)]
        clock.advance(timedelta(minutes=20))
        with open_holding(tmp_path, database_url, clock) as house:
            house.sweep()
            assert [record_of(house, id_).role for id_ in ids] == ["owner"] * 3
            assert all(kinds(house, id_) == ["decision", "timeout"] for id_ in ids)


@pytest.mark.parametrize(("minutes", "kind"), [(8, "remind"), (15, "timeout")])
def test_two_replicas_do_it_once(
    tmp_path: Path, postgresql_url: str, minutes: int, kind: str
) -> None:
    """Both look at the same rows at the same instant."""
    url = postgresql_url
    with (
        clock_for(url) as clock,
        open_holding(tmp_path, url, clock) as first,
        open_holding(tmp_path, url, clock) as second,
        ThreadPoolExecutor(2) as threads,
    ):
        ids = [escalated(first) for _ in range(8)]
        first.wait(minutes=minutes)
        together = Barrier(2)

        def look(house: HoldingHouse) -> None:
            together.wait(WAIT_SECONDS)
            house.sweep()

        list(threads.map(look, (first, second)))
        assert all(kinds(first, id_) == ["decision", kind] for id_ in ids)


@pytest.mark.parametrize("command", [Elapse, Remind])
def test_what_is_not_due_is_not_done(
    holding_embedded: HoldingHouse, command: Callable[..., Elapse | Remind]
) -> None:
    """Whoever sends it: the command looks again under its locks."""
    id_ = escalated(holding_embedded)
    submit = holding_embedded.services.committer.submit
    assert submit(command(record_of(holding_embedded, id_))).result(WAIT_SECONDS) is False
    assert kinds(holding_embedded, id_) == ["decision"]

"""Pilots: a candidate decides what is in its scope, and nothing else, until it ends."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import orjson
import pytest

from service.app.errors import Conflict, Forbidden, ServiceError
from service.app.inbox import Wanted
from service.app.records import Writes
from service.app.rederive import Rederiver
from service.app.trialkeeper import TrialKeeper
from service.app.trialrecords import TrialFigures, TrialRecord
from service.app.trialstart import ConfirmTrial, StartTrial, Terms
from service.bootstrap import compile_files
from service.core.hold import Move
from service.core.refusal import Refused
from service.policyfile.problem import PolicyErrors
from tests.app.authors import AUTHORS, TWO
from tests.app.holding import HoldingHouse, clock_for
from tests.app.test_rederive import rulebooks
from tests.app.trying import (
    LOWERED,
    RAISED,
    counts,
    end,
    house,
    open_replicas,
    open_trying,
    shop,
    shown,
    told,
    try_out,
)
from tests.audit.real import verified
from tests.databases import postgresql_url, sqlite_url

__all__ = ["house", "postgresql_url", "sqlite_url"]

NEW_ROLE = (
    (
        "  manager: {reports_to: owner}",
        "  manager: {reports_to: lead}\n  lead: {reports_to: owner}",
    ),
    ("up_to: 500}", "up_to: 300}\n  - {id: led, role: lead, may: any, up_to: 500}"),
)
"""A role between manager and owner that the set in force does not know."""


@pytest.fixture
def embedded(tmp_path: Path, sqlite_url: str) -> Iterator[HoldingHouse]:
    with clock_for(sqlite_url) as clock, open_trying(tmp_path, sqlite_url, clock) as opened:
        yield opened


def head(house: HoldingHouse) -> str:
    return house.services.library.in_force().rulebook.version


def test_the_candidate_decides_what_is_in_its_scope(house: HoldingHouse) -> None:
    """Its version stands on the decision and in the entry; other sites go on as before."""
    live = head(house)
    trial = try_out(house, *RAISED, sites=("main",), approved_max_minor=100_000)
    assert trial["state"] == "running"
    tried = house.propose(amount="150.00")
    assert (tried["outcome"], tried["policy"]["version"]) == ("approved", trial["version"])
    other = house.propose("vera", amount="150.00", site="annex")
    assert (other["outcome"], other["policy"]["version"]) == ("incomplete", live)
    entry = house.entries(kind="decision", about=tried["id"])[0]
    assert entry.policy_version == trial["version"]
    assert counts(house, trial["id"]).approved_minor == 15_000
    assert head(house) == live


def test_both_sides_charge_the_same_rows(house: HoldingHouse) -> None:
    """What a guest got under one set counts under the other."""
    house.propose(amount="100.00")
    trial = try_out(house, *RAISED, approved_max_minor=100_000)
    spent = house.propose(amount="150.00")
    rows = {row["budget"]: row for row in spent["budgets"]}
    assert rows["stay"]["used"] == "250.00"
    end(house, trial["id"])
    assert house.propose(amount="60.00")["outcome"] == "escalated"


def test_the_same_guest_is_always_on_the_same_side(embedded: HoldingHouse) -> None:
    """A share of guests, near to what was asked for; whoever serves them."""
    trial = try_out(embedded, *RAISED, share_percent=30, approved_max_minor=10_000_000)

    def is_tried(guest: str, person: str) -> bool:
        made = embedded.propose(person, amount="1.00", guest=guest)
        return bool(made["policy"]["version"] == trial["version"])

    first = [is_tried(f"G-{number}", "ana") for number in range(120)]
    again = [is_tried(f"G-{number}", "ben") for number in range(120)]
    assert first == again
    assert 15 < sum(first) < 60
    without = [embedded.propose("ana", amount="1.00", facts={"stay": {"id": "S-1"}})]
    without += [embedded.propose("ana", amount="1.00", facts={"stay": {"id": "S-2"}})]
    assert len({made["policy"]["version"] for made in without}) == 1


def test_asking_tells_what_the_candidate_would(house: HoldingHouse) -> None:
    """A check and an allowance answer as the proposal would be decided."""
    asking, ana = house.services.asking, house.principal("ana")
    body = {
        "site": "main",
        "resolution": "credit",
        "amount": "150.00",
        "facts": {"guest": {"id": "G-1"}, "stay": {"id": "S-1"}},
    }
    assert orjson.loads(asking.check(ana, body))["outcome"] == "incomplete"
    trial = try_out(house, *RAISED, approved_max_minor=100_000)
    found = orjson.loads(asking.check(ana, body))
    assert (found["outcome"], found["policy"]["version"]) == ("approved", trial["version"])
    allowed = orjson.loads(asking.allowance(ana, {name: body[name] for name in ("site", "facts")}))
    assert allowed["policy"]["version"] == trial["version"]


def test_an_escalation_is_answered_by_the_set_that_opened_it(house: HoldingHouse) -> None:
    """While the pilot runs; the money that is approved then counts for its guardrail."""
    trial = try_out(house, *LOWERED, approved_max_minor=100_000)
    asked = house.propose(amount="60.00")
    assert asked["outcome"] == "escalated"
    answered = house.answer("max", asked["escalation"]["id"])
    assert answered["decision"]["policy"]["version"] == trial["version"]
    seen = counts(house, trial["id"])
    assert (seen.decisions, seen.escalated, seen.approved_minor) == (1, 1, 6_000)


def test_a_case_from_before_stays_with_the_set_in_force(house: HoldingHouse) -> None:
    """A pilot takes over nothing that was begun, and leaves to the other what outlives it."""
    before = house.propose(amount="400.00")
    trial = try_out(house, *LOWERED, approved_max_minor=100_000)
    answered = house.answer("max", before["escalation"]["id"])
    assert answered["decision"]["policy"]["version"] == head(house)
    later = house.propose(amount="60.00")
    end(house, trial["id"])
    outlived = house.answer("max", later["escalation"]["id"])
    assert outlived["decision"]["policy"]["version"] == head(house)


def test_holds_are_finished_under_the_candidate(house: HoldingHouse) -> None:
    """Settled, released and reversed: each entry names the set under which it was begun."""
    trial = try_out(house, *RAISED, approved_max_minor=100_000)
    made = [house.propose(resolution="bond", amount="20.00", guest=f"G-{n}") for n in range(2)]
    house.settle(made[0]["id"])
    house.reverse(made[0]["id"])
    house.finish("ana", made[1]["id"], Move.RELEASE)
    for kind in ("settle", "release", "reverse"):
        (entry,) = house.entries(kind=kind)
        assert entry.policy_version == trial["version"]
    assert counts(house, trial["id"]).approved_minor == 4_000


def test_a_role_that_only_the_candidate_has_is_answered_from_above(house: HoldingHouse) -> None:
    """Those above see it and answer; once the pilot is over it waits for a role that exists."""
    trial = try_out(house, *NEW_ROLE, approved_max_minor=1_000_000)
    first, second = (house.propose(amount="400.00", guest=f"G-{n}") for n in range(2))
    assert first["escalation"]["to"] == "lead"
    house.sweep()
    inbox = orjson.loads(house.services.approvals.inbox.list(house.principal("gus"), Wanted()))
    assert {one["id"] for one in inbox["escalations"]} >= {first["escalation"]["id"]}
    seen = house.services.approvals.cases.get(house.principal("gus"), first["escalation"]["id"])
    assert orjson.loads(seen)["context"]["you"]["answers"]["approve"]["effect"] == "approve"
    answered = house.answer("gus", first["escalation"]["id"])
    assert answered["decision"]["authority"]["role"] == "lead"
    end(house, trial["id"])
    house.sweep()
    case = house.case(second["id"])
    assert case["escalation"]["to"] in {"manager", "owner"}


def test_what_only_one_set_knows_is_judged_by_the_one_that_decides(house: HoldingHouse) -> None:
    """A resolution of the candidate's alone: decided in its scope, refused elsewhere."""
    more = (
        ("  cash: {}\n", "  cash: {}\n  gift: {}\n"),
        ("may: [credit, night", "may: [credit, gift, night"),
    )
    try_out(house, *more, approved_max_minor=100_000)
    assert house.propose(resolution="gift", amount="5.00")["outcome"] == "approved"
    with pytest.raises(Refused):
        house.propose("vera", resolution="gift", amount="5.00", site="annex")


def test_the_money_ends_it(house: HoldingHouse) -> None:
    """The approval that reaches the bound stands and is the last one; the log says why."""
    trial = try_out(house, *RAISED, approved_max_minor=30_000)
    outcomes = [
        house.propose(amount="150.00", guest=f"G-{number}")["outcome"] for number in range(4)
    ]
    assert outcomes == ["approved", "approved", "incomplete", "incomplete"]
    after = shown(house, trial["id"])
    assert (after["state"], after["reason"], after["ended_by"]) == (
        "ended",
        "money_approved",
        "remit",
    )
    assert after["decided"]["approved"] == "300.00"
    last = orjson.loads(house.entries(kind="trial")[0].body)
    assert (last["effect"], last["reason"]) == ("ended", "money_approved")
    assert last["counts"]["approved_minor"] == 30_000
    assert last["guardrail"]["approved_max_minor"] == 30_000


def test_the_money_of_one_day_ends_it(house: HoldingHouse) -> None:
    """What was given yesterday does not count, in the candidate's timezone."""
    trial = try_out(house, *RAISED, approved_a_day_max_minor=20_000)
    house.propose(amount="150.00", guest="G-1")
    house.wait(hours=24)
    house.propose(amount="150.00", guest="G-2")
    assert shown(house, trial["id"])["state"] == "running"
    house.propose(amount="150.00", guest="G-3")
    assert shown(house, trial["id"])["reason"] == "money_approved_in_a_day"


def test_too_many_escalations_end_it(house: HoldingHouse) -> None:
    """Not before enough was decided to say so."""
    trial = try_out(house, *LOWERED, escalated_percent_max=50, decisions_min=4)
    for number in range(3):
        house.propose(amount="60.00", guest=f"G-{number}")
    assert shown(house, trial["id"])["state"] == "running"
    house.propose(amount="10.00", guest="G-9")
    after = shown(house, trial["id"])
    assert (after["state"], after["reason"]) == ("ended", "escalation_rate")


def test_commands_of_one_batch_are_decided_anew_after_its_end(embedded: HoldingHouse) -> None:
    """However many wait together, the bound holds: the rest is decided by the set in force."""
    trial = try_out(embedded, *RAISED, approved_max_minor=30_000)
    commands = [embedded.command(amount="150.00", guest=f"G-{number}") for number in range(40)]
    embedded.key("ana")
    with embedded.services.store.begin():  # nobody decides meanwhile, so that they wait together
        futures = [embedded.services.committer.submit(command) for command in commands]
    answers = [told(future.result(30)) for future in futures]  # type: ignore[arg-type]
    approved = [one for one in answers if one["outcome"] == "approved"]
    assert len(approved) == 2
    assert {one["policy"]["version"] for one in approved} == {trial["version"]}
    assert len(embedded.entries(kind="decision")) == 40
    assert counts(embedded, trial["id"]).approved_minor == 30_000


def test_the_bound_holds_with_many_replicas(tmp_path: Path, postgresql_url: str) -> None:
    """Three of them decide at once, as quickly as they can: no approval beyond the last one."""
    with open_replicas(tmp_path, postgresql_url, 3) as houses:
        trial = try_out(houses[0], *RAISED, approved_max_minor=20_000)
        begun = Barrier(12)

        def one(worker: int) -> list[tuple[str, str]]:
            house = houses[worker % 3]
            begun.wait(10)
            made = [
                house.propose(amount="15.00", guest=f"G-{worker}-{number}") for number in range(6)
            ]
            return [(each["outcome"], each["policy"]["version"]) for each in made]

        for house in houses:
            house.key("ana")
        with ThreadPoolExecutor(12) as threads:
            found = [each for some in threads.map(one, range(12)) for each in some]
        tried = [outcome for outcome, version in found if version == trial["version"]]
        assert tried == ["approved"] * 14  # 13 are 195.00: the fourteenth reaches 200.00
        assert counts(houses[1], trial["id"]).approved_minor == 14 * 1_500
        assert [shown(house, trial["id"])["state"] for house in houses] == ["ended"] * 3
        assert len(houses[0].entries(kind="trial")) == 2


def test_every_replica_follows_at_once(tmp_path: Path, postgresql_url: str) -> None:
    """The database says what runs: whoever asks after the answer is decided accordingly."""
    with open_replicas(tmp_path, postgresql_url, 3) as houses:
        live = head(houses[0])
        for turn in range(3):
            trial = try_out(houses[turn], *RAISED, approved_max_minor=100_000)
            for house in houses:
                made = house.propose(amount="1.00", guest=f"G-{turn}")
                assert made["policy"]["version"] == trial["version"]
            end(houses[turn - 1], trial["id"])
            for house in houses:
                made = house.propose(amount="1.00", guest=f"H-{turn}")
                assert made["policy"]["version"] == live


def test_a_candidate_that_does_not_load_here_decides_nothing(embedded: HoldingHouse) -> None:
    """A process of another release goes on with the set in force, and tells its operator once."""
    live = embedded.services.library.in_force().rulebook
    record = TrialRecord(
        id="tri_1",
        mode="pilot",
        state="running",
        version="sha256:1",
        rules="sha256:2",
        name="shop",
        currency="USD",
        beside=live.version,
        beside_rules=live.rules,
        changes="sha256:3",
        comment=None,
        requested_by="paula",
        requested_kind="human",
        requested_owner=None,
        requested_at=embedded.clock.now(),
        files={"shop.yaml": b"remit: 99\n"},
        sites=("main",),
        started_at=embedded.clock.now(),
    )
    embedded.services.trials.keeper.stop()
    with embedded.services.store.begin() as tx:
        figures = [TrialFigures(trial="tri_1", cursor=0)]
        tx.write(Writes(trials=[record], trial_figures=figures, trial_started="tri_1"))
    made = embedded.propose(amount="1.00")
    assert made["policy"]["version"] == live.version
    told: list[Exception] = []
    services = embedded.services
    keeper = TrialKeeper(services.store, services.library, told.append)
    assert not keeper.keep()
    assert not keeper.keep()
    assert [type(one) for one in told] == [PolicyErrors]


def test_every_decision_of_a_pilot_can_be_decided_again(house: HoldingHouse) -> None:
    """Entry and version give the same decision, and the whole log still adds up."""
    house.propose(amount="90.00", guest="G-2")
    trial = try_out(house, *LOWERED, approved_max_minor=100_000)
    house.propose(amount="30.00")
    asked = house.propose(amount="60.00", guest="G-2")
    house.answer("max", asked["escalation"]["id"])
    kept = house.propose(resolution="bond", amount="20.00")
    house.settle(kept["id"])
    end(house, trial["id"])
    house.propose(amount="90.00", guest="G-3")
    bodies = [entry.body for entry in reversed(house.entries())]
    results = list(Rederiver(rulebooks(house)).results(enumerate(bodies), lambda _: True))
    assert len(results) == 6
    assert [one for one in results if one.differences or one.why_not] == []
    report = verified(house)
    assert report.findings == ()
    assert not any("unknown" in kind for kind in report.kinds)


def test_its_time_ends_it(house: HoldingHouse) -> None:
    """From that instant on the set in force decides; the entry follows with the next look."""
    until = house.services.clock.now() + timedelta(hours=1)
    trial = try_out(house, *RAISED, approved_max_minor=100_000, ends_at=until)
    house.wait(hours=1)
    assert house.propose(amount="150.00")["outcome"] == "incomplete"
    house.sweep()
    after = shown(house, trial["id"])
    assert (after["state"], after["reason"]) == ("ended", "time_is_up")


def test_another_set_in_force_ends_it(house: HoldingHouse) -> None:
    """A candidate was tried beside the one before; new colleagues alone change nothing."""
    trial = try_out(house, *RAISED, approved_max_minor=100_000)
    publisher = house.services.publisher
    hired = compile_files(shop(access=f"{AUTHORS}g, new, clerk, main\n"))
    assert publisher.publish(hired, by="test")
    assert house.propose("new", amount="150.00")["outcome"] == "approved"
    assert shown(house, trial["id"])["state"] == "running"
    assert publisher.publish(compile_files(shop(("limit: 300", "limit: 290"))), by="test")
    assert house.propose(amount="150.00", guest="G-5")["outcome"] == "incomplete"
    after = shown(house, trial["id"])
    assert (after["state"], after["reason"]) == ("ended", "superseded")


def test_one_runs_at_a_time(house: HoldingHouse) -> None:
    """A second one is refused, also a shadow, until the first has ended."""
    trial = try_out(house, *RAISED, approved_max_minor=100_000)
    with pytest.raises(Conflict) as refused:
        try_out(house, *LOWERED, mode="shadow")
    assert refused.value.code == "trial_running"
    end(house, trial["id"])
    assert try_out(house, *LOWERED, mode="shadow")["state"] == "running"
    with pytest.raises(Conflict) as over:
        end(house, trial["id"])
    assert over.value.code == "trial_over"


def test_what_cannot_be_tried_is_refused(house: HoldingHouse) -> None:
    """The very rules in force, another currency, a site that nobody knows, a time that is past."""
    past = house.services.clock.now() - timedelta(seconds=1)

    def code(*changes: tuple[str, str], **terms: object) -> str:
        try:
            try_out(house, *changes, **terms)  # type: ignore[arg-type]
        except ServiceError as refused:
            return refused.code
        except Refused as refused:
            return refused.faults[0].code
        return "started"

    assert code() == "already_in_force"
    assert code(("currency: USD", "currency: EUR")) == "other_currency"
    assert code(*RAISED, sites=("moon",)) == "unknown_site"
    assert code(*RAISED, ends_at=past) == "already_over"
    assert code(*RAISED, person="ana") == "not_permitted"
    assert house.entries(kind="trial") == []


def test_a_pilot_takes_two_people_where_a_publication_does(tmp_path: Path, sqlite_url: str) -> None:
    """It decides nothing before; a shadow changes nothing, and takes one."""
    with open_trying(tmp_path, sqlite_url, access=TWO) as house:
        asked = try_out(house, *RAISED, access=TWO, approved_max_minor=100_000)
        assert asked["state"] == "requested"
        assert house.propose(amount="150.00")["outcome"] == "incomplete"
        with pytest.raises(Forbidden) as alone:
            house.decide(ConfirmTrial(principal=house.principal("paula"), id=asked["id"]))
        assert alone.value.code == "second_person_required"
        done = told(house.decide(ConfirmTrial(principal=house.principal("peter"), id=asked["id"])))
        assert (done["state"], done["confirmed_by"]) == ("running", "peter")
        assert house.propose(amount="150.00")["outcome"] == "approved"
        with pytest.raises(Conflict) as again:
            house.decide(ConfirmTrial(principal=house.principal("peter"), id=asked["id"]))
        assert again.value.code == "trial_not_waiting"
        end(house, asked["id"], "peter")
        effects = [orjson.loads(entry.body)["effect"] for entry in house.entries(kind="trial")]
        assert effects == ["ended", "started", "requested"]
        assert try_out(house, *RAISED, access=TWO, mode="shadow")["state"] == "running"


def test_a_pilot_that_waits_can_be_taken_back(tmp_path: Path, sqlite_url: str) -> None:
    """And is confirmed by nobody then, nor once another set came into force."""
    with open_trying(tmp_path, sqlite_url, access=TWO) as house:
        first = try_out(house, *RAISED, access=TWO, approved_max_minor=100_000)
        end(house, first["id"])
        second = try_out(house, *LOWERED, access=TWO, approved_max_minor=100_000)
        house.services.publisher.publish(
            compile_files(shop(("limit: 300", "limit: 290"), access=TWO)), by="test"
        )
        for id_, code in ((first["id"], "trial_not_waiting"), (second["id"], "policy_moved_on")):
            with pytest.raises(Conflict) as refused:
                house.decide(ConfirmTrial(principal=house.principal("peter"), id=id_))
            assert refused.value.code == code


def test_a_start_and_an_end_at_once_leave_one_trial(tmp_path: Path, postgresql_url: str) -> None:
    """Of two replicas that start one, one does; nobody waits for ever."""
    with open_replicas(tmp_path, postgresql_url, 3) as houses:
        author, begun = houses[0].principal("paula"), Barrier(3)

        def one(number: int) -> str:
            terms = Terms(mode="pilot", sites=("main",), approved_max_minor=1_000 + number)
            snapshot = compile_files(shop(*RAISED))
            begun.wait(10)
            try:
                houses[number].decide(StartTrial(principal=author, snapshot=snapshot, terms=terms))
            except Conflict as refused:
                return refused.code
            return "started"

        with ThreadPoolExecutor(3) as threads:
            found = sorted(threads.map(one, range(3)))
        assert found == ["started", "trial_running", "trial_running"]

"""What is held is settled or released once; what was settled is reversed by whoever may."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from service.app.charges import charged_rows
from service.app.errors import Conflict, Forbidden, NotFound, ServiceError
from service.app.records import EntryRecord, Writes
from service.bootstrap import compile_files
from service.core.hold import Move
from service.core.refusal import Refused
from tests.app.holding import HoldingHouse
from tests.stored import change


def held(house: HoldingHouse, resolution: str = "bond", amount: str = "50.00", **more: str) -> str:
    answer = house.propose(resolution=resolution, amount=amount, **more)
    assert (answer["outcome"], answer["state"]) == ("approved", "held")
    return str(answer["id"])


def newest(house: HoldingHouse) -> EntryRecord:
    return house.entries()[0]


def lines(entry: EntryRecord) -> dict[str, dict[str, object]]:
    return {line["budget"]: line for line in orjson.loads(entry.body)["budgets"]}


def test_what_is_held_counts_as_used(holding: HoldingHouse) -> None:
    """Money and count alike, from the approval on."""
    held(holding)
    assert holding.used() == {
        "stay": ("50.00", "0.00", 1),
        "day": ("50.00", "0.00", 1),
        "often": (1, 0, 1),
    }
    for _ in range(2):
        held(holding, amount="100.00")
    assert holding.propose(amount="1.00")["outcome"] == "escalated"


def test_a_hold_is_settled_in_full(holding: HoldingHouse) -> None:
    """The decision stands as settled, under a new entry, and the guest is named."""
    id_ = held(holding)
    done = holding.settle(id_)
    assert (done["id"], done["state"], done["value"]["amount"]) == (id_, "settled", "50.00")
    assert done["budgets"][0]["per"]["guest.id"] == "G-1"
    assert done["entry"]["id"] == newest(holding).id
    assert holding.used() == {
        "stay": ("0.00", "50.00", 2),
        "day": ("0.00", "50.00", 2),
        "often": (0, 1, 2),
    }


def test_settling_less_returns_the_rest(holding: HoldingHouse) -> None:
    """The money that is left over returns to each budget; the count does not."""
    done = holding.settle(held(holding), amount="20.00")
    assert done["value"]["amount"] == "20.00"
    assert [line["charged"] for line in done["budgets"]] == ["20.00", "20.00", 1]
    assert [line["used"] for line in done["budgets"]] == ["20.00", "20.00", 1]
    assert holding.used() == {
        "stay": ("0.00", "20.00", 2),
        "day": ("0.00", "20.00", 2),
        "often": (0, 1, 2),
    }


def test_a_quantity_is_settled_by_the_unit(holding: HoldingHouse) -> None:
    """One of three nights is worth a third."""
    answer = holding.propose(resolution="upgrade", amount=None, quantity=3)
    done = holding.settle(answer["id"], quantity=1)
    assert done["value"] == {"amount": "10.00", "currency": "USD", "quantity": 1}
    assert holding.used()["stay"] == ("0.00", "10.00", 2)


def test_a_release_gives_everything_back(holding: HoldingHouse) -> None:
    """The count too."""
    done = holding.release(held(holding))
    assert (done["state"], done["value"]["amount"]) == ("released", "50.00")
    assert [line["charged"] for line in done["budgets"]] == ["0.00", "0.00", 0]
    assert holding.used() == {
        "stay": ("0.00", "0.00", 2),
        "day": ("0.00", "0.00", 2),
        "often": (0, 0, 2),
    }


def test_a_reversal_gives_back_what_was_settled(holding: HoldingHouse) -> None:
    """Whether it was settled at once, or held first and settled for less."""
    at_once = holding.propose(amount="30.00")["id"]
    later = held(holding)
    holding.settle(later, amount="20.00")
    assert holding.used()["stay"][:2] == ("0.00", "50.00")
    assert holding.reverse(later)["state"] == "reversed"
    assert holding.used()["stay"][:2] == ("0.00", "30.00")
    assert holding.reverse(at_once)["state"] == "reversed"
    assert holding.used() == {
        "stay": ("0.00", "0.00", 5),
        "day": ("0.00", "0.00", 5),
        "often": (0, 0, 5),
    }


def test_a_reversal_returns_to_the_window_it_came_from(holding: HoldingHouse) -> None:
    """Yesterday's day gets its money back, and today's is not touched."""
    yesterday = holding.propose(amount="30.00")["id"]
    holding.wait(days=1)
    holding.propose(amount="20.00")
    holding.reverse(yesterday)
    line = lines(newest(holding))["day"]
    assert (line["before"], line["after"], line["version"]) == (3_000, 0, 2)
    assert holding.rows()["day"]["used"] == "20.00"
    assert holding.rows()["often"]["used"] == 1


def test_what_aged_out_returns_nothing(holding: HoldingHouse) -> None:
    """A count of 90 days ago weighs nothing any more, and its reversal frees nothing else."""
    old = holding.propose(amount="30.00")["id"]
    holding.wait(days=90)
    holding.propose(amount="20.00")
    holding.reverse(old)
    assert lines(newest(holding))["often"]["charged"] == 0
    assert holding.rows()["often"]["used"] == 1


def test_a_hold_is_settled_in_the_window_it_was_admitted_to(holding: HoldingHouse) -> None:
    """Settling the next day spends what the day before kept back."""
    id_ = held(holding, "loan")
    holding.wait(days=1)
    holding.settle(id_)
    assert lines(newest(holding))["day"]["after"] == 5_000
    assert holding.rows()["day"]["used"] == "0.00"


def test_a_settled_count_ages_from_the_settlement_on(holding: HoldingHouse) -> None:
    """Nothing becomes free earlier for having been held."""
    id_ = held(holding, "loan")
    holding.wait(days=1)
    holding.settle(id_)
    holding.wait(days=89, hours=23)
    assert holding.rows()["often"]["used"] == 1
    holding.wait(hours=1)
    assert holding.rows()["often"]["used"] == 0


def test_every_step_is_an_entry(holding: HoldingHouse) -> None:
    """With who, what and each balance before and after, found as decisions are."""
    id_ = held(holding)
    holding.settle(id_, amount="20.00")
    holding.reverse(id_)
    reverse, settle, decision = holding.entries(about=id_)
    assert [entry.kind for entry in (decision, settle, reverse)] == [
        "decision",
        "settle",
        "reverse",
    ]
    body = orjson.loads(settle.body)
    assert (body["was"], body["effect"], body["by"]["id"]) == ("held", "settled", "ana")
    assert (body["value_before_minor"], body["value_minor"]) == (5_000, 2_000)
    assert body["decided"] == decision.id
    assert body["authority"] == {"role": "clerk", "grant": "small"}
    assert (settle.agent, settle.site, settle.rule) == ("ana", "main", "small")
    assert (settle.outcome, settle.value_minor, settle.subject) == (
        "settled", 2_000, decision.subject,
    )  # fmt: skip
    line = lines(settle)["stay"]
    assert (line["before"], line["after"], line["charged"]) == (5_000, 2_000, -3_000)
    assert (line["held"], line["settled"], line["version"]) == (-5_000, 2_000, 2)
    assert all(hashlib.sha256(b"\0" + e.body).digest() == e.leaf for e in (settle, reverse))


def test_every_balance_goes_on_where_the_last_entry_left_it(holding: HoldingHouse) -> None:
    """Version by version, without a gap: an auditor re-adds each row."""
    for number, amount in enumerate(("10.00", "20.00", "30.00")):
        id_ = held(holding, amount=amount, guest=f"G-{number}")
        if number:
            holding.settle(id_, amount="5.00")
        if number == 1:
            holding.reverse(id_)
    stood: dict[object, tuple[object, int]] = {}
    for entry in reversed(holding.entries()):
        for line in orjson.loads(entry.body).get("budgets", []):
            after, version = stood.get(line["row"], (0, 0))
            assert (line["before"], line["version"]) == (after, version + 1)
            assert line["after"] == line["before"] + line["charged"]
            stood[line["row"]] = (line["after"], line["version"])
    assert stood


def test_the_reason_of_a_reversal_is_sealed(holding_embedded: HoldingHouse) -> None:
    """The case tells it; no entry and no table does."""
    id_ = holding_embedded.propose()["id"]
    holding_embedded.reverse(id_)
    assert b"slip" not in newest(holding_embedded).body
    assert orjson.loads(newest(holding_embedded).body)["_sd"]
    steps = holding_embedded.case(id_)["history"]
    assert [(step["kind"], step["effect"]) for step in steps] == [
        ("decision", "approved"), ("reverse", "reversed"),
    ]  # fmt: skip
    assert steps[-1]["text"] == "a slip of the pen"


def test_the_case_says_until_when_it_is_held(holding_embedded: HoldingHouse) -> None:
    """And nothing any more once it is not."""
    id_ = held(holding_embedded)
    end = holding_embedded.clock.now() + timedelta(hours=24)
    assert holding_embedded.case(id_)["hold"] == {
        "until": end.isoformat().replace("+00:00", "Z"), "then": "release",
    }  # fmt: skip
    holding_embedded.release(id_)
    assert holding_embedded.case(id_)["hold"] is None


@pytest.mark.parametrize("first", [Move.SETTLE, Move.RELEASE])
@pytest.mark.parametrize("second", [Move.SETTLE, Move.RELEASE])
def test_a_hold_ends_once(holding: HoldingHouse, first: Move, second: Move) -> None:
    """Whoever comes second gets a conflict, and nothing moves."""
    id_ = held(holding)
    holding.finish("ana", id_, first)
    before = holding.used()
    with pytest.raises(Conflict) as refused:
        holding.finish("ana", id_, second)
    assert refused.value.code == "not_held"
    assert holding.used() == before


def test_two_that_arrive_together_are_one(holding: HoldingHouse) -> None:
    """The second in a batch sees what the first did."""
    id_ = held(holding)
    commands = [holding.finishing("ana", id_, Move.SETTLE) for _ in range(2)]
    first, second = [holding.services.committer.submit(command) for command in commands]
    assert first.result(60)
    assert isinstance(second.exception(60), Conflict)
    assert len(holding.entries(kind="settle")) == 1


def test_a_reversal_happens_once(holding: HoldingHouse) -> None:
    """What is back does not come back again."""
    id_ = holding.propose()["id"]
    holding.reverse(id_)
    with pytest.raises(Conflict) as refused:
        holding.reverse(id_)
    assert refused.value.code == "not_settled"
    assert holding.used()["stay"][:2] == ("0.00", "0.00")


def test_only_what_is_settled_is_reversed(holding_embedded: HoldingHouse) -> None:
    """What is held is released, what was denied or waits was never given."""
    waiting = holding_embedded.propose(amount="300.00", note="a leak")["id"]
    denied = holding_embedded.propose(resolution="cash")["id"]
    for id_ in (held(holding_embedded), waiting, denied):
        with pytest.raises(Conflict) as refused:
            holding_embedded.reverse(id_)
        assert refused.value.code == "not_settled"
    for id_ in (waiting, denied):
        with pytest.raises(Conflict) as refused:
            holding_embedded.settle(id_)
        assert refused.value.code == "not_held"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"amount": "50.01"}, "more_than_held"),
        ({"amount": "0.00"}, "amount_not_positive"),
        ({"amount": 20}, "money_not_text"),
        ({"amount": "1.001"}, "too_many_decimals"),
        ({"quantity": 1}, "quantity_not_allowed"),
        ({"sum": "1.00"}, "unknown_field"),
        ([], "wrong_type"),
    ],
)
def test_what_cannot_be_settled_is_refused(
    holding_embedded: HoldingHouse, body: object, code: str
) -> None:
    """More than is held, nothing, and what means nothing: the hold stays as it is."""
    id_ = held(holding_embedded)
    before = holding_embedded.used()
    with pytest.raises(Refused) as refused:
        holding_embedded.finish("ana", id_, Move.SETTLE, body)
    assert refused.value.faults[0].code == code
    assert holding_embedded.used() == before
    assert holding_embedded.settle(id_)["state"] == "settled"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"quantity": 4}, "more_than_held"),
        ({"quantity": 0}, "quantity_not_whole"),
        ({"quantity": True}, "quantity_not_whole"),
        ({"amount": "10.00"}, "amount_not_allowed"),
    ],
)
def test_units_are_settled_as_units(
    holding_embedded: HoldingHouse, body: object, code: str
) -> None:
    """A whole number of those that are held."""
    id_ = holding_embedded.propose(resolution="upgrade", amount=None, quantity=3)["id"]
    with pytest.raises(Refused) as refused:
        holding_embedded.finish("ana", id_, Move.SETTLE, body)
    assert refused.value.faults[0].code == code


@pytest.mark.parametrize(
    ("move", "body", "code"),
    [
        (Move.RELEASE, {"amount": "1.00"}, "unknown_field"),
        (Move.REVERSE, {}, "reason_required"),
        (Move.REVERSE, {"reason": " "}, "empty_text"),
    ],
)
def test_what_a_release_and_a_reversal_say(
    holding_embedded: HoldingHouse, move: Move, body: object, code: str
) -> None:
    """A release says nothing, a reversal says why."""
    id_ = held(holding_embedded) if move is Move.RELEASE else holding_embedded.propose()["id"]
    with pytest.raises(Refused) as refused:
        holding_embedded.finish("max", id_, move, body)
    assert refused.value.faults[0].code == code


def test_who_may_finish_a_hold(holding_embedded: HoldingHouse) -> None:
    """Its proposer, and who answers escalations there; no colleague and no auditor."""
    for person, code in (("ben", "not_yours"), ("vera", "not_yours"), ("audra", "not_yours")):
        with pytest.raises(Forbidden) as refused:
            holding_embedded.finish(
                person, held(holding_embedded, amount="1.00", guest=person), Move.SETTLE
            )
        assert refused.value.code == code
    for person in ("ana", "max", "gus"):
        id_ = held(holding_embedded, amount="1.00", guest=person)
        assert holding_embedded.finish(person, id_, Move.SETTLE)["state"] == "settled"


def test_an_owner_finishes_what_their_agent_holds(holding_embedded: HoldingHouse) -> None:
    """Who answers for an agent may end what it began."""
    holding_embedded.key("robo", "ai", "ben")
    id_ = holding_embedded.propose("robo", resolution="bond")["id"]
    assert holding_embedded.finish("ben", id_, Move.RELEASE)["state"] == "released"


def test_who_proposed_and_is_gone_settles_nothing(holding_embedded: HoldingHouse) -> None:
    """Without the right to propose at the site, the proposer is a stranger there."""
    id_ = held(holding_embedded)
    access = holding_embedded.folder / "shop" / "access.csv"
    files = {path.name: path.read_bytes() for path in access.parent.iterdir()}
    files["access.csv"] = files["access.csv"].replace(b"g, ana, clerk, main\n", b"")
    assert holding_embedded.services.publisher.publish(compile_files(files), by="test")
    with pytest.raises(Forbidden) as refused:
        holding_embedded.settle(id_)
    assert refused.value.code == "not_permitted"


@pytest.mark.parametrize(
    ("person", "code"),
    [("ana", "not_permitted"), ("ben", "not_permitted"), ("audra", "not_permitted")],
)
def test_who_may_not_approve_reverses_nothing(
    holding_embedded: HoldingHouse, person: str, code: str
) -> None:
    """The right to answer is asked for at the resolution's site."""
    with pytest.raises(Forbidden) as refused:
        holding_embedded.reverse(holding_embedded.propose()["id"], person)
    assert refused.value.code == code


def test_nobody_reverses_what_they_proposed(holding_embedded: HoldingHouse) -> None:
    """Nor what an agent of theirs did; a colleague of the same rank may."""
    own = holding_embedded.propose("max", amount="50.00")["id"]
    holding_embedded.key("robo", "ai", "max")
    agents = holding_embedded.propose("robo", amount="50.00")["id"]
    for id_ in (own, agents):
        with pytest.raises(Forbidden) as refused:
            holding_embedded.reverse(id_)
        assert refused.value.code == "own_request"
        assert holding_embedded.reverse(id_, "mia")["state"] == "reversed"


def test_a_reversal_takes_the_authority_that_gave_it(holding_embedded: HoldingHouse) -> None:
    """What an owner gave is not a manager's to take back."""
    waiting = holding_embedded.propose(amount="900.00", note="a leak")
    holding_embedded.answer("gus", waiting["escalation"]["id"])
    done = holding_embedded.answer("grace", waiting["escalation"]["id"])
    assert done["decision"]["authority"]["role"] == "owner"
    with pytest.raises(Forbidden) as refused:
        holding_embedded.reverse(waiting["id"], "max")
    assert refused.value.code == "not_your_remit"
    assert holding_embedded.reverse(waiting["id"], "grace")["state"] == "reversed"


def test_agents_that_are_no_people_reverse_nothing(holding_embedded: HoldingHouse) -> None:
    """Whatever role they hold."""
    holding_embedded.key("mia", "ai", "gus")
    with pytest.raises(Forbidden) as refused:
        holding_embedded.reverse(holding_embedded.propose()["id"], "mia")
    assert refused.value.code == "humans_only"


def test_what_was_approved_above_may_be_held(holding: HoldingHouse) -> None:
    """An answer that approves a held resolution charges a hold, which is settled as any other."""
    waiting = holding.propose(resolution="loan", amount="300.00")
    done = holding.answer("max", waiting["escalation"]["id"])
    assert done["decision"]["state"] == "held"
    assert holding.rows()["day"]["held"] == "300.00"
    assert holding.settle(waiting["id"], amount="250.00")["state"] == "settled"
    assert holding.rows()["day"]["settled"] == "250.00"


def test_the_same_key_settles_once(holding: HoldingHouse) -> None:
    """The same body gets the same bytes again; another one is refused."""
    id_ = held(holding)
    command = [holding.finishing("ana", id_, Move.SETTLE, {}, key="k") for _ in range(2)]
    first, second = [holding.decide(one) for one in command]
    assert (first.replayed, second.replayed) == (False, True)
    assert first.body == second.body
    with pytest.raises(ServiceError) as refused:
        holding.decide(holding.finishing("ana", id_, Move.SETTLE, {"amount": "1.00"}, key="k"))
    assert refused.value.code == "idempotency_mismatch"
    assert len(holding.entries(kind="settle")) == 1


def test_what_is_not_there_is_not_found(holding_embedded: HoldingHouse) -> None:
    """A resolution that the caller may not see is no resolution."""
    finder = holding_embedded.services.finder
    id_ = held(holding_embedded)
    with pytest.raises(NotFound):
        finder.find_resolution(holding_embedded.principal("vera"), id_)
    with pytest.raises(NotFound):
        finder.find_resolution(holding_embedded.principal("gus"), "res_none")


def test_a_lost_row_fails_closed(holding: HoldingHouse) -> None:
    """A budget row that does not have what is held is a defect: nothing is changed or answered."""
    id_ = held(holding)
    with holding.services.store.begin() as tx:
        (record,) = tx.lock_resolutions([id_]).values()
        rows = tx.lock_budgets(charged_rows(record.charges))
        emptied = [
            change(replace(row, balance=row.balance._replace(held=0, version=9)), row)
            for row in rows.values()
        ]
        tx.write(Writes(budgets=emptied))
    with pytest.raises(ServiceError) as refused:
        holding.settle(id_)
    assert refused.value.code == "not_decided"
    assert holding.case(id_)["state"] == "held"

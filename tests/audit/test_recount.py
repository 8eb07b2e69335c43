"""The re-count: what no Merkle tree shows, on logs that their operator hashed and signed."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.audit.finding import Code, Finding
from service.audit.verify import Report
from tests.audit.ledger import HOUSE, OFTEN, STAY, WEEK, Cap, Json, Ledger, instant
from tests.audit.logs import MemorySource, codes, verified

MANY = Cap(name="many", limit=10**9, within_days=30)


@pytest.fixture
def ledger() -> Ledger:
    """A hold that was settled in part, one that was released, a reversal, an escalation."""
    ledger = Ledger()
    for number in range(6):
        ledger.wait(hours=13)
        ledger.approve(1_000 + number, f"g{number % 2}")
    half, none, back = (ledger.approve(5_000, held=held) for held in (True, True, False))
    ledger.deny(400_000)
    ledger.wait(hours=30)
    ledger.settle(half, 2_000)
    ledger.release(none)
    ledger.wait(hours=1)
    ledger.reverse(back)
    above = ledger.escalate(9_000)
    ledger.answer(above, 9_000)
    ledger.approve(100)
    return ledger


def recounted(ledger: Ledger) -> Report:
    return verified(MemorySource(ledger.written()))


def line(entry: Json, budget: str) -> Json:
    lines = entry.get("budgets") or entry["decision"]["budgets"]
    found: Json = next(each for each in lines if each["budget"] == budget)
    return found


def of_kind(ledger: Ledger, kind: str) -> Json:
    return next(entry for entry in ledger.entries if entry["kind"] == kind)


def only(report: Report, code: Code) -> Finding:
    (found,) = [finding for finding in report.findings if finding.code is code]
    return found


def test_an_honest_life_adds_up(ledger: Ledger) -> None:
    """Charges, holds, settlements in part, releases, reversals and answers re-add to the end."""
    report = recounted(ledger)
    assert report.findings == ()
    assert report.approvals == 11
    assert report.kinds == {"decision": 12, "settle": 1, "release": 1, "reverse": 1, "answer": 1}


def test_a_cent_over_the_limit_is_found() -> None:
    """The sum is right, the charge is right, and the limit that the entry states is exceeded."""
    ledger = Ledger()
    ledger.approve(STAY.limit, caps=[STAY])
    ledger.approve(1, caps=[STAY])
    report = recounted(ledger)
    assert codes(report) == {Code.BUDGET_OVERSPENT}
    finding = report.findings[0]
    assert (finding.index, finding.entry) == (1, "ent_000001")
    assert finding.row == ledger.entries[1]["budgets"][0]["row"]
    assert "300001 used of stay, whose limit is 300000" in finding.message


def test_a_lowered_limit_is_no_overspending() -> None:
    """What was used before stays used; a release may leave more than today's limit."""
    ledger = Ledger()
    ledger.approve(5_000, caps=[STAY])
    held = ledger.approve(1_000, caps=[STAY], held=True)
    line(ledger.release(held), "stay")["limit"] = 10
    assert recounted(ledger).holds


def test_a_row_that_no_policy_caps_any_more_has_no_limit() -> None:
    """Its limit is null, and its versions go on."""
    ledger = Ledger()
    held = ledger.approve(1_000, caps=[STAY], held=True)
    line(ledger.settle(held), "stay")["limit"] = None
    assert recounted(ledger).holds


@pytest.mark.parametrize("field", ["before", "charged", "after"])
def test_a_sum_that_is_wrong_is_found(ledger: Ledger, field: str) -> None:
    """Before and charged make after, in every line."""
    line(ledger.entries[2], "stay")[field] += 1
    assert Code.BUDGET_ARITHMETIC in codes(recounted(ledger))


def test_a_smaller_before_is_found(ledger: Ledger) -> None:
    """To forget what is used already is how a cap would be stretched."""
    spoilt = line(ledger.entries[2], "stay")
    spoilt["before"] -= 1
    spoilt["after"] -= 1
    found = [it for it in recounted(ledger).findings if it.code is Code.BUDGET_MISMATCH]
    assert (found[0].index, found[0].row) == (2, spoilt["row"])


def test_a_version_left_out_is_found(ledger: Ledger) -> None:
    """A charge that stands in no entry leaves a gap in the versions of its rows."""
    del ledger.entries[2]
    report = recounted(ledger)
    assert Code.BUDGET_GAP in codes(report)
    assert {it.entry for it in report.findings if it.code is Code.BUDGET_GAP} == {"ent_000004"}
    assert "version 2 of stay" in next(
        it.message for it in report.findings if it.code is Code.BUDGET_GAP
    )


def test_a_version_made_twice_is_found(ledger: Ledger) -> None:
    """Two charges cannot both have stood on the same balance."""
    first, second = line(ledger.entries[0], "stay"), line(ledger.entries[2], "stay")
    second.update(version=first["version"], before=0, after=second["charged"])
    report = recounted(ledger)
    assert {Code.BUDGET_VERSION_TWICE, Code.BUDGET_GAP} <= codes(report)
    assert only(report, Code.BUDGET_VERSION_TWICE).entry == "ent_000002"


def test_a_charge_without_an_approval_is_found(ledger: Ledger) -> None:
    """A decision that denies may read budgets and never charge them."""
    ledger.entries[0].update(outcome="denied", state=None)
    report = recounted(ledger)
    assert codes(report) == {Code.CHARGE_WITHOUT_APPROVAL}
    assert {it.entry for it in report.findings} == {"ent_000000"}


def test_a_charge_of_another_amount_is_found(ledger: Ledger) -> None:
    """Each budget of money is charged what the approval is worth, and each count one."""
    ledger.entries[0]["value_minor"] += 1
    found = recounted(ledger).findings
    assert {it.code for it in found} == {Code.CHARGE_MISMATCH}
    assert len(found) == 3  # the fourth counts


def test_a_second_approval_of_one_case_is_found(ledger: Ledger) -> None:
    """Each charge belongs to one approved decision, and each case has one."""
    again = ledger.approve(100)
    ledger.entries[-1]["about"] = ledger.entries[0]["about"]
    assert again
    assert only(recounted(ledger), Code.APPROVED_TWICE).entry == ledger.entries[-1]["id"]


def test_an_answer_to_what_nobody_proposed_is_found(ledger: Ledger) -> None:
    """An answer approves what a decision handed upwards, and nothing else."""
    of_kind(ledger, "answer")["about"] = "res_of_nobody"
    report = recounted(ledger)
    assert only(report, Code.CHARGE_WITHOUT_APPROVAL).entry == of_kind(ledger, "answer")["id"]


@pytest.mark.parametrize("kind", ["settle", "release", "reverse"])
def test_an_end_without_an_approval_is_found(ledger: Ledger, kind: str) -> None:
    """Nothing is given back that was never given."""
    of_kind(ledger, kind)["about"] = "res_of_nobody"
    assert only(recounted(ledger), Code.END_WITHOUT_APPROVAL).entry == of_kind(ledger, kind)["id"]


@pytest.mark.parametrize(
    ("kind", "held", "settled"),
    [("settle", -1, 0), ("settle", 0, 4_000), ("release", -1, 0), ("reverse", 0, -1)],
)
def test_an_end_that_moves_more_than_there_was_is_found(
    ledger: Ledger, kind: str, held: int, settled: int
) -> None:
    """A settlement spends at most what was held; a release and a reversal return just that."""
    spoilt = line(of_kind(ledger, kind), "stay")
    spoilt["held"] += held
    spoilt["settled"] += settled
    spoilt["charged"] += held + settled
    spoilt["after"] += held + settled
    found = only(recounted(ledger), Code.END_MISMATCH)
    assert found.entry == of_kind(ledger, kind)["id"]


def test_an_end_that_leaves_a_row_out_is_found(ledger: Ledger) -> None:
    """What an approval charged on four rows returns to four."""
    ended = of_kind(ledger, "reverse")
    ended["budgets"] = [it for it in ended["budgets"] if it["budget"] != "house"]
    assert Code.END_MISMATCH in codes(recounted(ledger))


def test_a_case_ends_once(ledger: Ledger) -> None:
    """What was released is not held any more, and what was reversed is not settled."""
    again = {**of_kind(ledger, "release"), "id": "ent_again", "budgets": []}
    ledger.entries.append(again)
    assert only(recounted(ledger), Code.END_WITHOUT_APPROVAL).entry == "ent_again"


def test_a_charge_outside_its_window_is_found() -> None:
    """Today's money is not taken from yesterday's row."""
    ledger = Ledger()
    ledger.approve(100, caps=[HOUSE])
    ledger.entries[0]["at"] = "2026-03-02T00:00:00Z"
    assert codes(recounted(ledger)) == {Code.BUDGET_WINDOW}
    ledger.entries[0]["at"] = "2026-03-01T23:59:59.999999Z"
    assert recounted(ledger).holds


@pytest.mark.parametrize("field", ["budget", "counts", "from", "until"])
def test_a_row_that_becomes_another_is_found(ledger: Ledger, field: str) -> None:
    """A row is one key of one budget in one window for ever."""
    others = {"budget": "other", "counts": True, "from": instant(ledger.at), "until": "3000"}
    line(ledger.entries[-1], "stay")[field] = others[field]
    assert Code.BUDGET_ROW_CHANGED in codes(recounted(ledger))


def test_money_that_ages_too_early_is_found() -> None:
    """A spend counts for the whole length of its window: the re-count keeps it itself."""
    ledger = Ledger()
    ledger.approve(1_000, caps=[WEEK])
    ledger.wait(days=6, hours=23)
    ledger.approve(500, caps=[WEEK])
    spoilt = line(ledger.entries[1], "week")
    spoilt.update(before=0, after=500)
    assert "the entries add up to 1000" in only(recounted(ledger), Code.BUDGET_MISMATCH).message


def test_money_that_never_ages_is_found() -> None:
    """What aged out does not count: whoever says so refuses what was allowed."""
    ledger = Ledger()
    ledger.approve(1_000, caps=[WEEK])
    ledger.wait(days=7)
    ledger.approve(500, caps=[WEEK])
    line(ledger.entries[1], "week").update(before=1_000, after=1_500)
    assert codes(recounted(ledger)) == {Code.BUDGET_MISMATCH}


def test_beyond_what_is_kept_apart_a_window_may_err_to_refusal() -> None:
    """With hundreds of spends in one window more may be said to be used, and never less."""
    ledger = Ledger()
    for _ in range(250):
        ledger.wait(hours=1)
        ledger.approve(10, caps=[MANY])
    ledger.wait(days=25)
    ledger.approve(10, caps=[MANY])
    last = line(ledger.entries[-1], "many")
    for said, holds in ((0, True), (10, True), (-1, False)):
        last["before"] += said
        last["after"] += said
        assert recounted(ledger).holds is holds, said
        last["before"] -= said
        last["after"] -= said


def test_lines_may_come_in_any_order(ledger: Ledger) -> None:
    """With several replicas an entry may stand before the one that it builds upon."""
    ledger.entries.reverse()
    assert recounted(ledger).findings == ()


def test_a_gap_does_not_hide_what_follows(ledger: Ledger) -> None:
    """Behind a gap the count goes on, and finds the next fault."""
    for _ in range(5):
        ledger.approve(100, "later", caps=[STAY])
    line(ledger.entries[-1], "stay")["after"] += 1
    del ledger.entries[-4]
    assert {Code.BUDGET_GAP, Code.BUDGET_ARITHMETIC} == codes(recounted(ledger))


@pytest.mark.parametrize("days", [0, 2, 20])
def test_a_reversal_that_comes_late_returns_nothing_to_a_window(days: int) -> None:
    """What aged out of a rolling window is not given back a second time."""
    ledger = Ledger()
    case = ledger.approve(100)
    ledger.wait(days=days)
    ledger.reverse(case)
    assert recounted(ledger).findings == ()


moves = st.lists(
    st.tuples(
        st.sampled_from(["approve", "hold", "deny", "settle", "release", "reverse", "answer"]),
        st.integers(1, 60_000),
        st.integers(0, 2),
        st.integers(0, 40),
    ),
    max_size=80,
)


def play(ledger: Ledger, what: str, value: int, key: str) -> None:
    """One step of an honest life, where it is possible."""
    open_ = [id_ for id_, case in ledger.cases.items() if case.held]
    done = [id_ for id_, case in ledger.cases.items() if not case.held]
    if what in {"approve", "hold"} and ledger.fits(value, key):
        ledger.approve(value, key, held=what == "hold")
    elif what == "answer" and ledger.fits(value, key):
        ledger.answer(ledger.escalate(value, key), value, key)
    elif what == "deny":
        ledger.deny(value, key)
    elif what == "settle" and open_:
        held = max(charge for _, charge, _ in ledger.cases[open_[0]].charges)
        ledger.settle(open_[0], min(value, held))
    elif what == "release" and open_:
        ledger.release(open_[-1])
    elif what == "reverse" and done:
        ledger.reverse(done[value % len(done)])


HONEST = settings(max_examples=60, deadline=None)


@given(steps=moves, order=st.randoms(use_true_random=False))
@HONEST
def test_every_honest_log_passes(steps: list[tuple[str, int, int, int]], order: Any) -> None:
    """Whatever happens in whatever order, and however entries near each other are shuffled."""
    ledger = Ledger()
    for what, value, key, hours in steps:
        ledger.at += timedelta(hours=hours)
        play(ledger, what, value, f"g{key}")
    for begin in range(0, len(ledger.entries), 10):
        near = ledger.entries[begin : begin + 10]
        order.shuffle(near)
        ledger.entries[begin : begin + 10] = near
    assert recounted(ledger).findings == ()


@given(steps=moves, data=st.data())
@HONEST
def test_a_cent_anywhere_is_found(
    steps: list[tuple[str, int, int, int]],
    data: st.DataObject,
) -> None:
    """Add one to any number of any line of an honest log, and it does not add up."""
    ledger = Ledger()
    ledger.approve(100)
    for what, value, key, hours in steps:
        ledger.at += timedelta(hours=hours)
        play(ledger, what, value, f"g{key}")
    lines = [
        told
        for entry in ledger.entries
        for told in entry.get("budgets") or entry["decision"]["budgets"]
    ]
    field = data.draw(st.sampled_from(["version", "charged", "before", "after"]))
    data.draw(st.sampled_from(lines))[field] += 1
    assert not recounted(ledger).holds


def test_counts_are_of_approvals() -> None:
    """A count is one for each approval, whatever it is worth."""
    ledger = Ledger()
    ledger.approve(500, caps=[OFTEN])
    line(ledger.entries[0], "often").update(charged=500, after=500)
    assert codes(recounted(ledger)) >= {Code.CHARGE_MISMATCH, Code.BUDGET_OVERSPENT}

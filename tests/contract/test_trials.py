"""What every database guarantees of trials, and of the head that says which one runs."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.adapters.sql.store import SqlStore
from service.app.ports import Reader
from service.app.records import Writes
from service.app.trialports import TrialReader
from service.app.trialrecords import TrialCounts, TrialFigures, TrialRecord, trial_budget
from service.core.budget import Balance
from tests.contract.asked import assert_changed, assert_found, assert_listed
from tests.stored import AT, POLICY

FIRST = TrialRecord(
    id="tri_1",
    mode="pilot",
    state="requested",
    version="sha256:" + "c" * 64,
    rules="sha256:" + "d" * 64,
    name="grand-hotel",
    currency="USD",
    beside=POLICY.version,
    beside_rules=POLICY.rules,
    changes="sha256:" + "e" * 64,
    comment="für Größeres",
    requested_by="robo",
    requested_kind="ai",
    requested_owner="paula",
    requested_at=AT,
    files={"hotel.yaml": b"remit: 1\n", "access.csv": b""},
    sites=("vienna", "new_york"),
    share_percent=10,
    approved_max_minor=2**53 - 1,
    approved_a_day_max_minor=1,
    escalated_percent_max=40,
    decisions_min=20,
    ends_at=AT + timedelta(days=1),
)
SECOND = replace(
    FIRST,
    id="tri_2",
    mode="shadow",
    state="ended",
    comment=None,
    sites=None,
    share_percent=None,
    approved_max_minor=None,
    approved_a_day_max_minor=None,
    escalated_percent_max=None,
    ends_at=None,
    requested_kind="human",
    requested_owner=None,
    confirmed_by="peter",
    confirmed_at=AT,
    started_at=AT,
    ended_at=AT + timedelta(microseconds=1),
    ended_by="remit",
    reason="money_approved",
)
FIGURES = TrialFigures(trial="tri_1", cursor=7, figures='{"decisions":1}')


@pytest.fixture
def tried(store: SqlStore) -> SqlStore:
    """With a policy in force, and both trials."""
    with store.begin() as tx:
        tx.write(Writes(policies=[POLICY], head=POLICY.version, trials=[FIRST, SECOND]))
    return store


def trials(reader: Reader) -> TrialReader:
    return reader.trials


def test_a_trial_comes_back_as_it_was_written(tried: SqlStore) -> None:
    """Every field, in a transaction and in a read; an unknown one is nothing."""
    assert_found(tried, trials, [FIRST, SECOND])
    with tried.begin() as tx:
        assert tx.trials.find("tri_1") == FIRST


def test_trials_are_listed_newest_first(tried: SqlStore) -> None:
    """Page by page, by the id of the last one seen."""
    assert_listed(tried, trials, [FIRST, SECOND])


def test_a_change_is_of_what_is_there(tried: SqlStore) -> None:
    """A change of what is not there is a defect, not a silence."""

    def change(record: TrialRecord) -> Writes:
        return Writes(trial_changes=[record])

    running = replace(FIRST, state="running", started_at=AT)
    assert_changed(tried, trials, change, running, replace(FIRST, id="tri_3"))


def test_the_head_says_which_one_runs(tried: SqlStore) -> None:
    """From the next transaction on, until it is over; another version leaves it alone."""

    def running() -> list[str | None]:
        with tried.begin() as tx:
            tx.lock_head()
            found = [tx.trial(), tx.trials.running()]
        with tried.read() as reader:
            return [*found, reader.trials.running()]

    assert running() == [None] * 3
    with tried.begin() as tx:
        tx.write(Writes(trial_started="tri_1"))
        assert tx.trial() is None
    assert running() == ["tri_1"] * 3
    other = replace(POLICY, version="sha256:" + "f" * 64)
    with tried.begin() as tx:
        tx.write(Writes(policies=[other], head=other.version))
    assert running() == ["tri_1"] * 3
    with tried.begin() as tx:
        tx.write(Writes(trial_over=True))
        assert tx.head() == other.version
    assert running() == [None] * 3


def test_an_empty_database_runs_no_trial(store: SqlStore) -> None:
    """There is no head yet."""
    with store.begin() as tx:
        assert (tx.head(), tx.trial(), tx.trials.running()) == (None, None, None)
    with store.read() as reader:
        assert reader.trials.running() is None


def test_counts_are_those_written_last(tried: SqlStore) -> None:
    """Nothing before the first."""
    made = TrialCounts(
        trial="tri_1",
        decisions=3,
        escalated=1,
        approved_minor=500,
        day_starts_at=AT,
        day_approved_minor=200,
    )
    with tried.begin() as tx:
        assert tx.trials.counts("tri_1") == TrialCounts(trial="tri_1")
        tx.write(Writes(trial_counts=replace(made, decisions=2)))
    with tried.begin() as tx:
        tx.write(Writes(trial_counts=made))
    with tried.read() as reader:
        assert reader.trials.counts("tri_1") == made


def test_figures_are_replaced_only_by_those_computed_from_them(tried: SqlStore) -> None:
    """Whoever computed from older ones is told, and changes nothing, not a balance either."""
    with tried.begin() as tx:
        tx.write(Writes(trial_figures=[FIGURES]))
    with tried.read() as reader:
        assert reader.trials.uncompared() == ["tri_1"]
        assert reader.trials.find_figures("tri_1") == FIGURES
        assert reader.trials.find_figures("tri_2") is None
    after = replace(FIGURES, cursor=9, version=1, figures="{}")
    balance = Balance(held=1, settled=2, version=3, spends=((AT, 2),))
    with tried.begin() as tx:
        assert tx.trials.compared(after, [trial_budget("tri_1", "row", balance)])
    stale = trial_budget("tri_1", "row", Balance())
    with tried.begin() as tx:
        assert not tx.trials.compared(replace(after, cursor=8), [stale])
    with tried.read() as reader:
        assert reader.trials.find_figures("tri_1") == after
        assert reader.trials.budgets("tri_1", ["row", "other"]) == {"row": balance}
        assert reader.trials.budgets("tri_2", ["row"]) == {}
        assert reader.trials.budgets("tri_1", []) == {}


def test_balances_go_with_the_last_figures(tried: SqlStore) -> None:
    """Those of another trial stay."""
    balance = Balance(settled=2, version=1)
    other = replace(FIGURES, trial="tri_2")
    with tried.begin() as tx:
        tx.write(Writes(trial_figures=[FIGURES, other]))
        for figures in (FIGURES, other):
            made = trial_budget(figures.trial, "row", balance)
            tx.trials.compared(replace(figures, version=1), [made])
    with tried.begin() as tx:
        tx.trials.compared(replace(FIGURES, version=2, is_done=True), [])
    with tried.read() as reader:
        assert reader.trials.budgets("tri_1", ["row"]) == {}
        assert reader.trials.budgets("tri_2", ["row"]) == {"row": balance}
        assert reader.trials.uncompared() == ["tri_2"]

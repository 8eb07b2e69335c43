"""Compare: cases that one set has decided, decided again by the other on the same balances.

What was decided and every balance that was read stand in the entry, so nothing is asked
of whoever decides: the log is the queue.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from service.app.accounts import BudgetRows
from service.app.entryports import Placed
from service.app.ports import Reader, Store
from service.app.records import EntryRecord
from service.app.replaycase import Verdict, refused, verdict_in, verdict_of
from service.app.replaylog import Log, asks_people
from service.app.trialrecords import TrialBudget, TrialRecord, trial_budget
from service.app.trialtally import Compared, TrialTally
from service.core.budget import EMPTY, Balance, BudgetKey
from service.core.decision import Decision, Outcome
from service.core.evaluate import evaluate
from service.core.refusal import Refused
from service.core.request import Request
from service.core.rulebook import Rulebook

_FAILED: Final = "it could not be decided again: a fault of the service"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """An entry, as the other set reads it. ``stated`` are balances by the names of rows.

    ``own`` are the names of rows that only the other set keeps.
    """

    entry: EntryRecord
    body: Mapping[str, Any]
    request: Request | Refused
    names: Mapping[BudgetKey, str] = field(default_factory=dict)
    stated: Mapping[str, Balance] = field(default_factory=dict)
    own: frozenset[str] = frozenset()


class Comparing:
    """Some entries of one trial. ``live`` and ``candidate`` are its two sets' rules."""

    def __init__(
        self, store: Store, trial: TrialRecord, live: Rulebook, candidate: Rulebook
    ) -> None:
        """Nothing is compared yet."""
        self._trial = trial
        is_pilot = trial.mode == "pilot"
        self._decider, self._other = (candidate, live) if is_pilot else (live, candidate)
        self._notes: dict[str, int] = {}
        asks = asks_people((live, candidate))
        self._log = Log(store=store, since=None, until=None, notes=self._notes, asks_people=asks)
        self._kept: dict[str, Balance] = {}
        self._changed: dict[str, Balance] = {}

    def compare(self, reader: Reader, entries: Sequence[Placed], tally: TrialTally) -> None:
        """Add what is in the trial's scope to the tally."""
        cases = [self._case(one.entry, tally) for one in entries if self._is_mine(one.entry)]
        found = [case for case in cases if case is not None]
        balances = self._balances(reader, found)
        for case in found:
            self._compared(case, balances, tally)
        for note, times in self._notes.items():
            tally.remark(note, times)

    def budgets(self) -> list[TrialBudget]:
        """The balances that the trial keeps by itself, as far as they changed."""
        return [trial_budget(self._trial.id, *item) for item in self._changed.items()]

    def _is_mine(self, entry: EntryRecord) -> bool:
        trial = self._trial
        if trial.started_at is None or entry.at < trial.started_at:
            return False
        if trial.ended_at is not None and entry.at > trial.ended_at:
            return False
        if trial.mode == "pilot":
            return entry.policy_version == trial.version
        is_live = entry.policy_version != trial.version
        return is_live and (trial.sites is None or entry.site in trial.sites)

    def _case(self, entry: EntryRecord, tally: TrialTally) -> _Case | None:
        try:
            return self._read(entry)
        except Exception:  # noqa: BLE001 — whatever it is: it is counted, and the next one read
            tally.fail(_FAILED)
            return None

    def _read(self, entry: EntryRecord) -> _Case:
        body = orjson.loads(entry.body)
        asked = self._log.asked(entry, body)
        decided = BudgetRows(self._decider, asked.request(self._decider), entry.at).names
        rows = {key.budget: name for key, name in decided.items()}
        stated = {rows[line["budget"]]: _before(line) for line in body["budgets"]}
        try:
            request = asked.request(self._other)
        except Refused as refusal:
            return _Case(entry=entry, body=body, request=refusal)
        names = BudgetRows(self._other, request, entry.at).names
        return _Case(
            entry=entry,
            body=body,
            request=request,
            names=names,
            stated=stated,
            own=self._own(names.values(), decided.values()),
        )

    def _own(self, names: Iterable[str], decided: Iterable[str]) -> frozenset[str]:
        """A pilot's other set is in force: it keeps every row of its own for real."""
        is_shadow = self._trial.mode == "shadow"
        return frozenset(names) - frozenset(decided) if is_shadow else frozenset()

    def _balances(self, reader: Reader, cases: Iterable[_Case]) -> Mapping[str, Balance]:
        """What stands in the rows that no entry states."""
        own: set[str] = set()
        real: set[str] = set()
        for case in cases:
            own |= case.own
            real |= set(case.names.values()) - case.own - case.stated.keys()
        self._kept = dict(reader.trials.budgets(self._trial.id, own))
        return {name: row.balance for name, row in reader.budgets(real).items()}

    def _compared(self, case: _Case, balances: Mapping[str, Balance], tally: TrialTally) -> None:
        try:
            again = self._again(case, balances)
        except Exception:  # noqa: BLE001 — the same
            tally.fail(_FAILED)
            return
        entry, recorded = case.entry, verdict_in(case.body)
        is_pilot = self._trial.mode == "pilot"
        live, candidate = (again, recorded) if is_pilot else (recorded, again)
        tally.note(
            Compared(
                entry=entry.id,
                about=entry.about,
                at=entry.at,
                site=case.body["proposal"]["site"],
                resolution=case.body["proposal"]["resolution"],
                live=live,
                candidate=candidate,
            )
        )

    def _again(self, case: _Case, balances: Mapping[str, Balance]) -> Verdict:
        """What the other set says. What only it keeps is charged beside."""
        if isinstance(case.request, Refused):
            return refused(case.request)
        standing = {key: self._standing(case, name, balances) for key, name in case.names.items()}
        decision = evaluate(self._other, case.request, standing, case.entry.at)
        if decision.outcome is Outcome.APPROVED:
            self._charge(case, decision)
        return verdict_of(decision)

    def _standing(self, case: _Case, name: str, balances: Mapping[str, Balance]) -> Balance:
        if name in case.own:
            return self._kept.get(name, EMPTY)
        stated = case.stated.get(name)
        return balances.get(name, EMPTY) if stated is None else stated

    def _charge(self, case: _Case, decision: Decision) -> None:
        for reading in decision.readings:
            name = case.names[reading.key]
            if reading.charged and name in case.own:
                self._kept[name] = self._changed[name] = reading.after


def _before(line: Mapping[str, Any]) -> Balance:
    """A balance as an entry states it: what counted against the limit at that instant."""
    return Balance(held=line["before"], version=line["version"] - (line["charged"] != 0))

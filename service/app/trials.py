"""Trials as managers read them, and what goes on by itself while one runs."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from service.app.batch import Command
from service.app.committer import Report
from service.app.errors import Forbidden
from service.app.policycommand import EVERYWHERE
from service.app.ports import Page, Reader, Store
from service.app.principal import Principal, for_caller, require
from service.app.snapshot import Library
from service.app.trial import money_text, no_trial, trial_json
from service.app.trialend import TrialTimeUp
from service.app.trialkeeper import TrialKeeper
from service.app.trialrecords import TrialRecord
from service.app.trialtally import TrialTally, tally_json
from service.core.money import CURRENCY_DECIMALS

_READS = (("policy", "publish"), ("policy", "confirm"), ("log", "read"))
"""Who sees trials: who changes policies, and who reads the log of every site."""


def trials_over(reader: Reader) -> Sequence[Command]:
    """The end of the trial whose time is up; see `sweeper.Due`."""
    running = reader.trials.running()
    record = None if running is None else reader.trials.find(running)
    if record is None or not record.is_time_up(reader.now()):
        return []
    return [TrialTimeUp(record.id)]


class Trials:
    """Shows trials, and has the ``keeper`` who compares while one runs."""

    def __init__(self, store: Store, library: Library, report: Report) -> None:
        """Keep the ports. Nothing runs before the ``keeper`` is started."""
        self.keeper = TrialKeeper(store, library, report)
        self._store = store
        self._library = library

    def waiting(self, principal: Principal, id: str) -> Mapping[str, bytes]:  # noqa: A002
        """The files of what is to be confirmed. Raises `Forbidden` and `NotFound`."""
        access = self._library.in_force().access
        require(access, principal, "policy", "confirm", EVERYWHERE)
        with self._store.read() as reader:
            record = reader.trials.find(id)
        if record is None:
            raise no_trial(id)
        return record.files

    def list(self, principal: Principal, page: Page) -> bytes:
        """Trials, newest first, as JSON. Raises `Forbidden`."""
        self._require_reader(principal)
        with self._store.read() as reader:
            found = reader.trials.latest(page.after, page.limit)
        next_ = found[-1].id if len(found) == page.limit else None
        return orjson.dumps({"trials": [trial_json(one) for one in found], "next": next_})

    def one(self, principal: Principal, id: str) -> bytes:  # noqa: A002
        """One trial with its figures and files, as JSON. Raises `Forbidden` and `NotFound`."""
        self._require_reader(principal)
        with self._store.read() as reader:
            record = reader.trials.find(id)
            if record is None:
                raise no_trial(id)
            shown = {
                **trial_json(record),
                "decided": _decided(reader, record),
                "compared": _compared(reader, record),
            }
        files = {name: data.decode() for name, data in record.files.items()}
        return orjson.dumps({**shown, "files": files})

    def _require_reader(self, principal: Principal) -> None:
        access = for_caller(self._library.in_force().access, principal)
        if any(access.may(principal.id, *right, EVERYWHERE) for right in _READS):
            return
        raise Forbidden(
            "not_permitted",
            f"{principal.id} may not read trials",
            "ask whoever keeps access.csv for a role with: policy, publish",
        )


def _decided(reader: Reader, record: TrialRecord) -> dict[str, Any] | None:
    """What a pilot has decided, as its guardrail counts it."""
    if record.mode == "shadow":
        return None
    counts = reader.trials.counts(record.id)
    return {
        "decisions": counts.decisions,
        "escalated": counts.escalated,
        "approved": money_text(record, counts.approved_minor),
        "approved_on_last_day": money_text(record, counts.day_approved_minor),
    }


def _compared(reader: Reader, record: TrialRecord) -> dict[str, Any] | None:
    """How both sets compare; ``entries_left`` of the log are not looked at yet."""
    figures = reader.trials.find_figures(record.id)
    if figures is None:
        return None
    left = 0 if figures.is_done else reader.log.extent().size - figures.cursor
    tally = TrialTally.load(figures.figures)
    told = tally_json(tally, CURRENCY_DECIMALS[record.currency])
    return {**told, "entries_left": left, "is_complete": figures.is_done}

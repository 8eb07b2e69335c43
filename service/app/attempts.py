"""Refused attempts: who was refused what, counted for the log behind everybody's back.

Whoever is known and asks for what they may not have, or with a key that was revoked,
leaves a trace. A refusal is answered first and counted afterwards, so that nothing of
this can slow it or make it fail, and whoever is refused ten thousand times a day is a
dozen entries: what is written is a count, and only now and then an entry with it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Event, Lock, Thread
from typing import Final, NamedTuple

import orjson

from service.app.batch import Batch
from service.app.committer import Committer, Report
from service.app.entry import Head, caller_body, entry_of
from service.app.errors import Forbidden, ServiceError, Unauthenticated
from service.app.keys import EndedKey
from service.app.plaincommand import PlainCommand
from service.app.ports import Ids
from service.app.principal import Principal
from service.app.records import BudgetRecord
from service.app.wanted import Wanted
from service.core.factvalue import rfc3339
from service.core.tally import counted, is_told

BUDGET: Final = "#attempts"
"""What the rows of tallies say they are: no budget of a policy has such a name.

They stand among the budgets' rows and are locked with them, in one order, so that the
counts of all replicas add up. No entry names them.
"""

WINDOW: Final = timedelta(days=1)
"""How long one count goes on: a calendar day in UTC. Then it begins at the first one again."""

PAUSE_SECONDS: Final = 0.25
WAITING_MAX: Final = 4_096
"""How many different attempts wait to be counted at most; of more only the number is told."""

ROWS_MAX: Final = 100
"""How many are counted in one command."""

ANSWER_SECONDS: Final = 30

Lost = Callable[[int], None]
"""Told how many refusals could not be counted, for the operator's log."""


class Attempt(NamedTuple):
    """Who was refused what, by its operation id, and with which code."""

    person: str
    what: str
    code: str


class Times(NamedTuple):
    """How often since it was last counted, and who it was the last time: with which key."""

    number: int
    by: Principal


Waiting = dict[Attempt, Times]


def find_attempt(
    principal: Principal | None, what: str, failure: Exception
) -> tuple[Attempt, Principal] | None:
    """What a failure says of somebody known; ``None`` where it is no refused attempt.

    A key that nobody ever had is nobody's attempt, so who is unknown leaves no trace.
    """
    if isinstance(failure, EndedKey):
        principal = failure.principal
    elif not isinstance(failure, Forbidden) and not _is_revoked(failure):
        return None
    if principal is None or not isinstance(failure, ServiceError):
        return None
    return Attempt(principal.id, what, failure.code), principal


def _is_revoked(failure: Exception) -> bool:
    """A batch found the key revoked that its caller was known by a moment ago."""
    return isinstance(failure, Unauthenticated) and failure.code == "key_revoked"


class Attempts:
    """Takes refused attempts from the doors, and has them counted by a thread of its own.

    What cannot be counted now is tried again. ``stopping`` is what it waits for between
    two looks.
    """

    def __init__(
        self, committer: Committer, report: Report, lost: Lost, *, stopping: Event | None = None
    ) -> None:
        """Nothing runs before `start`."""
        self._committer = committer
        self._report = report
        self._lost = lost
        self._waiting: Waiting = {}
        self._dropped = 0
        self._taking = Lock()
        self._stopping = Event() if stopping is None else stopping
        self._thread = Thread(target=self._loop, name="attempts", daemon=True)

    def start(self) -> None:
        """Begin to count."""
        self._thread.start()

    def stop(self) -> None:
        """Count what waits, then end. The committer has to be there still."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
            self._looked()

    def tell(self, principal: Principal | None, what: str, failure: Exception) -> None:
        """Keep a failure to be counted if it is a refused attempt. Waits for no database."""
        found = find_attempt(principal, what, failure)
        if found is not None:
            attempt, by = found
            self._keep({attempt: Times(1, by)})

    def count(self) -> None:
        """Count what waits, and return when it is committed. Raises what stood in the way."""
        with self._taking:
            waiting, self._waiting = self._waiting, {}
            dropped, self._dropped = self._dropped, 0
        if dropped:
            self._lost(dropped)
        left = list(waiting.items())
        try:
            while left:
                command = CountAttempts(dict(left[:ROWS_MAX]))
                self._committer.submit(command).result(ANSWER_SECONDS)
                del left[:ROWS_MAX]
        finally:
            self._keep(dict(left))

    def _keep(self, more: Waiting) -> None:
        with self._taking:
            for attempt, (number, by) in more.items():
                known = self._waiting.get(attempt)
                if known is not None:
                    self._waiting[attempt] = Times(known.number + number, by)
                elif len(self._waiting) < WAITING_MAX:
                    self._waiting[attempt] = Times(number, by)
                else:
                    self._dropped += number

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._looked()
            self._stopping.wait(PAUSE_SECONDS)

    def _looked(self) -> None:
        try:
            self.count()
        except Exception as failure:  # noqa: BLE001 — a database that is away comes back
            self._report(failure)


class CountAttempts(PlainCommand):
    """Adds to the tallies of some attempts; whose count doubled gets an entry."""

    principal: Principal | None = None

    def __init__(self, times: Mapping[Attempt, Times]) -> None:
        """How often each of them happened since it was last counted."""
        super().__init__()
        self.times = times

    def budgets(self, batch: Batch) -> Mapping[str, BudgetRecord]:
        """The rows of the tallies, one for each attempt and day."""
        window, ids = _window_at(batch.at), batch.ids
        names = {_row_name(attempt, window[0]): None for attempt in self.times}
        return Wanted(names, lambda name, _: _new_row(name, window, ids))

    def decide(self, batch: Batch) -> Sequence[Attempt]:
        """Count; which of them were told to the log."""
        window, told = _window_at(batch.at), []
        for attempt, (number, by) in self.times.items():
            name = _row_name(attempt, window[0])
            before = batch.balances[name]
            batch.balances[name] = after = counted(before, number)
            if is_told(before, after):
                _tell(batch, attempt, by, after.held, window)
                told.append(attempt)
        return told


def _window_at(at: datetime) -> tuple[datetime, datetime]:
    begins = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return begins, begins + WINDOW


def _row_name(attempt: Attempt, begins: datetime) -> str:
    """Shaped like the name of every other row; see `rowname.RowName`."""
    person, what, code = attempt
    key = [f"agent.id={person}", f"attempted={what}", f"code={code}"]
    return orjson.dumps([BUDGET, "count", "day", rfc3339(begins), *key]).decode()


def _new_row(name: str, window: tuple[datetime, datetime], ids: Ids) -> BudgetRecord:
    begins, ends = window
    return BudgetRecord(
        key=name,
        row=ids.surrogate("bud"),
        budget=BUDGET,
        site=None,
        starts_at=begins,
        ends_at=ends,
    )


def _tell(
    batch: Batch, attempt: Attempt, by: Principal, number: int, window: tuple[datetime, datetime]
) -> None:
    begins, ends = window
    rulebook = batch.snapshot.rulebook
    body = {
        "by": caller_body(by),
        "attempted": attempt.what,
        "code": attempt.code,
        "refused": number,
        "from": rfc3339(begins),
        "until": rfc3339(ends),
        "policy": {"version": rulebook.version, "rules": rulebook.rules},
    }
    id_ = batch.ids.new("ent", batch.at)
    head = Head(id=id_, kind="refused", at=batch.at, about=attempt.person)
    batch.writes.entries.append(
        entry_of(
            head,
            body,
            agent=attempt.person,
            outcome="refused",
            reason=attempt.code,
            policy_version=rulebook.version,
        )
    )

"""The keeper of trials: a thread of each process that compares what was decided meanwhile.

It goes by the log's indexes and keeps its place with the figures, in one transaction: each
decision counts once, with any number of processes, and after a crash. It decides nothing
that anybody waits for; where it is slow it falls behind, and shows by how much.
"""

from typing import Final, NamedTuple

from service.app.committer import Report
from service.app.entryports import EntryFilter
from service.app.errors import Busy
from service.app.ports import Store
from service.app.rounds import Rounds
from service.app.snapshot import Library
from service.app.trialcompare import Comparing
from service.app.trialrecords import TrialBudget, TrialFigures, TrialRecord
from service.app.trialtally import TrialTally
from service.policyfile.problem import PolicyErrors

PAUSE_SECONDS: Final = 0.5
BREATH_SECONDS: Final = 0.05
"""How long it lets the others work between two steps, where it is behind."""

STEP_ENTRIES: Final = 200


class _Step(NamedTuple):
    """What one step found, and what it leaves."""

    figures: TrialFigures
    budgets: list[TrialBudget]


class TrialKeeper:
    """Compares, again and again, until it is stopped. Any number of processes may."""

    def __init__(
        self,
        store: Store,
        library: Library,
        report: Report,
        *,
        step_entries: int = STEP_ENTRIES,
    ) -> None:
        """Nothing runs before `start`."""
        self._store = store
        self._library = library
        self._report = report
        self._step_entries = step_entries
        self._broken: set[str] = set()
        self._rounds = Rounds(
            "trial-keeper",
            self._look,
            report,
            pause_seconds=PAUSE_SECONDS,
            untold=(Busy,),  # another process was at the same rows
        )

    def start(self) -> None:
        """Begin to look."""
        self._rounds.start()

    def stop(self) -> None:
        """Finish what was begun, then end. What is left is there for whoever comes next."""
        self._rounds.stop()

    def keep(self) -> bool:
        """One step for each trial that has something left; whether any step was taken."""
        with self._store.read() as reader:
            waiting = reader.trials.uncompared()
        return sum(self._kept(trial) for trial in waiting if trial not in self._broken) > 0

    def _kept(self, trial: str) -> bool:
        try:
            step = self._step(trial)
        except PolicyErrors as errors:  # of another release, perhaps: it decides nothing here
            self._broken.add(trial)
            self._report(errors)
            return False
        if step is None:
            return False
        with self._store.begin() as tx:
            return tx.trials.compared(step.figures, step.budgets)

    def _step(self, trial: str) -> _Step | None:
        """Compare some entries; ``None`` where there is nothing new."""
        with self._store.read() as reader:
            record, figures = reader.trials.find(trial), reader.trials.find_figures(trial)
            if record is None or figures is None or figures.is_done:
                return None
            size, wanted = reader.log.extent().size, EntryFilter(kind="decision")
            entries = reader.entries.placed(wanted, figures.cursor, size, self._step_entries)
            is_full = len(entries) == self._step_entries
            cursor = entries[-1].leaf_index + 1 if is_full else size
            is_last = cursor == size and not reader.log.is_waiting()
            is_done = is_last and record.state == "ended"
            if cursor == figures.cursor and not is_done:
                return None
            tally, comparing = TrialTally.load(figures.figures), self._comparing(record)
            comparing.compare(reader, entries, tally)
        after = TrialFigures(
            trial=trial,
            cursor=cursor,
            version=figures.version + 1,
            is_done=is_done,
            figures=tally.dumps(),
        )
        return _Step(after, comparing.budgets())

    def _comparing(self, record: TrialRecord) -> Comparing:
        live = self._library.get(record.beside).rulebook
        candidate = self._library.compiled(record.version, record.files).rulebook
        return Comparing(self._store, record, live, candidate)

    def _look(self) -> float:
        return BREATH_SECONDS if self.keep() else PAUSE_SECONDS

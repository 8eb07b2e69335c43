"""A batch beside which a pilot runs: which command is decided by which set.

A command of the pilot's sees the batch with the candidate's rules in place of those in
force; everything else it shares with the others: locks, balances, writes. What the pilot
has decided is counted under the lock of the head, so its guardrail is exact with any
number of replicas: nothing is decided under a candidate whose end was committed.
"""

from collections.abc import Mapping
from copy import copy
from datetime import datetime
from functools import cached_property

from service.app.batch import Batch, Command, Kept, Reply
from service.app.casecommand import CaseCommand
from service.app.errors import Busy, ServiceError
from service.app.finish import Finish
from service.app.guardrail import counted, find_reached
from service.app.pilot import Pilot
from service.app.principal import Principal
from service.app.propose import Propose
from service.app.records import BudgetRecord, SurrogateRecord
from service.app.trialend import end_in
from service.app.trialrecords import TrialCounts
from service.core.window import window_at


class PutOff(ServiceError):  # noqa: N818 — it names what happened
    """The pilot ended earlier in the same batch: the command has to be decided anew."""

    def __init__(self) -> None:
        """Nobody but the committer sees it."""
        super().__init__("put_off", "the pilot ended a moment ago", "decide it anew")


class PilotBatch:
    """One batch, seen from both sides: ``batch`` under the set in force, ``view`` the pilot's."""

    def __init__(self, batch: Batch, pilot: Pilot) -> None:
        """Nothing is locked before the first command of the pilot's is decided."""
        self.batch = batch
        self.pilot = pilot
        self.view = copy(batch)
        self.view.snapshot = pilot.snapshot
        self._counts: TrialCounts | None = None

    @cached_property
    def day_starts_at(self) -> datetime:
        """When the day began, in the candidate's timezone."""
        rulebook = self.pilot.snapshot.rulebook
        return window_at(self.batch.at, "day", rulebook.zone, rulebook.calendar).starts_at

    def run(self, commands: list[Command]) -> list[Reply | Exception]:
        """See `batch.Batch.run`. A reply may be `PutOff`: that command has to come again."""
        if self.pilot.is_over(self.batch.at):
            return self.batch.run(commands)
        return self.batch.run([self._by_its_set(command) for command in commands])

    def begin(self) -> TrialCounts:
        """What the pilot has decided so far, and nobody else counts until the batch ends.

        Raises `PutOff` where the pilot ended in this batch, `Busy` where it ended since the
        batch began.
        """
        if self.batch.writes.trial_over:
            raise PutOff
        if self._counts is None:
            tx, trial = self.batch.tx, self.pilot.record.id
            head = tx.lock_head()
            if head != self.batch.snapshot.rulebook.version or tx.trials.running() != trial:
                raise Busy("the pilot ended, or another policy was put in force meanwhile")
            self._counts = tx.trials.counts(trial)
        return self._counts

    def count(self, counts: TrialCounts) -> None:
        """Keep what was counted, and end the pilot where its guardrail is reached."""
        self._counts = self.batch.writes.trial_counts = counts
        reason = find_reached(self.pilot.record, counts)
        if reason is not None:
            end_in(self.batch, self.pilot.record, counts, reason)

    def _by_its_set(self, command: Command) -> Command:
        return Piloted(command, self) if self._is_covered(command) else command

    def _is_covered(self, command: Command) -> bool:
        pilot = self.pilot
        if isinstance(command, Propose):
            return pilot.covers(command.principal, command.body, self.batch.vault)
        if isinstance(command, CaseCommand):
            return pilot.began(command.escalation.policy_version)
        return isinstance(command, Finish) and pilot.began(command.resolution.policy_version)


class Piloted:
    """A command that is decided by the candidate. See `batch.Command`."""

    def __init__(self, command: Command, pilot: PilotBatch) -> None:
        """Keep both."""
        self._command = command
        self._pilot = pilot

    @property
    def principal(self) -> Principal | None:
        """See `batch.Command`."""
        return self._command.principal

    def idempotency_key(self) -> str | None:
        """See `batch.Command`."""
        return self._command.idempotency_key()

    def read(self, batch: Batch) -> None:  # noqa: ARG002 — what it sees is the pilot's
        """See `batch.Command`."""
        self._command.read(self._pilot.view)

    def surrogates(self, batch: Batch) -> Mapping[bytes, SurrogateRecord]:  # noqa: ARG002
        """See `batch.Command`."""
        return self._command.surrogates(self._pilot.view)

    def subject(self, batch: Batch) -> str | Kept | None:  # noqa: ARG002
        """See `batch.Command`."""
        return self._command.subject(self._pilot.view)

    def escalation_id(self) -> str | None:
        """See `batch.Command`."""
        return self._command.escalation_id()

    def resolution_id(self) -> str | None:
        """See `batch.Command`."""
        return self._command.resolution_id()

    def budgets(self, batch: Batch) -> Mapping[str, BudgetRecord]:  # noqa: ARG002
        """See `batch.Command`."""
        return self._command.budgets(self._pilot.view)

    def decide(self, batch: Batch) -> Reply:
        """Decide under the candidate, and count what came of it. Raises `PutOff`."""
        counts = self._pilot.begin()
        stood = batch.resolutions.get(self._command.resolution_id() or "")
        writes = batch.writes
        made, changed = len(writes.resolutions), len(writes.resolution_changes)
        reply = self._command.decide(self._pilot.view)
        new = [*writes.resolutions[made:], *writes.resolution_changes[changed:]]
        for record in new:
            counts = counted(counts, self._pilot.day_starts_at, stood, record)
        if new:
            self._pilot.count(counts)
        return reply

"""What ends by itself: deadlines are rows, and a thread of each process looks for overdue ones."""

from collections.abc import Callable, Sequence
from typing import Final

from service.app.batch import Command
from service.app.committer import Committer, Report
from service.app.elapse import Elapse, Remind
from service.app.erasures import left_open, outlived
from service.app.finish import Expire
from service.app.pilot import tried_roles
from service.app.ports import Reader, Store
from service.app.rounds import Rounds
from service.app.snapshot import Library
from service.app.trials import trials_over

PAUSE_SECONDS: Final = 0.4
"""How long nobody looks: what is overdue is ended within a second, reading and writing included."""

ANSWER_SECONDS: Final = 30
OVERDUE_MAX: Final = 200
"""How many are ended in one go; where there are more, the next go follows at once."""

Due = Callable[[Reader], Sequence[Command]]
"""The commands that are due, at most `OVERDUE_MAX`. Reads what is committed, locks nothing."""


def overdue_holds(reader: Reader) -> Sequence[Command]:
    """The end of each hold whose time is up."""
    return [Expire(id_) for id_ in reader.overdue(OVERDUE_MAX)]


def overdue_answers(reader: Reader) -> Sequence[Command]:
    """What follows for each escalation that nobody answered in time."""
    return [Elapse(one) for one in reader.overdue_escalations(OVERDUE_MAX)]


def reminders(reader: Reader) -> Sequence[Command]:
    """The reminder of each escalation whose time is half over."""
    return [Remind(one) for one in reader.unreminded_escalations(OVERDUE_MAX)]


def stranded_by(library: Library) -> Due:
    """Who looks for escalations that wait for a role which the policy in force lacks."""

    def stranded(reader: Reader) -> Sequence[Command]:
        version = reader.head()
        if version is None:
            return []
        roles = {*library.get(version).rulebook.roles, *tried_roles(reader, library)}
        return [Elapse(one) for one in reader.stranded_escalations(roles, OVERDUE_MAX)]

    return stranded


def everything_due(library: Library) -> Sequence[Due]:
    """All that ends or moves by itself."""
    due = overdue_holds, overdue_answers, reminders, stranded_by(library)
    return *due, left_open, outlived, trials_over


class Sweeper:
    """Finds what is due and sends it to this process's committer.

    Any number of processes may do so at once: a command sees under its locks whether it
    is still due, so each thing ends once. What was overdue while nobody ran is ended by
    whoever starts.
    """

    def __init__(
        self,
        store: Store,
        committer: Committer,
        report: Report,
        *,
        due: Sequence[Due],
    ) -> None:
        """Nothing runs before `start`."""
        self._store = store
        self._committer = committer
        self._due = due
        self._rounds = Rounds("sweeper", self._look, report, pause_seconds=PAUSE_SECONDS)

    def start(self) -> None:
        """Begin to look."""
        self._rounds.start()

    def stop(self) -> None:
        """Finish what was begun, then end."""
        self._rounds.stop()

    def sweep(self) -> int:
        """Send everything that is due and wait until it is decided; how much was.

        What could not be decided was reported by the committer and is due again.
        """
        with self._store.read() as reader:
            commands = [command for due in self._due for command in due(reader)]
        sent = [self._committer.submit(command) for command in commands]
        failures = [future.exception(ANSWER_SECONDS) for future in sent]
        return failures.count(None)

    def _look(self) -> float:
        """Where there was a lot there may be more."""
        return PAUSE_SECONDS if self.sweep() < OVERDUE_MAX else 0

"""What keeps the log going: a thread of each process that integrates, and then publishes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from service.app.checkpoints import CheckpointPublisher
from service.app.committer import Report
from service.app.errors import Busy
from service.app.integrate import Integrator
from service.app.logalarm import LogAlarm
from service.app.logkeys import LogKeys
from service.app.rounds import Rounds

PAUSE_SECONDS: Final = 0.2
"""How long nobody looks. With `checkpoints.SPACING` it bounds how long an entry waits."""

ALARM_PAUSES: Final = 50
"""For how many pauses nothing is tried, or told again, after an alarm: ten seconds."""

Tell = Callable[[LogAlarm], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """How many entries are published, and what stands in the way of more, if anything."""

    published: int | None
    alarm: LogAlarm | None


class LogKeeper:
    """Integrates and publishes, again and again, until it is stopped.

    Any number of processes may do so at once. An alarm stops publishing and nothing
    else: it is told, shown, and looked at again.
    """

    def __init__(
        self,
        integrator: Integrator,
        publisher: CheckpointPublisher,
        keys: LogKeys,
        *,
        report: Report,
        tell: Tell,
    ) -> None:
        """Nothing runs before `start`."""
        self._integrator = integrator
        self._publisher = publisher
        self._keys = keys
        self._tell = tell
        self._alarm: LogAlarm | None = None
        self._quiet = 0
        self._rounds = Rounds(
            "log-keeper",
            self.keep,
            report,
            pause_seconds=PAUSE_SECONDS,
            untold=(Busy,),  # another process was at the same rows, and is done by the next look
        )

    @property
    def state(self) -> LogState:
        """As of the last look."""
        return LogState(published=self._publisher.published, alarm=self._alarm)

    def start(self) -> None:
        """Announce this process's key, and begin."""
        self._guarded(self._keys.announce)
        self._rounds.start()

    def stop(self) -> None:
        """Finish what was begun, then end. What is left is there for whoever comes next."""
        self._rounds.stop()

    def keep(self) -> None:
        """Look once: integrate everything that waits, and publish where that is due."""
        self._integrator.integrate()
        if self._quiet:
            self._quiet -= 1
            return
        self._guarded(self._publish)

    def _publish(self) -> None:
        if self._alarm is not None and self._alarm.code == "unknown_signing_key":
            self._keys.announce()  # it may have been restarted, or vouched for, meanwhile
        self._publisher.publish()

    def _guarded(self, attempt: Callable[[], object]) -> None:
        try:
            attempt()
        except LogAlarm as alarm:
            self._alarm, self._quiet = alarm, ALARM_PAUSES
            self._tell(alarm)
        else:
            self._alarm = None

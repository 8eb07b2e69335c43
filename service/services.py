"""What a process runs, put together: everything that a door may call."""

from dataclasses import dataclass

import structlog

from service.app.approvals import Approvals
from service.app.ask import Asking
from service.app.attempts import Attempts
from service.app.budgets import BudgetReader
from service.app.budgetsearch import BudgetSearch
from service.app.checkpointpost import CheckpointPost, PostState
from service.app.committer import Committer
from service.app.courier import Courier
from service.app.erasures import Erasures
from service.app.find import Finder
from service.app.folderkeeper import FolderKeeper
from service.app.keys import Keys
from service.app.logkeeper import LogKeeper, LogState
from service.app.metrics import Condition, Metrics
from service.app.outbox import Outbox
from service.app.policy import PolicyReader
from service.app.ports import Clock, Ids, Store, Vault
from service.app.publications import Publications
from service.app.publish import Publisher
from service.app.replayask import Replays
from service.app.snapshot import Library
from service.app.standing import Standing, Standings
from service.app.sweeper import Sweeper
from service.app.tokens import Tokens
from service.app.transparency import Transparency
from service.app.trials import Trials
from service.books import Books
from service.config import Settings
from service.policyfile.problem import Problem

_log = structlog.get_logger("remit.service")


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """The policy folder a process was started with, against what is in force.

    ``version`` is the last set there that held; ``problems`` are why what is there now
    does not.
    """

    version: str
    differs: bool
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether requests can be decided now. ``policy`` is the version in force.

    A log that is not published stands in nobody's way, and must not stay unseen. ``posted``
    is how checkpoints fare that are posted to somebody, if they are.
    """

    is_ready: bool
    policy: str | None
    folder: Folder | None
    log: LogState
    posted: PostState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that a door may call, running. ``folder`` is the one on this disk, if any."""

    settings: Settings
    store: Store
    library: Library
    committer: Committer
    attempts: Attempts
    asking: Asking
    finder: Finder
    keys: Keys
    tokens: Tokens | None
    publisher: Publisher
    publications: Publications
    replays: Replays
    trials: Trials
    policy: PolicyReader
    budgets: BudgetReader
    budget_search: BudgetSearch
    approvals: Approvals
    erasures: Erasures
    sweeper: Sweeper
    log_keeper: LogKeeper
    checkpoint_post: CheckpointPost
    books: Books
    transparency: Transparency
    outbox: Outbox
    courier: Courier
    metrics: Metrics
    standings: Standings
    clock: Clock
    ids: Ids
    vault: Vault
    folder: FolderKeeper | None

    def start(self, *, watch: bool) -> None:
        """Begin whatever goes on by itself; the committer runs already."""
        self.sweeper.start()
        self.attempts.start()
        self.checkpoint_post.start()
        self.log_keeper.start()
        self.courier.start()
        self.trials.keeper.start()
        if watch and self.folder is not None:
            self.folder.start()

    def stop(self) -> None:
        """End everything, each before what it needs."""
        if self.folder is not None:
            self.folder.stop()
        self.approvals.feed.stop()
        self.courier.stop()
        self.trials.keeper.stop()
        self.sweeper.stop()
        self.attempts.stop()
        self.committer.stop()
        self.log_keeper.stop()
        self.checkpoint_post.stop()

    def readiness(self) -> Readiness:
        """Asks the database; whatever stands in the way means not ready."""
        try:
            with self.store.read() as reader:
                version = reader.head()
        except Exception:  # noqa: BLE001 — whatever it is, nothing can be decided
            _log.exception("not_ready")
            version = None
        folder = None
        if self.folder is not None:
            own = self.folder.state
            differs = bool(own.problems) or own.version != version
            folder = Folder(version=own.version, differs=differs, problems=own.problems)
        is_ready = version is not None and self.committer.is_deciding
        return Readiness(
            is_ready=is_ready,
            policy=version,
            folder=folder,
            log=self.log_keeper.state,
            posted=self.checkpoint_post.state,
        )

    def condition(self) -> Condition:
        """How this process stands, for monitoring. What cannot be asked for is left out."""
        readiness, folder = self.readiness(), self.folder
        return Condition(
            is_ready=readiness.is_ready,
            policy=readiness.policy,
            folder_differs=readiness.folder is not None and readiness.folder.differs,
            folder_refused=folder is not None and bool(folder.state.problems),
            log_alarm=readiness.log.alarm is not None,
            standing=None if readiness.policy is None else self._standing(),
        )

    def _standing(self) -> Standing | None:
        try:
            return self.standings.latest()
        except Exception:  # noqa: BLE001 — it went away a moment ago
            _log.exception("not_measured")
            return None

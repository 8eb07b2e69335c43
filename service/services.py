"""What a process runs, put together: everything that a door may call."""

from dataclasses import dataclass

import structlog

from service.app.approvals import Approvals
from service.app.ask import Asking
from service.app.budgets import BudgetReader
from service.app.budgetsearch import BudgetSearch
from service.app.committer import Committer
from service.app.courier import Courier
from service.app.erasures import Erasures
from service.app.find import Finder
from service.app.folderkeeper import FolderKeeper
from service.app.keys import Keys
from service.app.logkeeper import LogKeeper, LogState
from service.app.outbox import Outbox
from service.app.policy import PolicyReader
from service.app.ports import Clock, Ids, Store, Vault
from service.app.publications import Publications
from service.app.publish import Publisher
from service.app.snapshot import Library
from service.app.sweeper import Sweeper
from service.app.transparency import Transparency
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

    A log that is not published stands in nobody's way, and must not stay unseen.
    """

    is_ready: bool
    policy: str | None
    folder: Folder | None
    log: LogState


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that a door may call, running. ``folder`` is the one on this disk, if any."""

    settings: Settings
    store: Store
    library: Library
    committer: Committer
    asking: Asking
    finder: Finder
    keys: Keys
    publisher: Publisher
    publications: Publications
    policy: PolicyReader
    budgets: BudgetReader
    budget_search: BudgetSearch
    approvals: Approvals
    erasures: Erasures
    sweeper: Sweeper
    log_keeper: LogKeeper
    books: Books
    transparency: Transparency
    outbox: Outbox
    courier: Courier
    clock: Clock
    ids: Ids
    vault: Vault
    folder: FolderKeeper | None

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
        log = self.log_keeper.state
        return Readiness(is_ready=is_ready, policy=version, folder=folder, log=log)

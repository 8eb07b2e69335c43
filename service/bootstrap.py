"""Where the parts are chosen and put together; nothing else knows an adapter."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from service.adapters.casbin import CasbinAccess, ModelError
from service.adapters.clock import SystemClock
from service.adapters.ids import RandomIds
from service.adapters.sql.check import Finding, is_sealed
from service.adapters.sql.check import check_database as find_in_database
from service.adapters.sql.engine import DatabaseError, file_of, parse, sqlite_warning
from service.adapters.sql.migrate import upgrade
from service.adapters.sql.store import SqlStore, open_database
from service.adapters.vault import MasterKeyError, MasterVault, master_key
from service.app.ask import Asking
from service.app.budgets import BudgetReader
from service.app.budgetsearch import BudgetSearch
from service.app.close import Closer
from service.app.committer import Committer
from service.app.errors import ServiceError
from service.app.find import Finder
from service.app.keys import Keys
from service.app.policy import PolicyReader
from service.app.ports import Clock, Ids, Store, Vault
from service.app.publish import Publisher
from service.app.snapshot import Library, Snapshot
from service.app.sweeper import Sweeper
from service.config import Settings
from service.core.rulebook import Rulebook
from service.policyfile.access import Access
from service.policyfile.digest import MODEL_FILE
from service.policyfile.folder import read_folder
from service.policyfile.load import load_set
from service.policyfile.problem import PolicyErrors, Problem

PUBLISHED_BY = "start"
"""Who published a folder that was put in force when the process started."""

_log = structlog.get_logger("remit.service")


class StartError(Exception):
    """The service cannot start. The message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """The policy folder a process was started with, against what is in force."""

    version: str
    differs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether requests can be decided now. ``policy`` is the version in force."""

    is_ready: bool
    policy: str | None
    folder: Folder | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that a door may call, running. ``folder`` is the set on this disk, if any."""

    settings: Settings
    store: Store
    library: Library
    committer: Committer
    asking: Asking
    finder: Finder
    keys: Keys
    publisher: Publisher
    policy: PolicyReader
    budgets: BudgetReader
    budget_search: BudgetSearch
    sweeper: Sweeper
    clock: Clock
    ids: Ids
    vault: Vault
    folder: Snapshot | None

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
            own = self.folder.rulebook.version
            folder = Folder(version=own, differs=own != version)
        is_ready = version is not None and self.committer.is_deciding
        return Readiness(is_ready=is_ready, policy=version, folder=folder)


@contextmanager
def open_services(settings: Settings, clock: Clock | None = None) -> Iterator[Services]:
    """The whole service, deciding until the block ends.

    The policy folder is read first, so a set that does not load changes nothing. An
    embedded database is locked for this process, brought up to date, and has the folder
    put in force; a server's is only seeded while it is empty. Raises `PolicyErrors` with
    every problem, `StartError`, and `ServiceError`. ``clock`` is the system's unless another
    is given.
    """
    clock = SystemClock() if clock is None else clock
    folder = _folder(settings)
    _warn(settings)
    with _store(settings, clock, serving=True) as store:
        services = _assembled(settings, store, folder, clock)
        _put_in_force(services)
        services.committer.start()
        services.sweeper.start()
        try:
            yield services
        finally:
            services.sweeper.stop()
            services.committer.stop()


@contextmanager
def open_books(settings: Settings) -> Iterator[tuple[BudgetReader, Closer]]:
    """The budgets alone, beside a service that may be running. Raises `StartError`."""
    with _store(settings, SystemClock(), serving=False) as store:
        library = Library(store, compile_files)
        yield BudgetReader(store, library), Closer(store, library)


def _warn(settings: Settings) -> None:
    """Tell the operator what an embedded database's library cannot be trusted with."""
    says = sqlite_warning() if settings.is_embedded else None
    if says is not None:
        _log.warning("sqlite", says=says)


@contextmanager
def open_keys(settings: Settings) -> Iterator[tuple[Keys, Clock]]:
    """The keys alone, beside a service that may be running. Raises `StartError`."""
    with _store(settings, SystemClock(), serving=False) as store:
        yield Keys(store, RandomIds()), SystemClock()


def upgrade_database(settings: Settings) -> None:
    """Bring the schema up to this release. Raises `StartError`."""
    with _start_errors():
        _make_folder(settings)
        upgrade(settings.database)


def check_database(settings: Settings) -> Sequence[Finding]:
    """What is wrong with the database; nothing is changed. Raises `StartError`."""
    with _start_errors():
        return find_in_database(settings.database)


def compile_files(files: Mapping[str, bytes]) -> Snapshot:
    """A snapshot of a set's files. Raises `PolicyErrors`."""
    loaded = load_set(files)
    access = _access(loaded.access, loaded.rulebook)
    return Snapshot(rulebook=loaded.rulebook, access=access, files=files)


def _access(access: Access, rulebook: Rulebook) -> CasbinAccess:
    by_rank = sorted(rulebook.roles.values(), key=lambda role: role.rank)
    try:
        return CasbinAccess.build(
            permissions=[(line.role, line.object, line.action) for line in access.permissions],
            memberships=[(line.member, line.role, line.site) for line in access.memberships],
            model=access.model,
            roles=[role.id for role in by_rank],
        )
    except ModelError as error:
        raise PolicyErrors([_of_the_model(error)]) from error


def _of_the_model(error: ModelError) -> Problem:
    return Problem(
        file=MODEL_FILE,
        line=1,
        column=1,
        path="",
        code="model_unusable",
        message=f"Casbin cannot use the model: {error}.",
        remedy=f"Mend it, or delete {MODEL_FILE}: the built-in model is used then.",
    )


def _folder(settings: Settings) -> Snapshot | None:
    """The set on the disk. A replica of a server needs none: the policy is the database's."""
    if not settings.is_embedded and not settings.policies.exists():
        return None
    return compile_files(read_folder(settings.policies))


@contextmanager
def _store(settings: Settings, clock: Clock, *, serving: bool) -> Iterator[SqlStore]:
    with _start_errors():
        if settings.is_embedded:
            _make_folder(settings)
        store = open_database(settings.database, clock, serving=serving)
    with store:
        with _start_errors():
            _bring_up(settings)
        yield store


def _bring_up(settings: Settings) -> None:
    """Whoever opens an embedded database upgrades it; a server's is the operator's to upgrade."""
    if settings.is_embedded:
        upgrade(settings.database)
        return
    for finding in find_in_database(settings.database):
        raise StartError(f"{finding.message}; {finding.remedy}")


def _make_folder(settings: Settings) -> None:
    """An embedded database's folder, where it is not there yet."""
    name = settings.database.removeprefix("sqlite:///")
    if settings.is_embedded and name != settings.database:
        Path(name).parent.mkdir(parents=True, exist_ok=True)


@contextmanager
def _start_errors() -> Iterator[None]:
    try:
        yield
    except (DatabaseError, MasterKeyError) as error:
        raise StartError(str(error)) from error


def _assembled(settings: Settings, store: Store, folder: Snapshot | None, clock: Clock) -> Services:
    ids = RandomIds()
    with _start_errors():
        vault = _vault(settings)
    library = Library(store, compile_files)
    committer = Committer(store, library, ids, vault, _report)
    return Services(
        settings=settings,
        store=store,
        library=library,
        committer=committer,
        sweeper=Sweeper(store, committer, _report),
        asking=Asking(store, library, clock, ids, vault),
        finder=Finder(store, library, vault),
        keys=Keys(store, ids),
        publisher=Publisher(store, library, ids),
        policy=PolicyReader(library),
        budgets=BudgetReader(store, library),
        budget_search=BudgetSearch(store, library, ids, vault),
        clock=clock,
        ids=ids,
        vault=vault,
        folder=folder,
    )


def _vault(settings: Settings) -> Vault:
    beside = file_of(parse(settings.database))
    used = is_sealed(settings.database)
    return MasterVault(master_key(settings.master_key, beside, used=used))


def _put_in_force(services: Services) -> None:
    """Seed an empty database, and let the folder of an embedded one have its way."""
    with services.store.read() as reader:
        version = reader.head()
    folder = services.folder
    if folder is None:
        if version is None:
            raise StartError(
                f"no policy is in force and there is no folder {services.settings.policies}: "
                "name one with --policies DIR to publish the first"
            )
    elif version is None or services.settings.is_embedded:
        if services.publisher.publish(folder, by=PUBLISHED_BY):
            _log.info("published", version=folder.rulebook.version, before=version)
    elif version != folder.rulebook.version:
        _log.warning("folder_differs", version=folder.rulebook.version, in_force=version)
    services.library.in_force()


def _report(failure: Exception) -> None:
    """A command that could not be decided, for the operator. Never raises.

    It is told by threads that must go on, and a disk that is full takes no line either.
    """
    code = failure.code if isinstance(failure, ServiceError) else None
    with suppress(Exception):
        _log.error("not_decided", code=code, exc_info=failure)

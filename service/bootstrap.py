"""Where the parts are chosen and put together; nothing else knows an adapter."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from service import operatorlog
from service.adapters import replayprocesses as replaying
from service.adapters.checkpointcopy import CheckpointFile
from service.adapters.checkpointhook import find_checkpoint_hook
from service.adapters.clock import SystemClock
from service.adapters.compiler import compiled
from service.adapters.folder import DiskFolder, changes_of
from service.adapters.ids import RandomIds
from service.adapters.jws import find_jws
from service.adapters.mail import Mails
from service.adapters.prometheus import PrometheusMetrics
from service.adapters.register import RegisterFile
from service.adapters.sheets import SHEETS
from service.adapters.signer import SigningKeyError, find_signer, signer_of, verify_ed25519
from service.adapters.sql.check import Finding, is_sealed
from service.adapters.sql.check import check_database as find_in_database
from service.adapters.sql.engine import DatabaseError, file_of, parse, sqlite_warning
from service.adapters.sql.migrate import upgrade
from service.adapters.sql.store import SqlStore, open_database
from service.adapters.vault import MasterKeyError, MasterVault, master_key
from service.adapters.webhooks import Webhooks
from service.app.budgets import BudgetReader
from service.app.close import Closer
from service.app.folderkeeper import FolderKeeper, Shelf
from service.app.keys import Keys
from service.app.logkeys import LogKeys
from service.app.outbox import Outbox
from service.app.ports import Clock, Store, Vault
from service.app.publish import Publisher
from service.app.restart import Restarter
from service.app.signing import Signing
from service.app.snapshot import Library, Snapshot
from service.assembly import Parts, assembled
from service.books import Books
from service.config import Settings
from service.core.receiver import Receiver
from service.policyfile.folder import read_folder
from service.policyfile.problem import PolicyErrors
from service.policyfile.receiversfile import read_receivers
from service.services import Services

_log = structlog.get_logger("remit.service")
replay_parts = replaying.replay_parts


class StartError(Exception):
    """The service cannot start. The message says why and what to do."""


@contextmanager
def open_services(
    settings: Settings, clock: Clock | None = None, *, watch: bool = False
) -> Iterator[Services]:
    """The whole service, deciding until the block ends.

    The policy folder is read first, so a set that does not load changes nothing. An
    embedded database is locked for this process, brought up to date, and has the folder
    put in force, with ``watch`` also whenever it changes; a server's is only seeded while it
    is empty. Raises `PolicyErrors` with every problem, `StartError`, and `ServiceError`.
    ``clock`` is the system's unless another is given.
    """
    clock = SystemClock() if clock is None else clock
    folder = _folder(settings)
    receivers = _receivers(settings)
    _warn(settings)
    with _store(settings, clock, serving=True) as store:
        services = _assembled(settings, store, folder, clock, receivers)
        _put_in_force(services)
        services.committer.start()
        try:
            _erase_again(services)
        except BaseException:
            services.committer.stop()
            raise
        services.start(watch=watch)
        try:
            yield services
        finally:
            services.stop()


@contextmanager
def open_books(settings: Settings) -> Iterator[tuple[BudgetReader, Closer]]:
    """The budgets alone, beside a service that may be running. Raises `StartError`."""
    with _store(settings, SystemClock(), serving=False) as store:
        library = Library(store, compile_files)
        yield BudgetReader(store, library), Closer(store, library)


@contextmanager
def open_archive(settings: Settings) -> Iterator[Books]:
    """The log alone, beside a service that may be running. Raises `StartError`.

    Who reads a log makes none: an embedded database has to be there.
    """
    with _start_errors():
        file = file_of(parse(settings.database))
    if file is not None and not file.exists():
        raise StartError(f"there is no database {file}; name the one that the service writes")
    with _store(settings, SystemClock(), serving=False) as store:
        library, vault = Library(store, compile_files), None
        with suppress(MasterKeyError):
            vault = _vault(settings)
        yield Books.of(store, library, vault, _signing(settings), SHEETS, RandomIds())


def _warn(settings: Settings) -> None:
    """Tell the operator what an embedded database's library cannot be trusted with."""
    says = sqlite_warning() if settings.is_embedded else None
    if says is not None:
        _log.warning("sqlite", says=says)


@contextmanager
def open_outbox(settings: Settings) -> Iterator[Outbox]:
    """The outbox alone, beside a service that may be running. Raises `StartError`."""
    with _store(settings, SystemClock(), serving=False) as store:
        yield Outbox(store, Library(store, compile_files))


@contextmanager
def open_keys(settings: Settings) -> Iterator[tuple[Keys, Clock]]:
    """The keys alone, beside a service that may be running. Raises `StartError`."""
    with _store(settings, SystemClock(), serving=False) as store:
        yield Keys(store, RandomIds()), SystemClock()


@contextmanager
def open_log(settings: Settings) -> Iterator[tuple[LogKeys, Restarter]]:
    """The log's keys and its restart, beside a service that may run. Raises `StartError`."""
    with _store(settings, SystemClock(), serving=False) as store:
        ids, signing = RandomIds(), _signing(settings)
        yield LogKeys(store, ids, signing), Restarter(store, ids, signing, _copy(settings))


def open_clock() -> Clock:
    """The clock of this machine."""
    return SystemClock()


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """The database alone, beside a service that may be running. Raises `StartError`."""
    with _store(settings, SystemClock(), serving=False) as store:
        yield store


def watch_folder(folder: Path) -> Iterator[None]:
    """Yields once, and then whenever a file of a set changed; never ends."""
    return changes_of(folder)


def new_request_key() -> str:
    """An ``Idempotency-Key`` that nobody has used."""
    return RandomIds().salt()


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
    return compiled(files)


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
    except (DatabaseError, MasterKeyError, SigningKeyError) as error:
        raise StartError(str(error)) from error


def _receivers(settings: Settings) -> Sequence[Receiver]:
    """Who is told of escalations. Raises `StartError` with everything that is wrong."""
    if settings.receivers is None:
        return ()
    try:
        return read_receivers(settings.receivers)
    except PolicyErrors as problems:
        raise StartError(f"{settings.receivers} cannot be used:\n{problems}") from problems


def _assembled(
    settings: Settings,
    store: Store,
    folder: Snapshot | None,
    clock: Clock,
    receivers: Sequence[Receiver],
) -> Services:
    ids, posting = RandomIds(), Webhooks()
    with _start_errors():
        vault = _vault(settings)
        jws = find_jws(settings.jwks, operatorlog.tell_keys, allow_private=settings.jwks_near)
    library = Library(store, compile_files)
    publisher = Publisher(store, library, ids)
    hook = find_checkpoint_hook(
        settings.checkpoint_webhook,
        settings.checkpoint_webhook_secret,
        allow_private=settings.checkpoint_webhook_private,
        clock=clock,
        posting=posting,
    )
    parts = Parts(
        settings=settings,
        store=store,
        clock=clock,
        ids=ids,
        vault=vault,
        signing=_signing(settings),
        metrics=PrometheusMetrics(),
        library=library,
        publisher=publisher,
        folder=_keeper(settings, folder, store, library, publisher),
        compile_files=compile_files,
        copy=_copy(settings),
        register=RegisterFile(_beside(settings, settings.erasure_register, ".erasures")),
        sheets=SHEETS,
        senders={"webhook": posting, "slack": posting, "teams": posting, "email": Mails()},
        receivers=receivers,
        hook=hook,
        signatures=jws,
        replay_aside=replaying.replay_aside,
    )
    return assembled(parts)


def _vault(settings: Settings) -> Vault:
    beside = file_of(parse(settings.database))
    return MasterVault(master_key(settings.master_key, beside, used=is_sealed(settings.database)))


def _signing(settings: Settings) -> Signing:
    beside = file_of(parse(settings.database))
    with _start_errors():
        sign_as = signer_of(settings.signing_key, beside)
        old = find_signer(settings.old_signing_key)
        return Signing(settings.origin, sign_as, old, verify_ed25519)


def _erase_again(services: Services) -> None:
    """Before anybody is served: who came back with a backup is erased, and what was begun ends."""
    try:
        again = services.erasures.reapply()
    except (OSError, ValueError) as failure:
        raise StartError(
            f"the register of erasures cannot be read ({failure}): restore it, "
            "since who was erased must not be served again"
        ) from failure
    if again:
        _log.warning("erased_again", erasures=again)
    services.erasures.finish()


def _copy(settings: Settings) -> CheckpointFile:
    """The file that has the last checkpoint."""
    return CheckpointFile(_beside(settings, settings.checkpoint_copy, ".checkpoint"))


def _beside(settings: Settings, named: Path | None, ending: str) -> Path | None:
    """A file where it is said, or else beside an embedded database; a server has none."""
    file = file_of(parse(settings.database))
    return named if named is not None or file is None else file.with_name(file.name + ending)


def _put_in_force(services: Services) -> None:
    """Seed an empty database, and let the folder of an embedded one have its way."""
    if services.folder is not None:
        services.folder.begin()
    else:
        with services.store.read() as reader:
            if reader.head() is None:
                raise StartError(
                    f"no policy is in force and there is no folder {services.settings.policies}: "
                    "name one with --policies DIR to publish the first"
                )
    services.library.in_force()


def _keeper(
    settings: Settings, first: Snapshot | None, store: Store, library: Library, publisher: Publisher
) -> FolderKeeper | None:
    """Whoever follows the folder. A server's policy is published, and the folder only shown."""
    if first is None:
        return None
    return FolderKeeper(
        DiskFolder(settings.policies),
        first,
        Shelf(store=store, library=library, publisher=publisher, compile_files=compile_files),
        tell=operatorlog.tell_folder,
        puts=settings.is_embedded,
    )

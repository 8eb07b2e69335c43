"""The use cases of one process, put together over the adapters that bootstrap chose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service import operatorlog
from service.app.approvals import Approvals
from service.app.ask import Asking
from service.app.attempts import Attempts
from service.app.budgets import BudgetReader
from service.app.budgetsearch import BudgetSearch
from service.app.checkpointpost import CheckpointPost, CheckpointSender
from service.app.checkpoints import CheckpointPublisher
from service.app.committer import Committer
from service.app.courier import Courier, Desk
from service.app.erasureports import ErasureRegister
from service.app.erasures import Erasures
from service.app.export import Sheets
from service.app.find import Finder
from service.app.folderkeeper import FolderKeeper
from service.app.integrate import Integrator
from service.app.keys import Keys
from service.app.logkeeper import LogKeeper
from service.app.logkeys import LogKeys
from service.app.logports import CheckpointCopy
from service.app.metrics import Metrics
from service.app.notices import Noticing
from service.app.outbox import Outbox
from service.app.policy import PolicyReader
from service.app.ports import Clock, Ids, Store, Vault
from service.app.publications import Publications
from service.app.publish import Publisher
from service.app.replayask import Replays, Run
from service.app.sending import Sender
from service.app.signing import Signing
from service.app.snapshot import Compile, Library
from service.app.standing import Standings
from service.app.sweeper import Sweeper, everything_due
from service.app.tokenports import Signatures
from service.app.tokens import Tokens
from service.app.transparency import Transparency
from service.app.trials import Trials
from service.books import Books
from service.config import Settings
from service.core.receiver import Receiver, ReceiverKind
from service.operatorlog import report_undecided
from service.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What was chosen for one process. ``hook`` and ``signatures`` are there where asked for."""

    settings: Settings
    store: Store
    clock: Clock
    ids: Ids
    vault: Vault
    signing: Signing
    metrics: Metrics
    library: Library
    publisher: Publisher
    folder: FolderKeeper | None
    compile_files: Compile
    copy: CheckpointCopy
    register: ErasureRegister
    sheets: Sheets
    senders: Mapping[ReceiverKind, Sender]
    receivers: Sequence[Receiver]
    hook: CheckpointSender | None
    signatures: Signatures | None
    replay_aside: Run


def assembled(parts: Parts) -> Services:
    """A process that runs nothing yet."""
    store, library, ids, vault = parts.store, parts.library, parts.ids, parts.vault
    committer = _committer(parts)
    finder = Finder(store, library, vault)
    post = CheckpointPost(
        store, parts.hook, report=operatorlog.report_log, tell=operatorlog.tell_posted
    )
    return Services(
        settings=parts.settings,
        store=store,
        library=library,
        committer=committer,
        attempts=Attempts(committer, report_undecided, operatorlog.tell_lost_attempts),
        sweeper=Sweeper(store, committer, report_undecided, due=everything_due(library)),
        log_keeper=_log_keeper(parts, post),
        checkpoint_post=post,
        transparency=Transparency(store, library, finder),
        books=Books.of(store, library, vault, parts.signing, parts.sheets, ids),
        outbox=Outbox(store, library),
        courier=_courier(parts, committer),
        asking=Asking(store, library, parts.clock, ids, vault),
        finder=finder,
        keys=Keys(store, ids),
        tokens=Tokens.find(parts.signatures, parts.settings.claim_rules, store),
        publisher=parts.publisher,
        publications=Publications(store, library, parts.compile_files),
        replays=_replays(parts),
        trials=Trials(store, library, report_undecided),
        policy=PolicyReader(library),
        budgets=BudgetReader(store, library),
        budget_search=BudgetSearch(store, library, ids, vault),
        approvals=Approvals.over(store, library, vault, finder, report_undecided),
        erasures=Erasures(store, library, vault, committer, parts.register, report_undecided),
        metrics=parts.metrics,
        standings=Standings(store, parts.metrics.ticks),
        clock=parts.clock,
        ids=ids,
        vault=vault,
        folder=parts.folder,
    )


def _committer(parts: Parts) -> Committer:
    return Committer(
        parts.store,
        parts.library,
        parts.ids,
        parts.vault,
        report_undecided,
        Noticing(parts.receivers),
        metrics=parts.metrics,
    )


def _log_keeper(parts: Parts, post: CheckpointPost) -> LogKeeper:
    return LogKeeper(
        Integrator(parts.store),
        CheckpointPublisher(parts.store, parts.signing, parts.copy, post.signed),
        LogKeys(parts.store, parts.ids, parts.signing),
        report=operatorlog.report_log,
        tell=operatorlog.tell_alarm,
    )


def _courier(parts: Parts, committer: Committer) -> Courier:
    desk = Desk(
        store=parts.store,
        committer=committer,
        clock=parts.clock,
        vault=parts.vault,
        senders=parts.senders,
        report=report_undecided,
        tell=operatorlog.tell_notice,
        # The one process of an embedded database takes up what it had before it ended.
        holder="embedded" if parts.settings.is_embedded else parts.ids.surrogate("cou"),
    )
    return Courier(desk, parts.receivers)


def _replays(parts: Parts) -> Replays:
    return Replays(
        parts.store, parts.library, parts.compile_files, parts.replay_aside, report_undecided
    )

"""A batch: commands that wait together are decided in one transaction.

Each command says what it needs locked, stage by stage; the batch locks it for all of
them in the one order (idempotency keys, subjects, escalations, resolutions, budgets),
lets each command decide in the order of arrival against what the ones before it left,
writes everything as sets, and commits. Only then is anybody answered.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from service.app.callers import refusals
from service.app.errors import ServiceError, Unavailable
from service.app.notices import Noticing
from service.app.ports import Ids, Transaction, Vault
from service.app.principal import Principal
from service.app.records import (
    BudgetChange,
    BudgetRecord,
    EscalationRecord,
    IdempotencyRecord,
    ResolutionRecord,
    SurrogateRecord,
    Writes,
)
from service.app.snapshot import Library, Snapshot
from service.app.tokenpeople import to_write
from service.app.wanted import Wanted
from service.core.budget import Balance
from service.core.refusal import Refused

Reply = object
"""What a command answers: its own type."""

T = TypeVar("T")
Key = TypeVar("Key")
Record = TypeVar("Record")
Changed = TypeVar("Changed", EscalationRecord, ResolutionRecord)


@dataclass(frozen=True, slots=True)
class Kept:
    """A subject whose key is used if there is one. An erased one gets no new key by this."""

    subject: str


class Command(Protocol):
    """Something that changes the database. Stages come in the order of the methods.

    Any stage may raise `ServiceError` or `Refused`: that is the command's reply and
    concerns no other. Any other exception fails the batch. Nothing is written before
    ``decide`` returns.
    """

    @property
    def principal(self) -> Principal | None:
        """Who sends it; ``None`` for the service itself, whom nobody has to recognise."""

    def idempotency_key(self) -> str | None:
        """The scoped key to lock, if the caller gave one."""

    def read(self, batch: "Batch") -> None:
        """Read the request under the policy in force."""

    def surrogates(self, batch: "Batch") -> Mapping[bytes, SurrogateRecord]:
        """The personal values to find or make a surrogate for."""

    def subject(self, batch: "Batch") -> "str | Kept | None":
        """Whose key is needed to seal what is written; asked once surrogates are known.

        A name alone gets a new key where it has none.
        """

    def escalation_id(self) -> str | None:
        """The escalation to lock."""

    def resolution_id(self) -> str | None:
        """The resolution to lock."""

    def budgets(self, batch: "Batch") -> Mapping[str, BudgetRecord]:
        """The budget rows to lock, as they would be inserted; see `wanted.Wanted`."""

    def decide(self, batch: "Batch") -> Reply:
        """Decide, and add to the batch's writes. The last thing that may raise comes first."""


class Batch:
    """One transaction's worth of commands and what they see.

    ``budgets`` are the rows as they were locked, ``balances`` what stands in them after
    the commands that were decided so far, both by the rows' names.
    """

    def __init__(
        self,
        tx: Transaction,
        library: Library,
        ids: Ids,
        vault: Vault,
        noticing: Noticing | None = None,
    ) -> None:
        """Read the instant and the policy in force. ``noticing`` tells of what happens."""
        version = tx.head()
        if version is None:
            raise Unavailable("no_policy", "no policy is in force", "publish a policy first")
        self.tx = tx
        self.ids = ids
        self.vault = vault
        self.noticing = Noticing() if noticing is None else noticing
        self.at: datetime = tx.at
        self.snapshot: Snapshot = library.follow(version)
        self.writes = Writes()
        self.idempotency: dict[str, IdempotencyRecord] = {}
        self.surrogates: dict[bytes, SurrogateRecord] = {}
        self.subject_keys: dict[str, bytes] = {}
        self.escalations: dict[str, EscalationRecord] = {}
        self.resolutions: dict[str, ResolutionRecord] = {}
        self.budgets: dict[str, BudgetRecord] = {}
        self.balances: dict[str, Balance] = {}

    def run(self, commands: list[Command]) -> list[Reply | Exception]:
        """Every command's reply, or what it was refused with, in order. Writes; does not commit."""
        return _Run(self, commands).replies()


class _Run:
    """The stages of a batch."""

    def __init__(self, batch: Batch, commands: list[Command]) -> None:
        self.batch = batch
        self.commands = commands
        self.results: dict[int, Reply | Exception] = {}
        self.locked: Mapping[str, EscalationRecord] = {}

    def replies(self) -> list[Reply | Exception]:
        self._authenticate()
        self._lock_idempotency()
        self._each(lambda command: command.read(self.batch))
        self._lock_subjects()
        self._lock_cases()
        self._lock_budgets()
        decided = self._each(lambda command: command.decide(self.batch))
        self.results.update(decided)
        self._write()
        return [self.results[number] for number in range(len(self.commands))]

    def _each(self, stage: Callable[[Command], T]) -> dict[int, T]:
        """Run a stage for every command that was not refused; a refusal is its reply."""
        found: dict[int, T] = {}
        for number, command in enumerate(self.commands):
            if number in self.results:
                continue
            try:
                found[number] = stage(command)
            except (ServiceError, Refused) as refusal:
                self.results[number] = refusal
        return found

    def _authenticate(self) -> None:
        batch, tx = self.batch, self.batch.tx
        senders = [command.principal for command in self.commands]
        callers = [sender for sender in senders if sender is not None]
        refused = refusals(tx.tokens, tx.live_keys, callers, batch.at)
        for number, sender in enumerate(senders):
            if sender is not None and sender in refused:
                self.results[number] = refused[sender]
        welcome = [one for one in callers if one.token is not None and one not in refused]
        batch.writes.token_people += to_write(tx.tokens, welcome, batch.at)

    def _lock_idempotency(self) -> None:
        wanted = _named(self._each(lambda command: command.idempotency_key()))
        self.batch.idempotency.update(self.batch.tx.lock_idempotency(wanted))

    def _lock_subjects(self) -> None:
        batch = self.batch
        values = self._each(lambda command: command.surrogates(batch))
        batch.surrogates.update(batch.tx.lock_surrogates(_merged(values.values())))
        named = set(self._each(lambda command: command.subject(batch)).values())
        subjects = dict.fromkeys(name for name in named if isinstance(name, str))
        kept = {name.subject for name in named if isinstance(name, Kept)}
        keys = Wanted(subjects, lambda _subject, _none: batch.vault.new_key())
        batch.subject_keys.update(batch.tx.lock_subject_keys(keys, kept))

    def _lock_cases(self) -> None:
        batch = self.batch
        escalations = _named(self._each(lambda command: command.escalation_id()))
        self.locked = batch.tx.lock_escalations(escalations)
        batch.escalations.update(self.locked)
        resolutions = _named(self._each(lambda command: command.resolution_id()))
        batch.resolutions.update(batch.tx.lock_resolutions(resolutions))

    def _lock_budgets(self) -> None:
        batch = self.batch
        rows = self._each(lambda command: command.budgets(batch))
        # In place: a copy of the batch that sees other rules shares what was locked.
        batch.budgets.update(batch.tx.lock_budgets(_merged(rows.values())))
        batch.balances.update({key: row.balance for key, row in batch.budgets.items()})

    def _write(self) -> None:
        batch = self.batch
        batch.writes.budgets += [
            BudgetChange(key=key, read=row.balance.version, balance=batch.balances[key])
            for key, row in sorted(batch.budgets.items())
            if row.balance is not batch.balances[key]
        ]
        batch.writes.notices += batch.noticing.notices(
            batch.tx, batch.ids, batch.writes, self.locked, batch.resolutions
        )
        batch.writes.escalation_changes = _last(batch.writes.escalation_changes)
        batch.writes.resolution_changes = _last(batch.writes.resolution_changes)
        batch.writes.unused_idempotency += [
            key for key, record in batch.idempotency.items() if record.answer is None
        ]
        batch.tx.write(batch.writes)


def _merged(wanted: Iterable[Mapping[Key, Record]]) -> Wanted[Key, Mapping[Key, Record], Record]:
    """What several commands want, each record as the first of them would make it."""
    sources: dict[Key, Mapping[Key, Record]] = {}
    for records in wanted:
        for key in records:
            sources.setdefault(key, records)
    return Wanted(sources, lambda key, records: records[key])


def _last(records: list[Changed]) -> list[Changed]:
    """The last change of each record, where several commands changed one."""
    return list({record.id: record for record in records}.values())


def _named(found: Mapping[int, str | None]) -> set[str]:
    """The names among what each command said; some named nothing."""
    return {name for name in found.values() if name is not None}
